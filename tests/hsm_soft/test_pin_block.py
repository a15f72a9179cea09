"""PIN blocks of every format: what is written is read, and nothing else is well formed."""

from random import Random as SeededRandom

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft.pan import NotAPan
from hsm_soft.pin_block import PinBlockFormat, PinCipher, pan_field, read_pin, write_pin
from hsm_soft.primitives import (
    Keyed,
    Random,
    aes_decryptor,
    aes_encryptor,
    des_decryptor,
    des_encryptor,
    sm4_decryptor,
    sm4_encryptor,
)

_KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
_PAN = "9900010000000003"
_CIPHERS: dict[PinCipher, tuple[Keyed, Keyed]] = {
    PinCipher.DES: (des_encryptor(_KEY), des_decryptor(_KEY)),
    PinCipher.AES: (aes_encryptor(_KEY), aes_decryptor(_KEY)),
    PinCipher.SM4: (sm4_encryptor(_KEY), sm4_decryptor(_KEY)),
}
_FORMATS = st.sampled_from(PinBlockFormat)
_PINS = st.text("0123456789", min_size=4, max_size=12)
_PANS = st.text("0123456789", min_size=1, max_size=19)


@given(pin_format=_FORMATS, pin=_PINS, pan=_PANS, seed=st.integers())
def test_what_is_written_is_read(pin_format: PinBlockFormat, pin: str, pan: str, seed: int) -> None:
    """Every PIN comes back from every format, for every card number, whatever the filler."""
    encrypt, decrypt = _CIPHERS[pin_format.cipher]
    block = write_pin(pin_format, encrypt, pin, pan, SeededRandom(seed).randbytes)

    assert pin_format.block_bytes == len(block)
    assert (pin, True) == read_pin(pin_format, decrypt, block, pan)


@given(pin_format=_FORMATS, block=st.binary(max_size=20), pan=st.text(max_size=22))
def test_anything_is_read_without_an_error_but_a_wrong_card_number(
    pin_format: PinBlockFormat, block: bytes, pan: str
) -> None:
    """Random bytes give characters and a verdict; a card number that is none is the only error."""
    decrypt = _CIPHERS[pin_format.cipher][1]
    is_pan = pan.isascii() and pan.isdigit() and len(pan) <= 19
    if not is_pan:
        with pytest.raises(NotAPan):
            read_pin(pin_format, decrypt, block, pan)
        return

    digits, well_formed = read_pin(pin_format, decrypt, block, pan)
    assert not well_formed or 4 <= len(digits) <= 12


@given(other=_FORMATS, pin=_PINS)
def test_formats_are_told_apart_by_their_control(other: PinBlockFormat, pin: str) -> None:
    """A block of one eight-byte format is not well formed in another."""
    block = write_pin(PinBlockFormat.ISO_0, bytes, pin, _PAN, bytes)
    well_formed = read_pin(other, bytes, block, _PAN)[1]

    assert well_formed is (other is PinBlockFormat.ISO_0)


@pytest.mark.parametrize("pin_format", [PinBlockFormat.ISO_0, PinBlockFormat.ISO_3, PinBlockFormat.SM4])
def test_another_card_number_spoils_a_block(pin_format: PinBlockFormat, random: Random) -> None:
    """A block that binds its card number is not well formed, or has no digits, with a very different one."""
    encrypt, decrypt = _CIPHERS[pin_format.cipher]
    block = write_pin(pin_format, encrypt, "123456", _PAN, random)
    digits, well_formed = read_pin(pin_format, decrypt, block, "9876543219876543")

    assert not (well_formed and digits.isdigit())


def test_format_4_binds_the_whole_number(random: Random) -> None:
    """A block of format 4 with the last digit changed does not read as its PIN."""
    encrypt, decrypt = _CIPHERS[PinCipher.AES]
    block = write_pin(PinBlockFormat.ISO_4, encrypt, "123456", _PAN, random)

    assert (False, True) == tuple(
        read_pin(PinBlockFormat.ISO_4, decrypt, block, pan)[1] for pan in (_PAN[:-1] + "4", _PAN)
    )


def test_digits_are_carried_as_they_are() -> None:
    """A block whose PIN holds letters is well formed: only who verifies a PIN asks for digits."""
    block = write_pin(PinBlockFormat.ISO_0, bytes, "12ab", _PAN, bytes)

    assert ("12ab", True) == read_pin(PinBlockFormat.ISO_0, bytes, block, _PAN)


def test_fillers_are_those_of_the_format(random: Random) -> None:
    """Format 3 fills with letters, format 1 with anything, format 4 with eight random bytes behind A."""
    third = [write_pin(PinBlockFormat.ISO_3, bytes, "1234", "0", random).hex()[6:] for _ in range(50)]
    first = [write_pin(PinBlockFormat.ISO_1, bytes, "1234", "0", random).hex()[6:] for _ in range(50)]
    fourth = [write_pin(PinBlockFormat.ISO_4, bytes, "1234", "0", random).hex() for _ in range(50)]

    assert set("abcdef") == set("".join(third))
    assert set("0123456789abcdef") == set("".join(first))
    assert {"441234aaaaaaaaaa"} == {block[:16] for block in fourth}
    assert len({block[16:] for block in fourth}) == 50


@pytest.mark.parametrize(
    ("pin_format", "pan", "expected"),
    [
        (PinBlockFormat.ISO_0, "4012345678909", 0x401234567890),
        (PinBlockFormat.ISO_0, "1", 0),
        (PinBlockFormat.ISO_1, "4012345678909", 0),
        (PinBlockFormat.ISO_4, "411111111111111", 0x34111111111111110000000000000000),
        (PinBlockFormat.ISO_4, "123456789", 0x00001234567890000000000000000000),
        (PinBlockFormat.SM4, "6230606601007726888", 0x660100772688),
    ],
)
def test_the_card_number_is_mixed_in_its_place(pin_format: PinBlockFormat, pan: str, expected: int) -> None:
    """Twelve digits at the right end, the whole number at the left one, or none."""
    assert expected == pan_field(pin_format, pan)
