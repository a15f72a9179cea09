"""What is fuzzed: each target takes any bytes, and returns whatever they are or raises what it promises.

Beside the errors that a module promises, targets hold what must be true of whatever was read: a frame, a
message, a structure inside a field and a document make the bytes again that they came from.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final

import orjson

from iso8583_specs.codec import MalformedMessage, UnencodableField, UnknownDialect, codec_for
from iso8583_specs.detection.captures import captures_in
from iso8583_specs.detection.diagnosis import diagnose, diagnose_any
from iso8583_specs.detection.plausibility import message_evidence
from iso8583_specs.detection.reading import read
from iso8583_specs.detection.report import candidates_as_json, told
from iso8583_specs.detection.variations import repaired
from iso8583_specs.dialects import DIALECTS
from iso8583_specs.framing import (
    FRAMINGS,
    Frame,
    FrameReader,
    FramingError,
    parse_frame,
    reply_frame,
    write_frame,
)
from iso8583_specs.interchange import BadDocument, document_of, frame_of
from iso8583_specs.subfields.selection import STRUCTURES
from iso8583_specs.subfields.structure import SubField
from switch.commands.packets import NotPacketsError, conversations

Target = Callable[[bytes], None]

_FRAMINGS: Final = tuple(FRAMINGS.values())
_STREAMS: Final = tuple(framing for framing in _FRAMINGS if framing.length_bytes)
_DIALECTS: Final = tuple(DIALECTS)


def _all_structures(kind: type[SubField]) -> list[type[SubField]]:
    return [each for below in kind.__subclasses__() for each in (below, *_all_structures(below))]


assert STRUCTURES  # importing the table imports every structure
_STRUCTURES: Final = sorted(_all_structures(SubField), key=lambda kind: kind.__qualname__)


def stream(data: bytes) -> None:
    """A stream in pieces, by a framing that the first byte chooses; the second is the size of a piece."""
    if len(data) < 2:
        return
    reader = FrameReader(_STREAMS[data[0] % len(_STREAMS)])
    size = data[1] + 1
    with suppress(FramingError):
        for at in range(2, len(data), size):
            reader.receive(data[at : at + size])
            while reader.next_frame() is not None:
                pass


def frame(data: bytes) -> None:
    """A captured frame, by a framing that the first byte chooses; what was read writes a frame like it."""
    if not data:
        return
    framing, raw = _FRAMINGS[data[0] % len(_FRAMINGS)], data[1:]
    try:
        found = parse_frame(framing, raw)
    except FramingError:
        return
    written = write_frame(framing, *found)
    assert written[framing.prefix_bytes :] == raw[framing.prefix_bytes :]
    assert parse_frame(framing, written) == found
    reply_frame(framing, found, found.body)


def codec(data: bytes) -> None:
    """A body, by a dialect that the first byte chooses; a message makes the same bytes, as JSON too."""
    if not data:
        return
    dialect, body = _DIALECTS[data[0] % len(_DIALECTS)], data[1:]
    used = codec_for(dialect)
    used.decode_readable(body)
    with suppress(MalformedMessage):
        used.peek(body)
    try:
        message = used.decode(body)
    except MalformedMessage:
        return
    assert used.encode(message) == body
    repr(message)
    if len(body) >= 10:
        document = document_of(dialect, "none", Frame(b"", b"", body), message, raw=body)
        assert frame_of(document.to_json()) == body
    document_of(dialect, "none", Frame(b"", b"", body), message, raw=None)


def structures(data: bytes) -> None:
    """A field's content, by a structure that the first byte chooses, as bytes and as text."""
    if not data:
        return
    kind, content = _STRUCTURES[data[0] % len(_STRUCTURES)], data[1:]
    for each in (content, content.decode("latin-1")):
        with suppress(MalformedMessage):
            found = kind.parse(each)
            assert kind.parse(found.build()) == found
            repr(found)


def reading(data: bytes) -> None:
    """A body that the doctor reads by a dialect's table, weighs, and mends where it breaks."""
    if not data:
        return
    dialect, body = _DIALECTS[data[0] % len(_DIALECTS)], data[1:]
    found = read(DIALECTS[dialect], body)
    if found is None:
        return
    list(message_evidence(dialect, found))
    if found.broken is not None:
        repaired(DIALECTS[dialect], body, found)


def doctor(data: bytes) -> None:
    """A capture, and two that are cut at a place that the first byte chooses."""
    if not data:
        return
    at, raw = data[0], data[1:]
    for captures in ([raw], [raw[:at], raw[at:]]):
        candidates = diagnose(captures)
        candidates_as_json(candidates)
        if candidates:
            list(told(candidates))


def captures(data: bytes) -> None:
    """A file of text or bytes."""
    diagnose_any(captures_in(data))


def packets(data: bytes) -> None:
    """A file of packets."""
    with suppress(NotPacketsError):
        conversations(data)


def document(data: bytes) -> None:
    """A document in JSON."""
    with suppress(BadDocument, UnknownDialect, UnencodableField, orjson.JSONDecodeError):
        frame_of(orjson.loads(data))


TARGETS: Final[Mapping[str, Target]] = MappingProxyType(
    {
        target.__name__: target
        for target in (stream, frame, codec, structures, reading, doctor, captures, packets, document)
    }
)
