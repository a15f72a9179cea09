"""Goal: a value that doesn't fit a field is refused, with the reason and without the value.

Method: one small field of each kind, tables of what it must not write or read.
"""

from collections.abc import Callable

import pytest

from iso8583_specs.defects import Defect, MalformedMessage, UnencodableField
from iso8583_specs.fields import compile_field
from iso8583_specs.message import Message
from iso8583_specs.spec import FieldSpec, Size, ans, b, n, x, xn, z

DIGITS = n(Size.LL, 4, "digits")
RIGHT_ALIGNED = n(Size.FIXED, 3, "digits", filler="left")
TRACK = z(Size.LL, 5, "track")
HEX = x(Size.LL, 5, "hex")
SIGNED = xn(Size.FIXED, 4, "sign and digits")
UNFILLED: FieldSpec = {**HEX, "right_pad": ""}
EITHER: FieldSpec = {**HEX, "left_pad": "0", "right_pad": "F"}
BY_TWO: FieldSpec = {**HEX, "len_count": "bytes", "max_len": 2}
NARROW: FieldSpec = {**HEX, "len_enc": "ascii", "len_type": 1, "max_len": 20}
DIGITS_IN_TEXT: FieldSpec = {**DIGITS, "data_enc": "latin-1", "len_count": "bytes"}
ASCII: FieldSpec = {**DIGITS_IN_TEXT, "data_enc": "ascii", "content": "ans"}
TEXT = ans(Size.LLL, 4, "text")
BYTES = b(Size.FIXED, 2, "bytes")


@pytest.mark.parametrize(
    ("spec", "value", "filler", "reason"),
    [
        (DIGITS, "12345", "0", Defect.TOO_LONG),
        (DIGITS, "12A4", "0", Defect.NOT_DIGITS),
        (DIGITS, "1 2", "0", Defect.NOT_DIGITS),
        (DIGITS, "٣٣", "0", Defect.NOT_DIGITS),
        (DIGITS, "1=2", "0", Defect.NOT_DIGITS),
        (DIGITS, b"\x12", "0", Defect.WRONG_TYPE),
        (DIGITS, "123", "f", Defect.BAD_FILLER),
        (DIGITS, "123", "", Defect.BAD_FILLER),
        (DIGITS, "123", "000", Defect.BAD_FILLER),
        (RIGHT_ALIGNED, "12", "0", Defect.WRONG_LENGTH),
        (RIGHT_ALIGNED, "1234", "0", Defect.WRONG_LENGTH),
        (TRACK, "1D2", "0", Defect.NOT_TRACK),
        (HEX, "5ag5", "0", Defect.NOT_HEX),
        (TEXT, "abcde", "0", Defect.TOO_LONG),
        (TEXT, "中", "0", Defect.NOT_LATIN_1),
        (TEXT, b"abcd", "0", Defect.WRONG_TYPE),
        (SIGNED, "C123", "0", Defect.WRONG_LENGTH),
        (SIGNED, "C12 4", "0", Defect.NOT_HEX),
        (SIGNED, "中1234", "0", Defect.NOT_LATIN_1),
        (SIGNED, "C123456", "0", Defect.WRONG_LENGTH),
        (UNFILLED, "123", "0", Defect.NO_FILLER),
        (NARROW, "1234567890", "0", Defect.TOO_LONG),
        (DIGITS_IN_TEXT, "12A", "0", Defect.NOT_DIGITS),
        (BYTES, b"1", "0", Defect.WRONG_LENGTH),
        (BYTES, "12", "0", Defect.WRONG_TYPE),
    ],
)
def test_value_that_does_not_fit_has_no_bytes(
    spec: FieldSpec, value: str | bytes, filler: str, reason: Defect, no_data: Callable[..., None]
) -> None:
    """The field says why it can't write the value, and the error holds nothing of it."""
    field = compile_field("test", 9, spec, strict=True)

    with pytest.raises(UnencodableField) as caught:
        field.encode(Message("0200", {9: value}, {9: filler}))

    no_data(caught.value, ("test", 9, reason))


@pytest.mark.parametrize(
    ("spec", "wire", "position", "reason"),
    [
        (DIGITS, "", 0, Defect.TRUNCATED),
        (DIGITS, "0A", 0, Defect.BAD_LENGTH),
        (DIGITS, "05 123450", 0, Defect.TOO_LONG),
        (DIGITS, "04 12", 1, Defect.TRUNCATED),
        (DIGITS, "04 12D4", 1, Defect.NOT_DIGITS),
        (RIGHT_ALIGNED, "00", 0, Defect.TRUNCATED),
        (RIGHT_ALIGNED, "000A", 0, Defect.NOT_DIGITS),
        (TRACK, "05 12D4A0", 1, Defect.NOT_TRACK),
        (UNFILLED, "03 1234", 1, Defect.NO_FILLER),
        (DIGITS_IN_TEXT, "03 313241", 1, Defect.NOT_DIGITS),
        (ASCII, "01 FF", 1, Defect.NOT_TEXT),
        (TEXT, "00", 0, Defect.TRUNCATED),
        (TEXT, "0003 6162", 2, Defect.TRUNCATED),
        (BYTES, "01", 0, Defect.TRUNCATED),
    ],
)
def test_bytes_that_are_no_value_leave_the_message_alone(
    spec: FieldSpec, wire: str, position: int, reason: Defect, no_data: Callable[..., None]
) -> None:
    """The field says where and why it can't be read, and adds nothing to the message."""
    message = Message("0200")

    with pytest.raises(MalformedMessage) as caught:
        compile_field("test", 9, spec, strict=True).decode(bytes.fromhex(wire), 0, message)

    no_data(caught.value, ("test", 9, position, reason))
    assert Message("0200") == message


@pytest.mark.parametrize(
    ("spec", "wire", "value", "fillers"),
    [
        (DIGITS, "03 1230", "123", {}),
        (DIGITS, "03 123D", "123", {9: "D"}),
        (DIGITS, "00", "", {}),
        (RIGHT_ALIGNED, "F001", "001", {9: "F"}),
        (TRACK, "03 1D2F", "1=2", {9: "F"}),
        (HEX, "03 5AA1", "5AA", {9: "1"}),
        (SIGNED, "43 1234", "C1234", {}),
        (BY_TWO, "02 1234", "1234", {}),
        (EITHER, "03 0123", "123", {}),
        (EITHER, "03 5123", "123", {9: "5"}),
        (TEXT, "0002 D6D0", "ÖÐ", {}),
        (BYTES, "00FF", b"\x00\xff", {}),
    ],
)
def test_value_and_filler_go_both_ways(
    spec: FieldSpec, wire: str, value: str | bytes, fillers: dict[int, str]
) -> None:
    """A filler is kept only where it isn't the field's own, and writing uses it."""
    field, message, body = compile_field("test", 9, spec), Message("0200"), bytes.fromhex(wire)

    assert len(body) == field.decode(body, 0, message)
    assert Message("0200", {9: value}, fillers) == message
    assert body == field.encode(message)


def test_filler_of_an_even_count_means_nothing() -> None:
    """An answer may take over a request's fillers; where there is no spare nibble they are ignored."""
    message = Message("0200", {9: "12"}, {9: "F"})

    assert compile_field("test", 9, DIGITS).encode(message) == b"\x02\x12"


@pytest.mark.parametrize(
    ("encoding", "width", "count", "wire"),
    [
        ("b", 2, 300, "012C"),
        ("bcd", 2, 300, "0300"),
        ("latin-1", 3, 300, "333030"),
        ("cp500", 3, 300, "F3F0F0"),
    ],
)
def test_length_is_written_in_its_encoding(encoding: str, width: int, count: int, wire: str) -> None:
    """Binary, BCD and text lengths count the same."""
    spec: FieldSpec = {**BYTES, "len_enc": encoding, "len_type": width, "max_len": 999}
    field, message = compile_field("test", 9, spec), Message("0200", {9: bytes(count)})

    body = field.encode(message)

    assert bytes.fromhex(wire) + bytes(count) == body
    assert len(body) == field.decode(body, 0, Message("0200"))


@pytest.mark.parametrize(("encoding", "width", "most"), [("b", 1, 256), ("bcd", 1, 100), ("ascii", 1, 10)])
def test_length_without_room_is_refused(encoding: str, width: int, most: int) -> None:
    """A table may allow more than its indicator can say."""
    spec: FieldSpec = {**BYTES, "len_enc": encoding, "len_type": width, "max_len": most}

    with pytest.raises(UnencodableField, match="longer than the field's maximum"):
        compile_field("test", 9, spec).encode(Message("0200", {9: bytes(most)}))


def test_text_may_be_counted_in_nibbles() -> None:
    """The reference reads an odd count of nibbles as the bytes that hold them; it is kept as it came."""
    spec: FieldSpec = {**TEXT, "len_count": "nibbles", "max_len": 9, "len_type": 1}
    field, message = compile_field("test", 9, spec), Message("0200")

    field.decode(b"\x03ab", 0, message)

    assert message.fields == {9: "ab"}
    assert field.encode(message) == b"\x03ab"
    assert field.encode(Message("0200", {9: "ab"})) == b"\x04ab"
