"""The words a dialect's table is written in.

A dialect is a specification of the public package pyiso8583 (version 4.0.1, `iso8583.specs`), which is the
authority on the wire format: its decoder reads our tables as they are and serves as the reference in tests.
Two keys are ours, and pyiso8583 passes over them. `content` says what a field's content means, where
pyiso8583 knows only nibbles, bytes and characters. `fields` is the table of a message inside the field.

The standard's own notation for content is n, z, ans, b and x+n (here xn: a sign and digits), to which x is
added for hex digits that are counted one by one. How each is written depends on the family a dialect belongs
to: packed digits or characters, lengths in BCD or as characters, bytes as they are or as hex digits. A family
is a `Coding`, and a table is rows of the standard put through a coding.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal, NamedTuple, NotRequired, TypeAlias, TypedDict

Content: TypeAlias = Literal["n", "z", "x", "xn", "ans", "b"]
Side: TypeAlias = Literal["left", "right"]

HEADER: Final = "h"
MTI: Final = "t"
PRIMARY: Final = "p"
SECONDARY: Final = "1"

# Python's names for two encodings that pyiso8583 spells by letters: bytes or packed digits, packed digits.
RAW: Final = "b"
BCD_LENGTH: Final = "bcd"


class Size(IntEnum):
    """A field's length: fixed, or said by an indicator of so many digits."""

    FIXED = 0
    LL = 2
    LLL = 3
    LLLL = 4
    LLLLL = 5
    LLLLLL = 6


class FieldSpec(TypedDict):
    """One field as pyiso8583 wants it, its content, and for a message inside it that message's table.

    A message inside a field has one bitmap, `p`, of `max_len` bytes or hex digits, in which every bit is a
    field; it may have a header `h`, and has no MTI.
    """

    data_enc: str
    len_enc: str
    len_type: int
    max_len: int
    len_count: Literal["bytes", "nibbles"]
    left_pad: NotRequired[str]
    right_pad: NotRequired[str]
    desc: str
    content: Content
    fields: NotRequired["Mapping[str, FieldSpec]"]


# By pyiso8583's keys: "h" header, "t" MTI, "p" primary bitmap, "1" secondary (and tertiary) bitmap, "2" to
# "192" without "65", whose bit announces the tertiary bitmap. Without "1" there is only the primary bitmap.
Spec: TypeAlias = Mapping[str, FieldSpec]


class Row(NamedTuple):
    """A field as the standard's table has it: content, kind of length, most digits, characters or bytes."""

    content: Content
    size: Size
    most: int
    desc: str


@dataclass(frozen=True, slots=True)
class Coding:
    """How a family of dialects writes each kind of content.

    Attributes:
        text: Python's name of the text encoding.
        packed: Whether digits go two in a byte and lengths in BCD, instead of a character each.
        hex_binary: Whether fixed-length bytes go as hex digits of the text encoding. With a length indicator
            they are always sent as they are.
        filler: On which side a fixed, odd number of packed digits is filled. With a length indicator it is
            always the right one.
    """

    text: str = "latin-1"
    packed: bool = False
    hex_binary: bool = False
    filler: Side = "right"

    def n(self, size: Size, most: int, desc: str, *, filler: Side | None = None) -> FieldSpec:
        """Decimal digits; the spare nibble of an odd count of packed ones is a zero."""
        if not self.packed:
            return self._field("n", self.text, size, most, desc)
        side = filler or (self.filler if size is Size.FIXED else "right")
        return _padded(self._field("n", RAW, size, most, desc, "nibbles"), side)

    def z(self, size: Size, most: int, desc: str) -> FieldSpec:
        """A track: digits and the separator `=`, packed as nibble D; filled with a zero at the end."""
        if not self.packed:
            return self._field("z", self.text, size, most, desc)
        return _padded(self._field("z", RAW, size, most, desc, "nibbles"), "right")

    def x(self, size: Size, most: int, desc: str) -> FieldSpec:
        """Packed hex digits, counted one by one; the spare nibble is a zero at the end."""
        return _padded(self._field("x", RAW, size, most, desc, "nibbles"), "right")

    def xn(self, size: Size, most: int, desc: str) -> FieldSpec:
        """A sign, which is a character, and so many digits."""
        if not self.packed:
            return self._field("xn", self.text, size, most + 1, desc)
        return self._field("xn", RAW, size, 1 + (most + 1) // 2, desc)

    def ans(self, size: Size, most: int, desc: str) -> FieldSpec:
        """Text, counted in bytes."""
        return self._field("ans", self.text, size, most, desc)

    def b(self, size: Size, most: int, desc: str) -> FieldSpec:
        """Bytes, as they are or as hex digits."""
        if self.hex_binary and size is Size.FIXED:
            return self._field("b", self.text, size, 2 * most, desc)
        return self._field("b", RAW, size, most, desc)

    def bitmap(self, desc: str, size: int = 8) -> FieldSpec:
        """A bitmap of so many bytes."""
        return self.b(Size.FIXED, size, desc)

    def field(self, row: Row) -> FieldSpec:
        """A row of the standard's table in this coding."""
        word = {"n": self.n, "z": self.z, "x": self.x, "xn": self.xn, "ans": self.ans, "b": self.b}
        return word[row.content](row.size, row.most, row.desc)

    def fields(self, rows: Mapping[int, Row]) -> dict[str, FieldSpec]:
        """The fields of the standard's table in this coding."""
        return {str(number): self.field(row) for number, row in rows.items()}

    def table(self, rows: Mapping[int, Row]) -> dict[str, FieldSpec]:
        """A whole table: no header, the MTI, bitmaps and fields."""
        return {
            HEADER: self.b(Size.FIXED, 0, "Header"),
            MTI: self.n(Size.FIXED, 4, "Message type"),
            PRIMARY: self.bitmap("Bitmap, primary"),
            SECONDARY: self.bitmap("Bitmap, secondary and tertiary"),
            **self.fields(rows),
        }

    def _field(
        self,
        content: Content,
        encoding: str,
        size: Size,
        most: int,
        desc: str,
        unit: Literal["bytes", "nibbles"] = "bytes",
    ) -> FieldSpec:
        return {
            "data_enc": encoding,
            "len_enc": BCD_LENGTH if self.packed else self.text,
            "len_type": (size + 1) // 2 if self.packed else int(size),
            "max_len": most,
            "len_count": unit,
            "desc": desc,
            "content": content,
        }


def _padded(spec: FieldSpec, side: Side) -> FieldSpec:
    return {**spec, "left_pad": "0"} if side == "left" else {**spec, "right_pad": "0"}


BCD: Final = Coding(packed=True)
"""Digits and lengths packed, text in latin-1: UnionPay's terminals and the binary dialects."""

n, z, x, xn, ans, b = BCD.n, BCD.z, BCD.x, BCD.xn, BCD.ans, BCD.b
