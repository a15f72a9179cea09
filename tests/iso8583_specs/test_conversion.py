"""Goal: a message keeps its meaning in another dialect, and what it can't keep is named."""

from types import SimpleNamespace

import pytest

from iso8583_specs.codec import UnencodableField, codec_for
from iso8583_specs.conversion import Conversion, Loss, convert
from iso8583_specs.dialects import DIALECTS
from iso8583_specs.framing import FRAMINGS, parse_frame
from iso8583_specs.message import Message, Value

# One dialect wants a header, which no other dialect's messages have.
WITHOUT_HEADER = [name for name, spec in DIALECTS.items() if not spec["h"]["max_len"]]
PLAIN: dict[int, Value] = {3: "000000", 4: "000000002500", 11: "000123", 41: "T0000001", 49: "156"}


def converted(source: str, target: str, fields: dict[int, Value], mti: str = "0200") -> Conversion:
    """A message in another dialect, which can say it."""
    done = convert(Message(mti, fields), source, target, 2026)
    assert done.message.fields == codec_for(target).decode(codec_for(target).encode(done.message)).fields
    return done


@pytest.mark.parametrize("target", WITHOUT_HEADER)
@pytest.mark.parametrize("source", DIALECTS)
def test_what_means_the_same_everywhere_is_carried(source: str, target: str) -> None:
    """Code, amount, trace number, terminal and currency are the same in every dialect."""
    before, after = ("1200" if "1993" in each else "0200" for each in (source, target))

    done = converted(source, target, dict(PLAIN), before)

    assert (after, PLAIN, ()) == (done.message.mti, done.message.fields, done.losses)


@pytest.mark.parametrize("target", WITHOUT_HEADER)
def test_samples_are_carried_or_named(sample: SimpleNamespace, target: str) -> None:
    """Of a real message every field is carried or named, never both and never neither."""
    frame = parse_frame(FRAMINGS[sample.framing], bytes.fromhex(sample.hex))
    message = codec_for(sample.profile).decode(frame.body)

    done = convert(message, sample.profile, target, 2026)

    there = done.message.fields.keys() | done.message.parts.keys()
    lost = {loss.field for loss in done.losses}
    assert message.fields.keys() | message.parts.keys() <= there | lost | {13}
    assert codec_for(target).encode(done.message)


@pytest.mark.parametrize(
    ("source", "target", "before", "after"),
    [
        ("unionpay_pos", "iso1987_ascii", {52: b"\x12" * 8}, {52: "12" * 8}),
        ("iso1987_ascii", "unionpay_pos", {52: "12" * 8}, {52: b"\x12" * 8}),
        ("iso1987_ascii", "iso1987_ebcdic", {52: "12" * 8}, {52: b"\x12" * 8}),
        ("unionpay_pos", "iso1987_ascii", {62: b"ab\xff"}, {62: "ab\xff"}),
        ("iso1987_ascii", "unionpay_pos", {62: "ab\xff"}, {62: b"ab\xff"}),
        ("unionpay_pos", "iso1987_ebcdic", {35: "990001=3012"}, {35: "990001=3012"}),
        ("iso1987_ascii", "iso1993_ascii", {71: "0012"}, {71: "00000012"}),
        ("iso1993_ascii", "iso1987_ascii", {71: "00000012"}, {71: "0012"}),
        ("iso1987_ascii", "iso1993_ascii", {12: "101112", 13: "0229"}, {12: "260229101112"}),
        ("iso1993_ascii", "iso1987_ascii", {12: "260229101112"}, {12: "101112", 13: "0229"}),
        ("iso1987_ascii", "iso1993_ascii", {15: "0229"}, {15: "260229"}),
        ("iso1993_ascii", "iso1987_ascii", {15: "260229"}, {15: "0229"}),
        ("iso1987_ascii", "iso1993_ascii", {39: "00"}, {39: "000"}),
        ("iso1993_ascii", "iso1987_ascii", {39: "909"}, {39: "96"}),
    ],
)
def test_form_and_meaning_are_kept(
    source: str, target: str, before: dict[int, Value], after: dict[int, Value]
) -> None:
    """A value takes the form that the other dialect has for the same meaning."""
    assert after == converted(source, target, before).message.fields


@pytest.mark.parametrize(
    ("source", "target", "fields", "loss"),
    [
        ("unionpay_pos", "iso1987_ascii", {64: b"2F9D3E56"}, Loss(64, "a MAC covers the bytes it came with")),
        ("unionpay_pos", "iso1993_ascii", {22: "021"}, Loss(22, "means something else there")),
        ("iso1987_ascii", "iso1993_binary", {90: "0" * 42}, Loss(90, "means something else there")),
        ("iso1993_ascii", "iso1987_ascii", {24: "200"}, Loss(24, "means something else there")),
        ("iso1987_ascii", "iso1993_ascii", {12: "101112"}, Loss(12, "says what has no counterpart there")),
        ("iso1987_ascii", "iso1993_ascii", {39: "51"}, Loss(39, "says what has no counterpart there")),
        ("iso1987_ascii", "unionpay_pos", {102: "1"}, Loss(102, "the dialect does not define the field")),
        ("iso1987_ascii", "unionpay_pos", {44: "x" * 25, 60: "text"}, Loss(60, "not only decimal digits")),
        ("iso1987_ascii", "unionpay_pos", {54: "x" * 120}, Loss(54, "longer than the field's maximum")),
        ("iso1987_ascii", "unionpay_pos", {52: "no hex digits at"}, Loss(52, "not the field's fixed length")),
        ("iso1993_ascii", "iso1987_ascii", {71: "12345678"}, Loss(71, "not the field's fixed length")),
        (
            "iso1987_ebcdic",
            "iso1987_ascii",
            {48: "\u20ac"},
            Loss(48, "a character that has no byte"),
        ),
        (
            "iso1987_ebcdic",
            "unionpay_pos",
            {62: "\u20ac"},
            Loss(62, "text where the field is binary, or the reverse"),
        ),
    ],
)
def test_what_cannot_be_carried_is_named(
    source: str, target: str, fields: dict[int, Value], loss: Loss
) -> None:
    """A field without a counterpart is lost, and the reason says which kind of difference it is."""
    done = converted(source, target, {**PLAIN, **fields}, "1200" if "1993" in source else "0200")

    assert loss in done.losses
    assert loss.field not in done.message.fields


def test_message_inside_a_field_needs_the_same_table() -> None:
    """A message inside a field goes where the field holds the same, and nowhere else."""
    postilion = "iso1987_ascii_binary_bitmap.postilion"
    message = Message("0620", parts={127: Message("", {2: "KEY"})})

    same = convert(message, postilion, postilion, 2026)
    other = convert(message, postilion, "iso1987_ascii", 2026)

    assert same.message.parts == message.parts
    assert other.losses == (Loss(127, "holds a message, which it does not there"),)


def test_header_of_the_dialect_is_carried_to_its_like() -> None:
    """A dialect's own header goes with the message where the target has the same; else there is none."""
    routed = Message("1804", {11: "000123"}, header="1ROUTENET")

    same = convert(routed, "iso1993_ebcdic.routed", "iso1993_ebcdic.routed", 2026)

    assert same.message.header == routed.header
    with pytest.raises(UnencodableField):
        convert(Message("0800", {11: "000123"}), "iso1987_ascii", "iso1993_ebcdic.routed", 2026)


def test_mti_that_the_target_cannot_say_is_refused() -> None:
    """Without an MTI there is no message."""
    with pytest.raises(UnencodableField):
        convert(Message("020"), "iso1987_ascii", "iso1987_binary", 2026)
