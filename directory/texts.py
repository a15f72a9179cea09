"""What may be written in a field: the checks that every service makes alike. Pure."""

import re
from typing import Final

from directory.refusals import InvalidValue, message

_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_TEXT_LENGTH_MAX: Final = 100


def check_code(field: str, text: str) -> None:
    """Returns only if a text can be the code by which people name a record.

    Raises:
        InvalidValue: It has other characters, or too many.
    """
    if not _CODE.fullmatch(text):
        raise InvalidValue(field=field, reason=message("1 to 32 letters, digits, full stops and hyphens"))


def check_text(field: str, text: str, length_max: int = _TEXT_LENGTH_MAX) -> None:
    """Returns only if a text can be shown to people.

    Raises:
        InvalidValue: It is empty, too long or not printable.
    """
    if not text.strip() or len(text) > length_max or not text.isprintable():
        raise InvalidValue(field=field, reason=message("printable text is wanted, and not too long"))
