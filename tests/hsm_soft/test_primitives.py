"""The wrapper over `cryptography`: keys, block sizes, published answers, no deprecated call."""

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft.primitives import (
    aes_cbc_decrypt,
    aes_cbc_encrypt,
    aes_cmac,
    des_decryptor,
    des_encryptor,
    hmac_sha256,
)

_DES_KEYS = st.sampled_from([8, 16]).flatmap(lambda length: st.binary(min_size=length, max_size=length))


@pytest.mark.vectors("cmac-aes")
def test_aes_cmac_gives_the_published_value(vector: dict[str, Any]) -> None:
    """AES-CMAC agrees with NIST SP 800-38B for all three key lengths, at the first and at a later call."""
    authenticate = aes_cmac(bytes.fromhex(vector["inputs"]["key"]))
    data = bytes.fromhex(vector["inputs"]["message_hex"])

    assert [vector["expected"]] * 2 == [authenticate(data).hex(), authenticate(data).hex()]


def test_hmac_sha256_gives_the_published_value() -> None:
    """HMAC-SHA256 agrees with RFC 4231, test case 1."""
    expected = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"

    assert expected == hmac_sha256(b"\x0b" * 20)(b"Hi There").hex()


@given(key=_DES_KEYS, data=st.binary(min_size=8, max_size=8))
def test_des_decryptor_undoes_des_encryptor(key: bytes, data: bytes) -> None:
    """What is encrypted under a single or double length key decrypts to itself, time after time."""
    encrypt, decrypt = des_encryptor(key), des_decryptor(key)

    assert [data, data] == [decrypt(encrypt(data)), decrypt(encrypt(data))]


@given(half=st.binary(min_size=8, max_size=8), data=st.binary(min_size=8, max_size=8))
def test_single_des_is_triple_des_with_equal_keys(half: bytes, data: bytes) -> None:
    """An 8-byte key gives single DES, which a double key of two equal halves gives as well."""
    assert des_encryptor(half)(data) == des_encryptor(half + half)(data)


@pytest.mark.parametrize("length", [0, 7, 15, 23, 32])
def test_a_des_key_of_another_length_is_refused(length: int) -> None:
    """Only single, double and triple length DES keys exist."""
    with pytest.raises(ValueError, match="8, 16 or 24 bytes"):
        des_encryptor(bytes(length))


@given(
    key=st.binary(min_size=32, max_size=32),
    initial_vector=st.binary(min_size=16, max_size=16),
    data=st.binary(min_size=16, max_size=16),
)
def test_aes_cbc_decrypt_undoes_aes_cbc_encrypt(key: bytes, initial_vector: bytes, data: bytes) -> None:
    """AES-CBC returns the data it was given, without padding."""
    encrypted = aes_cbc_encrypt(key, initial_vector, data * 3)

    assert (48, data * 3) == (len(encrypted), aes_cbc_decrypt(key, initial_vector, encrypted))


def test_nothing_deprecated_is_used() -> None:
    """A process that turns every warning into an error passes the self test."""
    program = "from hsm_soft.selftest import run_self_test; run_self_test()"

    assert subprocess.run([sys.executable, "-W", "error", "-c", program], check=False).returncode == 0
