"""What merchants and terminals may be called in messages, and limits that fit together. Pure.

Each check returns nothing and raises `InvalidValue`, which names the field and the rule and never the value.
"""

import re
from collections.abc import Iterable
from typing import Final

from directory.refusals import InvalidValue, message

_CATEGORY: Final = re.compile(r"[0-9]{4}")
_IDENTIFIER: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_MERCHANT_ID_LENGTH: Final = 15
_TERMINAL_ID_LENGTH: Final = 8


def check_merchant_id(text: str) -> None:
    """DE 42: 15 printable ASCII characters, no space at either end."""
    _check_identifier("merchant_id", text, _MERCHANT_ID_LENGTH)


def check_terminal_id(text: str) -> None:
    """DE 41: 8 printable ASCII characters, no space at either end."""
    _check_identifier("terminal_id", text, _TERMINAL_ID_LENGTH)


def check_category(text: str) -> None:
    """A merchant category code (ISO 18245): four digits."""
    if not _CATEGORY.fullmatch(text):
        raise InvalidValue(field="category", reason=message("four digits are wanted"))


def check_in_order(field: str, bounds: Iterable[int]) -> None:
    """Amounts of which none is negative, nor smaller than the one before."""
    given = [0, *bounds]
    if given != sorted(given):
        raise InvalidValue(field=field, reason=message("a wider limit is below a narrower one"))


def _check_identifier(field: str, text: str, length: int) -> None:
    if len(text) != length or not _IDENTIFIER.fullmatch(text):
        raise InvalidValue(
            field=field, reason=message("the printable characters of the field are wanted, all of them")
        )
