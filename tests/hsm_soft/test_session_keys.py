"""Sign-on: layouts, check values, and what a terminal master key may carry."""

from typing import Any

import pytest

from hsm_soft.key_block import KeyBlock, KeyBlockProtection, KeyBlockRefused, KeyUsage, Refusal
from hsm_soft.key_usage import Algorithm
from hsm_soft.primitives import Random, des_decryptor, des_encryptor, sm4_decryptor, sm4_encryptor
from hsm_soft.session_keys import SignOnLayout, check_value, new_session_keys

_TMK = bytes.fromhex("70F2A84CCBC2AE8625CBB0F2C22AB923")
_TRIPLE_TMK = _TMK + bytes.fromhex("0123456789ABCDEF")


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
    tmk, key = (bytes.fromhex(vector["inputs"][name]) for name in ("tmk", "key"))

    assert vector["expected"]["key_under_tmk"] == des_encryptor(tmk)(key).hex().upper()


@pytest.mark.parametrize("layout", [each for each in SignOnLayout if not each.is_sm4])
def test_each_key_stands_in_its_place(
    protection: KeyBlockProtection, random: Random, layout: SignOnLayout
) -> None:
    """Every layout has each key under the terminal's, zero bytes up to its place, then its check value."""
    master = _TRIPLE_TMK if layout.name.startswith("TRIPLE") else _TMK
    terminal_master = protection.wrap(KeyUsage.TERMINAL_MASTER, master, random)
    keys = new_session_keys(protection, terminal_master, layout, random)
    rest, decrypt = keys.field_62, des_decryptor(master)

    assert len(rest) == layout.length_bytes == int(layout.name[-2:])
    for place, block in zip(layout.places, (keys.pin_key, keys.mac_key, keys.track_key), strict=False):
        assert block is not None
        key = decrypt(rest[: place.key_bytes])
        assert bytes(place.place_bytes - place.key_bytes) == rest[place.key_bytes : place.place_bytes]
        assert check_value(key) == rest[place.place_bytes : place.place_bytes + 4]
        assert key == protection.unwrap(block, place.usage)
        rest = rest[place.place_bytes + 4 :]
    assert rest == b""
    assert (keys.track_key is None) == (len(layout.places) == 2)


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        (SignOnLayout.SINGLE_24, [("pin", 8, 8), ("mac", 8, 8)]),
        (SignOnLayout.DOUBLE_40, [("pin", 16, 16), ("mac", 8, 16)]),
        (SignOnLayout.DOUBLE_60, [("pin", 16, 16), ("mac", 8, 16), ("track", 16, 16)]),
        (SignOnLayout.TRIPLE_56, [("pin", 24, 24), ("mac", 24, 24)]),
        (SignOnLayout.TRIPLE_84, [("pin", 24, 24), ("mac", 24, 24), ("track", 24, 24)]),
        (SignOnLayout.SM4_48, [("pin", 16, 16), ("mac", 16, 16)]),
        (SignOnLayout.SM4_72, [("pin", 16, 16), ("mac", 16, 16), ("track", 16, 16)]),
    ],
)
def test_the_layouts(layout: SignOnLayout, expected: list[tuple[str, int, int]]) -> None:
    """The order of the keys, their lengths and the lengths of their places."""
    names = {
        KeyUsage.PIN_ENCRYPTION: "pin",
        KeyUsage.POS_MAC: "mac",
        KeyUsage.TRACK_ENCRYPTION: "track",
    }

    assert expected == [(names[place.usage], place.key_bytes, place.place_bytes) for place in layout.places]


@pytest.mark.parametrize(
    ("asked", "length_bytes"),
    [(SignOnLayout.SINGLE_24, 24), (SignOnLayout.DOUBLE_40, 56), (SignOnLayout.DOUBLE_60, 84)],
)
def test_a_triple_length_master_key_gets_triple_length_keys(
    protection: KeyBlockProtection, random: Random, asked: SignOnLayout, length_bytes: int
) -> None:
    """Terminals have no other way to ask for them than by the length of their master key."""
    terminal_master = protection.wrap(KeyUsage.TERMINAL_MASTER, _TRIPLE_TMK, random)

    keys = new_session_keys(protection, terminal_master, asked, random)

    assert length_bytes == len(keys.field_62)


@pytest.mark.parametrize("layout", [SignOnLayout.SM4_48, SignOnLayout.SM4_72])
def test_the_sm4_layouts(protection: KeyBlockProtection, random: Random, layout: SignOnLayout) -> None:
    """SM4 keys under an SM4 terminal master key, each with eight bytes of check value."""
    master = random(16)
    block = protection.wrap(KeyUsage.TERMINAL_MASTER, master, random, algorithm=Algorithm.SM4)
    keys = new_session_keys(protection, block, layout, random)
    rest, decrypt = keys.field_62, sm4_decryptor(master)

    assert len(rest) == layout.length_bytes == int(layout.name[-2:])
    for place, kept in zip(layout.places, (keys.pin_key, keys.mac_key, keys.track_key), strict=False):
        assert kept is not None
        header, key = protection.open(kept)
        assert (key, header.algorithm) == (decrypt(rest[:16]), Algorithm.SM4)
        assert key == protection.unwrap(kept, place.usage)
        assert sm4_encryptor(key)(bytes(16))[:8] == rest[16:24]
        rest = rest[24:]
    assert rest == b""


@pytest.mark.parametrize("layout", [SignOnLayout.TRIPLE_56, SignOnLayout.TRIPLE_84])
def test_a_weaker_master_key_carries_no_stronger_keys(
    protection: KeyBlockProtection, random: Random, terminal_master: KeyBlock, layout: SignOnLayout
) -> None:
    """Triple length keys don't go under a double length terminal master key."""
    with pytest.raises(KeyBlockRefused) as refused:
        new_session_keys(protection, terminal_master, layout, random)

    assert Refusal.STRENGTH is refused.value.reason


def test_ciphers_are_not_mixed(
    protection: KeyBlockProtection, random: Random, terminal_master: KeyBlock
) -> None:
    """No SM4 keys under triple DES, and no DES keys under SM4."""
    sm4 = protection.wrap(KeyUsage.TERMINAL_MASTER, random(16), random, algorithm=Algorithm.SM4)

    for master, layout in ((terminal_master, SignOnLayout.SM4_48), (sm4, SignOnLayout.DOUBLE_40)):
        with pytest.raises(KeyBlockRefused) as refused:
            new_session_keys(protection, master, layout, random)
        assert Refusal.ALGORITHM is refused.value.reason


def test_a_sign_on_needs_a_terminal_master_key(protection: KeyBlockProtection, random: Random) -> None:
    """A PIN key in its place is refused."""
    pin_key = protection.wrap(KeyUsage.PIN_ENCRYPTION, random(16), random)

    with pytest.raises(KeyBlockRefused) as refused:
        new_session_keys(protection, pin_key, SignOnLayout.DOUBLE_40, random)

    assert Refusal.USAGE is refused.value.reason
