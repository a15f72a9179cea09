"""Goal: the codec of a dialect is found by name, and is always the same one."""

import pytest

from iso8583_specs.codec import InvalidDialect, MalformedMessage, UnknownDialect, codec_for, codec_of
from iso8583_specs.dialects import spec_for


def test_codec_is_compiled_once() -> None:
    """Two who ask for a dialect share its codec, which knows its name."""
    codec = codec_for("unionpay_pos.vfwz")

    assert codec is codec_for("unionpay_pos.vfwz")
    assert codec.dialect == "unionpay_pos.vfwz"


def test_unknown_dialect_has_no_codec() -> None:
    """A wrong name is refused."""
    with pytest.raises(UnknownDialect, match="no dialect 'iso93'"):
        codec_for("iso93")


def test_strict_codec_is_another_one() -> None:
    """Who acts on a message asks for the codec that holds values to their content."""
    body = bytes.fromhex("0200 0020000000000000 00A133")

    assert codec_for("unionpay_pos").decode(body).fields == {11: "00A133"}
    with pytest.raises(MalformedMessage, match="field 11 at byte 10: not only decimal digits"):
        codec_for("unionpay_pos", strict=True).decode(body)


def test_specification_of_pyiso8583_has_a_codec() -> None:
    """As it is, strict or not; one that pyiso8583 couldn't use is refused."""
    table = {**spec_for("unionpay_pos"), "11": {"data_enc": "b", "len_enc": "b", "len_type": 0, "max_len": 3}}
    body = bytes.fromhex("0200 0020000000000000 00A133")

    assert codec_of("mine", table).decode(body).fields == {11: b"\x00\xa1\x33"}
    assert codec_of("mine", table, strict=True).dialect == "mine"
    with pytest.raises(InvalidDialect, match="h: is missing"):
        codec_of("mine", {})
