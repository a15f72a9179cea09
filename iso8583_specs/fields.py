"""One field between wire and value: what is left of a field's specification once it is compiled.

`compile_field` turns a row of a dialect's table into an object that reads and writes that field and nothing
else. Classes, one for each shape of content, share the length: fixed, or counted by an indicator in digits or
bytes. Rules are those of pyiso8583 on the same row, and milder in one thing: the spare nibble of an odd count
may hold any filler, and it is kept. An indicator that says its count in an unusual way is kept too.

A strict field also refuses what isn't of its content: n is decimal, a track digits and separators, x hex.

No exception of Python's own, which would carry the data, leaves this module, not even as a context.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Protocol

from iso8583_specs.defects import Defect, MalformedMessage, UnencodableField
from iso8583_specs.message import Message, Spelling, Value
from iso8583_specs.spec import RAW, Content, FieldSpec

HEADER_NUMBER: Final = 0
"""The number under which a header is read and written; errors name no field for it."""

_DIGITS: Final = "0123456789"
_HEX_DIGITS: Final = "0123456789ABCDEF"
_ANY_HEX_DIGITS: Final = "0123456789ABCDEFabcdef"

# What a strict field's text may consist of, and the defect when it doesn't.
_ALPHABETS: Final[Mapping[Content, tuple[str, Defect]]] = {
    "n": (_DIGITS, Defect.NOT_DIGITS),
    "z": (_DIGITS + "=", Defect.NOT_TRACK),
    "x": (_ANY_HEX_DIGITS, Defect.NOT_HEX),
}


class Inside(Protocol):
    """The codec of the message inside a field."""

    def decode(self, body: bytes) -> Message:
        """The message in a field's bytes, or `MalformedMessage`."""
        ...

    def encode(self, message: Message) -> bytes:
        """The field's bytes, or `UnencodableField`."""
        ...


class _Found(NamedTuple):
    """A field's content: its bytes, their count in nibbles or bytes, where they stand, and for whom."""

    data: bytes
    said: int
    position: int
    message: Message


class Field(ABC):
    """A field of one dialect; its number is 1 to 192, or 0 for a header."""

    __slots__ = (
        "_alphabet",
        "_count_of",
        "_dialect",
        "_in_nibbles",
        "_indicator_of",
        "_most",
        "_width",
        "number",
    )

    def __init__(self, dialect: str, number: int, spec: FieldSpec, *, strict: bool) -> None:
        self._dialect = dialect
        self._width = spec["len_type"]
        self._count_of = _count_reader(spec["len_enc"])
        self._indicator_of = _count_writer(spec["len_enc"], spec["len_type"])
        self._in_nibbles = spec["len_count"] == "nibbles"
        self._most = spec["max_len"]
        self._alphabet = _ALPHABETS.get(spec["content"]) if strict else None
        self.number = number

    def decode(self, body: bytes, at: int, message: Message) -> int:
        """Add the field that starts at byte `at` to the message; returns where the next one starts.

        Raises:
            MalformedMessage: The field can't be read there.
        """
        start = at + self._width
        count = self._count(body, at) if self._width else self._most
        size = (count + 1) // 2 if self._in_nibbles else count
        data = body[start : start + size]
        if len(data) != size:
            raise self._malformed(start, Defect.TRUNCATED)
        message.fields[self.number] = self._value(_Found(data, count, start, message))
        if self._width:
            self._note_spelling(body[at:start], count, message)
        return start + size

    def encode(self, message: Message) -> bytes:
        """The bytes of the message's value, length indicator included.

        Raises:
            UnencodableField: The value doesn't fit the field.
        """
        data, count = self._data(message)
        if not self._width:
            if count != self._most:
                raise self._unencodable(Defect.WRONG_LENGTH)
            return data
        if count > self._most:
            raise self._unencodable(Defect.TOO_LONG)
        return (self._spelt(message, count) or self._usual(count)) + data

    @abstractmethod
    def _value(self, found: _Found) -> Value:
        """The value in the content's bytes."""

    @abstractmethod
    def _data(self, message: Message) -> tuple[bytes, int]:
        """The content's bytes, and their count in nibbles or bytes."""

    def _count(self, body: bytes, at: int) -> int:
        indicator = body[at : at + self._width]
        if len(indicator) != self._width:
            raise self._malformed(at, Defect.TRUNCATED)
        try:
            count = self._count_of(indicator)
        except ValueError:
            count = None
        if count is None:
            raise self._malformed(at, Defect.BAD_LENGTH)
        if count > self._most:
            raise self._malformed(at, Defect.TOO_LONG)
        return count

    def _usual(self, count: int) -> bytes:
        indicator = self._indicator_of(count)
        if indicator is None:
            raise self._unencodable(Defect.TOO_LONG)
        return indicator

    def _written(self, count: int) -> int:
        """The count that is written for a value read with this one."""
        return count

    def _note_spelling(self, indicator: bytes, count: int, message: Message) -> None:
        """Keep an indicator that would be written differently."""
        if indicator != self._indicator_of(self._written(count)):
            message.spelling = message.spelling or Spelling()
            message.spelling.lengths[self.number] = indicator

    def _spelt(self, message: Message, count: int) -> bytes | None:
        """The indicator as it came, if it still says this count."""
        indicator = message.spelling.lengths.get(self.number) if message.spelling else None
        if indicator is None or len(indicator) != self._width:
            return None
        try:
            said = self._count_of(indicator)
        except ValueError:
            return None
        return indicator if self._written(said) == count else None

    def _text(self, message: Message) -> str:
        value = message.fields[self.number]
        if not isinstance(value, str):
            raise self._unencodable(Defect.WRONG_TYPE)
        return value

    def _malformed(self, position: int, reason: Defect) -> MalformedMessage:
        return MalformedMessage(self._dialect, self.number or None, position, reason)

    def _unencodable(self, reason: Defect) -> UnencodableField:
        return UnencodableField(self._dialect, self.number or None, reason)

    def _unfit(self, text: str) -> Defect | None:
        """Why the text isn't of the field's content, if the field is strict."""
        if self._alphabet is not None and text.strip(self._alphabet[0]):
            return self._alphabet[1]
        return None


class PackedField(Field):
    """Two characters in a byte: digits, tracks, hex digits."""

    __slots__ = ("_is_track", "_left", "_right")

    def __init__(self, dialect: str, number: int, spec: FieldSpec, *, strict: bool) -> None:
        super().__init__(dialect, number, spec, strict=strict)
        self._is_track = spec["content"] == "z"
        self._left = spec.get("left_pad", "")[:1]
        self._right = spec.get("right_pad", "")[:1]

    def _value(self, found: _Found) -> Value:
        text = found.data.hex().upper()
        if self._in_nibbles and found.said & 1:
            text = self._without_filler(text, found)
        if self._is_track:
            text = text.replace("D", "=")
        unfit = self._unfit(text)
        if unfit is not None:
            raise self._malformed(found.position, unfit)
        return text

    def _without_filler(self, text: str, found: _Found) -> str:
        """With fillers for both sides the reference tries the left one first."""
        if not (self._left or self._right) or not text:
            raise self._malformed(found.position, Defect.NO_FILLER)
        if self._left and (text[0] == self._left or text[-1] != self._right):
            filler, usual, rest = text[0], self._left, text[1:]
        else:
            filler, usual, rest = text[-1], self._right, text[:-1]
        if filler != usual:
            found.message.fillers[self.number] = filler
        return rest

    def _data(self, message: Message) -> tuple[bytes, int]:
        text = self._text(message)
        unfit = self._unfit(text)
        if unfit is not None:
            raise self._unencodable(unfit)
        nibbles = text.replace("=", "D") if self._is_track else text
        if not is_hex(nibbles):
            raise self._unencodable(Defect.NOT_TRACK if self._is_track else Defect.NOT_HEX)
        if len(text) & 1:
            nibbles = self._with_filler(nibbles, message)
        data = bytes.fromhex(nibbles)
        return data, len(text) if self._in_nibbles else len(data)

    def _with_filler(self, nibbles: str, message: Message) -> str:
        usual = self._left or self._right
        if not (self._in_nibbles and usual):
            raise self._unencodable(Defect.NO_FILLER)
        filler = message.fillers.get(self.number, usual)
        if len(filler) != 1 or filler not in _HEX_DIGITS:
            raise self._unencodable(Defect.BAD_FILLER)
        return filler + nibbles if self._left else nibbles + filler


class TextField(Field):
    """Characters of an encoding."""

    __slots__ = ("_encoding",)

    def __init__(self, dialect: str, number: int, spec: FieldSpec, *, strict: bool) -> None:
        super().__init__(dialect, number, spec, strict=strict)
        self._encoding = spec["data_enc"]

    def _written(self, count: int) -> int:
        return count + (count & 1) if self._in_nibbles else count

    def _value(self, found: _Found) -> Value:
        text = text_of(found.data, self._encoding)
        if text is None:
            raise self._malformed(found.position, Defect.NOT_TEXT)
        unfit = self._unfit(text)
        if unfit is not None:
            raise self._malformed(found.position, unfit)
        return text

    def _data(self, message: Message) -> tuple[bytes, int]:
        text = self._text(message)
        unfit = self._unfit(text)
        if unfit is not None:
            raise self._unencodable(unfit)
        data = bytes_of(text, self._encoding)
        if data is None:
            raise self._unencodable(Defect.NOT_LATIN_1)
        return data, 2 * len(data) if self._in_nibbles else len(data)


class BinaryField(Field):
    """Bytes as they are."""

    __slots__ = ()

    def _value(self, found: _Found) -> Value:
        return found.data

    def _data(self, message: Message) -> tuple[bytes, int]:
        value = message.fields[self.number]
        if not isinstance(value, bytes):
            raise self._unencodable(Defect.WRONG_TYPE)
        return value, len(value)


class SignedField(Field):
    """A sign, one character, and packed digits."""

    __slots__ = ()

    def _value(self, found: _Found) -> Value:
        return signed_text(found.data)

    def _data(self, message: Message) -> tuple[bytes, int]:
        text = self._text(message)
        sign, digits = text[:1], text[1:]
        if not is_hex(digits):
            raise self._unencodable(Defect.NOT_HEX)
        if len(digits) & 1:
            raise self._unencodable(Defect.WRONG_LENGTH)
        data = bytes_of(sign, "latin-1")
        if data is None:
            raise self._unencodable(Defect.NOT_LATIN_1)
        data += bytes.fromhex(digits)
        return data, len(data)


class MessageField(BinaryField):
    """A message with a bitmap of its own; bytes that are none stay bytes, as the reference reads them."""

    __slots__ = ("_inside",)

    def __init__(self, dialect: str, number: int, spec: FieldSpec, inside: Inside, *, strict: bool) -> None:
        super().__init__(dialect, number, spec, strict=strict)
        self._inside = inside

    def decode(self, body: bytes, at: int, message: Message) -> int:
        """See `Field.decode`."""
        end = super().decode(body, at, message)
        value = message.fields[self.number]
        part = message_in(self._inside, value) if isinstance(value, bytes) else None
        if part is not None:
            del message.fields[self.number]
            message.parts[self.number] = part
        return end

    def _data(self, message: Message) -> tuple[bytes, int]:
        part = message.parts.get(self.number)
        if part is None:
            return super()._data(message)
        if self.number in message.fields:
            raise self._unencodable(Defect.GIVEN_TWICE)
        data = self._inside.encode(part)
        return data, len(data)


def message_in(inside: Inside, data: bytes) -> Message | None:
    """The message in a field's bytes; None where they are none, or would be written differently."""
    try:
        message = inside.decode(data)
        return message if inside.encode(message) == data else None
    except (MalformedMessage, UnencodableField):
        return None


def signed_text(data: bytes) -> str:
    """The text of a sign and packed digits."""
    return data[:1].decode("latin-1") + data[1:].hex().upper()


def is_hex(text: str) -> bool:
    """Whether the text consists of hex digits, in any case."""
    return not text.strip(_ANY_HEX_DIGITS)


def text_of(data: bytes, encoding: str) -> str | None:
    """The characters of bytes, or None if they are none."""
    try:
        return data.decode(encoding)
    except ValueError:
        return None


def bytes_of(text: str, encoding: str) -> bytes | None:
    """The bytes of characters, or None if one has none."""
    try:
        return text.encode(encoding)
    except ValueError:
        return None


def _count_reader(encoding: str) -> Callable[[bytes], int]:
    """The count in the bytes of an indicator; the function raises ValueError where there is none."""
    match encoding:
        case "b":
            return lambda indicator: int.from_bytes(indicator, "big")
        case "bcd":
            return lambda indicator: int(indicator.hex())
        case _:
            return lambda indicator: int(indicator.decode(encoding))


def _count_writer(encoding: str, width: int) -> Callable[[int], bytes | None]:
    """The bytes of an indicator for a count, or None where it has no room for it."""
    match encoding:
        case "b":
            return lambda count: count.to_bytes(width, "big") if count < 256**width else None
        case "bcd":
            return lambda count: bytes.fromhex(f"{count:0{2 * width}}") if count < 100**width else None
        case _:
            return lambda count: f"{count:0{width}}".encode(encoding) if count < 10**width else None


_CLASSES: Final[Mapping[Content, type[Field]]] = {
    "n": PackedField,
    "z": PackedField,
    "x": PackedField,
    "xn": SignedField,
    "b": BinaryField,
}


def compile_field(
    dialect: str, number: int, spec: FieldSpec, *, strict: bool = False, inside: Inside | None = None
) -> Field:
    """The field of a dialect that a row of its table describes.

    Args:
        dialect: What errors call the dialect.
        number: The field's number.
        spec: Its row.
        strict: Whether what isn't of the field's content is refused.
        inside: The codec of the message inside, for a row with `fields`.
    """
    if inside is not None:
        return MessageField(dialect, number, spec, inside, strict=strict)
    if spec["data_enc"] != RAW:
        return TextField(dialect, number, spec, strict=strict)
    return _CLASSES[spec["content"]](dialect, number, spec, strict=strict)
