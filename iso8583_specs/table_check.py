"""Checks a dialect's table, whoever wrote it, and fills in what its rows may leave out.

A table comes as what a file or a specification of pyiso8583 says, which may be anything. All that is wrong is
found at once, each problem with the key it concerns. A row may leave out `len_count` (bytes), `desc`,
`len_enc` of a fixed length, and `content`: then its text is ans, its bytes are b, and its nibbles x.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeAlias, cast

from iso8583_specs.spec import BCD_LENGTH, HEADER, MTI, PRIMARY, RAW, SECONDARY, Content, FieldSpec, Spec

Raw: TypeAlias = Mapping[str, Any]

_NUMBER: Final = re.compile(r"[1-9][0-9]{0,2}")
_ROW_KEYS: Final = (
    "data_enc",
    "len_enc",
    "len_type",
    "max_len",
    "len_count",
    "left_pad",
    "right_pad",
    "desc",
    "content",
    "fields",
)
_PACKED_CONTENTS: Final = ("n", "z", "x")
_CONTENTS: Final = ("n", "z", "x", "xn", "ans", "b")
_NUMBER_MAX: Final = 192
_LEN_TYPE_MAX: Final = 6
_MAX_LEN_MAX: Final = 16 * 1024 * 1024
_HEX_DIGITS: Final = "0123456789ABCDEFabcdef"
_EMPTY: Final[FieldSpec] = {
    "data_enc": RAW,
    "len_enc": RAW,
    "len_type": 0,
    "max_len": 0,
    "len_count": "bytes",
    "desc": "",
    "content": "b",
}


class Problem(NamedTuple):
    """What is wrong in a dialect.

    Attributes:
        key: Where: `extends`, `fields.55`, `fields.55.max_len`; empty if it is the whole.
        reason: Why.
        line: The line of a file, counted from 1; None if it can't be told.
    """

    key: str
    reason: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.key}: {self.reason}" if self.key else self.reason


class InvalidDialect(ValueError):
    """A dialect that can't be used; each line of the text is one problem."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def spec_of(table: Mapping[str, Mapping[str, Any]]) -> Spec:
    """The table that a specification of pyiso8583 is, with what this package adds filled in.

    Raises:
        InvalidDialect: pyiso8583 couldn't use it either.
    """
    checked = Table("", as_it_is=True)
    spec = checked.spec({key: row for key, row in table.items() if _is_key(key)})
    if checked.problems:
        raise InvalidDialect(tuple(checked.problems))
    return spec


def _is_key(key: object) -> bool:
    """Whether pyiso8583 ever looks at this key of a specification."""
    return key in (HEADER, MTI, PRIMARY) or (isinstance(key, str) and _is_number(key))


def _is_number(key: str) -> bool:
    return _NUMBER.fullmatch(key) is not None and int(key) <= _NUMBER_MAX


class Table:
    """Checks a table, row by row.

    Args:
        path: What keys of problems begin with.
        as_it_is: Whether it is a whole specification of pyiso8583, in which nothing is wrong that it allows.
        inside: Whether it is of a message inside a field.
    """

    def __init__(self, path: str, *, as_it_is: bool, inside: bool = False) -> None:
        self._path = path
        self._as_it_is = as_it_is
        self._inside = inside
        self.problems: list[Problem] = []

    def spec(self, table: Raw) -> Spec:
        """The table with every row whole, of use only if there is no problem."""
        needed = (PRIMARY,) if self._inside else (HEADER, MTI, PRIMARY)
        for key in needed:
            if key not in table:
                self._problem(key, "is missing")
        return {key: self._row(key, row) for key, row in table.items()}

    def _row(self, key: str, row: object) -> FieldSpec:
        if not _is_key(key) or (self._inside and key == MTI):
            self._problem(key, "is no field; there are h, t, p and 1 to 192")
        elif not isinstance(row, Mapping):
            self._problem(key, "must be a table")
        else:
            return self._checked(key, row)
        return _EMPTY

    def _checked(self, key: str, row: Raw) -> FieldSpec:
        bitmap = key in (PRIMARY, SECONDARY) and not self._inside
        found = list(_row_problems(row, all_keys=not (bitmap or key == MTI), as_it_is=self._as_it_is))
        whole = _whole(row)
        if not found and not suits(whole["content"], whole):
            found.append(("content", "doesn't go with data_enc, len_count and len_type"))
        if not found and self._inside and key == PRIMARY and not _is_bitmap_size(whole):
            found.append(("max_len", "must be a whole number of bytes"))
        if not found and "fields" in whole:
            whole["fields"] = self._inner(key, whole)
        for name, reason in found:
            self._problem(f"{key}.{name}", reason)
        return whole

    def _inner(self, key: str, row: FieldSpec) -> Spec:
        if row["data_enc"] != RAW or row["len_count"] != "bytes" or not isinstance(row["fields"], Mapping):
            self._problem(
                f"{key}.fields", 'must be a table, of a field whose data_enc is "b", counted in bytes'
            )
            return {}
        table = Table(f"{self._path}{key}.fields.", as_it_is=self._as_it_is, inside=True)
        spec = table.spec(row["fields"])
        self.problems += table.problems
        return spec

    def _problem(self, key: str, reason: str) -> None:
        self.problems.append(Problem(f"{self._path}{key}", reason))


def _row_problems(row: Raw, *, all_keys: bool, as_it_is: bool) -> Iterator[tuple[str, str]]:
    """What is wrong with the keys of a row, each by itself."""
    if not as_it_is:
        yield from ((key, unknown(_ROW_KEYS)) for key in row if key not in _ROW_KEYS)
    if not is_encoding(row.get("data_enc")):
        yield "data_enc", 'must be "b" or a text encoding that Python knows'
    if all_keys:
        yield from _length_problems(row, as_it_is=as_it_is)
        yield from _value_problems(row)


def _length_problems(row: Raw, *, as_it_is: bool) -> Iterator[tuple[str, str]]:
    sized = _is_count(row.get("len_type"), _LEN_TYPE_MAX)
    if not sized:
        yield "len_type", f"must be the bytes of the length, 0 to {_LEN_TYPE_MAX}"
    if sized and row["len_type"] and not is_encoding(row.get("len_enc"), BCD_LENGTH):
        yield "len_enc", 'must be "b", "bcd" or a text encoding that Python knows'
    elif not _is_count(row.get("max_len"), _MAX_LEN_MAX):
        yield "max_len", f"must be a whole number from 0 to {_MAX_LEN_MAX}"
    elif sized and not as_it_is and row["max_len"] > _room(row):
        yield "max_len", f"its length has room for {_room(row)} only"


def _value_problems(row: Raw) -> Iterator[tuple[str, str]]:
    if row.get("len_count", "bytes") not in ("bytes", "nibbles"):
        yield "len_count", 'must be "bytes" or "nibbles"'
    for pad in ("left_pad", "right_pad"):
        if not isinstance(row.get(pad, ""), str) or row.get(pad, "")[:1] not in _HEX_DIGITS:
            yield pad, "must be a hex digit"
    if not isinstance(row.get("desc", ""), str):
        yield "desc", "must be text"
    if row.get("content", "b") not in _CONTENTS:
        yield "content", f"must be one of {', '.join(_CONTENTS)}"


def _whole(row: Raw) -> FieldSpec:
    """The row with what it may leave out; of use only if it has no problem."""
    whole = {**_EMPTY, **{key: row[key] for key in _ROW_KEYS if key in row}}
    if "content" not in row:
        whole["content"] = _usual_content(whole)
    return cast("FieldSpec", whole)


def _usual_content(row: Raw) -> Content:
    """Content that means no more than how it is written."""
    if row["data_enc"] != RAW:
        return "ans"
    return "x" if row["len_count"] == "nibbles" else "b"


def suits(content: object, row: Raw) -> bool:
    """Whether content can be written the way a row says."""
    nibbles = row.get("len_count", "bytes") == "nibbles"
    if row.get("data_enc", RAW) != RAW:
        return content in _CONTENTS
    if content == "xn":
        return not nibbles and not row.get("len_type") and bool(row.get("max_len"))
    return content in _PACKED_CONTENTS or (content == "b" and not nibbles)


def _is_bitmap_size(row: FieldSpec) -> bool:
    digits = 1 if row["data_enc"] == RAW else 2
    return row["max_len"] > 0 and row["max_len"] % digits == 0


def _room(row: Raw) -> int:
    """The largest count that a row's length indicator can say."""
    width = row["len_type"]
    if not width:
        return _MAX_LEN_MAX
    base = {RAW: 256, BCD_LENGTH: 100}.get(row["len_enc"], 10)
    return int(base**width) - 1


def _is_count(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def is_encoding(value: object, *others: str) -> bool:
    """Whether it is pyiso8583's letter for bytes, one of the others, or an encoding of text."""
    if value == RAW or value in others:
        return True
    try:
        return isinstance(value, str) and bool("0".encode(value))
    except (LookupError, ValueError):
        return False


def unknown(known: tuple[str, ...]) -> str:
    """The reason of a problem at a key that nobody knows."""
    return f"is no key; there are {', '.join(known)}"
