"""The terminals' MAC: published messages, and the fast XOR against its definition."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft.pos_mac import MacMismatch, pos_mac, sm4_pos_mac, verify_pos_mac
from hsm_soft.primitives import des_encryptor, sm4_encryptor

_KEYS = st.sampled_from([8, 16]).flatmap(lambda length: st.binary(min_size=length, max_size=length))


def _mac_by_definition(key: bytes, data: bytes) -> bytes:
    encrypt = des_encryptor(key)
    padded = data + bytes(-len(data) % 8)
    folded = bytes(8)
    for start in range(0, len(padded), 8):
        folded = _xor(folded, padded[start : start + 8])
    characters = folded.hex().upper().encode()
    return encrypt(_xor(encrypt(characters[:8]), characters[8:])).hex().upper()[:8].encode()


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


@given(key=st.binary(min_size=16, max_size=16), data=st.binary(max_size=300))
def test_the_sm4_mac_is_the_description(key: bytes, data: bytes) -> None:
    """Blocks of 16 bytes, 32 characters, SM4 twice, the first eight characters; nothing verifies it."""
    encrypt = sm4_encryptor(key)
    padded = data + bytes(-len(data) % 16)
    folded = bytes(16)
    for start in range(0, len(padded), 16):
        folded = _xor(folded, padded[start : start + 16])
    characters = folded.hex().upper().encode()
    expected = encrypt(_xor(encrypt(characters[:16]), characters[16:])).hex().upper()[:8].encode()

    assert expected == sm4_pos_mac(encrypt, data)
    verify_pos_mac(encrypt, data, expected, sm4_pos_mac)


@pytest.mark.vectors("pos-mac")
def test_published_messages_have_their_published_mac(vector: dict[str, Any]) -> None:
    """Messages of two terminal families and a triple DES example give the MAC on their wire."""
    encrypt = des_encryptor(bytes.fromhex(vector["inputs"]["key"]))

    assert vector["expected"].encode() == pos_mac(encrypt, bytes.fromhex(vector["inputs"]["data"]))


@given(key=_KEYS, data=st.binary(max_size=600))
def test_the_mac_is_the_one_of_the_definition(key: bytes, data: bytes) -> None:
    """Folding one large integer gives what XOR block by block gives, at every length."""
    assert _mac_by_definition(key, data) == pos_mac(des_encryptor(key), data)


def test_the_longest_frame_has_its_mac() -> None:
    """A message of 8192 bytes is folded like any other."""
    data = bytes(range(256)) * 31 + bytes(range(255))

    assert _mac_by_definition(bytes(8), data) == pos_mac(des_encryptor(bytes(8)), data)


@given(data=st.binary(min_size=1, max_size=200))
def test_a_right_mac_verifies(data: bytes) -> None:
    """What `pos_mac` made is accepted."""
    encrypt = des_encryptor(b"terminal")

    verify_pos_mac(encrypt, data, pos_mac(encrypt, data))


@pytest.mark.parametrize("mac", [b"", b"8a9e91b8", b"8A9E91B9", b"8A9E91B", b"8A9E91B88D839AC5", b"\xff" * 8])
def test_any_other_mac_is_refused(mac: bytes) -> None:
    """Lower case, another length or one other character is a mismatch."""
    encrypt = des_encryptor(bytes.fromhex("C24A8FB57AA20123"))

    with pytest.raises(MacMismatch, match=r"^the MAC does not fit the message$"):
        verify_pos_mac(encrypt, bytes.fromhex("4D08F434464FE7BF"), mac)
