"""PIN verification: format 0 against published blocks, and equal work whatever comes."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft.pan import NotAPan
from hsm_soft.pin import BadPin, PinReference, PinResult, make_reference, verify_pin_block
from hsm_soft.pin_block import PinBlockFormat, pin_reader
from hsm_soft.primitives import Random, aes_cmac, des_decryptor, des_encryptor

_PIN_KEY = bytes.fromhex("D931648F3DE313A4A22C15DCA4F4299E")
_ENCRYPT, _DECRYPT = des_encryptor(_PIN_KEY), des_decryptor(_PIN_KEY)
_READ = pin_reader(PinBlockFormat.ISO_0, _DECRYPT)
_AUTHENTICATE = aes_cmac(bytes(range(32)))
_PAN = "9900010000000003"
_WALLET = 77

_PINS = st.text("0123456789", min_size=4, max_size=12)
_PANS = st.text("0123456789", min_size=13, max_size=19)


def _verify(clear_block: bytes, pan: str, reference: PinReference, wallet_id: int = _WALLET) -> PinResult:
    return verify_pin_block(_READ, _AUTHENTICATE, _ENCRYPT(clear_block), pan, wallet_id, reference)


def _reference(pin: str) -> PinReference:
    return make_reference(_AUTHENTICATE, pin, _WALLET, bytes)


@pytest.mark.vectors(
    "pinblock-fmt0-x924", "pinblock-fmt0-psec", "pinblock-fmt0-moov", "pinblock-fmt0-thalessim"
)
def test_published_blocks_match_their_pin(
    vector: dict[str, Any], clear_pin_block: Callable[[str, str], bytes]
) -> None:
    """Published clear blocks hold the stated PIN, and a terminal's definition of the format builds them."""
    pin, pan = vector["inputs"]["pin"], vector["inputs"]["pan"]
    block = bytes.fromhex(vector["expected"])

    assert block == clear_pin_block(pin, pan)
    assert PinResult.MATCH is _verify(block, pan, _reference(pin))


@pytest.mark.vectors("pinblock-fmt0-reject", "pinblock-fmt0-panic")
def test_published_broken_blocks_are_unreadable(vector: dict[str, Any]) -> None:
    """A digit above nine, a length of 15, another control nibble or filler make a block unreadable."""
    block = bytes.fromhex(vector["inputs"]["pin_block_clear"])

    assert PinResult.UNREADABLE is _verify(block, vector["inputs"]["pan"], _reference("1234"))


@given(pin=_PINS, pan=_PANS)
def test_the_right_pin_matches(clear_pin_block: Callable[[str, str], bytes], pin: str, pan: str) -> None:
    """Every PIN of 4 to 12 digits matches its own reference with every card number."""
    assert PinResult.MATCH is _verify(clear_pin_block(pin, pan), pan, _reference(pin))


@given(pin=_PINS, other=_PINS)
def test_another_pin_is_a_mismatch(
    clear_pin_block: Callable[[str, str], bytes], pin: str, other: str
) -> None:
    """A different PIN, longer and shorter ones included, never matches."""
    expected = PinResult.MATCH if pin == other else PinResult.MISMATCH

    assert expected is _verify(clear_pin_block(other, _PAN), _PAN, _reference(pin))


@given(block=st.binary(min_size=8, max_size=8))
def test_random_blocks_never_match_by_accident(block: bytes) -> None:
    """Any eight bytes are read without an error, and only the right PIN's block matches."""
    assert _verify(block, _PAN, _reference("123456789012")) in (PinResult.MISMATCH, PinResult.UNREADABLE)


@pytest.mark.parametrize("first_byte", [0x03, 0x0D, 0x14, 0x40])
def test_lengths_outside_4_to_12_and_other_formats_are_unreadable(
    clear_pin_block: Callable[[str, str], bytes], first_byte: int
) -> None:
    """Only the first bytes 04 to 0C belong to format 0."""
    block = bytes([first_byte]) + clear_pin_block("1234", _PAN)[1:]

    assert PinResult.UNREADABLE is _verify(block, _PAN, _reference("1234"))


@pytest.mark.parametrize("length", [0, 7, 9, 16])
def test_a_block_of_another_length_is_unreadable(
    length: int, clear_pin_block: Callable[[str, str], bytes]
) -> None:
    """Such a block is not decrypted, so the next one decrypts as it should."""
    reference = _reference("123456")
    result = verify_pin_block(_READ, _AUTHENTICATE, bytes(length), _PAN, _WALLET, reference)

    assert PinResult.UNREADABLE is result
    assert PinResult.MATCH is _verify(clear_pin_block("123456", _PAN), _PAN, reference)


def test_a_reference_belongs_to_its_wallet(clear_pin_block: Callable[[str, str], bytes]) -> None:
    """A reference value put into another wallet's row does not match there."""
    block = clear_pin_block("123456", _PAN)

    assert PinResult.MISMATCH is _verify(block, _PAN, _reference("123456"), wallet_id=_WALLET + 1)


def test_the_salt_makes_equal_pins_look_different(random: Random) -> None:
    """Two references of the same PIN have other salts and other values."""
    first, second = (make_reference(_AUTHENTICATE, "123456", _WALLET, random) for _ in range(2))

    assert (len(first.salt), len(first.value)) == (8, 16)
    assert first.salt != second.salt
    assert first.value != second.value


def test_the_reference_is_the_documented_cmac() -> None:
    """The value can be computed again from wallet id, length, digits and salt."""
    reference = make_reference(_AUTHENTICATE, "123456", 0x0102, lambda count: b"s" * count)
    expected = _AUTHENTICATE(bytes.fromhex("0000000000000102") + b"\x06" + b"123456" + b"ssssssss")

    assert PinReference(b"ssssssss", expected) == reference


@pytest.mark.parametrize("pin", ["", "123", "1234567890123", "12a4", "\uff11\uff12\uff13\uff14"])
def test_a_new_pin_has_4_to_12_digits(pin: str) -> None:
    """Anything else is refused without being quoted."""
    with pytest.raises(BadPin, match=r"^a PIN has 4 to 12 digits$"):
        make_reference(_AUTHENTICATE, pin, _WALLET, bytes)


def test_a_card_number_that_is_none_is_refused() -> None:
    """The caller's mistake is an error of its own, not a wrong PIN."""
    with pytest.raises(NotAPan):
        _verify(bytes(8), "99x", _reference("1234"))


def test_every_answer_costs_the_same_work(clear_pin_block: Callable[[str, str], bytes]) -> None:
    """Match, mismatch and unreadable all compute one reference value over two AES blocks."""
    block_counts = []

    def authenticate(data: bytes) -> bytes:
        block_counts.append(-(-len(data) // 16))
        return _AUTHENTICATE(data)

    reference = _reference("1234")
    results = [
        verify_pin_block(_READ, authenticate, _ENCRYPT(clear), _PAN, _WALLET, reference)
        for clear in (clear_pin_block("1234", _PAN), clear_pin_block("123456789012", _PAN), bytes(8))
    ]

    assert results == [PinResult.MATCH, PinResult.MISMATCH, PinResult.UNREADABLE]
    assert block_counts == [2, 2, 2]
