"""The words a dialect's table is written in.

A dialect is a specification of the public package pyiso8583 (version 4.0.1, `iso8583.specs`), which is the
authority on the wire format: its decoder reads our tables as they are and serves as the reference in tests.
One key is ours, `content`; pyiso8583 passes over it. It says what a field's content means, where pyiso8583
knows only nibbles and bytes.

The functions below are the standard's own notation for content (n, z, ans, b), plus x for hex digits that
are counted one by one. Only the encodings that a dialect uses exist; the types refuse the others. A length
indicator is BCD and counts what `len_count` says: digits for n, z and x, bytes for ans and b.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Literal, NotRequired, TypeAlias, TypedDict

Content: TypeAlias = Literal["n", "z", "x", "ans", "b"]


class Size(IntEnum):
    """A field's length: fixed, or said by an indicator of so many BCD bytes."""

    FIXED = 0
    LL = 1
    LLL = 2


class FieldSpec(TypedDict):
    """One field as pyiso8583 wants it, and its content."""

    data_enc: Literal["b", "latin-1"]
    len_enc: Literal["bcd"]
    len_type: int
    max_len: int
    len_count: Literal["bytes", "nibbles"]
    left_pad: NotRequired[str]
    right_pad: NotRequired[str]
    desc: str
    content: Content


# By pyiso8583's keys: "h" header (always empty here), "t" MTI, "p" primary bitmap, "2" to "64". A dialect
# without secondary bitmap has no "1".
Spec: TypeAlias = Mapping[str, FieldSpec]


def n(size: Size, most: int, desc: str, *, filler: Literal["left", "right"] = "right") -> FieldSpec:
    """Decimal digits, two in a byte; the spare nibble of an odd count is a zero on the named side."""
    spec = _field(size, most, desc, "n", "nibbles")
    if filler == "left":
        spec["left_pad"] = "0"
    else:
        spec["right_pad"] = "0"
    return spec


def z(size: Size, most: int, desc: str) -> FieldSpec:
    """A track: digits and the separator `=`, sent as nibble D; the spare nibble is a zero at the end."""
    return {**_field(size, most, desc, "z", "nibbles"), "right_pad": "0"}


def x(size: Size, most: int, desc: str) -> FieldSpec:
    """Hex digits, counted one by one; the spare nibble is a zero at the end."""
    return {**_field(size, most, desc, "x", "nibbles"), "right_pad": "0"}


def ans(size: Size, most: int, desc: str) -> FieldSpec:
    """Text of any single- or multi-byte encoding, a character for each byte."""
    return {**_field(size, most, desc, "ans", "bytes"), "data_enc": "latin-1"}


def b(size: Size, most: int, desc: str) -> FieldSpec:
    """Bytes as they are."""
    return _field(size, most, desc, "b", "bytes")


def _field(
    size: Size, most: int, desc: str, content: Content, unit: Literal["bytes", "nibbles"]
) -> FieldSpec:
    return {
        "data_enc": "b",
        "len_enc": "bcd",
        "len_type": int(size),
        "max_len": most,
        "len_count": unit,
        "desc": desc,
        "content": content,
    }
