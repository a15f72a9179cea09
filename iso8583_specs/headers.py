"""The headers of card networks: BASE I (22 bytes) and CUPS (46 bytes), between bytes and parts.

Both say their own length first and carry two addresses, which change places in an answer, and the length of
header and message together. A BASE I reject puts a longer header, with the reason, before the one it
rejects; a bit of the header's format says that another follows. Headers of a fixed width that an answer
repeats as they are need no code here.

Layouts: of BASE I as published with jPOS (`BASE1Header`, the names are those of Visa's manual), of CUPS as
in public implementations of Q/CUP 006.2.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, NamedTuple, Self

from iso8583_specs.framings import HeaderForm

_BASE1_BYTES: Final = 22
_BASE1_REJECT_BYTES: Final = 26
_CUPS_BYTES: Final = 46
# In the format of a BASE I header: another header follows this one.
_ANOTHER_FOLLOWS: Final = 0x80
# In the first byte of a reject header's bitmap: a reject code is there.
_IS_REJECTED: Final = 0x80
_CUPS_ACCEPTED: Final = b"00000"


class BadHeader(ValueError):
    """Bytes that aren't a header of the form, or a part that doesn't fit its place."""


@dataclass(frozen=True, slots=True)
class Base1Header:
    """One BASE I header; the bytes of the parts in their order, with the header's length before them.

    Attributes:
        header_format: Bit 8 says that another header follows.
        text_format: The format of the message after it.
        total_length: Bytes of header and message.
        destination: Six digits, in three bytes.
        source: Six digits, in three bytes.
        round_trip: Round-trip control information.
        flags: BASE I flags, two bytes.
        status: Message status flags, three bytes.
        batch: Batch number.
        reserved: Three bytes.
        user: User information.
        reject: Bitmap and reject code, four bytes; empty in a header that rejects nothing.
    """

    header_format: int
    text_format: int
    total_length: int
    destination: bytes
    source: bytes
    round_trip: int
    flags: bytes
    status: bytes
    batch: int
    reserved: bytes
    user: int
    reject: bytes = b""

    @classmethod
    def parse(cls, header: bytes) -> Self:
        """The parts of one header, 22 bytes, or 26 of a reject.

        Raises:
            BadHeader: The bytes aren't one.
        """
        if len(header) not in (_BASE1_BYTES, _BASE1_REJECT_BYTES) or header[0] != len(header):
            raise BadHeader("a BASE I header has 22 bytes, or 26 with a reject code, and says so first")
        return cls(
            header_format=header[1],
            text_format=header[2],
            total_length=int.from_bytes(header[3:5]),
            destination=header[5:8],
            source=header[8:11],
            round_trip=header[11],
            flags=header[12:14],
            status=header[14:17],
            batch=header[17],
            reserved=header[18:21],
            user=header[21],
            reject=header[22:],
        )

    @property
    def reject_code(self) -> str | None:
        """Four digits; None unless the header rejects the message."""
        return self.reject[2:].hex() if self.reject and self.reject[0] & _IS_REJECTED else None

    def to_bytes(self) -> bytes:
        """The header's bytes."""
        return b"".join(
            (
                bytes((_BASE1_BYTES + len(self.reject), self.header_format, self.text_format)),
                self.total_length.to_bytes(2),
                self.destination,
                self.source,
                bytes((self.round_trip,)),
                self.flags,
                self.status,
                bytes((self.batch,)),
                self.reserved,
                bytes((self.user,)),
                self.reject,
            )
        )

    def reply(self, body_bytes: int) -> Self:
        """The header of an answer whose message has so many bytes; it rejects nothing."""
        return replace(
            self,
            header_format=self.header_format & ~_ANOTHER_FOLLOWS,
            total_length=_BASE1_BYTES + body_bytes,
            destination=self.source,
            source=self.destination,
            reject=b"",
        )


@dataclass(frozen=True, slots=True)
class CupsHeader:
    """The header between banks in the UnionPay network; the parts in their order, after its length.

    Attributes:
        version: Flag (test or production) and version.
        total_length: Bytes of header and message, at most 9999.
        destination: Eleven characters, filled with spaces.
        source: Eleven characters, filled with spaces.
        reserved: Three bytes.
        batch: Batch number.
        transaction: Transaction information, eight bytes.
        user: User information.
        reject_code: Five digits, zeros where nothing is rejected.
    """

    version: int
    total_length: int
    destination: bytes
    source: bytes
    reserved: bytes
    batch: int
    transaction: bytes
    user: int
    reject_code: bytes

    @classmethod
    def parse(cls, header: bytes) -> Self:
        """The parts of a header of 46 bytes.

        Raises:
            BadHeader: The bytes aren't one.
        """
        if len(header) != _CUPS_BYTES or header[0] != _CUPS_BYTES or not header[2:6].isdigit():
            raise BadHeader("a CUPS header has 46 bytes, says so first, and has its total length in digits")
        return cls(
            version=header[1],
            total_length=int(header[2:6]),
            destination=header[6:17],
            source=header[17:28],
            reserved=header[28:31],
            batch=header[31],
            transaction=header[32:40],
            user=header[40],
            reject_code=header[41:46],
        )

    def to_bytes(self) -> bytes:
        """The header's bytes."""
        return b"".join(
            (
                bytes((_CUPS_BYTES, self.version)),
                b"%04d" % self.total_length,
                self.destination,
                self.source,
                self.reserved,
                bytes((self.batch,)),
                self.transaction,
                bytes((self.user,)),
                self.reject_code,
            )
        )

    def reply(self, body_bytes: int) -> Self:
        """The header of an answer whose message has so many bytes."""
        return replace(
            self,
            total_length=_CUPS_BYTES + body_bytes,
            destination=self.source,
            source=self.destination,
            reject_code=_CUPS_ACCEPTED,
        )


class HeaderRules(NamedTuple):
    """What a form of header is known by, and what becomes of it in an answer.

    Attributes:
        width: Bytes of the header at the start of some content; None where there is none of this form.
        reply: The header of an answer whose message has so many bytes. It is given what `width` measured.
    """

    width: Callable[[bytes], int | None]
    reply: Callable[[bytes, int], bytes]


def _base1_width(content: bytes) -> int | None:
    first = _base1_width_at(content, 0)
    if first is None or not content[1] & _ANOTHER_FOLLOWS:
        return first
    second = _base1_width_at(content, first)
    return None if second is None else first + second


def _base1_width_at(content: bytes, at: int) -> int | None:
    known = at + 1 < len(content) and content[at] in (_BASE1_BYTES, _BASE1_REJECT_BYTES)
    return content[at] if known and at + content[at] <= len(content) else None


def _base1_reply(header: bytes, body_bytes: int) -> bytes:
    """Of two headers the second answers: the first is the network's own, about the rejection."""
    own = header[header[0] :] or header
    return Base1Header.parse(own).reply(body_bytes).to_bytes()


def _cups_width(content: bytes) -> int | None:
    fits = len(content) >= _CUPS_BYTES and content[0] == _CUPS_BYTES and content[2:6].isdigit()
    return _CUPS_BYTES if fits else None


def _cups_reply(header: bytes, body_bytes: int) -> bytes:
    return CupsHeader.parse(header).reply(body_bytes).to_bytes()


HEADER_RULES: Final[Mapping[HeaderForm, HeaderRules]] = MappingProxyType(
    {
        HeaderForm.BASE1: HeaderRules(_base1_width, _base1_reply),
        HeaderForm.CUPS: HeaderRules(_cups_width, _cups_reply),
    }
)
"""The forms that need more than to be repeated."""
