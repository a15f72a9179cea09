"""The codec that walks a table: a dialect's specification, compiled once, read field by field.

Compiling makes a `Field` of each row, and for each of the bitmap's eight bytes a list of the fields that
each of its 256 values announces. Decoding is then eight look-ups and one call for each field present, and
the memory doesn't depend on which bitmaps peers send.

The body it knows is that of the BCD dialects: an MTI of two bytes, one binary bitmap, the fields in
ascending order, nothing after them. A bit without a row in the table is a defect, above all bit 1, which
would announce a second bitmap.
"""

from contextlib import suppress
from typing import Final

from iso8583_specs.defects import Defect, MalformedMessage, UnencodableField
from iso8583_specs.fields import Field, compile_field
from iso8583_specs.message import Message
from iso8583_specs.spec import Spec

_BITMAP_AT: Final = 2
_FIELDS_AT: Final = 10
_FIELD_NUMBERS: Final = range(1, 65)


class Interpreter:
    """The codec of one dialect; see `codec.Codec` for its methods' promises."""

    __slots__ = ("_announced", "_fields", "dialect")

    def __init__(self, dialect: str, spec: Spec) -> None:
        self.dialect = dialect
        self._fields = {
            number: compile_field(dialect, number, spec[str(number)])
            for number in _FIELD_NUMBERS
            if str(number) in spec
        }
        self._announced = tuple(
            tuple(self._announced_by(byte_index, value) for value in range(256)) for byte_index in range(8)
        )

    def decode(self, body: bytes) -> Message:
        """See `Codec.decode`."""
        message = self._start(body)
        self._add_fields(body, message)
        return message

    def decode_readable(self, body: bytes) -> Message | None:
        """See `Codec.decode_readable`."""
        try:
            message = self._start(body)
        except MalformedMessage:
            return None
        with suppress(MalformedMessage):
            self._add_fields(body, message)
        return message

    def encode(self, message: Message) -> bytes:
        """See `Codec.encode`."""
        mti = message.mti
        if len(mti) != 4 or not (mti.isascii() and mti.isdecimal()):
            raise UnencodableField(self.dialect, None, Defect.BAD_MTI)
        bitmap = 0
        contents = []
        for number in sorted(message.fields):
            field = self._fields.get(number)
            if field is None:
                raise UnencodableField(self.dialect, number, Defect.UNDEFINED_FIELD)
            bitmap |= field.bit
            contents.append(field.encode(message))
        return b"".join((bytes.fromhex(mti), bitmap.to_bytes(8, "big"), *contents))

    def _announced_by(self, byte_index: int, value: int) -> tuple[int | Field, ...]:
        """The fields that a value of one bitmap byte announces; of an undefined one the number only."""
        numbers = (8 * byte_index + bit for bit in range(1, 9) if value >> (8 - bit) & 1)
        return tuple(self._fields.get(number, number) for number in numbers)

    def _start(self, body: bytes) -> Message:
        mti = body[:_BITMAP_AT].hex()
        if len(mti) < 4:
            raise MalformedMessage(self.dialect, None, 0, Defect.TRUNCATED)
        if not mti.isdecimal():
            raise MalformedMessage(self.dialect, None, 0, Defect.BAD_MTI)
        if len(body) < _FIELDS_AT:
            raise MalformedMessage(self.dialect, None, _BITMAP_AT, Defect.TRUNCATED)
        return Message(mti)

    def _add_fields(self, body: bytes, message: Message) -> None:
        at = _FIELDS_AT
        for announced, value in zip(self._announced, body[_BITMAP_AT:_FIELDS_AT], strict=True):
            for field in announced[value]:
                if isinstance(field, int):
                    raise MalformedMessage(self.dialect, field, _BITMAP_AT, Defect.UNDEFINED_FIELD)
                at = field.decode(body, at, message)
        if at != len(body):
            raise MalformedMessage(self.dialect, None, at, Defect.TRAILING_BYTES)
