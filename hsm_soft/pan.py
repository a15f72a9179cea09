"""The one check of a card number before it enters a cipher: foreign errors about it would quote it."""

from typing import Final

__all__ = ["PAN_LENGTH_MAX", "NotAPan", "pan_digits", "refuse_other_than_pan"]

PAN_LENGTH_MAX: Final = 19


class NotAPan(ValueError):
    """The caller passed something else where a card number belongs."""

    def __init__(self) -> None:
        super().__init__("a card number has 1 to 19 digits")


def pan_digits(pan: str) -> bytes:
    """The card number as ASCII digits (ISO/IEC 7812-1: at most 19).

    Raises:
        NotAPan: other characters, empty or too long.
    """
    refuse_other_than_pan(pan)
    return pan.encode("ascii")


def refuse_other_than_pan(pan: str) -> None:
    """Returns only if the text is a card number.

    Raises:
        NotAPan: other characters, empty or too long.
    """
    if not (pan.isdigit() and pan.isascii() and len(pan) <= PAN_LENGTH_MAX):
        raise NotAPan
