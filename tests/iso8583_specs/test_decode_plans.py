"""Goal: plans that read do the regular case by themselves, and leave alone what they don't know."""

import pytest

from iso8583_specs.decode_plans import decode_plan, peek_plan
from iso8583_specs.dialects import spec_for
from iso8583_specs.interpreter import Interpreter
from iso8583_specs.layout import Layout
from iso8583_specs.message import Message
from iso8583_specs.spec import FieldSpec

POS = spec_for("unionpay_pos")
LAYOUT = Layout.of(POS, inside=False)
ASCII = spec_for("iso1987_ascii")

PURCHASE = Message(
    "0200",
    {
        2: "990001012345678",
        11: "000133",
        22: "021",
        28: "C00000100",
        35: "1=2",
        37: "R" * 12,
        41: "T" * 8,
        52: bytes(8),
    },
)


@pytest.mark.parametrize(
    "dialect", ["unionpay_pos", "iso1987_ascii", "iso1987_ebcdic", "iso1993_ebcdic.routed"]
)
@pytest.mark.parametrize("strict", [False, True])
def test_plan_does_the_regular_case(dialect: str, strict: bool) -> None:
    """A regular message is read by a plan alone, and so is what a proxy needs of it."""
    spec = spec_for(dialect)
    layout = Layout.of(spec, inside=False)
    pin: str | bytes = bytes(8) if spec["52"]["data_enc"] == "b" else "00" * 8
    message = Message(
        "0200", {**PURCHASE.fields, 28: "C00000100" if "1987" in dialect else "010203", 52: pin}
    )
    if dialect == "iso1993_ebcdic.routed":
        message.header = "1ROUTENET"
        message.fields[22] = "0" * 12
    if dialect == "unionpay_pos":
        message.fields[28] = "C00000100"
    body = Interpreter(dialect, spec).encode(message)
    bitmaps = layout.usual(message.fields)
    plan = decode_plan(spec, layout, bitmaps, {}, strict=strict)
    peek = peek_plan(spec, layout, bitmaps)

    assert plan is not None
    assert message == plan(body, bitmaps)
    assert peek is not None
    assert ("0200", "000133", "R" * 12, "T" * 8, bitmaps) == peek(body, bitmaps)


@pytest.mark.parametrize(
    "change",
    [
        {"len_enc": "utf-16"},
        {"data_enc": "latin-1", "content": "ans"},
        {"right_pad": "0", "left_pad": "0"},
        {"len_count": "bytes"},
        {"len_enc": "bcd", "len_type": 3, "max_len": 99_999},
    ],
)
def test_field_of_an_unknown_kind_has_no_plan(change: FieldSpec) -> None:
    """The interpreter reads it; a proxy's plan steps over it where only its length matters."""
    spec = {**POS, "32": {**POS["32"], **change}}
    bitmaps = LAYOUT.usual([32])

    assert decode_plan(spec, LAYOUT, bitmaps, {}, strict=True) is None


def test_hex_digits_in_text_are_checked_by_the_interpreter() -> None:
    """Only a strict codec holds them to their content."""
    spec = {**ASCII, "48": {**ASCII["48"], "content": "x"}}
    layout = Layout.of(spec, inside=False)

    assert decode_plan(spec, layout, layout.usual([48]), {}, strict=True) is None
    assert decode_plan(spec, layout, layout.usual([48]), {}, strict=False) is not None


def test_peek_gives_up_with_the_field_it_cannot_step_over() -> None:
    """A length in an encoding of several bytes a character is the interpreter's."""
    spec = {**POS, "32": {**POS["32"], "len_enc": "utf-16"}}

    assert peek_plan(spec, LAYOUT, LAYOUT.usual([32, 41])) is None
    assert peek_plan(spec, LAYOUT, LAYOUT.usual([11, 48])) is not None


@pytest.mark.parametrize("bitmaps", [b"\x80" + bytes(7), b"\x80"])
def test_bitmaps_that_announce_nothing_known_have_no_plan(bitmaps: bytes) -> None:
    """A field without a row, or no bitmap at all."""
    assert decode_plan(POS, LAYOUT, bitmaps, {}, strict=True) is None
    assert peek_plan(POS, LAYOUT, bitmaps) is None


def test_bitmaps_in_another_spelling_have_no_plan() -> None:
    """Their spelling is to be kept, which is irregular."""
    layout = Layout.of(ASCII, inside=False)

    assert decode_plan(ASCII, layout, b"000000000000000a", {}, strict=False) is None


@pytest.mark.parametrize(
    ("encoding", "text", "wire"),
    [("utf-8", "é", b"02\xc3\xa9"), ("ascii", "ee", b"02ee"), ("ascii", "é", None)],
)
@pytest.mark.parametrize("binary", [False, True])
def test_text_of_other_encodings_is_read(encoding: str, text: str, wire: bytes | None, binary: bool) -> None:
    """Several bytes a character are read field by field; ASCII has no bytes beyond 127."""
    base = spec_for("iso1987_ascii_binary_bitmap") if binary else ASCII
    spec = {**base, "44": {**base["44"], "data_enc": encoding}}
    layout = Layout.of(spec, inside=False)
    plan = decode_plan(spec, layout, layout.usual([44]), {}, strict=False)
    body = b"0200" + layout.usual([44]) + (wire or b"01\xe9")

    assert plan is not None
    assert (Message("0200", {44: text}) if wire else None) == plan(body, layout.usual([44]))


@pytest.mark.parametrize(("wire", "value"), [("03 0123", "123"), ("04 1234", "1234"), ("03 F123", None)])
def test_filler_in_front_of_a_variable_length_is_stepped_over(wire: str, value: str | None) -> None:
    """Another filler than the dialect's is to be kept, which is irregular."""
    spec = {**POS, "32": {**POS["32"], "left_pad": "0", "right_pad": ""}}
    plan = decode_plan(spec, LAYOUT, LAYOUT.usual([32]), {}, strict=True)
    body = bytes.fromhex("0200") + LAYOUT.usual([32]) + bytes.fromhex(wire)

    assert plan is not None
    assert (Message("0200", {32: value}) if value else None) == plan(body, body[2:10])


def test_peek_may_take_the_last_field_of_a_message() -> None:
    """Nothing need stand behind it."""
    plan = peek_plan(POS, LAYOUT, bitmaps := LAYOUT.usual([2, 11, 41]))
    body = bytes.fromhex("0200") + bitmaps + bytes.fromhex("03 1230 00ABC3") + b"TERMINAL"

    assert plan is not None
    assert ("0200", "00ABC3", None, "TERMINAL", bitmaps) == plan(body, bitmaps)
    with pytest.raises(IndexError):
        plan(body[:-1], bitmaps)
