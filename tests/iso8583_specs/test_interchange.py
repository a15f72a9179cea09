"""Goal: a frame becomes JSON, and from the JSON alone the same bytes again.

Method: the samples, messages made at random from each dialect's table, and documents that are wrong.
"""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iso8583_specs.codec import MalformedMessage, UnencodableField, UnknownDialect, codec_for
from iso8583_specs.dialects import DIALECTS
from iso8583_specs.framing import FRAMINGS, Frame, parse_frame, write_frame
from iso8583_specs.interchange import BadDocument, document_of, frame_of
from iso8583_specs.message import Message

BODY = bytes.fromhex("0200 2000000000000000 310000")
MINIMAL = {"dialect": "unionpay_pos", "framing": "none", "mti": "0200", "fields": {"3": "310000"}}


def as_json(dialect: str, framing: str, raw: bytes) -> Any:
    """What `decode --json --clear` prints of a frame."""
    frame = parse_frame(FRAMINGS[framing], raw)
    message = codec_for(dialect).decode(frame.body)
    return json.loads(json.dumps(document_of(dialect, framing, frame, message, raw=raw).to_json()))


def test_samples_come_back(sample: SimpleNamespace) -> None:
    """Each real message makes the same bytes again."""
    raw = bytes.fromhex(sample.hex)

    assert raw == frame_of(as_json(sample.profile, sample.framing, raw))


@pytest.mark.parametrize("dialect", DIALECTS)
@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_all_messages_come_back(
    dialect: str,
    data: st.DataObject,
    messages: Callable[..., st.SearchStrategy[Message]],
    damaged: Callable[[bytes], st.SearchStrategy[bytes]],
) -> None:
    """Whatever a dialect reads, in whatever spelling, makes the same bytes again."""
    body = data.draw(damaged(codec_for(dialect).encode(data.draw(messages(dialect)))))
    try:
        message = codec_for(dialect).decode(body)
    except MalformedMessage:
        return
    frame = Frame(b"", b"", body)
    document = document_of(dialect, "length2", frame, message, raw=write_frame(FRAMINGS["length2"], *frame))

    assert write_frame(FRAMINGS["length2"], *frame) == frame_of(json.loads(json.dumps(document.to_json())))


def test_usual_frame_has_nothing_about_the_wire() -> None:
    """What dialect and framing write by themselves isn't said again."""
    assert {**MINIMAL, "tpdu": None, "header": None, "wire": {}} == as_json("unionpay_pos", "none", BODY)


def test_wire_says_what_is_unusual() -> None:
    """A prefix in another spelling and a session's byte are kept, as hexadecimal digits."""
    spelt = b"000d" + BODY
    session = b"\0\x0d2\0" + BODY

    assert as_json("unionpay_pos", "hex4", spelt)["wire"] == {"prefix": "30303064"}
    assert as_json("unionpay_pos", "vmlh", session)["wire"] == {"gap": "3200"}
    assert spelt == frame_of(as_json("unionpay_pos", "hex4", spelt))
    assert session == frame_of(as_json("unionpay_pos", "vmlh", session))


def test_masked_document_says_nothing_about_the_wire() -> None:
    """Without clear data there is no `wire`, and card data is masked."""
    message = Message("0200", {2: "9900010000000000019"})

    document = document_of("unionpay_pos", "none", Frame(b"", b"", BODY), message, raw=None).to_json()

    assert "wire" not in document
    assert document["fields"] == {"2": "990001*********0019"}


def test_document_by_hand_needs_only_what_it_says() -> None:
    """Parts that are left out are those that the framing and the message lack."""
    assert BODY == frame_of(MINIMAL)
    assert (
        frame_of({**MINIMAL, "framing": "length2_tpdu", "tpdu": "6000030000"}).hex().startswith("0012600003")
    )


def test_message_inside_a_field_is_named_by_both_numbers() -> None:
    """Fields inside a field have a dot; the field itself stays when its bytes are no message."""
    dialect = "iso1987_ascii_binary_bitmap.postilion"
    inside = {"dialect": dialect, "framing": "none", "mti": "0620", "fields": {"127.2": "KEY"}}
    opaque = {**inside, "fields": {"127": "0102"}}

    for document in (inside, opaque):
        assert document["fields"] == as_json(dialect, "none", frame_of(document))["fields"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"framing": "pigeon"}, "framing: there is none of that name"),
        ({"mti": 200}, "mti: Input should be a valid string"),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
        ({"fields": {"2": 4111111111111111}}, "fields.2: Input should be a valid string"),
        ({"fields": {"4111111111111111=": "x"}}, "fields: a field is named by its number"),
        ({"fields": {"52": "4111111111111111F"}}, "fields.52: not hexadecimal"),
        ({"fields": {"48.2": "x"}}, "fields.48: the dialect has no message inside that field"),
        ({"tpdu": "60"}, "TPDU, header or size do not fit the framing"),
        ({"tpdu": "6"}, "tpdu: not hexadecimal"),
        ({"wire": {"lengths": {"2": "x"}}}, "wire.lengths.2: not hexadecimal"),
        ({"wire": {"fillers": {"a": "0"}}}, "fields: a field is named by its number"),
    ],
)
def test_bad_document_is_told_by_its_place(changes: dict[str, Any], complaint: str) -> None:
    """What is wrong is said without any of the data, and nothing hangs behind the error that has it."""
    with pytest.raises(BadDocument, match=complaint) as caught:
        frame_of({**MINIMAL, **changes})

    assert "4111111111111111" not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_what_is_no_object_is_no_document() -> None:
    """JSON of another kind is refused."""
    with pytest.raises(BadDocument, match="document: "):
        frame_of([])


def test_dialect_and_values_are_refused_as_the_codec_does() -> None:
    """An unknown dialect and a value that doesn't fit have their own errors."""
    with pytest.raises(UnknownDialect):
        frame_of({**MINIMAL, "dialect": "esperanto"})
    with pytest.raises(UnencodableField):
        frame_of({**MINIMAL, "fields": {"3": "1"}})
    with pytest.raises(UnencodableField):
        frame_of({**MINIMAL, "fields": {"128": "1"}})


def test_frame_that_is_too_large_for_its_length_is_refused() -> None:
    """A size that the framing can't state isn't written."""
    many = {str(number): "0" * 999 for number in (46, 47, 56, 57, 59)}

    with pytest.raises(BadDocument, match="do not fit the framing"):
        frame_of({**MINIMAL, "framing": "vmlh", "fields": many})


def test_unusual_spelling_is_kept() -> None:
    """A length and a bitmap in another spelling than the dialect's own come back as they were."""
    raw = b"0800" + b"4000000000000000" + b"+5" + b"12345"
    small = b"0800" + b"0000000000a00000" + b"T0000001" + b"M" * 40

    assert as_json("iso1987_ascii", "none", raw)["wire"] == {"lengths": {"2": "2B35"}}
    assert as_json("iso1987_ascii", "none", small)["wire"] == {"bitmaps": b"0000000000a00000".hex().upper()}
    for each in (raw, small):
        assert each == frame_of(as_json("iso1987_ascii", "none", each))


def test_dialect_header_is_kept() -> None:
    """The header that a dialect has of its own is said under `wire`."""
    raw = "1ROUTENET18040020000000000000000123".encode("cp500")

    document = as_json("iso1993_ebcdic.routed", "none", raw)

    assert document["wire"] == {"header": "1ROUTENET"}
    assert raw == frame_of(document)
