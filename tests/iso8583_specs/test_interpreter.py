"""Goal: bytes and messages go into each other without loss, and what is no message is refused, nothing else.

Method: a table of defects, then messages made from each dialect's own table, and the same damaged.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iso8583_specs.codec import codec_for
from iso8583_specs.defects import Defect, MalformedMessage, UnencodableField
from iso8583_specs.dialects import DIALECTS, spec_for
from iso8583_specs.interpreter import Interpreter
from iso8583_specs.message import Message

from .conftest import refusal

Strategy = Callable[..., st.SearchStrategy[Any]]
POS = codec_for("unionpay_pos")
ECHO = bytes.fromhex("0820 0020000000C00000 000133") + b"52079000" + b"001332060120003"


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
def test_mti_is_four_digits(mti: str, no_data: Callable[..., None]) -> None:
    """What isn't four ASCII digits is no MTI."""
    with pytest.raises(UnencodableField) as caught:
        POS.encode(Message(mti))

    no_data(caught.value, ("unionpay_pos", None, Defect.BAD_MTI))


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
