"""Plans: quick code for the messages that come often, and never another result than the interpreter's."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iso8583_specs.codec import codec_for
from iso8583_specs.defects import MalformedMessage, UnencodableField
from iso8583_specs.dialects import DIALECTS, spec_for
from iso8583_specs.interpreter import Interpreter
from iso8583_specs.message import Message
from iso8583_specs.plans import PLANS_MAX, SIGHTINGS_MAX, PlannedCodec
from iso8583_specs.spec import RAW, FieldSpec
from tests.iso8583_specs.random_messages import damaged, random_message, random_value

DIALECT = "unionpay_pos"
SPEC = spec_for(DIALECT)
INTERPRETER = Interpreter(DIALECT, SPEC, strict=True)

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


def encoded(codec: PlannedCodec | Interpreter, message: Message) -> object:
    """What encoding gives: bytes, or what is wrong."""
    try:
        return codec.encode(message)
    except UnencodableField as error:
        return error.field, error.reason


def decoded(codec: PlannedCodec | Interpreter, body: bytes) -> object:
    """What decoding gives: a message, or what is wrong."""
    try:
        return codec.decode(body)
    except MalformedMessage as error:
        return error.field, error.position, error.reason


def disturb(random: Random, message: Message, dialect: str) -> None:
    """Give some fields values that may not fit, and the message other oddities."""
    spec = spec_for(dialect)
    for number in random.sample(sorted(message.fields), min(2, len(message.fields))):
        row = spec[str(number)]
        right = random_value(random, row)
        message.fields[number] = random.choice(
            (right, "", b"", "٣" * row["max_len"], "1 2", "AB", b"\xff", "中", right + right[:1])
        )
    message.mti = random.choice((message.mti, message.mti, "02X0", "020", "٠٢٠٠"))


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=30)
@given(random=st.randoms())
def test_planned_is_the_interpreters(dialect: str, strict: bool, random: Random) -> None:
    """A planned codec writes, reads and refuses what the interpreter does, for its reasons."""
    spec = spec_for(dialect)
    planned = PlannedCodec(dialect, spec, strict=strict, sightings=1)
    interpreter = Interpreter(dialect, spec, strict=strict)
    message = random_message(random, spec, fillers=random.random() < 0.3)
    body = planned.encode(message)
    assert interpreter.encode(message) == body
    for wire in (body, damaged(random, body), damaged(random, body), body[: random.randint(0, len(body))]):
        assert decoded(interpreter, wire) == decoded(planned, wire)
    disturb(random, message, dialect)
    assert encoded(interpreter, message) == encoded(planned, message)


def test_plan_comes_with_repetition() -> None:
    """A set of fields is planned once it has come often enough, with the same result."""
    codec = PlannedCodec(DIALECT, SPEC, strict=True, sightings=3)
    body = codec.encode(PURCHASE)

    assert [PURCHASE] * 5 == [codec.decode(body) for _ in range(5)]
    assert [body] * 5 == [codec.encode(PURCHASE) for _ in range(5)]


def test_random_bitmaps_cost_no_memory() -> None:
    """Beyond the limit of plans the interpreter does the rest, and sightings are forgotten."""
    codec = PlannedCodec(DIALECT, SPEC, strict=True, sightings=2)
    bodies = [INTERPRETER.encode(PURCHASE)[:2] + (bits << 8).to_bytes(8, "big") for bits in range(1, 3000)]
    for body in bodies[: PLANS_MAX + 50]:
        assert decoded(INTERPRETER, body) == decoded(codec, body) == decoded(codec, body)
    patient = PlannedCodec(DIALECT, SPEC, strict=True, sightings=2)
    for body in bodies[: SIGHTINGS_MAX + 50]:
        assert decoded(INTERPRETER, body) == decoded(patient, body)

    assert PURCHASE == codec.decode(codec.encode(PURCHASE))


def test_header_of_variable_length_leaves_reading_to_the_interpreter() -> None:
    """Behind such a header the bitmaps have no fixed place."""
    header: FieldSpec = {**SPEC["44"], "desc": "Header"}
    codec = PlannedCodec("headed", {**SPEC, "h": header}, sightings=1)
    message = Message("0800", {11: "000001"}, header="ROUTE")
    body = codec.encode(message)

    assert b"\x05ROUTE\x08\x00" == body[:8]
    assert message == codec.decode(body)
    assert codec.peek(body)[1] == "000001"


def test_bitmaps_may_be_written_in_two_ways() -> None:
    """A table may have its primary bitmap in bytes and the others in hex digits."""
    spec = {**spec_for("iso1987_ascii"), "p": {**SPEC["p"], "data_enc": RAW}}
    codec = PlannedCodec("mixed", spec, sightings=1)
    message = Message("0200", {3: "000000", 70: "301"})
    body = codec.encode(message)

    assert b"0200" + bytes.fromhex("A000000000000000") + b"0400000000000000" + b"000000301" == body
    assert message == codec.decode(body)


def test_part_is_planned_too() -> None:
    """A message inside a field goes both ways by plans of its own."""
    codec = codec_for("iso1987_ascii_binary_bitmap.postilion")
    message = Message("0800", {11: "000001"}, parts={127: Message("", {2: "KEY"})})
    body = codec.encode(message)

    assert [message] * 12 == [codec.decode(body) for _ in range(12)]
    assert [body] * 12 == [codec.encode(message) for _ in range(12)]
