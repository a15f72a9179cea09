"""Card data that can't be printed by accident.

What may be shown of a message is decided here and nowhere else. The rule is a list of fields that are
harmless in every dialect; whatever is not on it is hidden, because private fields (46 to 48, 56 to 59, 62
and 63) carry keys, card numbers of batch uploads or encrypted tracks, whatever a deployment puts there. Of
a PAN the first six and the last four digits may be seen (PCI DSS 4.0, requirement 3.4.1).
"""

from dataclasses import dataclass
from typing import Final

_MAX_PAN_DIGITS: Final = 19
# With fewer digits, six and four would leave too little hidden.
_SHORTEST_PAN_PARTLY_SHOWN: Final = 13
_PAN: Final = 2
_SHOWN: Final = frozenset(
    {
        3,
        4,
        5,
        6,
        7,
        8,
        9,
        10,
        11,
        12,
        13,
        15,
        16,
        17,
        18,
        19,
        20,
        21,
        22,
        24,
        25,
        26,
        27,
        28,
        29,
        30,
        31,
        32,
        33,
    }
    | {37, 38, 39, 40, 41, 42, 43, 44, 49, 50, 51, 53, 54, 60, 61}
)


def masked(pan_text: str) -> str:
    """A card number for human eyes: `990001*********1234`, or stars only when it is short."""
    if len(pan_text) < _SHORTEST_PAN_PARTLY_SHOWN:
        return "*" * len(pan_text)
    return pan_text[:6] + "*" * (len(pan_text) - 10) + pan_text[-4:]


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

    def __str__(self) -> str:
        return masked(self.clear)

    def __repr__(self) -> str:
        return f"Pan({masked(self.clear)})"

    def __format__(self, format_spec: str) -> str:
        return format(masked(self.clear), format_spec)


def clear_text(value: str | bytes) -> str:
    """A field's value as text: bytes as upper-case hex digits, everything else as it is."""
    return value.hex().upper() if isinstance(value, bytes) else value


def mask_field(number: int, value: str | bytes) -> str:
    """A field's value as far as anybody may see it; of a hidden one its size remains."""
    if number in _SHOWN:
        return clear_text(value)
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if number == _PAN:
        return masked(value)
    return f"<{len(value)} characters>"
