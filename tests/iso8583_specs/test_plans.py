"""Plans: quick code for the messages that come often, and never another result than the interpreter's."""

from dataclasses import astuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iso8583_specs.defects import MalformedMessage, UnencodableField
from iso8583_specs.dialects import spec_for
from iso8583_specs.interpreter import Interpreter
from iso8583_specs.message import Message
from iso8583_specs.plans import PLANS_MAX, SIGHTINGS_MAX, PlannedCodec, decode_plan, encode_plan

DIALECT = "unionpay_pos"
SPEC = spec_for(DIALECT)
INTERPRETER = Interpreter(DIALECT, SPEC)
PLANNED = PlannedCodec(DIALECT, SPEC, sightings=1)
NUMBERS = sorted(int(key) for key in SPEC if key.isdecimal())

PURCHASE = Message(
    "0200",
    {
        3: "000000",
        4: "000000000001",
        22: "021",
        23: "001",
        25: "00",
        32: "0001",
        35: "9900010000000000019=3112220",
        41: "T0000001",
        48: "123",
        52: bytes(8),
        55: b"\x9f\x36\x00",
        60: "2200000100060",
        64: b"ABCDEF12",
    },
)


def values(number: int) -> st.SearchStrategy[str | bytes]:
    """Values of a field, most of them right."""
    spec = SPEC[str(number)]
    least = 0 if spec["len_type"] else spec["max_len"]
    sizes = {"min_size": least, "max_size": min(spec["max_len"], 40 + least)}
    right: st.SearchStrategy[str | bytes]
    match spec["content"]:
        case "n":
            right = st.text("0123456789", **sizes)
        case "z":
            right = st.text("0123456789=", **sizes)
        case "ans":
            right = st.text(st.characters(max_codepoint=255), **sizes)
        case _:
            right = st.binary(**sizes)
    wrong = st.one_of(st.text(max_size=30), st.binary(max_size=30), st.just("٣" * spec["max_len"]))
    return st.one_of(right, right, right, right, right, right, right, wrong)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Messages of any fields in any order, some with fillers, some with values that don't fit."""
    numbers = draw(st.lists(st.sampled_from(NUMBERS), unique=True, max_size=14))
    mti = draw(st.sampled_from(["0200", "0210", "0400", "02X0", "020"]))
    fillers = draw(st.sampled_from([{}, {}, {}, {22: "F"}, {60: "F", 35: "F"}]))
    return Message(mti, {number: draw(values(number)) for number in numbers}, dict(fillers))


def result(codec: PlannedCodec | Interpreter, message: Message) -> object:
    """What encoding gives: bytes, or what is wrong."""
    try:
        return codec.encode(message)
    except UnencodableField as error:
        return error.field, error.reason


def decoded(codec: PlannedCodec | Interpreter, body: bytes) -> object:
    """What decoding gives: MTI, fields and fillers, or what is wrong."""
    try:
        return astuple(codec.decode(body))
    except MalformedMessage as error:
        return error.field, error.position, error.reason


@given(messages())
@settings(max_examples=400, deadline=None)
def test_encoding_is_the_interpreters(message: Message) -> None:
    """A planned codec writes what the interpreter writes, and refuses what it refuses."""
    assert result(INTERPRETER, message) == result(PLANNED, message)


@given(messages(), st.data())
@settings(max_examples=400, deadline=None)
def test_decoding_is_the_interpreters(message: Message, data: st.DataObject) -> None:
    """A planned codec reads what the interpreter reads, and names the same defects."""
    body = result(INTERPRETER, message)
    if not isinstance(body, bytes):
        return
    position = data.draw(st.integers(0, len(body)))
    damage = data.draw(st.sampled_from([b"", b"\xff", b"\x0a", b"00"]))
    kept = data.draw(st.sampled_from([0, 1]))

    for wire in (body, body[:position], body[:position] + damage + body[position + kept :]):
        assert decoded(INTERPRETER, wire) == decoded(PLANNED, wire)


def test_plan_does_the_regular_case() -> None:
    """A regular message goes both ways by plan alone."""
    body = INTERPRETER.encode(PURCHASE)
    encode, decode = encode_plan(SPEC, tuple(PURCHASE.fields)), decode_plan(SPEC, body[2:10])
    assert encode is not None
    assert decode is not None

    assert body == encode("0200", PURCHASE.fields)
    assert PURCHASE.fields == decode(body, body.hex())


def test_fields_without_plan() -> None:
    """An undefined field and a content that plans do not know have none; the interpreter decides."""
    hex_spec = spec_for("unionpay_pos.hex_62")

    assert decode_plan(SPEC, b"\x80" + bytes(7)) is None
    assert encode_plan(SPEC, (1, 3)) is None
    assert decode_plan(hex_spec, (1 << 2).to_bytes(8, "big")) is None
    with pytest.raises(UnencodableField):
        PLANNED.encode(Message("0200", {1: b""}))


def test_variable_field_with_its_filler_in_front_has_no_plan() -> None:
    """No dialect has such a field yet; the interpreter would do it."""
    spec = {**SPEC, "32": {**SPEC["32"], "left_pad": "0"}}

    assert encode_plan(spec, (32,)) is None


def test_plan_comes_with_repetition() -> None:
    """A set of fields is planned once it has come often enough."""
    codec = PlannedCodec(DIALECT, SPEC, sightings=3)
    body = codec.encode(PURCHASE)

    assert [PURCHASE] * 5 == [codec.decode(body) for _ in range(5)]


def test_random_bitmaps_cost_no_memory() -> None:
    """Beyond the limit of plans the interpreter does the rest, and sightings are forgotten."""
    codec = PlannedCodec(DIALECT, SPEC, sightings=2)
    bodies = [INTERPRETER.encode(PURCHASE)[:2] + (bits << 8).to_bytes(8, "big") for bits in range(1, 3000)]
    for body in bodies[: PLANS_MAX + 50]:
        assert decoded(INTERPRETER, body) == decoded(codec, body) == decoded(codec, body)
    patient = PlannedCodec(DIALECT, SPEC, sightings=2)
    for body in bodies[: SIGHTINGS_MAX + 50]:
        assert decoded(INTERPRETER, body) == decoded(patient, body)

    assert PURCHASE == codec.decode(codec.encode(PURCHASE))
