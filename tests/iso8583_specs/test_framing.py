"""Goal: frames come out of a stream as they went in, however it is cut, and nothing makes the reader grow.

Method: tables of frames good and bad, the captured samples, and streams cut at arbitrary places.
"""

from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iso8583_specs.framing import (
    FRAMINGS,
    BadFrame,
    Frame,
    FrameDefect,
    FrameReader,
    Framing,
    FramingError,
    parse_frame,
    reply_tpdu,
    write_frame,
)

POS = FRAMINGS["length2_tpdu_header6"]
TPDU = bytes.fromhex("6000060601")
HEADER = bytes.fromhex("603100311108")
BODY = bytes.fromhex("0820") + bytes(8)
# A blog's exercise whose length prefix counts hex characters instead of bytes.
HAND_BUILT = bytes.fromhex(
    "0072600010000001000800203801000404000880000000000110101112240009303030313531000800350004343136310009303030303031"
    "303031"
)


def drain(reader: FrameReader) -> list[Frame | BadFrame]:
    """All that the reader has by now."""
    return list(iter(reader.next_frame, None))


def test_sample_frames_parse_and_write_back(sample: SimpleNamespace) -> None:
    """A captured frame parses into its stated parts, and the parts make the same bytes again."""
    framing, raw = FRAMINGS[sample.framing], bytes.fromhex(sample.hex)

    frame = parse_frame(framing, raw)

    assert (sample.tpdu or "", sample.header or "") == (frame.tpdu.hex().upper(), frame.header.hex().upper())
    assert raw == write_frame(framing, *frame)


@pytest.mark.parametrize(
    ("framing", "raw", "reason"),
    [
        ("length2_tpdu_header2", HAND_BUILT, FrameDefect.LENGTH_MISMATCH),
        ("length2_tpdu_header6", HAND_BUILT, FrameDefect.LENGTH_MISMATCH),
        ("length2", b"", FrameDefect.LENGTH_MISMATCH),
        ("length2", b"\x00", FrameDefect.LENGTH_MISMATCH),
        ("length2", b"\x00\x00", FrameDefect.EMPTY),
        ("none", b"", FrameDefect.EMPTY),
        ("none", bytes(9), FrameDefect.TOO_SHORT),
        ("tpdu", bytes(14), FrameDefect.TOO_SHORT),
        ("length2_tpdu_header6", b"\x00\x14" + bytes(20), FrameDefect.TOO_SHORT),
        ("none", bytes(8193), FrameDefect.TOO_LARGE),
        ("length2", b"\x20\x01" + bytes(8193), FrameDefect.TOO_LARGE),
    ],
)
def test_captured_frame_is_refused_with_its_reason(framing: str, raw: bytes, reason: FrameDefect) -> None:
    """A capture that isn't exactly one frame is refused, and the reason is named."""
    with pytest.raises(FramingError, match=reason.value) as caught:
        parse_frame(FRAMINGS[framing], raw)

    assert reason is caught.value.reason


@given(
    bodies=st.lists(st.binary(min_size=10, max_size=300), max_size=8),
    cuts=st.lists(st.integers(0, 2500), max_size=20),
)
def test_stream_cut_anywhere_gives_the_same_frames(bodies: list[bytes], cuts: list[int]) -> None:
    """Reads may begin and end anywhere; the frames are those that were written."""
    stream = b"".join(write_frame(POS, TPDU, HEADER, body) for body in bodies)
    edges = [0, *sorted(cuts), len(stream)]
    reader = FrameReader(POS)
    frames: list[Frame | BadFrame] = []

    for start, end in pairwise(edges):
        reader.receive(stream[start:end])
        frames += drain(reader)

    assert [Frame(TPDU, HEADER, body) for body in bodies] == frames
    assert not reader.has_partial


def test_byte_by_byte_stream_gives_its_frame() -> None:
    """A peer that sends one byte a packet is understood, and its frame is partial until the last byte."""
    raw = write_frame(POS, TPDU, HEADER, BODY)
    reader = FrameReader(POS)

    for index in range(len(raw) - 1):
        reader.receive(raw[index : index + 1])

        assert reader.next_frame() is None
        assert reader.has_partial

    reader.receive(raw[-1:])

    assert Frame(TPDU, HEADER, BODY) == reader.next_frame()
    assert not reader.has_partial


@given(stream=st.binary(max_size=400))
def test_arbitrary_bytes_never_make_a_drained_reader_hold_more_than_a_frame(stream: bytes) -> None:
    """Whatever comes in, what stays is less than one frame of the largest size."""
    framing = Framing("tight", length_bytes=1, tpdu_bytes=0, header_bytes=0, max_frame_bytes=40)
    reader = FrameReader(framing)
    reader.receive(stream)

    try:
        drain(reader)
    except FramingError:
        assert not reader._buffer

    assert len(reader._buffer) <= 40


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", FrameDefect.EMPTY),
        (TPDU, FrameDefect.TOO_SHORT),
        (TPDU + HEADER + BODY[:-1], FrameDefect.TOO_SHORT),
    ],
)
def test_frame_without_a_message_leaves_the_stream_in_step(content: bytes, reason: FrameDefect) -> None:
    """A frame too short for a message is reported, and the next frame is read as if nothing had been."""
    reader = FrameReader(POS)
    reader.receive(len(content).to_bytes(2, "big") + content + write_frame(POS, TPDU, HEADER, BODY))

    assert [BadFrame(reason), Frame(TPDU, HEADER, BODY)] == drain(reader)


def test_length_over_the_limit_loses_the_stream_for_good() -> None:
    """A prefix over the limit raises at once, before the bytes it claims, and ever after."""
    reader = FrameReader(POS)
    reader.receive(write_frame(POS, TPDU, HEADER, BODY) + b"\x20\x01")

    assert Frame(TPDU, HEADER, BODY) == reader.next_frame()
    for _ in range(2):
        with pytest.raises(FramingError) as caught:
            reader.next_frame()
        reader.receive(write_frame(POS, TPDU, HEADER, BODY))

        assert FrameDefect.TOO_LARGE is caught.value.reason
        assert not reader.has_partial


def test_frame_of_the_largest_size_passes() -> None:
    """The limit itself is allowed, counted without the prefix."""
    body = bytes(8192 - len(TPDU) - len(HEADER))
    reader = FrameReader(POS)
    reader.receive(write_frame(POS, TPDU, HEADER, body))

    assert Frame(TPDU, HEADER, body) == reader.next_frame()


def test_stream_needs_a_length_prefix() -> None:
    """A framing without length prefix can't cut a stream; saying so early beats guessing."""
    with pytest.raises(ValueError, match="tpdu_header6 has no length prefix"):
        FrameReader(FRAMINGS["tpdu_header6"])


@pytest.mark.parametrize(
    ("tpdu", "header", "body", "complaint"),
    [
        (b"", HEADER, BODY, "not 0 and 6"),
        (TPDU, HEADER[:2], BODY, "not 5 and 2"),
        (TPDU, HEADER, bytes(8182), "8193 bytes is over the limit"),
    ],
)
def test_parts_that_do_not_fit_the_framing_are_not_written(
    tpdu: bytes, header: bytes, body: bytes, complaint: str
) -> None:
    """Writing a frame that the framing can't carry is a mistake of ours."""
    with pytest.raises(ValueError, match=complaint):
        write_frame(POS, tpdu, header, body)


@pytest.mark.parametrize(("request_tpdu", "answer"), [("6006010000", "6000000601"), ("", "")])
def test_reply_tpdu_swaps_the_addresses(request_tpdu: str, answer: str) -> None:
    """An answer goes back where the request came from; the id stays."""
    assert answer == reply_tpdu(bytes.fromhex(request_tpdu)).hex()


def test_frame_shows_no_body() -> None:
    """A frame in a log line shows its addresses and the body's size, not the body."""
    expected = "Frame(tpdu=6000060601, header=603100311108, body=<10 bytes>)"

    assert expected == str(Frame(TPDU, HEADER, BODY))
