"""Where a message begins, by its table: header, MTI, bitmaps, and which fields the bitmaps can announce.

The layout is what the interpreter and the plans have in common. A whole message has a primary bitmap of 64
bits; if the table has a row `1`, bit 1 announces a secondary and bit 65 in it a tertiary bitmap, and neither
is a field. A message inside a field has one bitmap of the size that its row `p` gives, and each bit of it is
a field.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from iso8583_specs.defects import Defect
from iso8583_specs.spec import HEADER, MTI, PRIMARY, RAW, SECONDARY, Spec

BITS: Final = tuple(tuple(bit for bit in range(1, 9) if value >> (8 - bit) & 1) for value in range(256))
"""The bits that are set in a byte, counted from 1 at the left."""

EXTENSIONS: Final = (1, 65)
"""The bits that announce the secondary and the tertiary bitmap."""

_BITMAP_BYTES: Final = 8
_FIELDS_MAX: Final = 192


class Announced(NamedTuple):
    """Field numbers in ascending order, and the byte after the bitmaps."""

    numbers: list[int]
    end: int


class BadBitmap(NamedTuple):
    """A bitmap that can't be read: which one (0, 1 or 2), where it begins, and why."""

    which: int
    position: int
    reason: Defect


@dataclass(frozen=True, slots=True)
class Layout:
    """The beginning of a dialect's messages.

    Attributes:
        has_header: Whether a header stands before the MTI.
        mti: Encoding of the MTI; None for a message inside a field.
        bitmaps: Encodings of the bitmaps there can be, in their order.
        bitmap_bytes: Bytes that a bitmap says, which are twice as many hex digits.
        numbers: The fields that have a row.
    """

    has_header: bool
    mti: str | None
    bitmaps: tuple[str, ...]
    bitmap_bytes: int
    numbers: frozenset[int]

    @classmethod
    def of(cls, spec: Spec, *, inside: bool) -> "Layout":
        """The layout that a table describes."""
        primary = spec[PRIMARY]
        size = _BITMAP_BYTES
        bitmaps: tuple[str, ...] = (primary["data_enc"],)
        if inside:
            size = primary["max_len"] // (1 if primary["data_enc"] == RAW else 2)
        elif SECONDARY in spec:
            bitmaps += (spec[SECONDARY]["data_enc"],) * 2
        most = min(len(bitmaps) * 8 * size, _FIELDS_MAX)
        numbers = {int(key) for key in spec if key.isdecimal() and int(key) <= most}
        return cls(
            has_header=HEADER in spec and spec[HEADER]["max_len"] > 0,
            mti=None if inside else spec[MTI]["data_enc"],
            bitmaps=bitmaps,
            bitmap_bytes=size,
            numbers=frozenset(numbers if inside else numbers.difference(EXTENSIONS)),
        )

    @property
    def mti_bytes(self) -> int:
        """Width of the MTI."""
        if self.mti is None:
            return 0
        return 2 if self.mti == RAW else 4

    def width(self, index: int) -> int:
        """Width in bytes of the first, second or third bitmap."""
        return self.bitmap_bytes if self.bitmaps[index] == RAW else 2 * self.bitmap_bytes

    def announced(self, body: bytes, at: int) -> "Announced | BadBitmap":
        """The fields that the bitmaps at byte `at` announce, and where the bitmaps end."""
        numbers: list[int] = []
        for index, encoding in enumerate(self.bitmaps):
            if index and EXTENSIONS[index - 1] not in numbers:
                break
            if index:
                numbers.remove(EXTENSIONS[index - 1])
            end = at + self.width(index)
            bits = _bits(body[at:end], encoding, self.width(index))
            if isinstance(bits, Defect):
                return BadBitmap(index, at, bits)
            base = 8 * self.bitmap_bytes * index
            numbers += [base + 8 * place + bit for place, value in enumerate(bits) for bit in BITS[value]]
            at = end
        return Announced(numbers, at)

    def usual(self, numbers: Iterable[int]) -> bytes:
        """The bitmaps that announce these fields, as the dialect writes them."""
        bits, count, size = 0, 1, 8 * self.bitmap_bytes
        for number in numbers:
            count = max(count, (number + size - 1) // size)
            bits |= 1 << (size * len(self.bitmaps) - number)
        for extension in EXTENSIONS[: count - 1]:
            bits |= 1 << (size * len(self.bitmaps) - extension)
        whole = bits.to_bytes(self.bitmap_bytes * len(self.bitmaps), "big")
        parts = (
            whole[place : place + self.bitmap_bytes] for place in range(0, len(whole), self.bitmap_bytes)
        )
        written = zip(parts, self.bitmaps[:count], strict=False)
        return b"".join(part if code == RAW else part.hex().upper().encode(code) for part, code in written)


def _bits(data: bytes, encoding: str, width: int) -> bytes | Defect:
    """The bytes that a bitmap says; hex digits are read as leniently as the reference reads them."""
    if len(data) != width:
        return Defect.TRUNCATED
    if encoding == RAW:
        return data
    try:
        return bytes.fromhex(data.decode(encoding))
    except ValueError:
        return Defect.BAD_BITMAP
