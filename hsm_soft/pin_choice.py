"""Which PINs may exist: what is excluded as too easily guessed, and how new ones are drawn.

Excluded are equal digits (000000), digits in steps of one (123456, 987654, also past the end: 890123) and a
shorter pattern repeated (121212, 123123). A policy may add PINs of its own and dates, which whoever finds a
wallet tries first. A cardholder's choice is held to the policy of the issuer; a PIN drawn here is drawn
again, whole, until it is allowed, so every allowed PIN is equally likely.
"""

import re
from dataclasses import dataclass
from typing import Final

from hsm_soft.pin_block import PIN_LENGTH_MAX, PIN_LENGTH_MIN
from hsm_soft.primitives import Random
from hsm_soft.uniform import DIGITS, uniform_characters

__all__ = ["PinPolicy", "draw_pin"]

_DEFAULT_LENGTH: Final = 6
_UP: Final = DIGITS * 3
_DOWN: Final = _UP[::-1]
_REPEATED: Final = re.compile(r"(\d{1,6}?)\1+")

_DAY: Final = r"(?:0[1-9]|[12]\d|3[01])"
_MONTH: Final = r"(?:0[1-9]|1[0-2])"
_YEAR: Final = r"(?:(?:19|20)?\d\d)"
_DATE: Final = re.compile(
    r"|".join(
        (
            _YEAR + _MONTH + _DAY,
            _DAY + _MONTH + _YEAR,
            _MONTH + _DAY + _YEAR,
            _MONTH + _DAY,
            _DAY + _MONTH,
            r"(?:19|20)\d\d",
        )
    )
)


@dataclass(frozen=True, slots=True)
class PinPolicy:
    """Length of drawn PINs, 4 to 12, and what is excluded beside patterns.

    Args:
        length: digits of a PIN that is drawn; cardholders choose 4 to 12.
        also_excluded: PINs of the issuer's own list.
        exclude_dates: six and eight digits that are a date, four that are a day or a year.

    Raises:
        ValueError: `length` is not 4 to 12.
    """

    length: int = _DEFAULT_LENGTH
    also_excluded: tuple[str, ...] = ()
    exclude_dates: bool = False

    def __post_init__(self) -> None:
        if not PIN_LENGTH_MIN <= self.length <= PIN_LENGTH_MAX:
            raise ValueError("a PIN has 4 to 12 digits")

    def excludes(self, digits: str) -> bool:
        """True if a PIN of these digits may not be chosen."""
        return (
            digits in _UP
            or digits in _DOWN
            or _REPEATED.fullmatch(digits) is not None
            or digits in self.also_excluded
            or (self.exclude_dates and _DATE.fullmatch(digits) is not None)
        )


def draw_pin(policy: PinPolicy, random: Random) -> str:
    """A PIN that the policy allows, each equally likely."""
    while True:
        digits = uniform_characters(DIGITS, policy.length, random)
        if not policy.excludes(digits):
            return digits
