"""Goal: the dialects of ISO 8583:1987 write each kind of field as hosts do."""

import pytest

from iso8583_specs.codec import codec_for
from iso8583_specs.message import Message

MESSAGE = Message(
    "0200",
    {
        2: "123456789",
        22: "021",
        28: "C00000100",
        32: "123",
        35: "1234=29",
        41: "T0000001",
        52: b"\x00\x01\x02\x03\x04\x05\x06\x07",
        70: "301",
        128: bytes(8),
    },
)
BITMAPS = "C0000411 20801000 04000000 00000001"


def in_hex_digits(message: Message) -> Message:
    """The message as the dialects have it that send bytes as hex digits."""
    fields = {number: v.hex().upper() if isinstance(v, bytes) else v for number, v in message.fields.items()}
    return Message(message.mti, dict(fields))


@pytest.mark.parametrize(
    ("dialect", "message", "wire"),
    [
        (
            "iso1987_ascii",
            in_hex_digits(MESSAGE),
            b"0200" + BITMAPS.replace(" ", "").encode()
            + b"09123456789021C0000010003123071234=29T00000010001020304050607301" + b"0" * 16,
        ),
        (
            "iso1987_ascii_binary_bitmap",
            MESSAGE,
            b"0200" + bytes.fromhex(BITMAPS)
            + b"09123456789021C0000010003123071234=29T0000001" + bytes(range(8)) + b"301" + bytes(8),
        ),
        (
            "iso1987_binary",
            MESSAGE,
            bytes.fromhex("0200" + BITMAPS + "09 1234567890 0021 43 00000100 03 1230 07 1234D290")
            + b"T0000001" + bytes(range(8)) + bytes.fromhex("0301") + bytes(8),
        ),
        (
            "iso1987_ebcdic",
            MESSAGE,
            "0200".encode("cp500") + bytes.fromhex(BITMAPS)
            + "09123456789021C0000010003123071234=29T0000001".encode("cp500")
            + bytes(range(8)) + "301".encode("cp500") + bytes(8),
        ),
        (
            "iso1987_ebcdic.hex_bitmap",
            MESSAGE,
            ("0200" + BITMAPS.replace(" ", "")).encode("cp500")
            + "09123456789021C0000010003123071234=29T0000001".encode("cp500")
            + bytes(range(8)) + "301".encode("cp500") + bytes(8),
        ),
    ],
)  # fmt: skip
def test_message_is_written_as_hosts_do(dialect: str, message: Message, wire: bytes) -> None:
    """MTI, bitmaps, digits, lengths, signs, tracks, text and bytes of each dialect."""
    codec = codec_for(dialect)

    assert wire == codec.encode(message)
    assert message == codec.decode(wire)
