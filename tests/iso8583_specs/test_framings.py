"""Goal: each row of the table writes the prefix that its channel writes, and reads it back.

Method: for each prefix the bytes as the channel defines them, typed by hand.
"""

import pytest

from iso8583_specs.framing import (
    FRAMINGS,
    BadFrame,
    Frame,
    FrameDefect,
    FrameReader,
    Framing,
    FramingError,
    KeepAlive,
    parse_frame,
    reply_frame,
    write_frame,
)

BODY = bytes.fromhex("0820") + bytes(8)
TPDU = bytes.fromhex("6006010000")
PREFIXES = {
    "length2": "000a",
    "length2_inclusive": "000c",
    "length2_etx": "000b",
    "length2_zeros": "000a0000",
    "zeros_length2": "0000000a",
    "vmlh": "000a0000",
    "length4": "0000000a",
    "ascii4": "30303130",
    "hex4": "30303041",
    "bcd2": "0010",
}


@pytest.mark.parametrize(("name", "prefix"), PREFIXES.items())
def test_prefix_is_written_as_its_channel_writes_it(name: str, prefix: str) -> None:
    """Ten bytes get the prefix of the channel, and are read back from a capture and from a stream."""
    framing = FRAMINGS[name]
    raw = bytes.fromhex(prefix) + BODY + framing.trailer

    reader = FrameReader(framing)
    reader.receive(raw)

    assert raw == write_frame(framing, b"", b"", BODY)
    assert Frame(b"", b"", BODY) == parse_frame(framing, raw) == reader.next_frame()


def test_every_framing_writes_what_it_reads() -> None:
    """Each row of the table gives a frame that it reads back, part by part."""
    headers = {"base1": bytes.fromhex("160102") + bytes(19), "cups": b"\x2e\x010056" + bytes(40)}

    for framing in FRAMINGS.values():
        header = headers.get(framing.header_form, bytes(framing.header_bytes))
        frame = Frame(TPDU[: framing.tpdu_bytes], header, BODY)

        assert frame == parse_frame(framing, write_frame(framing, *frame))


def test_names_are_prefix_and_envelope() -> None:
    """A row has the name of its parts; without any it is `none`."""
    for name, framing in FRAMINGS.items():
        assert name == framing.name
    assert {"none", "tpdu_header6", "ascii4_cups", "length2_zeros_base1"} <= FRAMINGS.keys()


@pytest.mark.parametrize("name", ["ascii4", "length2_zeros", "vmlh"])
def test_zero_length_is_a_sign_of_life(name: str) -> None:
    """Where a channel polls by a length of zero, it comes as it was sent, and the stream stays in step."""
    framing = FRAMINGS[name]
    poll = b"0000" if name == "ascii4" else bytes(4)
    reader = FrameReader(framing)

    reader.receive(poll + write_frame(framing, b"", b"", BODY))

    assert KeepAlive(poll) == reader.next_frame()
    assert Frame(b"", b"", BODY) == reader.next_frame()
    with pytest.raises(FramingError, match="the length is zero"):
        parse_frame(framing, poll)


def test_zero_length_of_a_session_message_is_returned_as_it_came() -> None:
    """The byte that marks a session's own message is part of the sign of life."""
    reader = FrameReader(FRAMINGS["vmlh"])

    reader.receive(b"\0\x002\0")

    assert KeepAlive(b"\0\x002\0") == reader.next_frame()


def test_session_byte_is_kept() -> None:
    """The byte that marks a session's own message comes out, goes in again, and into the answer."""
    framing, raw = FRAMINGS["vmlh"], b"\0\x0a2\0" + BODY

    frame = parse_frame(framing, raw)

    assert frame.gap == b"2\0"
    assert raw == write_frame(framing, *frame) == reply_frame(framing, frame, BODY)


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("length2_inclusive", b"\0\1"),
        ("length2_zeros", b"\0\x0a\0\1"),
        ("zeros_length2", b"\0\1\0\x0a"),
        ("vmlh", b"\0\x0a1\0"),
        ("ascii4", b"001 "),
        ("ascii4", b"+010"),
        ("hex4", b"00xA"),
        ("bcd2", b"\0\x0a"),
    ],
)
def test_prefix_of_another_form_loses_the_stream(name: str, raw: bytes) -> None:
    """What can't be the framing's prefix is told at once, from a stream and from a capture."""
    reader = FrameReader(FRAMINGS[name])
    reader.receive(raw)

    for _ in range(2):
        with pytest.raises(FramingError, match="not of its form"):
            reader.next_frame()
    with pytest.raises(FramingError, match="not of its form"):
        parse_frame(FRAMINGS[name], raw + BODY)


@pytest.mark.parametrize(
    ("name", "raw", "reason"),
    [
        ("length2_etx", b"\0\x0b" + BODY + b"\4", FrameDefect.BAD_TRAILER),
        ("length2_etx", b"\0\1\3", FrameDefect.TOO_SHORT),
        ("length2_base1", b"\0\x20\x17" + bytes(31), FrameDefect.BAD_HEADER),
        ("length2_cups", b"\0\x38\x2e\x01abcd" + bytes(50), FrameDefect.BAD_HEADER),
        ("length2_inclusive", b"\0\2", FrameDefect.EMPTY),
    ],
)
def test_frame_whose_parts_are_wrong_leaves_the_stream_in_step(
    name: str, raw: bytes, reason: FrameDefect
) -> None:
    """A missing trailer or a header of another form spoils that frame and no other."""
    framing = FRAMINGS[name]
    reader = FrameReader(framing)

    reader.receive(raw * 2)

    assert [BadFrame(reason)] * 2 == [reader.next_frame(), reader.next_frame()]


def test_hex_length_may_be_in_lower_case() -> None:
    """A peer may write its hexadecimal digits as it likes."""
    assert BODY == parse_frame(FRAMINGS["hex4"], b"000a" + BODY).body


def test_frame_is_not_written_with_a_foreign_gap() -> None:
    """Only what the framing may have between length and content is written there."""
    for name in ("length2", "vmlh"):
        with pytest.raises(ValueError, match="nothing like that between length and content"):
            write_frame(FRAMINGS[name], b"", b"", BODY, b"1\0")


def test_header_without_its_own_form_is_not_written() -> None:
    """A header that says its own width has to say the right one."""
    with pytest.raises(ValueError, match="22 of header"):
        write_frame(FRAMINGS["length2_base1"], b"", bytes(22), BODY)


def test_answer_has_the_addresses_swapped() -> None:
    """An answer's TPDU is turned round; a header of a fixed width is repeated."""
    framing = FRAMINGS["length2_tpdu_header6"]
    header = bytes.fromhex("603100311108")

    answer = reply_frame(framing, Frame(TPDU, header, b"request"), BODY)

    assert bytes.fromhex("0015 6000000601 603100311108") + BODY == answer


def test_answer_has_the_network_header_turned_round() -> None:
    """An answer's BASE I header has swapped addresses and the answer's length."""
    framing = FRAMINGS["length2_zeros_base1"]
    header = bytes.fromhex("1601020099 123456 654321") + bytes(11)

    answer = reply_frame(framing, Frame(b"", header, b"request"), BODY)

    assert bytes.fromhex("00200000 1601020020 654321 123456") + bytes(11) + BODY == answer


def test_length_may_have_any_width() -> None:
    """The width of a decimal length is data like the rest."""
    from iso8583_specs.framings import LengthForm

    framing = Framing("ascii6", 6, 0, 0, length_form=LengthForm.DECIMAL)

    assert b"000010" + BODY == write_frame(framing, b"", b"", BODY)
