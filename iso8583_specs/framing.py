"""Frames: how a message travels on a byte stream, and what stands around it.

A frame is a length prefix, a TPDU, an application header and the message body, each of which a framing may
lack; some have a trailer. A framing is data, a row of `framings.FRAMINGS`; no code here knows where a row is
used. Most prefixes are a plain binary length, and only what differs from it takes the longer way.

Two kinds of trouble are kept apart. A `BadFrame` is a frame without room for a message: its end is known,
the stream is still in step, and the owner of the connection decides what becomes of it. A `FramingError` is
a prefix that can't be believed: from there on nobody knows where a frame starts, so the reader stays in
that state for good and drops what still comes in.

`FrameReader` does no input or output. Its owner feeds it bytes as they arrive and takes frames until there
is none, so that it never holds more than one unfinished frame and one read. The prefix alone never makes it
allocate anything.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from iso8583_specs.framings import FRAMINGS, Framing, HeaderForm, LengthForm
from iso8583_specs.headers import HEADER_RULES

__all__ = [
    "FRAMINGS",
    "BadFrame",
    "Frame",
    "FrameDefect",
    "FrameReader",
    "Framing",
    "FramingError",
    "KeepAlive",
    "parse_frame",
    "reply_frame",
    "reply_tpdu",
    "stated_size",
    "write_frame",
]

# The shortest body of any dialect: an MTI of two bytes and a bitmap of eight.
_SHORTEST_BODY_BYTES: Final = 10
_HEX_DIGITS: Final = b"0123456789ABCDEFabcdef"


class FrameDefect(StrEnum):
    """What is wrong with a frame."""

    EMPTY = "the length is zero"
    TOO_SHORT = "too short for TPDU, header, MTI and bitmap"
    TOO_LARGE = "the length is over the limit"
    LENGTH_MISMATCH = "the length prefix does not match the bytes that follow"
    BAD_PREFIX = "the length prefix is not of its form"
    BAD_HEADER = "the header is not of its form"
    BAD_TRAILER = "the trailer is missing"


class Frame(NamedTuple):
    """A frame's parts; the body starts at the MTI.

    Attributes:
        tpdu: Five bytes, or none.
        header: The application header, or none.
        body: The message.
        gap: What stood between the length and the rest, where it isn't what the framing usually writes.
    """

    tpdu: bytes
    header: bytes
    body: bytes
    gap: bytes = b""

    def __repr__(self) -> str:
        """Without the body, which holds card data."""
        return f"Frame(tpdu={self.tpdu.hex()}, header={self.header.hex()}, body=<{len(self.body)} bytes>)"


class BadFrame(NamedTuple):
    """A frame that can't hold a message; the next one starts right after it."""

    reason: FrameDefect


class KeepAlive(NamedTuple):
    """A sign of life, a length of zero; the answer is the same bytes."""

    raw: bytes


class FramingError(Exception):
    """The bytes can't be cut into frames."""

    def __init__(self, reason: FrameDefect) -> None:
        super().__init__(reason)
        self.reason = reason


class FrameReader:
    """Cuts a byte stream into frames.

    Call `next_frame` until it returns None before the next `receive`; this is what bounds the memory.

    Raises:
        ValueError: The framing has no length prefix, so a stream can't be cut by it.
    """

    __slots__ = (
        "_body_at",
        "_buffer",
        "_framing",
        "_header_at",
        "_is_simple",
        "_lost",
        "_prefix_bytes",
        "_size_max",
        "_start",
    )

    def __init__(self, framing: Framing) -> None:
        if not framing.length_bytes:
            raise ValueError(f"framing {framing.name} has no length prefix to cut a stream by")
        self._framing = framing
        self._is_simple = framing.is_simple
        self._prefix_bytes = framing.prefix_bytes
        self._size_max = framing.max_frame_bytes
        self._header_at = framing.tpdu_bytes
        self._body_at = framing.tpdu_bytes + framing.header_bytes
        self._buffer = bytearray()
        self._start = 0
        self._lost: FrameDefect | None = None

    def receive(self, data: bytes) -> None:
        """Take bytes as they came; ignored once the stream is lost."""
        if self._lost is None:
            self._buffer += data

    def next_frame(self) -> Frame | BadFrame | KeepAlive | None:
        """The next whole frame, or None when more bytes are needed.

        Raises:
            FramingError: The stream can't be trusted any more; so does each later call.
        """
        if self._lost is not None:
            raise FramingError(self._lost)
        buffer, start = self._buffer, self._start
        at = start + self._prefix_bytes
        if at > len(buffer):
            self._forget_taken()
            return None
        size = int.from_bytes(buffer[start:at], "big") if self._is_simple else self._size(buffer[start:at])
        if size > self._size_max:
            raise self._lose(FrameDefect.TOO_LARGE)
        end = at + size
        if end > len(buffer):
            self._forget_taken()
            return None
        self._start = end
        content = bytes(buffer[at:end])
        body = self._body_at
        if self._is_simple and size >= body + _SHORTEST_BODY_BYTES:
            return Frame(content[: self._header_at], content[self._header_at : body], content[body:])
        return _split(self._framing, bytes(buffer[start:at]), content)

    @property
    def has_partial(self) -> bool:
        """Whether a frame has started and not ended; meaningful once `next_frame` has returned None."""
        return len(self._buffer) > self._start

    def _size(self, prefix: bytes | bytearray) -> int:
        size = stated_size(self._framing, bytes(prefix))
        if size is None:
            raise self._lose(FrameDefect.BAD_PREFIX)
        return size

    def _forget_taken(self) -> None:
        """Drop the frames that were taken; the rest is the start of one."""
        del self._buffer[: self._start]
        self._start = 0

    def _lose(self, reason: FrameDefect) -> FramingError:
        self._lost = reason
        self._start = 0
        self._buffer = bytearray()
        return FramingError(reason)


def write_frame(framing: Framing, tpdu: bytes, header: bytes, body: bytes, gap: bytes = b"") -> bytes:
    """The bytes of one frame.

    Raises:
        ValueError: A part has not the size the framing gives it, or the frame is over its limit.
    """
    sizes = len(tpdu), len(header)
    fits = sizes == (framing.tpdu_bytes, framing.header_bytes)
    if not (fits if framing.is_simple else _has_its_width(framing, tpdu, header)):
        raise ValueError(
            f"framing {framing.name} wants {framing.tpdu_bytes} bytes of TPDU and {framing.header_bytes} of "
            f"header, not {len(tpdu)} and {len(header)}"
        )
    size = len(tpdu) + len(header) + len(body) + len(framing.trailer)
    if size > framing.max_frame_bytes:
        raise ValueError(f"a frame of {size} bytes is over the limit of framing {framing.name}")
    if framing.is_simple and not gap:
        prefix = size.to_bytes(framing.length_bytes, "big") if framing.length_bytes else b""
        return b"".join((prefix, tpdu, header, body))
    if gap and gap not in framing.gaps:
        raise ValueError(f"framing {framing.name} has nothing like that between length and content")
    return b"".join((_prefix(framing, size, gap), tpdu, header, body, framing.trailer))


def reply_tpdu(tpdu: bytes) -> bytes:
    """The TPDU of an answer: the id stays, destination and source change places. Empty stays empty."""
    return tpdu[:1] + tpdu[3:5] + tpdu[1:3]


def reply_frame(framing: Framing, request: Frame, body: bytes) -> bytes:
    """The bytes of the frame that carries the answer to a request.

    Addresses change places, in the TPDU and in a network's header; any other header is repeated.

    Raises:
        ValueError: The frame is over the framing's limit.
    """
    if framing.is_simple:
        return write_frame(framing, reply_tpdu(request.tpdu), request.header, body)
    rules = HEADER_RULES.get(framing.header_form)
    header = rules.reply(request.header, len(body)) if rules else request.header
    return write_frame(framing, reply_tpdu(request.tpdu), header, body, request.gap)


def parse_frame(framing: Framing, raw: bytes) -> Frame:
    """One captured frame, whole and alone in `raw`.

    Raises:
        FramingError: The length prefix or the size is wrong.
    """
    size = len(raw) - framing.prefix_bytes
    if size > framing.max_frame_bytes:
        raise FramingError(FrameDefect.TOO_LARGE)
    prefix = raw[: framing.prefix_bytes]
    if len(prefix) < framing.prefix_bytes:
        raise FramingError(FrameDefect.LENGTH_MISMATCH)
    stated = stated_size(framing, prefix) if framing.length_bytes else size
    if stated != size:
        raise FramingError(FrameDefect.BAD_PREFIX if stated is None else FrameDefect.LENGTH_MISMATCH)
    frame = _split(framing, prefix, raw[framing.prefix_bytes :])
    if isinstance(frame, KeepAlive):
        raise FramingError(FrameDefect.EMPTY)
    if isinstance(frame, BadFrame):
        raise FramingError(frame.reason)
    return frame


def stated_size(framing: Framing, prefix: bytes) -> int | None:
    """How many bytes a whole prefix says will follow it; None if it isn't of the framing's form."""
    at = len(framing.lead)
    end = at + framing.length_bytes
    if prefix[:at] != framing.lead or prefix[end:] not in framing.gaps:
        return None
    number = _READ[framing.length_form](prefix[at:end])
    if number is None or number < framing.length_adds:
        return None
    return number - framing.length_adds


def _prefix(framing: Framing, size: int, gap: bytes) -> bytes:
    if not framing.length_bytes:
        return b""
    number = _WRITE[framing.length_form](size + framing.length_adds, framing.length_bytes)
    return b"".join((framing.lead, number, gap or framing.gaps[0]))


def _decimal(digits: bytes) -> int | None:
    return int(digits) if digits.isdigit() else None


def _hex(digits: bytes) -> int | None:
    return None if digits.strip(_HEX_DIGITS) else int(digits, 16)


_READ: Final[Mapping[LengthForm, Callable[[bytes], int | None]]] = MappingProxyType(
    {
        LengthForm.BINARY: lambda number: int.from_bytes(number, "big"),
        LengthForm.DECIMAL: _decimal,
        LengthForm.HEX: _hex,
        LengthForm.BCD: lambda number: _decimal(number.hex().encode()),
    }
)
_WRITE: Final[Mapping[LengthForm, Callable[[int, int], bytes]]] = MappingProxyType(
    {
        LengthForm.BINARY: lambda number, width: number.to_bytes(width, "big"),
        LengthForm.DECIMAL: lambda number, width: b"%0*d" % (width, number),
        LengthForm.HEX: lambda number, width: b"%0*X" % (width, number),
        LengthForm.BCD: lambda number, width: bytes.fromhex(f"{number:0{2 * width}}"),
    }
)


def _has_its_width(framing: Framing, tpdu: bytes, header: bytes) -> bool:
    """Whether TPDU and header have the widths that the framing, or the header itself, gives them."""
    return len(tpdu) == framing.tpdu_bytes and _header_bytes(framing, header) == len(header)


def _header_bytes(framing: Framing, content: bytes) -> int | None:
    """Width of the header that the content begins with; None where there is none of the framing's form."""
    if framing.header_form is HeaderForm.FIXED:
        return framing.header_bytes
    return HEADER_RULES[framing.header_form].width(content)


def _split(framing: Framing, prefix: bytes, content: bytes) -> Frame | BadFrame | KeepAlive:
    if not content:
        return KeepAlive(prefix) if framing.keeps_alive else BadFrame(FrameDefect.EMPTY)
    if framing.trailer:
        if not content.endswith(framing.trailer):
            return BadFrame(FrameDefect.BAD_TRAILER)
        content = content[: -len(framing.trailer)]
    at = framing.tpdu_bytes
    header_bytes = _header_bytes(framing, content[at:])
    if header_bytes is None:
        return BadFrame(FrameDefect.BAD_HEADER)
    body = at + header_bytes
    if len(content) < body + _SHORTEST_BODY_BYTES:
        return BadFrame(FrameDefect.TOO_SHORT)
    gap = prefix[len(framing.lead) + framing.length_bytes :]
    if gap == framing.gaps[0]:
        gap = b""
    return Frame(content[:at], content[at:body], content[body:], gap)
