"""Tag-length-value structures: BER-TLV (field 55) and the ASCII form of UnionPay's field 59.

Nothing is sorted, merged or dropped: unknown tags, repeated tags and the zero bytes that EMV allows between
objects keep their places, and a length that was written longer than it had to be is built so again.

Constructed objects are objects like others; who wants to look inside one parses its value. Sources: ISO/IEC
8825-1 (basic encoding rules), EMV 4.3 book 3, annexes A and B.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple, Self

from iso8583_specs.defects import Defect
from iso8583_specs.subfields.structure import Part, Place, Reader, SubField
from iso8583_specs.values import Pan


class Tag(NamedTuple):
    """What a tag holds, and whether only its size may be seen."""

    name: str
    hidden: bool = False


TAGS: Final[Mapping[str, Tag]] = MappingProxyType(
    {
        "4F": Tag("application identifier"),
        "50": Tag("application label"),
        "56": Tag("track 1 equivalent data", hidden=True),
        "57": Tag("track 2 equivalent data", hidden=True),
        "5A": Tag("primary account number"),
        "5F20": Tag("cardholder name", hidden=True),
        "5F24": Tag("application expiry date", hidden=True),
        "5F25": Tag("application effective date"),
        "5F28": Tag("issuer country"),
        "5F2A": Tag("transaction currency"),
        "5F30": Tag("service code", hidden=True),
        "5F34": Tag("PAN sequence number", hidden=True),
        "71": Tag("issuer script, before the final cryptogram", hidden=True),
        "72": Tag("issuer script, after the final cryptogram", hidden=True),
        "82": Tag("application interchange profile"),
        "84": Tag("dedicated file name"),
        "8A": Tag("authorisation response code"),
        "91": Tag("issuer authentication data"),
        "95": Tag("terminal verification results"),
        "99": Tag("PIN data", hidden=True),
        "9A": Tag("transaction date"),
        "9B": Tag("transaction status information"),
        "9C": Tag("transaction type"),
        "9F02": Tag("amount, authorised"),
        "9F03": Tag("amount, other"),
        "9F06": Tag("application identifier, terminal"),
        "9F07": Tag("application usage control"),
        "9F09": Tag("application version, terminal"),
        "9F0D": Tag("issuer action code, default"),
        "9F0E": Tag("issuer action code, denial"),
        "9F0F": Tag("issuer action code, online"),
        "9F10": Tag("issuer application data"),
        "9F1A": Tag("terminal country"),
        "9F1E": Tag("interface device serial number"),
        "9F1F": Tag("track 1 discretionary data", hidden=True),
        "9F20": Tag("track 2 discretionary data", hidden=True),
        "9F26": Tag("application cryptogram"),
        "9F27": Tag("cryptogram information data"),
        "9F33": Tag("terminal capabilities"),
        "9F34": Tag("cardholder verification results"),
        "9F35": Tag("terminal type"),
        "9F36": Tag("application transaction counter"),
        "9F37": Tag("unpredictable number"),
        "9F41": Tag("transaction sequence counter"),
        "9F53": Tag("transaction category"),
        "9F63": Tag("card product identification"),
        "9F6B": Tag("track 2 data, contactless magnetic stripe", hidden=True),
        "DF31": Tag("issuer script result"),
    }
)
"""Objects whose meaning is known; of all others only the size may be seen."""

_UNKNOWN: Final = Tag("unknown tag", hidden=True)
_PADDING: Final = Tag("padding")
PADDING_TAG: Final = "00"
"""A zero byte between objects, without length and value (EMV 4.3 book 3, annex B.1)."""

_F55: Final = Place("iso8583", 55)
_F59: Final = Place("unionpay_pos", 59)
_TAG_BYTES_MAX: Final = 4
_LENGTH_BYTES_MAX: Final = 5
_SHORT_FORM_MAX: Final = 0x7F
_CONTINUED: Final = 0x80
_LONG_TAG: Final = 0x1F
_ASCII_VALUE_MAX: Final = 999


@dataclass(frozen=True, slots=True, repr=False)
class BerObject:
    """One object.

    Attributes:
        tag: Upper-case hex digits; `PADDING_TAG` has neither length nor value.
        value: Its bytes.
        length_bytes: How many bytes the length is written in, where that is more than needed; else 0.
    """

    tag: str
    value: bytes
    length_bytes: int = 0

    def __repr__(self) -> str:
        return f"BerObject({self.tag}, {len(self.value)} bytes)"


@dataclass(frozen=True, slots=True, repr=False)
class BerTlv(SubField):
    """A row of objects, as in field 55."""

    objects: tuple[BerObject, ...]

    @classmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read objects to the end of the content; its size is bounded, and so is the time."""
        octets = _F55.octets(content)
        objects, position = [], 0
        while position < len(octets):
            found, position = _object(octets, position)
            objects.append(found)
        return cls(tuple(objects))

    def build(self) -> bytes:
        """The objects, one after the other."""
        return b"".join(map(_object_bytes, self.objects))

    def get(self, tag: str) -> bytes | None:
        """The value of the first object with a tag, None if there is none."""
        return next((found.value for found in self.objects if found.tag == tag), None)

    def parts(self) -> list[Part]:
        """An object each."""
        return list(map(_object_part, self.objects))


def _object(octets: bytes, start: int) -> tuple[BerObject, int]:
    """The object that begins at a position, and the position behind it."""
    if octets[start] == 0:
        return BerObject(PADDING_TAG, b""), start + 1
    at_length = _tag_end(octets, start)
    length, at_value = _length(octets, at_length)
    end = at_value + length
    if end > len(octets):
        raise _F55.malformed(at_length, Defect.TRUNCATED)
    written = at_value - at_length
    surplus = 0 if written == len(_length_of(length)) else written
    return BerObject(octets[start:at_length].hex().upper(), octets[at_value:end], surplus), end


def _tag_end(octets: bytes, start: int) -> int:
    position = start + 1
    if octets[start] & _LONG_TAG != _LONG_TAG:
        return position
    for position in range(start + 1, start + _TAG_BYTES_MAX):
        if position == len(octets):
            raise _F55.malformed(start, Defect.TRUNCATED)
        if octets[position] < _CONTINUED:
            return position + 1
    raise _F55.malformed(start, Defect.BAD_TAG)


def _length(octets: bytes, start: int) -> tuple[int, int]:
    """The length that begins at a position, and the position behind it."""
    first = octets[start : start + 1]
    if not first:
        raise _F55.malformed(start, Defect.TRUNCATED)
    if first[0] <= _SHORT_FORM_MAX:
        return first[0], start + 1
    following = first[0] - _CONTINUED
    # 80 is indefinite, which EMV forbids; more than four bytes can't be the length of a field's content.
    if not 1 <= following < _LENGTH_BYTES_MAX:
        raise _F55.malformed(start, Defect.BAD_TLV_LENGTH)
    end = start + 1 + following
    if end > len(octets):
        raise _F55.malformed(start, Defect.TRUNCATED)
    return int.from_bytes(octets[start + 1 : end]), end


def _length_of(length: int) -> bytes:
    """A length in as few bytes as it needs."""
    if length <= _SHORT_FORM_MAX:
        return bytes((length,))
    written = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes((_CONTINUED + len(written),)) + written


def _object_bytes(found: BerObject) -> bytes:
    if found.tag == PADDING_TAG:
        if found.value or found.length_bytes:
            raise _F55.unencodable(Defect.WRONG_LENGTH)
        return b"\0"
    length = len(found.value)
    written = _length_of(length)
    if found.length_bytes:
        if not len(written) < found.length_bytes <= _LENGTH_BYTES_MAX:
            raise _F55.unencodable(Defect.BAD_TLV_LENGTH)
        following = found.length_bytes - 1
        written = bytes((_CONTINUED + following,)) + length.to_bytes(following)
    return _tag_bytes(found.tag) + written + found.value


def _tag_bytes(tag: str) -> bytes:
    """The bytes of a tag; digits in lower case are refused, because they would not be read so again."""
    if set(tag) <= set("0123456789ABCDEF") and len(tag) in range(2, 2 * _TAG_BYTES_MAX + 1, 2):
        octets = bytes.fromhex(tag)
        continued = [octet >= _CONTINUED for octet in octets[1:-1]]
        is_long = octets[0] & _LONG_TAG == _LONG_TAG
        if octets[0] and is_long == (len(octets) > 1) and all(continued) and _is_last(octets):
            return octets
    raise _F55.unencodable(Defect.BAD_TAG)


def _is_last(octets: bytes) -> bool:
    return len(octets) == 1 or octets[-1] < _CONTINUED


def _object_part(found: BerObject) -> Part:
    if found.tag == PADDING_TAG:
        return Part(found.tag, _PADDING.name, "")
    tag = TAGS.get(found.tag, _UNKNOWN)
    if found.tag == "5A":
        digits = found.value.hex().upper().rstrip("F")
        # A number that isn't one stays hidden.
        if digits.isdecimal() and len(digits) <= 19:
            return Part(found.tag, tag.name, Pan(digits))
        return Part(found.tag, tag.name, found.value, hidden=True)
    return Part(found.tag, tag.name, found.value, hidden=tag.hidden)


@dataclass(frozen=True, slots=True, repr=False)
class AsciiObject:
    """One object of field 59: a tag of two characters, and at most 999 characters."""

    tag: str
    value: str

    def __repr__(self) -> str:
        return f"AsciiObject({self.tag!a}, {len(self.value)} characters)"


@dataclass(frozen=True, slots=True, repr=False)
class AsciiTlv(SubField):
    """Field 59 of UnionPay's terminals: tag of two characters, length of three digits, value."""

    objects: tuple[AsciiObject, ...]

    @classmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read objects to the end of the content."""
        reader = _F59.reader(content)
        objects: list[AsciiObject] = []
        while not reader.at_end:
            objects.append(_ascii_object(reader))
        return cls(tuple(objects))

    def build(self) -> str:
        """The objects, one after the other."""
        return "".join(map(_ascii_object_text, self.objects))

    def get(self, tag: str) -> str | None:
        """The value of the first object with a tag, None if there is none."""
        return next((found.value for found in self.objects if found.tag == tag), None)

    def parts(self) -> list[Part]:
        """An object each; what they hold (payment codes, encrypted cards) is nobody's to see."""
        return [
            Part(found.tag, "payment code" if found.tag == "A4" else _UNKNOWN.name, found.value, hidden=True)
            for found in self.objects
        ]


def _ascii_object(reader: Reader) -> AsciiObject:
    tag = reader.text(2)
    start = reader.position
    length = reader.text(3)
    if not (length.isascii() and length.isdecimal()):
        raise reader.defect(Defect.BAD_LENGTH, start)
    return AsciiObject(tag, reader.text(int(length)))


def _ascii_object_text(found: AsciiObject) -> str:
    length = len(found.value)
    if length > _ASCII_VALUE_MAX:
        raise _F59.unencodable(Defect.TOO_LONG)
    return _F59.text(found.tag, 2) + f"{length:03}" + found.value
