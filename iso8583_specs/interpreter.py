"""The codec that walks a table: a dialect's specification, compiled once, read field by field.

Compiling makes a `Field` of each row; decoding reads the bitmaps and calls the field of each bit that is set,
in ascending order. It is the reading of pyiso8583 on the same table: header if the table has one, MTI, the
primary bitmap, the secondary one if bit 1 is set, the tertiary one if bit 65 is set, fields, and nothing
after them. Bits 1 and 65 of a whole message are no fields. A bit without a row is a defect, above all bit 1
of a dialect that has no secondary bitmap.

A message inside a field has no MTI and one bitmap of the size its table says, in which every bit is a field.
"""

from contextlib import suppress
from typing import Final, NamedTuple

from iso8583_specs.defects import Defect, MalformedMessage, UnencodableField
from iso8583_specs.fields import HEADER_NUMBER, Field, bytes_of, compile_field, is_hex, text_of
from iso8583_specs.layout import BadBitmap, Layout
from iso8583_specs.message import PEEKED, Message, Peek, Spelling
from iso8583_specs.spec import HEADER, RAW, FieldSpec, Spec

_MTI_LETTERS: Final = 4


class Interpreter:
    """The codec of one dialect; see `codec.Codec` for its methods' promises.

    Args:
        dialect: What errors call it.
        spec: Its table.
        strict: Whether values that aren't of their field's content are refused.
        inside: Whether this is the table of a message inside a field.
    """

    __slots__ = ("_fields", "_header", "_layout", "_strict", "dialect")

    def __init__(self, dialect: str, spec: Spec, *, strict: bool = False, inside: bool = False) -> None:
        self.dialect = dialect
        self._strict = strict
        self._layout = Layout.of(spec, inside=inside)
        self._header = self._compiled(HEADER_NUMBER, spec[HEADER]) if self._layout.has_header else None
        self._fields = {number: self._compiled(number, spec[str(number)]) for number in self._layout.numbers}

    def decode(self, body: bytes) -> Message:
        """See `Codec.decode`."""
        start = self._start(body)
        self._add_fields(body, start)
        return start.message

    def decode_readable(self, body: bytes) -> Message | None:
        """See `Codec.decode_readable`."""
        try:
            start = self._start(body)
        except MalformedMessage:
            return None
        with suppress(MalformedMessage):
            self._add_fields(body, start)
        return start.message

    def peek(self, body: bytes) -> Peek:
        """See `Codec.peek`."""
        message, numbers, bitmaps_at, at = self._start(body)
        bitmaps = body[bitmaps_at:at]
        for number in numbers:
            if number > max(PEEKED):
                break
            at = self._field(number, bitmaps_at).decode(body, at, message)
        stan, rrn, terminal = (message.fields.get(number) for number in PEEKED)
        return message.mti, stan, rrn, terminal, bitmaps

    def encode(self, message: Message) -> bytes:
        """See `Codec.encode`."""
        numbers = sorted({*message.fields, *message.parts})
        parts = [self._header_bytes(message), self._mti_bytes(message.mti)]
        contents = []
        for number in numbers:
            field = self._fields.get(number)
            if field is None:
                raise UnencodableField(self.dialect, number, Defect.UNDEFINED_FIELD)
            contents.append(field.encode(message))
        return b"".join((*parts, self._bitmap_bytes(message, numbers), *contents))

    def _compiled(self, number: int, spec: FieldSpec) -> Field:
        inside = None
        if "fields" in spec:
            inside = Interpreter(self.dialect, spec["fields"], strict=self._strict, inside=True)
        return compile_field(self.dialect, number, spec, strict=self._strict, inside=inside)

    def _start(self, body: bytes) -> "_Start":
        message, at = Message(""), 0
        if self._header is not None:
            at = self._header.decode(body, at, message)
            message.header = message.fields.pop(HEADER_NUMBER)
        message.mti = self._mti(body, at)
        bitmaps_at = at + self._layout.mti_bytes
        announced = self._layout.announced(body, bitmaps_at)
        if isinstance(announced, BadBitmap):
            field = 1 if announced.which else None
            raise MalformedMessage(self.dialect, field, announced.position, announced.reason)
        numbers, at = announced
        bitmaps = body[bitmaps_at:at]
        if bitmaps != self._layout.usual(numbers):
            message.spelling = Spelling(message.spelling.lengths if message.spelling else {}, bitmaps)
        return _Start(message, numbers, bitmaps_at, at)

    def _mti(self, body: bytes, at: int) -> str:
        encoding = self._layout.mti
        if encoding is None:
            return ""
        data = body[at : at + self._layout.mti_bytes]
        if len(data) != self._layout.mti_bytes:
            raise MalformedMessage(self.dialect, None, at, Defect.TRUNCATED)
        mti = data.hex().upper() if encoding == RAW else text_of(data, encoding)
        if mti is None:
            raise MalformedMessage(self.dialect, None, at, Defect.NOT_TEXT)
        if self._strict and not _is_number(mti):
            raise MalformedMessage(self.dialect, None, at, Defect.BAD_MTI)
        return mti

    def _add_fields(self, body: bytes, start: "_Start") -> None:
        at = start.fields_at
        for number in start.numbers:
            at = self._field(number, start.bitmaps_at).decode(body, at, start.message)
        if at != len(body):
            raise MalformedMessage(self.dialect, None, at, Defect.TRAILING_BYTES)

    def _field(self, number: int, bitmaps_at: int) -> Field:
        field = self._fields.get(number)
        if field is None:
            raise MalformedMessage(self.dialect, number, bitmaps_at, Defect.UNDEFINED_FIELD)
        return field

    def _header_bytes(self, message: Message) -> bytes:
        if self._header is None:
            return b""
        header = Message("", {HEADER_NUMBER: message.header}, message.fillers, spelling=message.spelling)
        return self._header.encode(header)

    def _mti_bytes(self, mti: str) -> bytes:
        encoding = self._layout.mti
        if encoding is None:
            return b""
        data: bytes | None
        if encoding == RAW:
            data = bytes.fromhex(mti) if len(mti) == _MTI_LETTERS and is_hex(mti) else None
        else:
            data = bytes_of(mti, encoding)
        if data is None or len(data) != self._layout.mti_bytes or (self._strict and not _is_number(mti)):
            raise UnencodableField(self.dialect, None, Defect.BAD_MTI)
        return data

    def _bitmap_bytes(self, message: Message, numbers: list[int]) -> bytes:
        spelt = message.spelling.bitmaps if message.spelling else b""
        if spelt and self._layout.announced(spelt, 0) == (numbers, len(spelt)):
            return spelt
        return self._layout.usual(numbers)


class _Start(NamedTuple):
    """A message whose fields are to be read: which ones, and where bitmaps and fields begin."""

    message: Message
    numbers: list[int]
    bitmaps_at: int
    fields_at: int


def _is_number(mti: str) -> bool:
    return len(mti) == _MTI_LETTERS and mti.isascii() and mti.isdecimal()
