"""Goal: the dialects of ISO 8583:1993 write each kind of field as hosts do."""

import pytest

from iso8583_specs.codec import codec_for
from iso8583_specs.message import Message

FIELDS: dict[int, str | bytes] = {
    12: "260102030405",
    24: "200",
    35: "1=2",
    39: "000",
    53: b"\x01",
    56: "12345",
}
BITMAP = "00100100 22000900"


@pytest.mark.parametrize(
    ("dialect", "wire"),
    [
        (
            "iso1993_ascii",
            b"1200" + BITMAP.replace(" ", "").encode() + b"260102030405200031=200001\x010512345",
        ),
        (
            "iso1993_binary",
            bytes.fromhex("1200" + BITMAP + "260102030405 2000 03") + b"1=2"
            + bytes.fromhex("0000 01 01 05 123450"),
        ),
        (
            "iso1993_ebcdic",
            "1200".encode("cp500") + bytes.fromhex(BITMAP)
            + "260102030405200031=200001".encode("cp500") + b"\x01" + "0512345".encode("cp500"),
        ),
    ],
)  # fmt: skip
def test_message_is_written_as_hosts_do(dialect: str, wire: bytes) -> None:
    """Odd digits are left-aligned, track 2 is text, and bytes with a length are bytes in all of them."""
    codec = codec_for(dialect)
    message = Message("1200", dict(FIELDS))

    assert wire == codec.encode(message)
    assert message == codec.decode(wire)


def test_chip_data_in_parts_has_a_header_and_a_bitmap_of_its_own() -> None:
    """The routed profile reads field 55 as a message of 32 fields."""
    codec = codec_for("iso1993_ebcdic.routed")
    chip = Message("", {1: bytes(8), 10: "156"}, header="1")
    message = Message("1100", parts={55: chip}, header="1ROUTENET")
    wire = "1ROUTENET110000000000000002000201".encode("cp500") + "80400000".encode("cp500")

    assert wire + bytes(8) + "156".encode("cp500") == codec.encode(message)
    assert message == codec.decode(codec.encode(message))
