"""Says how a dialect writes its fields, in words; writes docs/dialect-fields.md from the tables.

    python -m iso8583_specs.dialect_page > docs/dialect-fields.md

A test compares the page with what this module writes, so the page can't fall behind the code.
"""

import sys
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from iso8583_specs.dialects import DIALECTS
from iso8583_specs.spec import BCD_LENGTH, HEADER, MTI, PRIMARY, RAW, SECONDARY, FieldSpec, Spec

_INTRODUCTION: Final = """\
# The fields of every dialect

<!-- Written by `python -m iso8583_specs.dialect_page` from iso8583_specs/dialects/. -->

The format is in the standard's notation: n digits, x+n a sign and digits, z a track, ans text, b bytes; x is
ours for hex digits that are counted one by one. `..19 LL` is a variable length of at most 19 with an
indicator of two digits. A profile's table has the fields that it writes otherwise than its dialect.
"""

_ENCODINGS: Final = {"latin-1": "ASCII", "ascii": "ASCII", "cp500": "EBCDIC"}
_CONTENTS: Final = {"xn": "x+n"}


def format_of(row: FieldSpec) -> str:
    """A field's format in the standard's notation: `n ..19 LL`."""
    content = _CONTENTS.get(row["content"], row["content"])
    if not row["len_type"]:
        return f"{content} {_most(row)}"
    digits = row["len_type"] * 2 if row["len_enc"] == BCD_LENGTH else row["len_type"]
    digits -= row["len_enc"] == BCD_LENGTH and row["max_len"] < 10 ** (digits - 1)
    return f"{content} ..{_most(row)} {'L' * digits}"


def coding_of(row: FieldSpec) -> str:
    """How a field's length and content are written: `packed, filled at the end; length BCD, of digits`."""
    words = _content_words(row)
    if row["len_type"]:
        words += f"; length {_length_words(row)}"
    return words


def head_of(spec: Spec) -> str:
    """How the head of a dialect's messages is written: header, MTI and bitmaps."""
    header = f"header {format_of(spec[HEADER])}, " if spec[HEADER]["max_len"] else ""
    bitmaps = "primary, secondary and tertiary" if SECONDARY in spec else "primary only"
    bitmap = "bytes" if spec[PRIMARY]["data_enc"] == RAW else f"{encoding_words(spec[PRIMARY])} hex digits"
    mti = "packed" if spec[MTI]["data_enc"] == RAW else encoding_words(spec[MTI])
    return f"{header}MTI {mti}, bitmap {bitmap} ({bitmaps})"


def encoding_words(row: FieldSpec) -> str:
    """What a row's text encoding is usually called."""
    return _ENCODINGS.get(row["data_enc"], row["data_enc"])


def numbered(spec: Spec) -> Iterator[tuple[str, FieldSpec]]:
    """The fields of a table by number, those of a message inside one as `127.2` behind it."""
    numbers = sorted(int(key) for key in spec if key.isdecimal())
    for key in map(str, numbers):
        yield key, spec[key]
        for inner, row in numbered(spec[key].get("fields", {})):
            yield f"{key}.{inner}", row


def page() -> str:
    """The page of all dialects."""
    bases = [name for name in DIALECTS if "." not in name]
    groups = [list(group) for _, group in groupby(bases, lambda name: name.partition("_")[0])]
    profiles = [name for name in DIALECTS if "." in name]
    lines = [line for group in groups for line in _group(group)]
    lines += [line for name in profiles for line in _profile(name)]
    return "\n".join((_INTRODUCTION, *lines))


def _group(names: list[str]) -> Iterator[str]:
    """The dialects of one standard side by side."""
    yield f"## {', '.join(f'`{name}`' for name in names)}\n"
    yield from (f"- `{name}`: {head_of(DIALECTS[name])}" for name in names)
    yield f"\n| Field | Name | Format | {' | '.join(f'`{name}`' for name in names)} |"
    yield f"|---|---|---|{'---|' * len(names)}"
    for key, row in _shown(DIALECTS[names[0]]):
        written = " | ".join(coding_of(DIALECTS[name][key]) for name in names)
        yield f"| {key} | {row['desc']} | {format_of(row)} | {written} |"
    yield ""


def _profile(name: str) -> Iterator[str]:
    """What a profile writes otherwise than its dialect."""
    spec, base = DIALECTS[name], dict(numbered(DIALECTS[name.partition(".")[0]]))
    yield f"## `{name}`\n"
    yield f"- {head_of(spec)}\n"
    rows = [(key, row) for key, row in _shown(spec) if base.get(key) != row]
    if rows:
        yield "| Field | Name | Format | Written as |\n|---|---|---|---|"
        yield from (f"| {key} | {row['desc']} | {format_of(row)} | {coding_of(row)} |" for key, row in rows)
        yield ""


def _shown(spec: Spec) -> list[tuple[str, FieldSpec]]:
    return [(key, row) for key, row in numbered(spec) if key != SECONDARY]


def _most(row: FieldSpec) -> int:
    """The longest value in the units of the standard: digits, characters or bytes."""
    raw = row["data_enc"] == RAW
    if row["content"] == "xn":
        return 2 * (row["max_len"] - 1) if raw else row["max_len"] - 1
    if row["content"] == "b" and not raw:
        return row["max_len"] // 2
    return row["max_len"]


def _content_words(row: FieldSpec) -> str:
    if row["data_enc"] == RAW:
        if row["content"] == "xn":
            return "sign ASCII, digits packed"
        if row["len_count"] != "nibbles":
            return "bytes" if row["content"] == "b" else "packed"
        side = "front" if row.get("left_pad") else "end"
        odd = row["len_type"] or row["max_len"] % 2
        return f"packed, filled at the {side}" if odd else "packed"
    text = encoding_words(row)
    return f"{text} hex digits" if row["content"] == "b" else text


def _length_words(row: FieldSpec) -> str:
    match row["len_enc"]:
        case "bcd":
            written = "BCD"
        case "b":
            written = "binary"
        case encoding:
            written = _ENCODINGS.get(encoding, encoding)
    return f"{written}, of digits" if row["len_count"] == "nibbles" else f"{written}, of bytes"


if __name__ == "__main__":
    sys.stdout.write(page())
