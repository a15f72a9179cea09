"""What may stand around a message: every framing laid over captured bytes, exactly or nearly.

A framing fits when its prefix says what follows, or cuts a stream into frames to its end. It nearly fits
when the prefix says something that a usual mistake explains: it counts itself, or hexadecimal characters, or
not the TPDU. Whatever fits leaves bodies to be read. How far the parts around them are as they should be is
counted in bits, like a message's content.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from iso8583_specs.detection.plausibility import Evidence
from iso8583_specs.framing import (
    FRAMINGS,
    Frame,
    FrameReader,
    Framing,
    FramingError,
    KeepAlive,
    parse_frame,
    stated_size,
)
from iso8583_specs.framings import HeaderForm, LengthForm
from iso8583_specs.headers import Base1Header, CupsHeader

FRAMES_MAX: Final = 8
"""More frames of one stream are not looked at."""

_KEEP_ALIVES_MAX: Final = 16

_TPDU_IDS: Final = b"\x60\x68"
_POS_CLASSES: Final = b"\x60\x61\x62\x63"
_BITS_OF_A_BYTE: Final = 8.0
_NEAR_MISS: Final = -12.0
_NOT_OF_ITS_FORM: Final = -16.0
_UNKNOWN_HEADER_MAX: Final = 64
_ANI_BYTES: Final = 14
# A length that is wrong by no more than this is still taken for one.
_SLIP_MAX: Final = 12
_LOCATION_AT: Final = 6
_FORM_WORDS: Final[Mapping[LengthForm, str]] = MappingProxyType(
    {
        LengthForm.BINARY: "binary",
        LengthForm.DECIMAL: "decimal characters",
        LengthForm.HEX: "hexadecimal characters",
        LengthForm.BCD: "BCD",
    }
)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A framing laid over one capture.

    Attributes:
        framing: The framing.
        frames: The frames it makes of the capture.
        evidence: What speaks for and against it.
        is_exact: Whether it fits without an excuse.
        strange_header_bytes: Width of a header between the framing's parts and the message that no framing
            knows; taken as the front of the frame's header.
    """

    framing: Framing
    frames: tuple[Frame, ...]
    evidence: tuple[Evidence, ...]
    is_exact: bool = True
    strange_header_bytes: int = 0


def envelopes(raw: bytes) -> Iterator[Envelope]:
    """Every framing that fits or nearly fits a capture."""
    for framing in FRAMINGS.values():
        yield from fitted(framing, raw)


def fitted(framing: Framing, raw: bytes) -> list[Envelope]:
    """The ways a framing fits or nearly fits a capture, the best first."""
    with suppress(FramingError):
        frame = parse_frame(framing, raw)
        evidence = tuple(_evidence(framing, (frame,)))
        is_exact = all(each.bits > _NOT_OF_ITS_FORM for each in evidence)
        return [Envelope(framing, (frame,), evidence, is_exact)]
    if not framing.length_bytes:
        return []
    stream = _stream(framing, raw)
    nearly = None if stream is not None and stream.is_exact else _nearly(framing, raw)
    return [envelope for envelope in (stream, nearly) if envelope is not None]


def with_strange_headers(raw: bytes) -> Iterator[Envelope]:
    """Framings of a prefix and nothing else, with a header before the message that no framing knows."""
    for framing in FRAMINGS.values():
        if framing.tpdu_bytes or framing.header_bytes:
            continue
        with suppress(FramingError):
            frame = parse_frame(framing, raw)
            known = tuple(_evidence(framing, (frame,)))
            for size in range(1, min(_UNKNOWN_HEADER_MAX, len(frame.body)) + 1):
                words = f"{size} bytes stand before the message that no framing here knows"
                yield Envelope(
                    framing,
                    (frame._replace(header=frame.body[:size], body=frame.body[size:]),),
                    (*known, Evidence(_NEAR_MISS - size / 4, words)),
                    is_exact=False,
                    strange_header_bytes=size,
                )


def _stream(framing: Framing, raw: bytes) -> Envelope | None:
    """Several frames one after the other."""
    reader = FrameReader(framing)
    reader.receive(raw)
    frames: list[Frame] = []
    keep_alives = 0
    try:
        while len(frames) < FRAMES_MAX and (frame := reader.next_frame()) is not None:
            if isinstance(frame, Frame):
                frames.append(frame)
            elif isinstance(frame, KeepAlive):
                keep_alives += 1
                if keep_alives > _KEEP_ALIVES_MAX:
                    return None
            else:
                return None
    except FramingError:
        return None
    if not frames:
        return None
    is_whole = not reader.has_partial or len(frames) == FRAMES_MAX
    evidence = list(_evidence(framing, tuple(frames)))
    if keep_alives:
        evidence.append(Evidence(_BITS_OF_A_BYTE, "there are signs of life between the frames"))
    if not is_whole:
        evidence.append(Evidence(_NEAR_MISS, "the last frame is not whole"))
    return Envelope(framing, tuple(frames), tuple(evidence), is_whole)


def _nearly(framing: Framing, raw: bytes) -> Envelope | None:
    """A single frame whose prefix states another size than it has, in a way that explains itself."""
    prefix, content = raw[: framing.prefix_bytes], raw[framing.prefix_bytes :]
    stated = stated_size(framing, prefix) if len(prefix) == framing.prefix_bytes else None
    excuse = None if stated is None else _excuse(framing, prefix, stated, len(content))
    if excuse is None:
        return None
    unframed = next(each for each in FRAMINGS.values() if _is_same_inside(each, framing))
    if not content.endswith(framing.trailer):
        return None
    with suppress(FramingError):
        frame = parse_frame(unframed, content.removesuffix(framing.trailer))
        evidence = (excuse, Evidence(_NEAR_MISS, ""), *_evidence(framing, (frame,), prefix_fits=False))
        return Envelope(framing, (frame,), evidence, is_exact=False)
    return None


def _is_same_inside(candidate: Framing, framing: Framing) -> bool:
    parts = (candidate.tpdu_bytes, candidate.header_bytes, candidate.header_form, candidate.length_bytes)
    return parts == (framing.tpdu_bytes, framing.header_bytes, framing.header_form, 0)


def _excuse(framing: Framing, prefix: bytes, stated: int, there: int) -> Evidence | None:
    """Why a prefix states a size that isn't there."""
    place = f"byte {len(framing.lead)}"
    bits = framing.length_bytes * _BITS_OF_A_BYTE
    around = framing.tpdu_bytes + framing.header_bytes
    number = prefix[len(framing.lead) : len(framing.lead) + framing.length_bytes]
    excuses = {
        there + framing.prefix_bytes: "counts itself",
        2 * there: "counts hexadecimal characters, two for each byte",
        there - framing.tpdu_bytes: "does not count the TPDU",
        there - around: "does not count what stands before the message",
        there - len(framing.trailer): "does not count the trailer",
    }
    if stated in excuses and stated != there and not framing.length_adds:
        return Evidence(
            bits, f"the length prefix {excuses[stated]} ({place}: {stated}, {there} bytes follow)"
        )
    if framing.length_form is LengthForm.BINARY and int.from_bytes(number, "little") == there:
        return Evidence(bits, f"the length prefix is little-endian ({place})")
    slip = abs(stated - there)
    if slip <= _SLIP_MAX or (there < stated <= framing.max_frame_bytes and number[:1] == b"\0"):
        words = "the length prefix is wrong or the capture is cut off"
        return Evidence(-6, f"{words} ({place}: {stated}, {there} bytes follow)")
    return None


def _evidence(framing: Framing, frames: tuple[Frame, ...], *, prefix_fits: bool = True) -> Iterator[Evidence]:
    if framing.length_bytes and prefix_fits:
        form = _FORM_WORDS[framing.length_form]
        bits = framing.prefix_bytes * _BITS_OF_A_BYTE * len(frames)
        yield Evidence(bits, f"the length prefix ({framing.length_bytes} bytes, {form}) says what follows")
        if framing.length_adds:
            yield Evidence(0, "the length prefix counts itself")
        if len(frames) > 1:
            yield Evidence(0, f"{len(frames)} frames follow each other")
    if framing.trailer:
        yield Evidence(len(framing.trailer) * _BITS_OF_A_BYTE * len(frames), "the trailer is there")
    for frame in frames:
        if frame.tpdu:
            yield _tpdu_evidence(frame.tpdu)
        if frame.header:
            yield from _HEADER_EVIDENCE[framing.header_form, framing.header_bytes](frame)


def _tpdu_evidence(tpdu: bytes) -> Evidence:
    if tpdu[0] not in _TPDU_IDS:
        return Evidence(_NOT_OF_ITS_FORM, "the TPDU does not begin with 60")
    decimal = tpdu.hex().isdecimal()
    return Evidence(12 if decimal else 8, f"a TPDU, which begins with {tpdu[0]:02x}")


def _pos_header(header: bytes) -> Evidence:
    """Application class, version, state, processing requirement, sub-version: twelve digits."""
    if not header.hex().isdecimal():
        return Evidence(_NOT_OF_ITS_FORM, "the header is not made of digits")
    if header[0] not in _POS_CLASSES:
        return Evidence(-2, "the header does not begin with an application class, 60 to 63")
    return Evidence(14, f"a header of 6 bytes, which begins with application class {header[0]:02x}")


def _header6_evidence(frame: Frame) -> Iterator[Evidence]:
    yield _pos_header(frame.header)


def _header2_evidence(frame: Frame) -> Iterator[Evidence]:
    version = frame.header.hex()
    fits = version.isdecimal() and version[0] == "0"
    yield Evidence(4, "a header of 2 bytes, a version") if fits else Evidence(-4, "the header is no version")


def _ani_evidence(frame: Frame) -> Iterator[Evidence]:
    number = frame.header[:_ANI_BYTES]
    fits = not number.strip(b"0123456789 \0")
    yield (
        Evidence(40, "a caller's number of 14 bytes")
        if fits
        else Evidence(_NOT_OF_ITS_FORM, "no caller's number")
    )
    yield _pos_header(frame.header[_ANI_BYTES:])


def _location_evidence(frame: Frame) -> Iterator[Evidence]:
    yield _pos_header(frame.header[:_LOCATION_AT])
    text = frame.header[_LOCATION_AT:].decode("latin-1")
    fits = text.isascii() and text.isprintable()
    yield (
        Evidence(50, "a location of 50 characters")
        if fits
        else Evidence(_NOT_OF_ITS_FORM, "the location is no text")
    )


def _base1_evidence(frame: Frame) -> Iterator[Evidence]:
    last = frame.header[frame.header[0] :] or frame.header
    header = Base1Header.parse(last)
    yield Evidence(_BITS_OF_A_BYTE, f"a BASE I header of {len(frame.header)} bytes")
    yield from _length_in_header(header.total_length, len(last) + len(frame.body), 2)


def _cups_evidence(frame: Frame) -> Iterator[Evidence]:
    yield Evidence(24, "a CUPS header of 46 bytes")
    header = CupsHeader.parse(frame.header)
    yield from _length_in_header(header.total_length, len(frame.header) + len(frame.body), 1)


def _length_in_header(stated: int, there: int, width: int) -> Iterator[Evidence]:
    if stated == there:
        yield Evidence(width * _BITS_OF_A_BYTE, "the header states the length of header and message")
    else:
        yield Evidence(-4, f"the header states {stated} bytes of header and message, there are {there}")


_HEADER_EVIDENCE: Final[Mapping[tuple[HeaderForm, int], Callable[[Frame], Iterator[Evidence]]]] = (
    MappingProxyType(
        {
            (HeaderForm.FIXED, 2): _header2_evidence,
            (HeaderForm.FIXED, 6): _header6_evidence,
            (HeaderForm.FIXED, 20): _ani_evidence,
            (HeaderForm.FIXED, 56): _location_evidence,
            (HeaderForm.BASE1, 22): _base1_evidence,
            (HeaderForm.CUPS, 46): _cups_evidence,
        }
    )
)
