"""Goal: Postilion's field 127 is a message of fields with a bitmap of its own."""

from iso8583_specs.codec import codec_for
from iso8583_specs.dialects.postilion import FIELD_127, ROWS
from iso8583_specs.message import Message


def test_field_127_has_a_length_of_six_digits_and_a_bitmap() -> None:
    """Its fields are counted from 2 on; a length of field 25 has four digits."""
    codec = codec_for("iso1987_ascii_binary_bitmap.postilion")
    message = Message("0620", {11: "375204"}, parts={127: Message("", {2: "KEY", 25: "ICC", 32: b"\x01"})})
    wire = (
        b"0620" + bytes.fromhex("8020000000000000 0000000000000002") + b"375204" + b"000023"
        + bytes.fromhex("4000008100000000") + b"03KEY" + b"0003ICC" + b"01\x01"
    )  # fmt: skip

    assert wire == codec.encode(message)
    assert message == codec.decode(wire)


def test_every_field_of_the_table_is_in_the_message() -> None:
    """Fields 2 to 39, and the bitmap."""
    assert {"p", *map(str, range(2, 40))} == set(FIELD_127)
    assert list(range(2, 40)) == list(ROWS)
