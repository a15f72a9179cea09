"""A decoded message for people and for other programs: what `cardswitch decode` prints.

Values are masked by the rules of `values` unless the caller asks for them in clear. Text from the wire is
shown with its control characters escaped, so that a message can't drive the terminal it is printed on.
"""

from collections.abc import Iterator
from typing import Final, TypedDict

from iso8583_specs.dialects import spec_for
from iso8583_specs.framing import Frame, Framing
from iso8583_specs.message import Message
from iso8583_specs.values import clear_text, mask_field

_NAME_WIDTH: Final = 40


class DecodedJson(TypedDict):
    """A frame as JSON. Binary parts are upper-case hex digits; a part that the framing lacks is null."""

    dialect: str
    framing: str
    tpdu: str | None
    header: str | None
    mti: str
    fields: dict[str, str]


def described(dialect: str, message: Message, clear: bool = False) -> list[tuple[int, str, str]]:
    """Number, name and value of each field, in the order of the numbers.

    Raises:
        UnknownDialect: There is none of that name.
    """
    spec = spec_for(dialect)
    return [
        (number, spec[str(number)]["desc"], clear_text(value) if clear else mask_field(number, value))
        for number, value in sorted(message.fields.items())
    ]


def decoded_as_json(
    dialect: str, framing: Framing, frame: Frame, message: Message, clear: bool
) -> DecodedJson:
    """A frame and its message, ready for a JSON encoder.

    Raises:
        UnknownDialect: There is no dialect of that name.
    """
    return {
        "dialect": dialect,
        "framing": framing.name,
        "tpdu": _hex(frame.tpdu),
        "header": _hex(frame.header),
        "mti": message.mti,
        "fields": {str(number): value for number, _, value in described(dialect, message, clear=clear)},
    }


def printed(dialect: str, framing: Framing, frame: Frame, message: Message, clear: bool) -> Iterator[str]:
    """A frame and its message, line by line.

    Raises:
        UnknownDialect: There is no dialect of that name.
    """
    yield f"dialect  {dialect}"
    yield f"framing  {framing.name}"
    yield f"TPDU     {_hex(frame.tpdu) or '-'}"
    yield f"header   {_hex(frame.header) or '-'}"
    yield f"MTI      {message.mti}"
    for number, name, value in described(dialect, message, clear=clear):
        yield f"{number:>4}  {name:<{_NAME_WIDTH}}  {_printable(value)}"


def _hex(part: bytes) -> str | None:
    return part.hex().upper() or None


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)
