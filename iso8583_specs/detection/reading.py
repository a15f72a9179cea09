"""Bytes laid out by a dialect's table: where each field starts and ends, whatever stands in it.

The codec answers whether bytes are a message. A doctor wants to know how far they are one: a reading takes
the MTI, the bitmaps and the fields in their order and goes on until it can't, without judging contents. It
costs nothing to prepare, so a table with one row changed can be tried as well as a dialect's own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from iso8583_specs.defects import Defect
from iso8583_specs.spec import BCD_LENGTH, HEADER, MTI, PRIMARY, RAW, SECONDARY, FieldSpec, Spec

# Bits that announce another bitmap.
_MORE_BITMAPS: Final = (1, 65)
_BITMAP_BITS: Final = 64
_DIGITS: Final = frozenset("0123456789")


class Part(NamedTuple):
    """A field as it lies in the body.

    Attributes:
        number: The field.
        at: Where its length indicator starts, or its content if it has none.
        content: Its bytes, without the indicator.
        units: How many digits or bytes there are.
        spec: The row it was read by.
    """

    number: int
    at: int
    content: bytes
    units: int
    spec: FieldSpec


class Break(NamedTuple):
    """Where a reading can't go on; None as field are MTI, bitmaps, and what follows the last field."""

    field: int | None
    at: int
    reason: Defect


@dataclass(frozen=True, slots=True)
class Reading:
    """What a table makes of a body.

    Attributes:
        mti: Four digits.
        numbers: The fields that the bitmaps announce.
        parts: Those that were read.
        end: Where the last of them ends.
        broken: Why it isn't the whole body; None if it is.
    """

    mti: str
    numbers: tuple[int, ...]
    parts: tuple[Part, ...]
    end: int
    broken: Break | None


class _BreakFoundError(Exception):
    """Carries a break to where the reading ends."""

    def __init__(self, found: Break) -> None:
        super().__init__()
        self.found = found


def mti_at(spec: Spec, body: bytes, at: int = 0) -> str | None:
    """The four digits that a table's MTI would be; None if they aren't digits."""
    header = spec[HEADER]["max_len"]
    row = spec[MTI]
    raw = body[at + header : at + header + _mti_bytes(spec)]
    mti = raw.hex() if row["data_enc"] == RAW else _text(row, raw)
    return mti if mti and len(mti) == 4 and _DIGITS.issuperset(mti) else None


def read(spec: Spec, body: bytes) -> Reading | None:
    """What a table makes of a body; None if it doesn't even begin with an MTI and a bitmap."""
    mti = mti_at(spec, body)
    if mti is None:
        return None
    try:
        numbers, at = _bitmaps(spec, body, spec[HEADER]["max_len"] + _mti_bytes(spec))
    except _BreakFoundError:
        return None
    parts: list[Part] = []
    broken = None
    try:
        for part in _fields(spec, numbers, body, at):
            parts.append(part)
            at = part_end(part)
        if at != len(body):
            broken = Break(None, at, Defect.TRAILING_BYTES)
    except _BreakFoundError as stop:
        broken = stop.found
    return Reading(mti, tuple(numbers), tuple(parts), at, broken)


def part_end(part: Part) -> int:
    """Where a field ends."""
    return part.at + part.spec["len_type"] + len(part.content)


def text_of(part: Part) -> str | None:
    """A field's content as text: packed digits without filler, characters decoded; None for bytes."""
    row = part.spec
    if row["data_enc"] != RAW:
        return _text(row, part.content)
    if row["len_count"] != "nibbles":
        return None
    digits = part.content.hex().upper()
    if part.units % 2 == 0:
        return digits
    return digits[1:] if "left_pad" in row else digits[:-1]


def _mti_bytes(spec: Spec) -> int:
    return 2 if spec[MTI]["data_enc"] == RAW else 4


def _bitmaps(spec: Spec, body: bytes, at: int) -> tuple[list[int], int]:
    """The announced fields, and where the first of them starts."""
    numbers, at = _bitmap(spec[PRIMARY], body, at, 0)
    for offset, announcing in enumerate(_MORE_BITMAPS, start=1):
        if announcing in numbers and SECONDARY in spec:
            more, at = _bitmap(spec[SECONDARY], body, at, offset * _BITMAP_BITS)
            numbers.remove(announcing)
            numbers += more
    return numbers, at


def _bitmap(row: FieldSpec, body: bytes, at: int, offset: int) -> tuple[list[int], int]:
    size = 8 if row["data_enc"] == RAW else 16
    raw = body[at : at + size]
    if len(raw) == size and row["data_enc"] != RAW:
        raw = _from_hex(_text(row, raw))
    if len(raw) != 8:
        raise _BreakFoundError(Break(None, at, Defect.BAD_BITMAP))
    bits = int.from_bytes(raw, "big")
    numbers = [number + offset for number in range(1, 65) if bits >> (_BITMAP_BITS - number) & 1]
    return numbers, at + size


def _from_hex(text: str | None) -> bytes:
    try:
        return bytes.fromhex(text or "")
    except ValueError:
        return b""


def _fields(spec: Spec, numbers: list[int], body: bytes, at: int) -> Iterator[Part]:
    for number in numbers:
        row = spec.get(str(number))
        if row is None:
            raise _BreakFoundError(Break(number, at, Defect.UNDEFINED_FIELD))
        part = _part(number, row, body, at)
        yield part
        at = part_end(part)


def _part(number: int, row: FieldSpec, body: bytes, at: int) -> Part:
    width = row["len_type"]
    count = row["max_len"]
    if width:
        indicator = body[at : at + width]
        if len(indicator) < width:
            raise _BreakFoundError(Break(number, at, Defect.TRUNCATED))
        stated = _number(row, indicator)
        if stated is None:
            raise _BreakFoundError(Break(number, at, Defect.BAD_LENGTH))
        if stated > count:
            raise _BreakFoundError(Break(number, at, Defect.TOO_LONG))
        count = stated
    size = (count + 1) // 2 if row["len_count"] == "nibbles" else count
    content = body[at + width : at + width + size]
    if len(content) < size:
        raise _BreakFoundError(Break(number, at, Defect.TRUNCATED))
    return Part(number, at, content, count, row)


def _number(row: FieldSpec, indicator: bytes) -> int | None:
    """What a length indicator says; None if it says no number."""
    if row["len_enc"] == RAW:
        return int.from_bytes(indicator, "big")
    digits = indicator.hex() if row["len_enc"] == BCD_LENGTH else _decoded(indicator, row["len_enc"])
    return int(digits) if digits and _DIGITS.issuperset(digits) else None


def _text(row: FieldSpec, raw: bytes) -> str | None:
    return _decoded(raw, row["data_enc"])


def _decoded(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except ValueError:
        return None
