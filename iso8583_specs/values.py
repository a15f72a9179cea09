"""Card data that can't be printed by accident.

A PAN is a type that shows itself masked: of its digits a reader may see the bank identification number (the
first six, or the first eight where issuers have those) and the last four, and never more (PCI DSS 4.0,
requirement 3.4.1, and the PCI council's FAQ 1091, by which eight and four want a PAN of at least 16 digits).

What may be seen of a field whose dialect nobody knows is decided here, by a list of those that are harmless
in every dialect; all others are hidden, because private fields carry keys, card numbers of batch uploads or
encrypted tracks, whatever a deployment puts there. `disclosure` knows more where it knows the dialect.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

BinDigits: TypeAlias = Literal[6, 8]
"""How long the bank identification number is that may be seen."""

_MAX_PAN_DIGITS: Final = 19
# With fewer digits, six and four would leave too little hidden; eight and four need three more.
_SHORTEST_PAN_PARTLY_SHOWN: Final = 13
_SHORTEST_PAN_WITH_LONG_BIN: Final = 16
_CARD_NUMBER: Final = re.compile(r"(?<!\d)(?P<pan>\d{13,19})(?!\d)(?P<track>[=D]\d*)?", re.ASCII)
_PAN: Final = 2
_SHOWN: Final = frozenset(range(3, 34)) - {14, 23, 31} | {37, 38, 39, 40, 41, 42, 43, 49, 50, 51}


def masked(pan_text: str, bin_digits: BinDigits = 6) -> str:
    """A card number for human eyes: `990001*********1234`, or stars only when it is short."""
    if len(pan_text) < _SHORTEST_PAN_PARTLY_SHOWN:
        return "*" * len(pan_text)
    first = bin_digits if len(pan_text) >= _SHORTEST_PAN_WITH_LONG_BIN else 6
    return pan_text[:first] + "*" * (len(pan_text) - first - 4) + pan_text[-4:]


def passes_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[::-2])) + sum(doubled)) % 10 == 0


def mask_card_numbers(text: str, bin_digits: BinDigits = 6) -> str:
    """Text in which every 13 to 19 digits that pass the Luhn check are masked, with a track behind them."""

    def mask(found: re.Match[str]) -> str:
        if not passes_luhn(found["pan"]):
            return found[0]
        return masked(found["pan"], bin_digits) + ("=*" if found["track"] else "")

    return _CARD_NUMBER.sub(mask, text) if len(text) >= _SHORTEST_PAN_PARTLY_SHOWN else text


@dataclass(frozen=True, slots=True, repr=False)
class Pan:
    """A primary account number, compared by its digits and shown masked.

    Attributes:
        clear: The 1 to 19 digits; every use of this attribute is a place to justify.

    Raises:
        ValueError: Not 1 to 19 digits. The text doesn't hold them.
    """

    clear: str

    def __post_init__(self) -> None:
        if not (self.clear.isascii() and self.clear.isdecimal() and len(self.clear) <= _MAX_PAN_DIGITS):
            raise ValueError("a PAN has 1 to 19 digits")

    @property
    def last_four(self) -> str:
        """The digits that are printed on slips; none of a PAN that is too short to show any."""
        return masked(self.clear)[-4:].strip("*")

    @property
    def has_check_digit(self) -> bool:
        """Whether the last digit is the check digit of the others; not every issuer's cards have one."""
        return passes_luhn(self.clear)

    def bank_identification_number(self, digits: BinDigits = 6) -> str:
        """The first digits, which name the issuer; fewer where the PAN is too short to show so many."""
        return masked(self.clear, digits).partition("*")[0]

    def __str__(self) -> str:
        return masked(self.clear)

    def __repr__(self) -> str:
        return f"Pan({masked(self.clear)})"

    def __format__(self, format_spec: str) -> str:
        return format(masked(self.clear), format_spec)


def clear_text(value: str | bytes) -> str:
    """A field's value as text: bytes as upper-case hex digits, everything else as it is."""
    return value.hex().upper() if isinstance(value, bytes) else value


def size_of(value: str | bytes) -> str:
    """What remains of a hidden value."""
    return f"<{len(value)} {'bytes' if isinstance(value, bytes) else 'characters'}>"


def mask_field(number: int, value: str | bytes) -> str:
    """A field's value as far as anybody may see it in any dialect; of a hidden one its size remains."""
    if number in _SHOWN:
        return clear_text(value)
    if number == _PAN and isinstance(value, str):
        return masked(value)
    return size_of(value)
