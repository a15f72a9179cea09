"""Goal: bytes and messages go into each other without loss, and what is no message is refused, nothing else.

Method: a table of defects, then messages made from each dialect's own table, and the same damaged.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iso8583_specs.codec import Codec, codec_for, codec_of
from iso8583_specs.defects import Defect, MalformedMessage, UnencodableField
from iso8583_specs.dialects import DIALECTS, spec_for
from iso8583_specs.interpreter import Interpreter
from iso8583_specs.message import Message, Spelling

Strategy = Callable[..., st.SearchStrategy[Any]]
POS = codec_for("unionpay_pos", strict=True)
ECHO = bytes.fromhex("0820 0020000000C00000 000133") + b"52079000" + b"001332060120003"


def refusal(codec: Codec, body: bytes) -> MalformedMessage | None:
    """The error that decoding ends in, if any."""
    try:
        codec.decode(body)
    except MalformedMessage as error:
        return error
    return None


@pytest.mark.parametrize(
    ("body", "field", "position", "reason"),
    [
        (b"", None, 0, Defect.TRUNCATED),
        (b"\x08", None, 0, Defect.TRUNCATED),
        (b"\x08\x2a" + ECHO[2:], None, 0, Defect.BAD_MTI),
        (ECHO[:9], None, 2, Defect.TRUNCATED),
        (ECHO[:2] + b"\x80" + ECHO[3:], 1, 2, Defect.UNDEFINED_FIELD),
        (ECHO[:11], 11, 10, Defect.TRUNCATED),
        (ECHO[:10] + b"\x00\x01\x3a" + ECHO[13:], 11, 10, Defect.NOT_DIGITS),
        (ECHO[:-1], 42, 21, Defect.TRUNCATED),
        (ECHO + b"0", None, 36, Defect.TRAILING_BYTES),
        (ECHO[:9] + b"\x10" + ECHO[10:], 60, 36, Defect.TRUNCATED),
    ],
)
def test_defect_is_named_with_its_place(
    body: bytes, field: int | None, position: int, reason: Defect, no_data: Callable[..., None]
) -> None:
    """Field, offset and reason are those of the first defect."""
    with pytest.raises(MalformedMessage) as caught:
        POS.decode(body)

    no_data(caught.value, ("unionpay_pos", field, position, reason))


@pytest.mark.parametrize(
    ("body", "readable"),
    [
        (ECHO, {11: "000133", 41: "52079000", 42: "001332060120003"}),
        (ECHO + b"0", {11: "000133", 41: "52079000", 42: "001332060120003"}),
        (ECHO[:-1], {11: "000133", 41: "52079000"}),
        (ECHO[:10] + b"\x00\x01\x3a" + ECHO[13:], {}),
        (ECHO[:2] + b"\x80" + ECHO[3:], {}),
    ],
)
def test_readable_part_ends_at_the_first_defect(body: bytes, readable: dict[int, str]) -> None:
    """A malformed message can be answered with what it said before it went wrong."""
    assert Message("0820", dict(readable)) == POS.decode_readable(body)


@pytest.mark.parametrize("body", [b"", ECHO[:9], b"\x0f" + ECHO[1:]])
def test_nothing_is_readable_without_mti_and_bitmap(body: bytes) -> None:
    """Without an MTI and a bitmap there is nothing to answer."""
    assert POS.decode_readable(body) is None


@pytest.mark.parametrize("mti", ["", "020", "02000", "02A0", "٠٢٠٠"])
@pytest.mark.parametrize("dialect", ["unionpay_pos", "iso1987_ascii"])
def test_mti_is_four_digits(dialect: str, mti: str, no_data: Callable[..., None]) -> None:
    """To a strict codec, what isn't four ASCII digits is no MTI."""
    with pytest.raises(UnencodableField) as caught:
        codec_for(dialect, strict=True).encode(Message(mti))

    no_data(caught.value, (dialect, None, Defect.BAD_MTI))


@pytest.mark.parametrize(
    ("dialect", "mti"), [("unionpay_pos", "02G0"), ("unionpay_pos", "020"), ("iso1987_ascii", "中200")]
)
def test_mti_that_has_no_bytes_is_refused_by_any_codec(dialect: str, mti: str) -> None:
    """The MTI is four hex digits where it is packed, and else four characters of the encoding."""
    with pytest.raises(UnencodableField, match="the message type is not four digits"):
        codec_for(dialect).encode(Message(mti))


@pytest.mark.parametrize(
    ("dialect", "wire", "message"),
    [
        ("unionpay_pos", bytes.fromhex("02A0 0020000000000000 00A133"), Message("02A0", {11: "00A133"})),
        ("iso1987_ascii", b"02X0002000000000000000A133", Message("02X0", {11: "00A133"})),
    ],
)
def test_codec_that_is_not_strict_reads_what_the_reference_reads(
    dialect: str, wire: bytes, message: Message
) -> None:
    """Letters where digits belong are for who acts on a message to refuse."""
    assert message == codec_for(dialect).decode(wire)
    assert wire == codec_for(dialect).encode(message)


@pytest.mark.parametrize(
    ("dialect", "body", "field", "position", "reason"),
    [
        ("iso1987_ascii", b"020000000000000000G0", None, 4, Defect.BAD_BITMAP),
        ("iso1987_ascii", b"0200" + b"8" * 16, 1, 20, Defect.TRUNCATED),
        ("iso1987_ascii", b"0200" + b"8" * 16 + b"\xff" * 16, 1, 20, Defect.BAD_BITMAP),
        (
            "iso1987_ascii",
            b"0200" + b"8" + b"0" * 15 + b"8" + b"0" * 15 + b"Z" * 16,
            1,
            36,
            Defect.BAD_BITMAP,
        ),
        ("iso1987_ascii", b"02", None, 0, Defect.TRUNCATED),
    ],
)
def test_defect_of_the_head_is_named_with_its_place(
    dialect: str, body: bytes, field: int | None, position: int, reason: Defect, no_data: Callable[..., None]
) -> None:
    """The MTI and the primary bitmap have no field number, the further bitmaps are field 1's."""
    with pytest.raises(MalformedMessage) as caught:
        codec_for(dialect).decode(body)

    no_data(caught.value, (dialect, field, position, reason))


def test_mti_must_be_text_of_its_encoding() -> None:
    """A table may read its MTI in an encoding that has no character for a byte."""
    spec = {**spec_for("iso1987_ascii"), "t": {**spec_for("iso1987_ascii")["t"], "data_enc": "ascii"}}

    with pytest.raises(MalformedMessage) as caught:
        Interpreter("narrow", spec).decode(b"\xff200" + b"0" * 16)

    assert caught.value.args == ("narrow", None, 0, Defect.NOT_TEXT)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (
            b"0200" + b"002000000a000000" + b"000133" + b"RRN" * 4 + b"00",
            {11: "000133", 37: "RRN" * 4, 39: "00"},
        ),
        (b"0200" + b"8020000000000000" + b"0" * 16 + b"000133", {11: "000133"}),
        (b"0200" + b"8000000000000000" + b"8" + b"0" * 15 + b"0" * 16, {}),
        (b"0200" + b" 00 00 00 00 00 ", {}),
        (b"0200" + b"0000000100000000" + b" 700000x1", {32: "00000x1"}),
        (b"0200" + b"0000000100000000" + b"+700000x1", {32: "00000x1"}),
    ],
)
def test_unusual_spelling_is_kept(body: bytes, fields: dict[int, str]) -> None:
    """What the reference reads although it would write it otherwise is written again as it came."""
    codec = codec_for("iso1987_ascii")

    message = codec.decode(body)

    assert fields == message.fields
    assert message.spelling is not None
    assert body == codec.encode(message)


def test_spelling_that_no_longer_fits_is_ignored() -> None:
    """A length or a bitmap counts only as long as it says what the message says."""
    codec = codec_for("iso1987_ascii")
    message = codec.decode(b"0200" + b"000000010a000000" + b" 7" + b"1234567" + b"RRN" * 4 + b"00")
    usual = codec.encode(Message("0200", {32: "12345678", 39: "00"}))

    message.fields[32] = "12345678"
    del message.fields[37]

    assert usual == codec.encode(message)


@pytest.mark.parametrize("indicator", [b"7", b"xx"])
def test_spelling_that_is_no_length_is_ignored(indicator: bytes) -> None:
    """Whoever puts nonsense there gets the usual length."""
    codec, message = codec_for("iso1987_ascii"), Message("0200", {32: "1234567"})

    message.spelling = Spelling({32: indicator})

    assert codec.encode(Message("0200", message.fields)) == codec.encode(message)


def test_message_in_a_field_is_a_part() -> None:
    """A field with a table of its own is read into a message, and written from it or from bytes."""
    codec = codec_for("iso1987_ascii_binary_bitmap.postilion")
    part = Message("", {2: "KEY"})
    message = Message("0800", {11: "000001"}, parts={127: part})
    body = codec.encode(message)
    inside = bytes.fromhex("4000000000000000") + b"03KEY"

    assert body.endswith(b"000013" + inside)
    assert message == codec.decode(body)
    assert body == codec.encode(Message("0800", {11: "000001", 127: inside}))


def test_bytes_that_are_no_message_stay_bytes() -> None:
    """A private field that can't be read doesn't spoil the message."""
    codec = codec_for("iso1987_ascii_binary_bitmap.postilion")
    body = codec.encode(Message("0800", {127: b"free text"}))

    message = codec.decode(body)

    assert ({127: b"free text"}, {}) == (message.fields, message.parts)
    assert body == codec.encode(message)


def test_field_given_as_value_and_as_message_is_refused() -> None:
    """A number stands in one of the two."""
    message = Message("0800", {127: b""}, parts={127: Message("")})

    with pytest.raises(UnencodableField, match="field 127: both a value and a message"):
        codec_for("iso1987_ascii_binary_bitmap.postilion").encode(message)


def test_header_is_part_of_the_message() -> None:
    """A dialect with a header reads and writes it; one without writes none."""
    routed = codec_for("iso1993_ebcdic.routed")
    message = Message("1804", {11: "000001"}, header="1ROUTENET")
    body = routed.encode(message)

    assert body.startswith("1ROUTENET1804".encode("cp500"))
    assert message == routed.decode(body)
    with pytest.raises(UnencodableField, match="message: not the field's fixed length"):
        routed.encode(Message("1804", header="1"))
    with pytest.raises(MalformedMessage, match="message at byte 0: the message ends too early"):
        routed.decode(body[:5])
    assert codec_for("iso1993_ebcdic").encode(message) == codec_for("iso1993_ebcdic").encode(
        Message("1804", {11: "000001"})
    )


def test_tertiary_bitmap_is_announced_by_bit_65() -> None:
    """A table may have fields up to 192; all three bitmaps then stand before the fields."""
    table = dict(spec_for("iso1987_binary"))
    table["130"] = table["4"]
    codec = codec_of("tertiary", table)
    message = Message("0200", {3: "000000", 130: "000000001000"})
    body = bytes.fromhex("0200 A000000000000000 8000000000000000 4000000000000000 000000 000000001000")

    assert body == codec.encode(message)
    assert message == codec.decode(body)


def test_peek_stops_behind_the_terminal() -> None:
    """What stands behind field 41 may be anything; what stands before it must be readable."""
    peek = POS.peek(ECHO[:-9])

    assert ("0820", "000133", None, "52079000", ECHO[2:10]) == peek
    with pytest.raises(MalformedMessage, match="field 41 at byte 13: the message ends too early"):
        POS.peek(ECHO[:20])
    with pytest.raises(MalformedMessage, match="field 1 at byte 2: the dialect does not define the field"):
        POS.peek(b"\x08\x20\x80" + bytes(30))


@pytest.mark.parametrize("number", [-1, 0, 1, 65, 128])
def test_field_that_the_dialect_lacks_has_no_bytes(number: int) -> None:
    """Neither a secondary bitmap nor a field beyond it can be written."""
    with pytest.raises(UnencodableField, match=f"field {number}: the dialect does not define the field"):
        POS.encode(Message("0200", {number: ""}))


def test_field_without_a_row_is_undefined_wherever_it_stands() -> None:
    """A dialect may lack any field; a message that announces it is refused at that field."""
    spec = {key: row for key, row in spec_for("unionpay_pos").items() if key != "41"}

    with pytest.raises(MalformedMessage) as caught:
        Interpreter("sparse", spec).decode(ECHO)

    assert caught.value.args == ("sparse", 41, 2, Defect.UNDEFINED_FIELD)


def test_message_without_fields_is_a_message() -> None:
    """An empty bitmap announces nothing, and nothing follows."""
    body = b"\x08\x20" + bytes(8)

    assert Message("0820") == POS.decode(body)
    assert body == POS.encode(Message("0820"))


@pytest.mark.parametrize("dialect", DIALECTS)
@given(data=st.data())
def test_message_survives_the_wire(dialect: str, messages: Strategy, data: st.DataObject) -> None:
    """What is encoded decodes to the same message, fillers included."""
    codec = codec_for(dialect)
    message = data.draw(messages(dialect))

    assert message == codec.decode(codec.encode(message))


@given(body=st.binary(max_size=120))
def test_arbitrary_bytes_are_a_message_or_malformed(body: bytes, no_data: Callable[..., None]) -> None:
    """Noise never raises anything but `MalformedMessage`."""
    error = refusal(POS, body)

    if error is not None:
        no_data(error, ("unionpay_pos", error.field, error.position, error.reason))
        assert 0 <= error.position <= len(body)


@pytest.mark.parametrize("dialect", DIALECTS)
@given(data=st.data())
def test_damaged_message_is_refused_or_encodes_to_its_bytes(
    dialect: str, messages: Strategy, damaged: Strategy, no_data: Callable[..., None], data: st.DataObject
) -> None:
    """What still decodes re-encodes to the very bytes; the rest is refused at a field that isn't readable."""
    codec = codec_for(dialect)
    body = data.draw(damaged(codec.encode(data.draw(messages(dialect)))))
    readable = codec.decode_readable(body)
    error = refusal(codec, body)

    if error is not None:
        no_data(error, (dialect, error.field, error.position, error.reason))
        assert readable is None or error.field not in readable.fields
    else:
        message = codec.decode(body)
        assert message == readable
        assert body == codec.encode(message)
