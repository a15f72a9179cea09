"""Frames: how a message travels on a byte stream, and what stands around it.

A frame is a length prefix, a TPDU, an application header and the message body, each of which a framing may
lack. A framing is data, a row of `FRAMINGS`; no code here knows where a row is used. The length prefix is
binary, big-endian, and doesn't count itself.

Two kinds of trouble are kept apart. A `BadFrame` is a frame without room for a message: its end is known,
the stream is still in step, and the owner of the connection decides what becomes of it. A `FramingError` is
a prefix that can't be believed: from there on nobody knows where a frame starts, so the reader stays in
that state for good and drops what still comes in.

`FrameReader` does no input or output. Its owner feeds it bytes as they arrive and takes frames until there
is none, so that it never holds more than one unfinished frame and one read. The prefix alone never makes it
allocate anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

# The shortest body of any dialect: an MTI of two bytes and a bitmap of eight.
_SHORTEST_BODY_BYTES: Final = 10


@dataclass(frozen=True, slots=True)
class Framing:
    """The sizes of a frame's parts.

    Attributes:
        name: What configuration calls it.
        length_bytes: Width of the length prefix; 0 where the transport keeps message boundaries itself.
        tpdu_bytes: 5, or 0 without a TPDU.
        header_bytes: Width of the application header, or 0.
        max_frame_bytes: The most that may follow the prefix. The largest real frame known has 467 bytes.
    """

    name: str
    length_bytes: int
    tpdu_bytes: int
    header_bytes: int
    max_frame_bytes: int = 8192


FRAMINGS: Final[Mapping[str, Framing]] = MappingProxyType(
    {
        framing.name: framing
        for framing in (
            Framing("length2_tpdu_header6", length_bytes=2, tpdu_bytes=5, header_bytes=6),
            Framing("length2_tpdu_header2", length_bytes=2, tpdu_bytes=5, header_bytes=2),
            Framing("length2_tpdu", length_bytes=2, tpdu_bytes=5, header_bytes=0),
            Framing("length2", length_bytes=2, tpdu_bytes=0, header_bytes=0),
            Framing("tpdu_header6", length_bytes=0, tpdu_bytes=5, header_bytes=6),
            Framing("tpdu", length_bytes=0, tpdu_bytes=5, header_bytes=0),
            Framing("none", length_bytes=0, tpdu_bytes=0, header_bytes=0),
        )
    }
)


class FrameDefect(StrEnum):
    """What is wrong with a frame."""

    EMPTY = "the length is zero"
    TOO_SHORT = "too short for TPDU, header, MTI and bitmap"
    TOO_LARGE = "the length is over the limit"
    LENGTH_MISMATCH = "the length prefix does not match the bytes that follow"


class Frame(NamedTuple):
    """A frame's parts; the body starts at the MTI."""

    tpdu: bytes
    header: bytes
    body: bytes

    def __repr__(self) -> str:
        """Without the body, which holds card data."""
        return f"Frame(tpdu={self.tpdu.hex()}, header={self.header.hex()}, body=<{len(self.body)} bytes>)"


class BadFrame(NamedTuple):
    """A frame that can't hold a message; the next one starts right after it."""

    reason: FrameDefect


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

    __slots__ = ("_buffer", "_framing", "_lost", "_start")

    def __init__(self, framing: Framing) -> None:
        if not framing.length_bytes:
            raise ValueError(f"framing {framing.name} has no length prefix to cut a stream by")
        self._framing = framing
        self._buffer = bytearray()
        self._start = 0
        self._lost: FrameDefect | None = None

    def receive(self, data: bytes) -> None:
        """Take bytes as they came; ignored once the stream is lost."""
        if self._lost is None:
            self._buffer += data

    def next_frame(self) -> Frame | BadFrame | None:
        """The next whole frame, or None when more bytes are needed.

        Raises:
            FramingError: The stream can't be trusted any more; so does each later call.
        """
        if self._lost is not None:
            raise FramingError(self._lost)
        end = self._frame_end()
        if end is None:
            del self._buffer[: self._start]
            self._start = 0
            return None
        content = bytes(self._buffer[self._start + self._framing.length_bytes : end])
        self._start = end
        return _split(self._framing, content)

    @property
    def has_partial(self) -> bool:
        """Whether a frame has started and not ended; meaningful once `next_frame` has returned None."""
        return len(self._buffer) > self._start

    def _frame_end(self) -> int | None:
        """Where the first frame in the buffer ends, or None when it isn't all there."""
        content = self._start + self._framing.length_bytes
        if content > len(self._buffer):
            return None
        size = int.from_bytes(self._buffer[self._start : content], "big")
        if size > self._framing.max_frame_bytes:
            raise self._lose(FrameDefect.TOO_LARGE)
        end = content + size
        return end if end <= len(self._buffer) else None

    def _lose(self, reason: FrameDefect) -> FramingError:
        self._lost = reason
        self._start = 0
        self._buffer = bytearray()
        return FramingError(reason)


def write_frame(framing: Framing, tpdu: bytes, header: bytes, body: bytes) -> bytes:
    """The bytes of one frame.

    Raises:
        ValueError: A part has not the size the framing gives it, or the frame is over its limit.
    """
    if (len(tpdu), len(header)) != (framing.tpdu_bytes, framing.header_bytes):
        raise ValueError(
            f"framing {framing.name} wants {framing.tpdu_bytes} bytes of TPDU and {framing.header_bytes} of "
            f"header, not {len(tpdu)} and {len(header)}"
        )
    size = len(tpdu) + len(header) + len(body)
    if size > framing.max_frame_bytes:
        raise ValueError(f"a frame of {size} bytes is over the limit of framing {framing.name}")
    prefix = size.to_bytes(framing.length_bytes, "big") if framing.length_bytes else b""
    return b"".join((prefix, tpdu, header, body))


def reply_tpdu(tpdu: bytes) -> bytes:
    """The TPDU of an answer: the id stays, destination and source change places. Empty stays empty."""
    return tpdu[:1] + tpdu[3:5] + tpdu[1:3]


def parse_frame(framing: Framing, raw: bytes) -> Frame:
    """One captured frame, whole and alone in `raw`.

    Raises:
        FramingError: The length prefix or the size is wrong.
    """
    size = len(raw) - framing.length_bytes
    if size > framing.max_frame_bytes:
        raise FramingError(FrameDefect.TOO_LARGE)
    if framing.length_bytes and int.from_bytes(raw[: framing.length_bytes], "big") != size:
        raise FramingError(FrameDefect.LENGTH_MISMATCH)
    frame = _split(framing, raw[framing.length_bytes :])
    if isinstance(frame, BadFrame):
        raise FramingError(frame.reason)
    return frame


def _split(framing: Framing, content: bytes) -> Frame | BadFrame:
    if not content:
        return BadFrame(FrameDefect.EMPTY)
    header = framing.tpdu_bytes
    body = header + framing.header_bytes
    if len(content) < body + _SHORTEST_BODY_BYTES:
        return BadFrame(FrameDefect.TOO_SHORT)
    return Frame(content[:header], content[header:body], content[body:])
