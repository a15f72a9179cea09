"""Card numbers: ranges, which one a number belongs to, and the numbers in them by position. Pure.

A range (卡段; one that was registered with a scheme is a 卡BIN) is data: the leading digits of its lowest and
its highest number, how many digits a number has, whether the last is a Luhn check digit, and in which order
numbers are drawn. Ranges may nest, and a number belongs to the most specific one that holds it; ranges that
overlap only in part, or twice the same, are refused, so that the answer is always one.

What a range can draw it draws by position: 0, 1, 2 … up to its size. In sequence, the position is the
number's place in the range. Scattered, a permutation under a key of the HSM takes the position to a place, so
that no table of used numbers is needed and none comes twice. A counter of positions is all that a range has
to keep.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from directory.refusals import InvalidValue, message

PAN_DIGITS_MIN: Final = 12
PAN_DIGITS_MAX: Final = 19
"""ISO/IEC 7812-1: a primary account number has at most 19 digits."""
SIZE_MAX: Final = 10**18
"""Positions are counted in 64 bits."""

# What a doubled digit adds to a Luhn sum: its digit sum. Index and result are the ASCII codes of the digits.
_DOUBLED: Final = bytes.maketrans(b"0123456789", b"0246813579")
_ASCII_ZERO: Final = 48


class Ordering(StrEnum):
    """In which order a range's numbers are drawn."""

    SEQUENCE = "sequence"
    SCATTERED = "scattered"


class CheckDigit(StrEnum):
    """What the last digit of a number is."""

    LUHN = "luhn"
    NONE = "none"


class BadRange(InvalidValue):
    """A range that has no meaning, or none among the others."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of a range.

    Attributes:
        first: Leading digits of the lowest number.
        last: Leading digits of the highest one, as many.
        pan_digits: How many digits a number has, check digit included.
        check_digit: What the last one is.

    Raises:
        BadRange: These make no range.
    """

    first: str
    last: str
    pan_digits: int
    check_digit: CheckDigit = CheckDigit.LUHN

    def __post_init__(self) -> None:
        digits = self.first + self.last
        if not (digits.isascii() and digits.isdigit() and len(self.first) == len(self.last)):
            raise BadRange(field="first", reason=message("first and last are digits, as many of each"))
        if self.first > self.last:
            raise BadRange(field="last", reason=message("the range ends before it starts"))
        if not PAN_DIGITS_MIN <= self.pan_digits <= PAN_DIGITS_MAX:
            raise BadRange(field="digits", reason=message("a card number has 12 to 19 digits"))
        if self._free_digits < 0:
            raise BadRange(field="digits", reason=message("the leading digits leave none for a number"))
        if self.size > SIZE_MAX:
            raise BadRange(field="digits", reason=message("a range has at most 10^18 numbers"))

    @property
    def _free_digits(self) -> int:
        """Digits between the leading ones and the check digit."""
        return self.pan_digits - len(self.first) - (self.check_digit is CheckDigit.LUHN)

    @property
    def size(self) -> int:
        """How many numbers there are."""
        scale: int = 10**self._free_digits
        return (int(self.last) - int(self.first) + 1) * scale

    @property
    def bounds(self) -> tuple[int, int]:
        """The lowest and the highest 19 digits that begin with a number of the range."""
        return int(self.first.ljust(PAN_DIGITS_MAX, "0")), int(self.last.ljust(PAN_DIGITS_MAX, "9"))

    def number(self, place: int) -> str:
        """The number at a place, 0 to `size` - 1, in ascending order."""
        assert 0 <= place < self.size
        width = len(self.first) + self._free_digits
        payload = f"{int(self.first) * 10**self._free_digits + place:0{width}}"
        return payload + luhn_digit(payload) if self.check_digit is CheckDigit.LUHN else payload

    def holds(self, pan: str) -> bool:
        """Whether a number is one of these, its length and check digit included."""
        if len(pan) != self.pan_digits or not (pan.isascii() and pan.isdigit()):
            return False
        if self.check_digit is CheckDigit.LUHN and luhn_digit(pan[:-1]) != pan[-1]:
            return False
        return self.first <= pan[: len(self.first)] <= self.last


Record = TypeVar("Record")


def luhn_digit(payload: str) -> str:
    """The check digit of a number without it (ISO/IEC 7812-1, annex B)."""
    digits = payload.encode("ascii")
    doubled, plain = digits[-1::-2].translate(_DOUBLED), digits[-2::-2]
    return str(-(sum(doubled) + sum(plain) - _ASCII_ZERO * len(digits)) % 10)


def most_specific(pan: str, ranges: Iterable[tuple[Numbers, Record]]) -> Record | None:
    """What belongs to the most specific range that holds a number; None if none does."""
    holding = [(numbers, record) for numbers, record in ranges if numbers.holds(pan)]
    if not holding:
        return None
    return min(holding, key=lambda each: each[0].bounds[1] - each[0].bounds[0])[1]


def refuse_conflict(new: Numbers, there: Iterable[Numbers]) -> None:
    """Returns only if a range nests with each of those that are there, or lies apart from it.

    Raises:
        BadRange: It overlaps one in part, or is the same.
    """
    low, high = new.bounds
    for numbers in there:
        other_low, other_high = numbers.bounds
        if (low, high) == (other_low, other_high):
            raise BadRange(field="first", reason=message("this range is there already"))
        apart = high < other_low or other_high < low
        within = other_low <= low and high <= other_high
        around = low <= other_low and other_high <= high
        if not (apart or within or around):
            raise BadRange(field="first", reason=message("it overlaps another range in part"))
