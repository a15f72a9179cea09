"""One field between wire and value: what is left of a field's specification once it is compiled.

`compile_field` turns a row of a dialect's table into an object that reads and writes that field and nothing
else. Three classes, one for each shape of content, share the length: fixed, or counted by a BCD indicator
in digits or bytes. Rules are those of pyiso8583 on the same row, made stricter in content (n is decimal, z
is a track) and milder in one thing: the spare nibble of an odd count may hold any filler, and it is kept.

All checks come before conversions, so that no exception of Python's own, which would carry the data, ever
arises.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Final

from iso8583_specs.defects import Defect, MalformedMessage, UnencodableField
from iso8583_specs.message import Message
from iso8583_specs.spec import Content, FieldSpec

_DIGITS: Final = "0123456789"
_HEX_DIGITS: Final = "0123456789ABCDEF"
_LATIN_1_LAST: Final = "\xff"

# Content of packed nibbles: what its text may consist of, and the defect when it doesn't.
_ALPHABETS: Final = {
    "n": (_DIGITS, Defect.NOT_DIGITS),
    "z": (_DIGITS + "=", Defect.NOT_TRACK),
    "x": (_HEX_DIGITS, Defect.NOT_HEX),
}

# The bytes of each indicator, by its width in bytes and the count.
_INDICATORS: Final = tuple(
    tuple(bytes.fromhex(f"{count:0{2 * width}}") for count in range(most + 1))
    for width, most in ((1, 99), (2, 999))
)


class Field(ABC):
    """A field of one dialect.

    Attributes:
        number: The field's number, 1 to 64.
        bit: Its bit in the bitmap, as a number of 64 bits.
    """

    __slots__ = ("_dialect", "_in_nibbles", "_indicator_bytes", "_most", "bit", "number")

    def __init__(self, dialect: str, number: int, spec: FieldSpec) -> None:
        self._dialect = dialect
        self._indicator_bytes = spec["len_type"]
        self._in_nibbles = spec["len_count"] == "nibbles"
        self._most = spec["max_len"]
        self.number = number
        self.bit = 1 << (64 - number)

    @abstractmethod
    def decode(self, body: bytes, at: int, message: Message) -> int:
        """Add the field that starts at byte `at` to the message; returns where the next one starts.

        Raises:
            MalformedMessage: The field can't be read there.
        """

    @abstractmethod
    def encode(self, message: Message) -> bytes:
        """The bytes of the message's value, length indicator included.

        Raises:
            UnencodableField: The value doesn't fit the field.
        """

    def _extent(self, body: bytes, at: int) -> tuple[int, int, int]:
        """Start and end of the content in bytes, and its count in digits or bytes."""
        count = self._most
        if self._indicator_bytes:
            count = self._count(body, at)
            at += self._indicator_bytes
        end = at + ((count + 1) >> 1 if self._in_nibbles else count)
        if end > len(body):
            raise self._malformed(at, Defect.TRUNCATED)
        return at, end, count

    def _count(self, body: bytes, at: int) -> int:
        digits = body[at : at + self._indicator_bytes].hex()
        if len(digits) != 2 * self._indicator_bytes:
            raise self._malformed(at, Defect.TRUNCATED)
        if digits.strip(_DIGITS):
            raise self._malformed(at, Defect.BAD_LENGTH)
        count = int(digits)
        if count > self._most:
            raise self._malformed(at, Defect.TOO_LONG)
        return count

    def _indicator(self, count: int) -> bytes:
        if not self._indicator_bytes:
            if count != self._most:
                raise self._unencodable(Defect.WRONG_LENGTH)
            return b""
        if count > self._most:
            raise self._unencodable(Defect.TOO_LONG)
        return _INDICATORS[self._indicator_bytes - 1][count]

    def _text(self, message: Message) -> str:
        value = message.fields[self.number]
        if not isinstance(value, str):
            raise self._unencodable(Defect.WRONG_TYPE)
        return value

    def _malformed(self, position: int, reason: Defect) -> MalformedMessage:
        return MalformedMessage(self._dialect, self.number, position, reason)

    def _unencodable(self, reason: Defect) -> UnencodableField:
        return UnencodableField(self._dialect, self.number, reason)


class PackedField(Field):
    """Two characters in a byte: digits, tracks, hex digits."""

    __slots__ = ("_alphabet", "_filler", "_filler_left", "_is_track", "_unfit")

    def __init__(self, dialect: str, number: int, spec: FieldSpec) -> None:
        super().__init__(dialect, number, spec)
        self._alphabet, self._unfit = _ALPHABETS[spec["content"]]
        self._is_track = spec["content"] == "z"
        self._filler_left = "left_pad" in spec
        self._filler = spec["left_pad"] if self._filler_left else spec["right_pad"]

    def decode(self, body: bytes, at: int, message: Message) -> int:
        """See `Field.decode`."""
        start, end, count = self._extent(body, at)
        text = body[start:end].hex().upper()
        filler = self._filler
        if count & 1:
            filler, text = (text[0], text[1:]) if self._filler_left else (text[-1], text[:-1])
        if self._is_track:
            text = text.replace("D", "=")
        if text.strip(self._alphabet):
            raise self._malformed(start, self._unfit)
        message.fields[self.number] = text
        if filler != self._filler:
            message.fillers[self.number] = filler
        return end

    def encode(self, message: Message) -> bytes:
        """See `Field.encode`."""
        text = self._text(message)
        if text.strip(self._alphabet):
            raise self._unencodable(self._unfit)
        indicator = self._indicator(len(text))
        nibbles = text.replace("=", "D")
        if len(text) & 1:
            nibbles = self._with_filler(nibbles, message)
        return indicator + bytes.fromhex(nibbles)

    def _with_filler(self, nibbles: str, message: Message) -> str:
        filler = message.fillers.get(self.number, self._filler)
        if len(filler) != 1 or filler not in _HEX_DIGITS:
            raise self._unencodable(Defect.BAD_FILLER)
        return filler + nibbles if self._filler_left else nibbles + filler


class TextField(Field):
    """A character for each byte."""

    __slots__ = ()

    def decode(self, body: bytes, at: int, message: Message) -> int:
        """See `Field.decode`."""
        start, end, _ = self._extent(body, at)
        message.fields[self.number] = body[start:end].decode("latin-1")
        return end

    def encode(self, message: Message) -> bytes:
        """See `Field.encode`."""
        text = self._text(message)
        if not text.isascii() and max(text) > _LATIN_1_LAST:
            raise self._unencodable(Defect.NOT_LATIN_1)
        return self._indicator(len(text)) + text.encode("latin-1")


class BinaryField(Field):
    """Bytes as they are."""

    __slots__ = ()

    def decode(self, body: bytes, at: int, message: Message) -> int:
        """See `Field.decode`."""
        start, end, _ = self._extent(body, at)
        message.fields[self.number] = body[start:end]
        return end

    def encode(self, message: Message) -> bytes:
        """See `Field.encode`."""
        value = message.fields[self.number]
        if not isinstance(value, bytes):
            raise self._unencodable(Defect.WRONG_TYPE)
        return self._indicator(len(value)) + value


_CLASSES: Final[Mapping[Content, type[Field]]] = {
    "n": PackedField,
    "z": PackedField,
    "x": PackedField,
    "ans": TextField,
    "b": BinaryField,
}


def compile_field(dialect: str, number: int, spec: FieldSpec) -> Field:
    """The field of a dialect that a row of its table describes."""
    return _CLASSES[spec["content"]](dialect, number, spec)
