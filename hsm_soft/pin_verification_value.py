"""PIN values of the card schemes: IBM 3624 natural PIN and offset, and the Visa PVV.

Both are for cards whose issuer asks for them; our own cards have a reference value (`hsm_soft.pin`), which
uses every digit and a key of 256 bits.

IBM 3624: the natural PIN is E(PVK, validation data) as hexadecimal characters, each replaced by its digit in
a decimalisation table, cut to the PIN's length; the offset is PIN minus natural PIN, digit by digit modulo
ten. Whoever may choose the table finds a PIN in some fifteen questions (Bond and Zieliński, UCAM-CL-TR-560),
so a call names a table that was checked and stored; `DecimalisationTable` is that check.

PVV: E(PVK, 11 PAN digits before the check digit ‖ key index ‖ first 4 PIN digits); the first four decimal
digits of the result, then letters less ten where digits run out. It knows four digits of a PIN only, which
makes it unfit for the six digits that are usual on prepaid cards.
"""

from dataclasses import dataclass, field
from typing import Final

from hsm_soft.key_refused import KeyBlockRefused, Refusal
from hsm_soft.pan import pan_digits
from hsm_soft.pin_block import PIN_LENGTH_MAX, PIN_LENGTH_MIN
from hsm_soft.primitives import Keyed

__all__ = [
    "BadDecimalisationTable",
    "BadVerificationData",
    "DecimalisationTable",
    "ibm_3624_natural_pin",
    "ibm_3624_offset",
    "ibm_3624_pin",
    "standard_validation_data",
    "visa_pvv",
]

_TABLE_LENGTH: Final = 16
_DIFFERENT_DIGITS_MIN: Final = 8
_SAME_DIGIT_MAX: Final = 4
_PVV_PAN_DIGITS: Final = 11
_PVV_LENGTH: Final = 4
_HEX: Final = "0123456789abcdef"
_NO_LETTERS: Final = str.maketrans("", "", "abcdef")
_LETTERS_LESS_TEN: Final = str.maketrans("abcdef", "012345", "0123456789")


class BadDecimalisationTable(ValueError):
    """A table that is not 16 digits, or so one-sided that it would give PINs away."""

    def __init__(self) -> None:
        super().__init__("a decimalisation table has 16 digits, 8 different, none more than 4 times")


class BadVerificationData(ValueError):
    """Validation data, a PIN, an offset or a key index that has not the form the method needs."""

    def __init__(self) -> None:
        super().__init__("what a PIN value is computed from has the wrong form")


@dataclass(frozen=True, slots=True)
class DecimalisationTable:
    """Hexadecimal digit → decimal digit, checked.

    Args:
        digits: the digits for 0 to F, in that order.

    Raises:
        BadDecimalisationTable: not 16 digits, fewer than 8 different ones, or one more than 4 times.
    """

    digits: str = field(repr=False)

    def __post_init__(self) -> None:
        counts = {self.digits.count(digit) for digit in self.digits}
        if (
            len(self.digits) != _TABLE_LENGTH
            or not (self.digits.isascii() and self.digits.isdigit())
            or len(set(self.digits)) < _DIFFERENT_DIGITS_MIN
            or max(counts) > _SAME_DIGIT_MAX
        ):
            raise BadDecimalisationTable

    def applied_to(self, characters: str) -> str:
        """Lower case hexadecimal characters as decimal digits."""
        return characters.translate(str.maketrans(_HEX, self.digits))


def table_bytes(digits: str) -> bytes:
    """A decimalisation table as it is stored, two digits a byte.

    Raises:
        KeyBlockRefused: `TABLE`: it is none.
    """
    try:
        return bytes.fromhex(DecimalisationTable(digits).digits)
    except BadDecimalisationTable:
        raise KeyBlockRefused(Refusal.TABLE) from None


def standard_validation_data(pan: str) -> str:
    """The usual validation data: four zeros and the twelve digits of the PAN before its check digit.

    Raises:
        NotAPan: `pan` is not digits.
    """
    return pan_digits(pan)[-13:-1].decode("ascii").rjust(16, "0")


def ibm_3624_natural_pin(
    encrypt: Keyed, table: DecimalisationTable, validation_data: str, length: int
) -> str:
    """The PIN that card and key alone give (IBM 3624), as digits.

    Args:
        encrypt: ECB encryption under the PIN verification key.
        table: a stored decimalisation table.
        validation_data: 16 hexadecimal digits; shorter data is filled by the caller, as the issuer does.
        length: digits wanted, 4 to 12.

    Raises:
        BadVerificationData: another form.
    """
    if not PIN_LENGTH_MIN <= length <= PIN_LENGTH_MAX or not _is_block(validation_data):
        raise BadVerificationData
    return table.applied_to(encrypt(bytes.fromhex(validation_data)).hex())[:length]


def ibm_3624_offset(natural_pin: str, digits: str) -> str:
    """PIN minus natural PIN, digit by digit modulo ten; both of one length."""
    return _digit_by_digit(digits, natural_pin, -1)


def ibm_3624_pin(natural_pin: str, offset: str) -> str:
    """Natural PIN plus offset, digit by digit modulo ten.

    Raises:
        BadVerificationData: `offset` is not as many digits as the natural PIN.
    """
    if not (offset.isascii() and offset.isdigit() and len(offset) == len(natural_pin)):
        raise BadVerificationData
    return _digit_by_digit(natural_pin, offset, 1)


def visa_pvv(encrypt: Keyed, pan: str, key_index: int, digits: str) -> str:
    """The Visa PIN verification value, four digits.

    Args:
        encrypt: ECB encryption under the double-length PIN verification key.
        pan: the card number.
        key_index: PVKI, 0 to 9.
        digits: the PIN; its first four digits count.

    Raises:
        NotAPan: `pan` is not digits.
        BadVerificationData: a key index of more than one digit, or a PIN of fewer than four digits.
    """
    pan_part = pan_digits(pan)[:-1][-_PVV_PAN_DIGITS:].rjust(_PVV_PAN_DIGITS, b"0").decode("ascii")
    pin_part = digits[:_PVV_LENGTH]
    if (
        not 0 <= key_index <= 9
        or len(pin_part) != _PVV_LENGTH
        or not (pin_part.isascii() and pin_part.isdigit())
    ):
        raise BadVerificationData
    block = bytes.fromhex(f"{pan_part}{key_index}{pin_part}")
    return decimal_digits(encrypt(block))[:_PVV_LENGTH]


def decimal_digits(block: bytes) -> str:
    """The decimal digits of a block's hexadecimal form, then its letters, each less ten."""
    characters = block.hex()
    return characters.translate(_NO_LETTERS) + characters.translate(_LETTERS_LESS_TEN)


def _digit_by_digit(left: str, right: str, sign: int) -> str:
    return "".join(str((int(a) + sign * int(b)) % 10) for a, b in zip(left, right, strict=True))


def _is_block(text: str) -> bool:
    return len(text) == _TABLE_LENGTH and all(character in "0123456789ABCDEFabcdef" for character in text)
