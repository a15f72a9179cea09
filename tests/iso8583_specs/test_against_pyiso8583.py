"""Goal: our codec and pyiso8583 read and write the same dialect, since both go by the same table.

Method: messages made from each table, whole and damaged, given to both. What one accepts the other accepts,
with the same values, and both refuse at the same place; we alone also read fillers that aren't the dialect's.
What we read we write back to the very bytes, which is more than the reference does.

`CARDSWITCH_DIFFERENTIAL_EXAMPLES` says how many messages, over all dialects.
"""

import os
from random import Random
from typing import Any

import iso8583
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iso8583_specs.codec import Codec, codec_for
from iso8583_specs.defects import MalformedMessage, UnencodableField
from iso8583_specs.dialects import DIALECTS, spec_for
from iso8583_specs.message import Message
from iso8583_specs.plans import PlannedCodec
from iso8583_specs.spec import RAW, Spec
from tests.iso8583_specs.random_messages import damaged, random_message, random_text

EXAMPLES = int(os.environ.get("CARDSWITCH_DIFFERENTIAL_EXAMPLES", "10000"))
REPEATS = 4
"""How often a set of fields comes back, so that plans are made and used."""


def as_reference(message: Message, spec: Spec) -> dict[str, Any]:
    """The message in the form that pyiso8583 gives and takes; messages inside fields are left out."""
    fields = {str(number): value for number, value in message.fields.items()} | {"t": message.mti}
    if message.header:
        fields["h"] = message.header
    return {key: _reference_value(key, value, spec) for key, value in fields.items()}


def _reference_value(key: str, value: str | bytes, spec: Spec) -> str:
    row = spec[key]
    if isinstance(value, bytes):
        return value.hex().upper()
    if row["data_enc"] == RAW and row["content"] == "xn":
        return value[:1].encode("latin-1").hex().upper() + value[1:]
    return value.replace("=", "D") if row["data_enc"] == RAW and row["content"] == "z" else value


def reference_read(spec: Spec, body: bytes) -> dict[str, str] | tuple[str, int]:
    """What the reference reads, else the field and the offset where it gives up."""
    try:
        decoded, _ = iso8583.decode(body, spec)
    except iso8583.DecodeError as error:
        return error.field, error.pos
    except KeyError as error:  # how it says that a bit has no row
        return str(error.args[0]), -1
    return {key: value for key, value in decoded.items() if key not in {"p", "1"}}


def compare_reading(codec: Codec, spec: Spec, body: bytes) -> None:
    """Both accept the body and read the same, or both refuse it at the same place; but for fillers."""
    theirs, ours = reference_read(spec, body), our_reading(codec, body)
    if isinstance(ours, MalformedMessage):
        assert isinstance(theirs, tuple)
        readable = codec.decode_readable(body)
        if readable is None or not readable.fillers:
            assert theirs[1] in {ours.position, -1}
            assert ours.field is None or theirs[0] == str(ours.field)
        return
    assert body == codec.encode(ours)
    if ours.fillers:
        assert isinstance(theirs, tuple)
    else:
        assert isinstance(theirs, dict)
        parts = {str(number): theirs[str(number)] for number in ours.parts}
        assert theirs == as_reference(ours, spec) | parts


def our_reading(codec: Codec, body: bytes) -> Message | MalformedMessage:
    """What we read, or why we don't."""
    try:
        return codec.decode(body)
    except MalformedMessage as error:
        return error


def compare_writing(codec: Codec, spec: Spec, message: Message) -> None:
    """Both write the message in the same way, or both refuse it."""
    try:
        theirs = bytes(iso8583.encode(as_reference(message, spec), spec)[0])
    except (iso8583.EncodeError, KeyError):
        theirs = None
    try:
        ours = codec.encode(message)
    except UnencodableField:
        ours = None

    assert theirs == ours


def spoil(random: Random, message: Message, spec: Spec) -> None:
    """Change a value, so that it may no longer fit."""
    for number, value in random.sample(sorted(message.fields.items(), key=str), min(2, len(message.fields))):
        if isinstance(value, bytes):
            message.fields[number] = value + random.randbytes(random.randint(0, 2))
        elif spec[str(number)]["content"] != "xn":
            change = random.choice(
                ("", "A", "a", "1", "=", " ", "é", "中", random_text(random, "latin-1", 2))
            )
            at = random.randint(0, len(value))
            message.fields[number] = value[:at] + change + value[at + random.randint(0, 2) :]


def compare(codec: Codec, spec: Spec, random: Random) -> None:
    """One message, whole and damaged, read and written by both."""
    message = random_message(random, spec)
    body = codec.encode(message)
    assert message == codec.decode(body)
    for _ in range(REPEATS):
        compare_reading(codec, spec, damaged(random, body))
    if not message.parts:
        compare_writing(codec, spec, message)
        spoil(random, message, spec)
        compare_writing(codec, spec, message)


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=50)
@given(random=st.randoms())
def test_both_read_and_write_the_same(dialect: str, random: Random) -> None:
    """Where a counter-example exists, this finds a small one."""
    compare(codec_for(dialect), spec_for(dialect), random)


@pytest.mark.timeout(0)
@pytest.mark.parametrize("sightings", [1, 1_000_000], ids=["plans", "interpreter"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_both_read_and_write_the_same_at_length(dialect: str, sightings: int) -> None:
    """The same for many messages, each set of fields by its plan, or none by a plan."""
    spec, random = spec_for(dialect), Random(EXAMPLES)
    codec = PlannedCodec(dialect, spec, sightings=sightings)
    for number in range(EXAMPLES // len(DIALECTS) // 2 + 1):
        if number % 100 == 0:  # the limit of plans must not keep later messages from theirs
            codec = PlannedCodec(dialect, spec, sightings=sightings)
        compare(codec, spec, random)


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=30)
@given(random=st.randoms())
def test_peek_is_what_decoding_says(dialect: str, random: Random) -> None:
    """Where a message can be decoded, a peek at it has the same MTI, STAN, RRN and terminal."""
    spec = spec_for(dialect)
    codec = PlannedCodec(dialect, spec, sightings=1)
    body = codec.encode(random_message(random, spec, fillers=True))
    message = codec.decode(body)

    for _ in range(2):
        peek = codec.peek(body)
        assert (message.mti, *map(message.fields.get, (11, 37, 41))) == peek[:4]
        assert peek[4] in body
