"""A dialect's table with one thing changed: what a deployment usually does otherwise.

When a table reads a message to some field and no further, one of the last lengths was most likely not
written as the table says. Each change that deployments are known to make is tried, one field at a time, and
then another one on top, until the message is read to its end. The changes are data about a row; that they
explain the bytes is found out by reading them.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from iso8583_specs.detection.reading import Reading, read
from iso8583_specs.spec import BCD_LENGTH, MTI, PRIMARY, RAW, SECONDARY, FieldSpec, Spec

_FIELDS_BACK: Final = 4
_CHANGES_MAX: Final = 2
_BEAM: Final = 2
_MOST_DIGITS: Final = {1: 99, 2: 999, 3: 999, 4: 9999}
_NUMBER_WORDS: Final = {1: "one", 2: "two", 3: "three", 4: "four"}
_EBCDIC: Final = "cp500"
_LATIN_1: Final = "latin-1"


class Change(NamedTuple):
    """A field that is written otherwise than its dialect says.

    Attributes:
        field: Its key in the table.
        row: How it is written.
        words: The difference, for people.
    """

    field: str
    row: FieldSpec
    words: str


class Varied(NamedTuple):
    """A table with changes, and what it makes of the body."""

    spec: Spec
    changes: tuple[Change, ...]
    reading: Reading


def repaired(spec: Spec, body: bytes, reading: Reading) -> Varied | None:
    """The least changes of a table with which a body is read to its end; None if a few don't do it."""
    beam = [Varied(spec, (), reading)]
    for _ in range(_CHANGES_MAX):
        tried = [varied for start in beam for varied in _one_more(start, body)]
        whole = [varied for varied in tried if varied.reading.broken is None]
        if whole:
            return whole[0]
        beam = sorted(tried, key=lambda varied: -varied.reading.end)[:_BEAM]
    return None


def difference(before: FieldSpec, after: FieldSpec) -> str | None:
    """What is written otherwise by a row than by another, in words; None if it takes as many bytes."""
    if before["len_type"] != after["len_type"]:
        width = _NUMBER_WORDS.get(after["len_type"])
        return f"has a {width}-byte length" if width else "has no length"
    if before["len_count"] != after["len_count"]:
        return f"has a length that counts {'bytes' if after['len_count'] == 'bytes' else 'digits'}"
    return None


def heads(spec: Spec) -> Iterator[tuple[Spec, tuple[Change, ...]]]:
    """A table with its MTI, its bitmaps or all its text written in another way."""
    for change in _head_changes(spec):
        yield {**spec, **{each.field: each.row for each in change}}, change


def _one_more(start: Varied, body: bytes) -> Iterator[Varied]:
    for number, at in _suspects(start.reading):
        row = start.spec.get(str(number))
        for changed, words in _rows(row):
            change = Change(str(number), changed, f"field {number} {words} here (byte {at})")
            spec = {**start.spec, str(number): changed}
            reading = read(spec, body)
            if reading is not None and _is_further(reading, start.reading):
                yield Varied(spec, (*start.changes, change), reading)


def _is_further(reading: Reading, before: Reading) -> bool:
    return reading.broken is None or (before.broken is not None and reading.end > before.end)


def _suspects(reading: Reading) -> Iterator[tuple[int, int]]:
    """The field that could not be read and the last ones with a length before it, with their places."""
    broken = reading.broken
    if broken is not None and broken.field is not None:
        yield broken.field, broken.at
    with_length = [part for part in reversed(reading.parts) if part.spec["len_type"]]
    for part in with_length[:_FIELDS_BACK]:
        yield part.number, part.at


def _rows(row: FieldSpec | None) -> Iterator[tuple[FieldSpec, str]]:
    """Rows that stand in for one, the likeliest first."""
    if row is None:
        return
    yield from _other_widths(row)
    yield from _other_units(row)
    if row["len_type"] and row["max_len"] < _MOST_DIGITS[min(row["len_type"], 4)]:
        longest = _MOST_DIGITS[min(row["len_type"], 4)]
        yield {**row, "max_len": longest}, f"is longer than {row['max_len']}"


def _other_widths(row: FieldSpec) -> Iterator[tuple[FieldSpec, str]]:
    packed = row["len_enc"] == BCD_LENGTH
    for width in (1, 2) if packed else (2, 3):
        if width != row["len_type"]:
            changed: FieldSpec = {**row, "len_type": width, "max_len": _MOST_DIGITS[width]}
            yield changed, f"has a {_NUMBER_WORDS[width]}-byte length"


def _other_units(row: FieldSpec) -> Iterator[tuple[FieldSpec, str]]:
    if row["len_enc"] != BCD_LENGTH or not row["len_type"]:
        return
    longest = _MOST_DIGITS[row["len_type"]]
    if row["len_count"] == "nibbles":
        text: FieldSpec = {
            **row,
            "data_enc": _LATIN_1,
            "len_count": "bytes",
            "max_len": longest,
            "content": "ans",
        }
        yield text, "is text, and its length counts bytes"
    else:
        kind: FieldSpec = {**row, "data_enc": RAW, "len_count": "nibbles", "max_len": longest}
        yield {**kind, "content": "x", "right_pad": "0"}, "has a length that counts hexadecimal digits"


def _head_changes(spec: Spec) -> Iterator[tuple[Change, ...]]:
    bitmaps = [key for key in (PRIMARY, SECONDARY) if key in spec]
    encoding = next((row["data_enc"] for row in spec.values() if row["content"] == "ans"), _LATIN_1)
    if spec[PRIMARY]["data_enc"] == RAW:
        rows = {key: _characters(spec[key], encoding, 2) for key in bitmaps}
        binary_bitmap = _changes(rows, "the bitmap is hexadecimal characters here")
    else:
        rows = {key: _raw(spec[key]) for key in bitmaps}
        binary_bitmap = _changes(rows, "the bitmap is binary here")
    yield binary_bitmap
    if spec[MTI]["data_enc"] == RAW:
        yield _changes({MTI: _characters(spec[MTI], _LATIN_1, 1)}, "ASCII MTI, the rest in BCD")
        yield _changes({MTI: _characters(spec[MTI], _EBCDIC, 1)}, "EBCDIC MTI, the rest in BCD")
        return
    yield _changes({MTI: _raw(spec[MTI])}, "BCD MTI, the rest in characters")
    if encoding != _EBCDIC:
        yield _changes({MTI: _characters(spec[MTI], _EBCDIC, 1)}, "EBCDIC MTI, the rest in ASCII")
        ebcdic = {key: _in_ebcdic(row) for key, row in spec.items() if row != _in_ebcdic(row)}
        yield _changes(ebcdic, "EBCDIC MTI, digits and text")
        rows = {key: _raw(spec[key]) for key in bitmaps}
        yield _changes({**ebcdic, **rows}, "EBCDIC MTI, digits and text, and a binary bitmap")


def _changes(rows: Mapping[str, FieldSpec], words: str) -> tuple[Change, ...]:
    """Several rows that are changed for one reason, which is said once."""
    return tuple(Change(key, row, words if at == 0 else "") for at, (key, row) in enumerate(rows.items()))


def _raw(row: FieldSpec) -> FieldSpec:
    return {**row, "data_enc": RAW, "max_len": row["max_len"] // 2, "len_count": "bytes"}


def _characters(row: FieldSpec, encoding: str, factor: int) -> FieldSpec:
    return {**row, "data_enc": encoding, "max_len": row["max_len"] * factor, "len_count": "bytes"}


def _in_ebcdic(row: FieldSpec) -> FieldSpec:
    text = row["data_enc"] if row["data_enc"] == RAW else _EBCDIC
    length = row["len_enc"] if row["len_enc"] in (RAW, BCD_LENGTH) else _EBCDIC
    return {**row, "data_enc": text, "len_enc": length}
