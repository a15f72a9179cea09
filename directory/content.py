"""Contents: what a record was and is, and what a proposal would do, as JSON for audit and proposals. Pure.

Card numbers, keys and what persons call theirs have no place in the audit. Contents are cleaned before they
are stored there or shown: values under names that are never shown are replaced, and whatever has the digits
of a card number is masked, whatever field it was typed into.
"""

import json
import re
from collections.abc import Mapping
from typing import Final, TypeAlias

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"
Content: TypeAlias = Mapping[str, Json]
"""What a proposal would do, or what a record was and is: JSON without a number that is not whole."""

HIDDEN: Final = "***"
"""What stands in place of a value that is never shown."""

_NEVER_SHOWN: Final = frozenset(
    {"pan", "pin", "track2", "cvv", "password", "password_proof", "key", "phone", "email", "identity_number"}
)
_SEALED: Final = "_sealed"
# 13 to 19 digits may be a card number (ISO/IEC 7812-1), separators or not; keyed hashes are left as they are.
_CARD_NUMBER: Final = re.compile(
    r"(?P<digest>\b(?:[0-9a-f]{32}|[0-9a-f]{64})\b)|(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)"
)
_SHOWN_FIRST: Final = 6
_SHOWN_LAST: Final = 4
_NAMES_OF_DIGITS: Final = frozenset({"merchant", "merchant_id", "subject"})


def canonical(content: Content | None) -> str:
    """Content as text: keys sorted, no white space."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def cleaned(content: Content) -> dict[str, Json]:
    """Content without what nobody may read there."""
    return {name: _cleaned(name, value) for name, value in content.items()}


def _cleaned(name: str, value: Json) -> Json:
    if (name in _NEVER_SHOWN or name.endswith(_SEALED)) and value is not None:
        return HIDDEN
    match value:
        case str():
            return value if name in _NAMES_OF_DIGITS else masked(value)
        case list():
            return [_cleaned(name, each) for each in value]
        case dict():
            return cleaned(value)
        case _:
            return value


def masked(text: str) -> str:
    """Text with the middle digits of whatever could be a card number masked."""
    return _CARD_NUMBER.sub(_mask, text)


def _mask(found: re.Match[str]) -> str:
    if found["digest"]:
        return found[0]
    digits = re.sub(r"\D", "", found[0])
    hidden = "*" * (len(digits) - _SHOWN_FIRST - _SHOWN_LAST)
    return f"{digits[:_SHOWN_FIRST]}{hidden}{digits[-_SHOWN_LAST:]}"


def text_of(content: Content, name: str) -> str:
    """The text under a name, which a service of ours put there."""
    value = content[name]
    assert isinstance(value, str)
    return value


def whole_of(content: Content, name: str) -> int:
    """The whole number under a name, which a service of ours put there."""
    value = content[name]
    assert isinstance(value, int)
    return value
