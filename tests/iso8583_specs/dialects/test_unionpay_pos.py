"""Goal: the table of UnionPay's terminals is the one its messages are written by."""

from types import SimpleNamespace

import pytest

from iso8583_specs.codec import codec_for
from iso8583_specs.describe import shown_fields
from iso8583_specs.framing import FRAMINGS, parse_frame
from iso8583_specs.message import Message


def test_captured_message_decodes_as_stated_and_encodes_to_its_bytes(sample: SimpleNamespace) -> None:
    """Fields, fillers and bytes of each captured message are what its source and the wire say."""
    framing = FRAMINGS[sample.framing]
    frame = parse_frame(framing, bytes.fromhex(sample.hex))
    codec = codec_for(sample.profile)

    message = codec.decode(frame.body)

    assert (sample.mti, sample.fields) == (message.mti, shown_fields(sample.profile, message, clear=True))
    assert sample.fillers == {str(number): filler for number, filler in message.fillers.items()}
    assert frame.body == codec.encode(message)


@pytest.mark.parametrize(
    ("number", "value", "wire"),
    [
        (2, "990001012345678", "15 9900010123456780"),
        (19, "156", "0156"),
        (22, "021", "0210"),
        (23, "001", "0001"),
        (24, "009", "0009"),
        (27, "6", "06"),
        (28, "D00000009", "44 00000009"),
        (32, "00089500", "08 00089500"),
        (35, "9900010123=29", "13 9900010123D290"),
        (36, "=1", "0002 D1"),
        (44, "中".encode("gbk").decode("latin-1"), "02 D6D0"),
        (48, "110", "0003 1100"),
        (49, "156", "313536"),
        (52, bytes(range(8)), "0001020304050607"),
        (54, "1002156C000000002407", "0020 31303032313536433030303030303030323430 37"),
        (60, "22000001000", "0011 220000010000"),
        (61, "", "0000"),
        (62, b"\x5a\xa5", "0002 5AA5"),
    ],
)
def test_field_is_written_as_the_terminals_do(number: int, value: str | bytes, wire: str) -> None:
    """Indicators, alignment and fillers of each kind of field."""
    codec = codec_for("unionpay_pos")
    message = Message("0200", {number: value})
    body = bytes.fromhex(f"0200 {1 << (64 - number):016X} {wire}")

    assert body == codec.encode(message)
    assert message == codec.decode(body)


def test_odd_number_of_hex_digits_is_possible_in_the_profile_that_counts_them() -> None:
    """The profile whose F62 is counted in hex digits can hold any number of them."""
    codec = codec_for("unionpay_pos.hex_62")
    message = Message("0800", {62: "5AA"})

    assert bytes.fromhex("0800 0000000000000004 0003 5AA0") == codec.encode(message)
    assert message == codec.decode(codec.encode(message))
