"""Goal: a reading says where each field starts and ends, and where and why it can't go on."""

from typing import Any

import pytest

from iso8583_specs.defects import Defect
from iso8583_specs.detection.reading import Break, mti_at, read, text_of
from iso8583_specs.dialects import spec_for
from iso8583_specs.spec import Spec

POS = spec_for("unionpay_pos")
# Fields 2 (five digits) and 22, whose fillers are an F and a zero.
BODY = bytes.fromhex("0200 4000040000000000 05 12345f 0210")


def with_row(number: str, **keys: object) -> Spec:
    """The dialect with a row changed."""
    row: Any = {**POS[number], **keys}
    return {**POS, number: row}


def test_fields_have_places() -> None:
    """Each part is where it lies, whatever filler it has; its text is without it."""
    reading = read(POS, BODY)

    assert reading is not None
    assert (reading.mti, reading.numbers, reading.end, reading.broken) == ("0200", (2, 22), len(BODY), None)
    assert [(2, 10, 5), (22, 14, 3)] == [(part.number, part.at, part.units) for part in reading.parts]
    assert ["12345", "021"] == [text_of(part) for part in reading.parts]


@pytest.mark.parametrize(
    ("body", "broken"),
    [
        (BODY + b"\0", Break(None, 16, Defect.TRAILING_BYTES)),
        (BODY[:-1], Break(22, 14, Defect.TRUNCATED)),
        (BODY[:10], Break(2, 10, Defect.TRUNCATED)),
        (BODY[:10] + b"\x0f", Break(2, 10, Defect.BAD_LENGTH)),
        (BODY[:10] + b"\x20", Break(2, 10, Defect.TOO_LONG)),
        (bytes.fromhex("0200 8000000000000000"), Break(1, 10, Defect.UNDEFINED_FIELD)),
    ],
)
def test_break_has_its_place(body: bytes, broken: Break) -> None:
    """What can't be read is told with field, byte and reason; what was read before stays."""
    reading = read(POS, body)

    assert reading is not None
    assert broken == reading.broken


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("unionpay_pos", b""),
        ("unionpay_pos", b"\x02"),
        ("unionpay_pos", bytes.fromhex("0a00") + bytes(8)),
        ("unionpay_pos", bytes.fromhex("0200") + bytes(7)),
        ("iso1987_ascii", b"02O0" + b"0" * 16),
        ("iso1987_ascii", b"0200" + b"0" * 15),
        ("iso1987_ascii", b"0200" + b"0" * 15 + b"g"),
    ],
)
def test_without_mti_and_bitmap_there_is_no_reading(dialect: str, body: bytes) -> None:
    """A body that doesn't begin like a message of the dialect isn't read at all."""
    assert read(spec_for(dialect), body) is None


def test_more_bitmaps_are_read() -> None:
    """Secondary and tertiary bitmaps announce fields, and are none themselves."""
    body = b"0800" + b"8000000000000000" + b"8400000000000000" + b"0" * 16 + b"301"

    reading = read(spec_for("iso1987_ascii"), body)

    assert reading is not None
    assert ((70,), None) == (reading.numbers, reading.broken)


def test_lengths_may_be_binary_or_no_number() -> None:
    """A binary length is read as one; characters that say no number break the reading."""
    binary = read(with_row("2", len_enc="b"), BODY)
    text = read(with_row("2", len_enc="ascii"), BODY)
    foreign = read(with_row("2", len_enc="ascii"), BODY[:10] + b"\xff")

    assert binary is not None
    assert binary.broken is None
    assert [each and each.broken for each in (text, foreign)] == [Break(2, 10, Defect.BAD_LENGTH)] * 2


def test_text_of_bytes_is_none() -> None:
    """Binary content has no text, and neither have bytes that the encoding doesn't know."""
    body = bytes.fromhex("0200 0000000000001001") + bytes(16)
    binary = read(POS, body)
    foreign = read(with_row("52", data_enc="ascii"), body[:10] + b"\xff" * 8 + body[18:])

    assert binary is not None
    assert foreign is not None
    assert (text_of(binary.parts[0]), text_of(foreign.parts[0])) == (None, None)


def test_mti_stands_behind_the_dialect_header() -> None:
    """A dialect with a header of its own has its MTI behind it."""
    routed = spec_for("iso1993_ebcdic.routed")

    assert mti_at(routed, bytes(9) + "1100".encode("cp500")) == "1100"
