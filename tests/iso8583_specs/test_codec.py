"""Goal: the codec of a dialect is found by name, and is always the same one."""

import pytest

from iso8583_specs.codec import UnknownDialect, codec_for


def test_codec_is_compiled_once() -> None:
    """Two who ask for a dialect share its codec, which knows its name."""
    codec = codec_for("unionpay_pos.vfwz")

    assert codec is codec_for("unionpay_pos.vfwz")
    assert codec.dialect == "unionpay_pos.vfwz"


def test_unknown_dialect_has_no_codec() -> None:
    """A wrong name is refused."""
    with pytest.raises(UnknownDialect, match="no dialect 'iso93'"):
        codec_for("iso93")
