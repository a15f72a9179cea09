"""Sign-on: layouts, check values, and the quality of new keys."""

from random import Random as SeededRandom
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft import session_keys
from hsm_soft.key_block import KeyBlock, KeyBlockProtection, KeyBlockRefused, KeyUsage, Refusal
from hsm_soft.primitives import Random, des_decryptor, des_encryptor
from hsm_soft.session_keys import SignOnLayout, check_value, new_des_key, new_session_keys, refuse_weak

_TMK = bytes.fromhex("70F2A84CCBC2AE8625CBB0F2C22AB923")


@pytest.fixture
def terminal_master(protection: KeyBlockProtection, random: Random) -> KeyBlock:
    """A published terminal master key as a key block."""
    return protection.wrap(KeyUsage.TERMINAL_MASTER, _TMK, random)


@pytest.mark.vectors("kcv4-", "kcv-tdes-2key")
def test_published_check_values(vector: dict[str, Any]) -> None:
    """Check values of a published key download and of a well-known test key come out."""
    key = bytes.fromhex(vector["inputs"]["key"])

    assert check_value(key).hex().upper().startswith(vector["expected"])


@pytest.mark.vectors("key-download")
def test_a_published_key_download(vector: dict[str, Any]) -> None:
    """A MAC key encrypts under its terminal master key to the published bytes."""
    encrypt = des_encryptor(bytes.fromhex(vector["inputs"]["key"]))

    assert vector["expected"] == encrypt(bytes.fromhex(vector["inputs"]["data"])).hex().upper()


def test_the_40_byte_layout(
    protection: KeyBlockProtection, random: Random, terminal_master: KeyBlock
) -> None:
    """Double PIN key, single MAC key, eight literal zero bytes, each with its check value."""
    keys = new_session_keys(protection, terminal_master, SignOnLayout.DOUBLE_40, random)
    decrypt = des_decryptor(_TMK)
    pin_key, mac_key = decrypt(keys.field_62[:16]), decrypt(keys.field_62[20:28])

    assert len(keys.field_62) == 40
    assert (check_value(pin_key), check_value(mac_key)) == (keys.field_62[16:20], keys.field_62[36:40])
    assert bytes(8) == keys.field_62[28:36]
    assert pin_key == protection.unwrap(keys.pin_key, KeyUsage.PIN_ENCRYPTION)
    assert mac_key == protection.unwrap(keys.mac_key, KeyUsage.POS_MAC)


def test_the_24_byte_layout(
    protection: KeyBlockProtection, random: Random, terminal_master: KeyBlock
) -> None:
    """Two single keys, each with its check value."""
    keys = new_session_keys(protection, terminal_master, SignOnLayout.SINGLE_24, random)
    decrypt = des_decryptor(_TMK)
    pin_key, mac_key = decrypt(keys.field_62[:8]), decrypt(keys.field_62[12:20])

    assert len(keys.field_62) == 24
    assert (check_value(pin_key), check_value(mac_key)) == (keys.field_62[8:12], keys.field_62[20:24])
    assert pin_key == protection.unwrap(keys.pin_key, KeyUsage.PIN_ENCRYPTION)
    assert mac_key == protection.unwrap(keys.mac_key, KeyUsage.POS_MAC)


def test_a_sign_on_needs_a_terminal_master_key(protection: KeyBlockProtection, random: Random) -> None:
    """A PIN key in its place is refused."""
    pin_key = protection.wrap(KeyUsage.PIN_ENCRYPTION, random(16), random)

    with pytest.raises(KeyBlockRefused) as refused:
        new_session_keys(protection, pin_key, SignOnLayout.DOUBLE_40, random)

    assert Refusal.USAGE is refused.value.reason


@given(seed=st.integers(), length=st.sampled_from([8, 16]))
def test_new_keys_have_odd_parity(seed: int, length: int) -> None:
    """Every byte of a new key has an odd number of ones."""
    key = new_des_key(length, SeededRandom(seed).randbytes)

    assert length == len(key)
    assert [1] * length == [byte.bit_count() % 2 for byte in key]


def test_weak_keys_and_equal_halves_are_drawn_again() -> None:
    """Weak, semi-weak and equal halves, also behind wrong parity, are thrown away until a good key comes."""
    good = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
    drawn = iter([bytes(16), good[:8] + bytes.fromhex("011F011F010E010E"), good[:8] * 2, good])

    assert good == new_des_key(16, lambda _: next(drawn))


def test_the_weak_keys_are_weak() -> None:
    """For each of the sixteen there is one under which a second encryption undoes the first."""
    weak = session_keys._WEAK
    undone = [
        any(des_encryptor(second)(des_encryptor(first)(b"8 bytes!")) == b"8 bytes!" for second in weak)
        for first in weak
    ]

    assert undone == [True] * 16


@pytest.mark.parametrize(
    "key", ["00" * 8 + "0123456789ABCDEF", "0123456789ABCDEF" * 2, "0123456789ABCDEF0022446688AACCEE"]
)
def test_a_weak_key_is_refused_whatever_its_parity(key: str) -> None:
    """A weak half or halves that differ in parity bits only are refused."""
    with pytest.raises(KeyBlockRefused) as refused:
        refuse_weak(bytes.fromhex(key))

    assert Refusal.WEAK is refused.value.reason


def test_a_sound_key_is_not_refused() -> None:
    """A key with wrong parity but different halves passes."""
    refuse_weak(bytes.fromhex("55036372B17543ECB173730768B8D6C4"))
