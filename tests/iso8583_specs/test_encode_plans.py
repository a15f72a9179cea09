"""Goal: plans that write do the regular case by themselves, and leave alone what they don't know."""

from collections.abc import Mapping

import pytest

from iso8583_specs.dialects import spec_for
from iso8583_specs.encode_plans import EncodePlan, encode_plan
from iso8583_specs.interpreter import Interpreter
from iso8583_specs.layout import Layout
from iso8583_specs.message import Message
from iso8583_specs.spec import FieldSpec, Spec

POS = spec_for("unionpay_pos")
ASCII = spec_for("iso1987_ascii")


def plan_for(spec: Spec, *numbers: int, strict: bool = False) -> EncodePlan | None:
    """The plan for these fields."""
    return encode_plan(spec, Layout.of(spec, inside=False), numbers, (), {}, strict=strict)


@pytest.mark.parametrize("strict", [False, True])
def test_plan_does_the_regular_case(strict: bool) -> None:
    """Fields are written in their order, whatever order they come in."""
    message = Message("0200", {41: "T" * 8, 11: "000133", 28: "C00000100", 35: "1=2", 52: bytes(8)})
    plan = plan_for(POS, *message.fields, strict=strict)

    assert plan is not None
    assert Interpreter("x", POS).encode(message) == plan("0200", message.fields, {}, "")


@pytest.mark.parametrize(
    ("base", "change"),
    [
        (POS, {"data_enc": "latin-1"}),
        (POS, {"right_pad": ""}),
        (POS, {"len_count": "bytes"}),
        (POS, {"len_count": "bytes", "content": "xn"}),
        (POS, {"len_type": 3, "max_len": 99_999}),
        (ASCII, {"len_enc": "bcd", "len_type": 3, "max_len": 99_999}),
        (ASCII, {"content": "x"}),
    ],
)
def test_field_of_an_unknown_kind_has_no_plan(base: Spec, change: FieldSpec) -> None:
    """The interpreter writes it."""
    spec = {**base, "32": {**base["32"], **change}}

    assert plan_for(spec, 32, strict=True) is None


def test_numbers_without_a_row_and_numbers_given_twice_have_no_plan() -> None:
    """The interpreter names what is wrong."""
    layout = Layout.of(POS, inside=False)

    assert encode_plan(POS, layout, (1, 3), (), {}, strict=True) is None
    assert encode_plan(POS, layout, (3,), (3,), {}, strict=True) is None
    assert encode_plan(POS, layout, (3,), (48,), {}, strict=True) is None


def test_mti_of_several_bytes_a_character_has_no_plan() -> None:
    """Its length in characters isn't that in bytes."""
    assert plan_for({**ASCII, "t": {**ASCII["t"], "data_enc": "utf-8"}}, 3) is None


@pytest.mark.parametrize(
    ("change", "value", "wire"),
    [
        ({"data_enc": "utf-8"}, "é", b"02\xc3\xa9"),
        ({"data_enc": "cp500", "len_enc": "latin-1"}, "1", b"01\xf1"),
        ({"data_enc": "ascii", "len_enc": "bcd", "len_type": 1, "max_len": 99}, "1", b"\x011"),
        ({"data_enc": "ascii", "len_enc": "b", "len_type": 1, "max_len": 255}, "1", b"\x011"),
        ({"len_type": 6, "max_len": 999_999}, "1", b"0000011"),
        ({"len_enc": "cp500", "len_type": 6, "max_len": 999_999}, "1", b"\xf0\xf0\xf0\xf0\xf0\xf11"),
        ({"data_enc": "b", "len_type": 6, "max_len": 999_999, "content": "b"}, b"1", b"0000011"),
    ],
)
def test_length_and_text_may_be_of_different_encodings(
    change: FieldSpec, value: str | bytes, wire: bytes
) -> None:
    """An indicator stands in the run of text beside it if it can, and for itself if it can't."""
    spec = {**ASCII, "44": {**ASCII["44"], **change}}
    plan = plan_for(spec, 44)
    fields: Mapping[int, str | bytes] = {44: value}

    assert plan is not None
    assert b"02000000000000100000" + wire == plan("0200", dict(fields), {}, "")


def test_strict_plan_holds_text_to_its_content() -> None:
    """Digits and tracks in characters are checked as those in nibbles are."""
    plan = plan_for(ASCII, 3, 35, strict=True)

    assert plan is not None
    assert plan("0200", {3: "000000", 35: "12=3"}, {}, "") is not None
    assert plan("0200", {3: "00000A", 35: "12=3"}, {}, "") is None
    assert plan("0200", {3: "000000", 35: "12D3"}, {}, "") is None


def test_packed_hex_digits_are_written() -> None:
    """Letters among them are regular where a table counts hex digits."""
    spec = spec_for("unionpay_pos.hex_62")
    plan = plan_for(spec, 62)

    assert plan is not None
    assert plan("0800", {62: "5AA5F"}, {}, "") == bytes.fromhex("0800 0000000000000004 0005 5AA5F0")
    assert plan("0800", {62: "5A 5F"}, {}, "") is None
