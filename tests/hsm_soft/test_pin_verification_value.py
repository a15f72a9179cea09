"""IBM 3624 and PVV: tables that are checked, and the rules that published values don't show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft.pan import NotAPan
from hsm_soft.pin_verification_value import (
    BadDecimalisationTable,
    BadVerificationData,
    DecimalisationTable,
    decimal_digits,
    ibm_3624_natural_pin,
    ibm_3624_offset,
    ibm_3624_pin,
    standard_validation_data,
    visa_pvv,
)
from hsm_soft.primitives import des_encryptor

_ENCRYPT = des_encryptor(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"))
_TABLE = DecimalisationTable("0123456789012345")
_PINS = st.text("0123456789", min_size=4, max_size=12)


@pytest.mark.parametrize(
    "digits",
    ["", "012345678901234", "01234567890123456", "0000000000000000", "0123456000000123", "0123456012345601",
     "012345678901234A", "\uff10123456789012345"],
)  # fmt: skip
def test_a_one_sided_table_is_refused(digits: str) -> None:
    """Another length, letters, fewer than eight different digits, or one more than four times."""
    with pytest.raises(BadDecimalisationTable):
        DecimalisationTable(digits)


def test_a_table_shows_nothing() -> None:
    """Its repr has no digits."""
    assert not any(character.isdigit() for character in repr(_TABLE))


@given(pin=_PINS, data=st.text("0123456789abcdefABCDEF", min_size=16, max_size=16))
def test_offset_and_natural_pin_give_the_pin(pin: str, data: str) -> None:
    """Whatever the PIN's length, natural PIN plus offset is the PIN again."""
    natural = ibm_3624_natural_pin(_ENCRYPT, _TABLE, data, len(pin))

    assert pin == ibm_3624_pin(natural, ibm_3624_offset(natural, pin))


@pytest.mark.parametrize(
    ("data", "length"), [("0" * 15, 4), ("0" * 17, 4), ("g" * 16, 4), ("0" * 16, 3), ("0" * 16, 13)]
)
def test_other_validation_data_is_refused(data: str, length: int) -> None:
    """Sixteen hexadecimal digits and 4 to 12 digits of PIN."""
    with pytest.raises(BadVerificationData):
        ibm_3624_natural_pin(_ENCRYPT, _TABLE, data, length)


@pytest.mark.parametrize("offset", ["123", "12345", "12a4", "\uff11\uff12\uff13\uff14"])
def test_an_offset_of_another_form_is_refused(offset: str) -> None:
    """As many decimal digits as the natural PIN."""
    with pytest.raises(BadVerificationData):
        ibm_3624_pin("1234", offset)


def test_the_usual_validation_data_comes_from_the_card_number() -> None:
    """Four zeros and the twelve digits before the check digit."""
    assert standard_validation_data("4111111111111111") == "0000111111111111"
    with pytest.raises(NotAPan):
        standard_validation_data("4111-1111")


@given(pin=_PINS)
def test_a_pvv_knows_four_digits(pin: str) -> None:
    """Digits behind the fourth don't change it."""
    pan = "4111111111111111"

    assert visa_pvv(_ENCRYPT, pan, 1, pin) == visa_pvv(_ENCRYPT, pan, 1, pin[:4])


@pytest.mark.parametrize(
    ("key_index", "pin"), [(-1, "1234"), (10, "1234"), (1, "123"), (1, "12a4"), (1, "\uff11234")]
)
def test_a_pvv_of_something_else_is_refused(key_index: int, pin: str) -> None:
    """One digit of key index and four digits of PIN."""
    with pytest.raises(BadVerificationData):
        visa_pvv(_ENCRYPT, "4111111111111111", key_index, pin)


def test_letters_come_after_digits() -> None:
    """Decimal digits first, then A to F as 0 to 5."""
    assert decimal_digits(bytes.fromhex("A1F2BC3D")) == "12305123"
