"""Goal: a message can stand in a log line."""

from iso8583_specs.message import Message


def test_message_shows_itself_masked_and_in_order() -> None:
    """The repr has every field, none of the card's data, and control characters escaped."""
    message = Message(
        "0200", {35: "9900010123456781234=2912", 2: "9900010123456781234", 52: b"secretly"}, {35: "F"}
    )
    message.fields[42] = "\x1b[2J"

    expected = (
        "Message(mti='0200', fields={2: '990001*********1234', 35: '<24 characters>', 42: '\\x1b[2J', "
        "52: '<8 bytes>'}, fillers={35: 'F'})"
    )

    assert expected == repr(message)


def test_messages_are_equal_by_their_parts() -> None:
    """MTI, fields and fillers decide, and each message has its own."""
    one, other = Message("0200"), Message("0200")

    assert one == other

    one.fields[3] = "000000"

    assert one != other
