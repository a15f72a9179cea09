"""A decoded message for people and for other programs: what `cardswitch decode` prints.

Every field is named, its parts are explained where its structure is known, and codes, amounts and message
type are said in words. `disclosure` and the structures themselves decide what may be seen, unless the caller
asks for clear data. Text from the wire is printed with its control characters escaped, so that a message
can't drive the terminal it is printed on.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from iso8583_specs.dialects import spec_for
from iso8583_specs.disclosure import Disclosure, card_numbers, without
from iso8583_specs.family import Family, family_of
from iso8583_specs.framing import Frame, Framing
from iso8583_specs.message import Message
from iso8583_specs.money import Money
from iso8583_specs.mti import Mti
from iso8583_specs.processing_code import ProcessingCode
from iso8583_specs.response_code import REVERSAL_REASONS, ResponseCode
from iso8583_specs.subfields.structure import is_digits
from iso8583_specs.values import BinDigits, clear_text, size_of

_VALUE_COLUMN: Final = 48
# The field that says what an amount is of.
_CURRENCY_OF: Final = {4: 49, 5: 50, 6: 51}


class Line(NamedTuple):
    """A field, or a part of one.

    Attributes:
        label: Its number (`60`, `60.1`, `127.25`), or that of the field and a tag (`55.9F26`).
        name: What it is.
        value: As far as it may be seen.
        meaning: What the value says, in words; empty if there is nothing to say.
        depth: 0 for a field, 1 for a part of one, and so on.
        is_field: Whether it is a field with a value, of the message or of a message inside a field.
    """

    label: str
    name: str
    value: str
    meaning: str = ""
    depth: int = 0
    is_field: bool = True


def describe(dialect: str, message: Message, *, clear: bool = False, bin_digits: BinDigits = 6) -> list[Line]:
    """A message's fields and their parts, in order.

    Args:
        dialect: The dialect that the message was read as.
        message: The message.
        clear: Show card data, keys and private data as they are.
        bin_digits: How much of a card number's beginning may be seen, beside its last four digits.

    Raises:
        UnknownDialect: There is none of that name.
    """
    cards = () if clear else tuple(card_numbers(message))
    disclosure = Disclosure(family_of(dialect), spec_for(dialect), clear, bin_digits, cards)
    return [
        line._replace(value=without(cards, line.value), meaning=without(cards, line.meaning))
        for line in _lines(disclosure, message)
    ]


def shown_fields(
    dialect: str, message: Message, *, clear: bool = False, bin_digits: BinDigits = 6
) -> dict[str, str]:
    """The fields of a message by number; those of a message inside a field by `127.25` and the like.

    Args:
        dialect: The dialect that the message was read as.
        message: The message.
        clear: As for `describe`.
        bin_digits: As for `describe`.

    Raises:
        UnknownDialect: There is none of that name.
    """
    lines = describe(dialect, message, clear=clear, bin_digits=bin_digits)
    return {line.label: line.value for line in lines if line.is_field}


def printed(
    dialect: str, framing: Framing, frame: Frame, message: Message, clear: bool, bin_digits: BinDigits = 6
) -> Iterator[str]:
    """A frame and its message, line by line.

    Raises:
        UnknownDialect: There is no dialect of that name.
    """
    yield f"dialect  {dialect}"
    yield f"framing  {framing.name}"
    yield f"TPDU     {_hex(frame.tpdu) or '-'}"
    yield f"header   {_hex(frame.header) or _header(message, clear=clear) or '-'}"
    yield f"MTI      {_printable(message.mti)}"
    if len(message.mti) == 4 and is_digits(message.mti):
        yield f"         {Mti(message.mti).meaning}"
    for line in describe(dialect, message, clear=clear, bin_digits=bin_digits):
        yield from _printed_line(line)


def _printed_line(line: Line) -> Iterator[str]:
    """A field and below it what it means, or a part and beside it what it means."""
    label = f"{line.label:>4}" if line.depth == 0 else "  " * (line.depth + 1) + line.label
    start = f"{label}  {line.name}".ljust(_VALUE_COLUMN)
    meaning = f"  ({line.meaning})" if line.meaning and line.depth else ""
    yield f"{start}{_printable(line.value)}{meaning}".rstrip()
    if line.meaning and not line.depth:
        yield f"{'':{_VALUE_COLUMN}}{line.meaning}"


def _lines(disclosure: Disclosure, message: Message, above: str = "", depth: int = 0) -> Iterator[Line]:
    """The fields of a message; `above` is the label of the field that it stands in, and a dot."""
    for number in sorted(message.fields.keys() | message.parts.keys()):
        label, name = f"{above}{number}", disclosure.name(number)
        if number in message.fields:
            meaning = "" if disclosure.is_inside else _meaning(disclosure.family, message, number)
            yield Line(label, name, disclosure.shown(message, number), meaning, depth)
            yield from _parts(disclosure, message, number, depth + 1)
        else:
            inside = message.parts[number]
            size = f"<{len(inside.fields) + len(inside.parts)} fields>"
            yield Line(label, name, size, depth=depth, is_field=False)
            yield from _lines(disclosure.inside(number), inside, f"{label}.", depth + 1)


def _parts(disclosure: Disclosure, message: Message, number: int, depth: int) -> Iterator[Line]:
    structure = disclosure.structure(message, number)
    for part in structure.parts() if structure else ():
        value = part.shown(clear=disclosure.clear, bin_digits=disclosure.bin_digits)
        label = part.label if "." in part.label else f"{number}.{part.label}"
        yield Line(label, part.name, value, part.meaning, depth, is_field=False)


def _meaning(family: Family | None, message: Message, number: int) -> str:
    """What a code or an amount says, as far as it is known; a family's words for family's codes."""
    value = message.fields[number]
    if not isinstance(value, str):
        return ""
    if number == 3 and len(value) == 6 and is_digits(value):
        return ProcessingCode(value).meaning(family)
    if number == 39 and family:
        if family is Family.UNIONPAY_POS and message.mti.startswith("040"):
            return REVERSAL_REASONS.get(value, "")
        return ResponseCode(value, family).meaning
    if number in _CURRENCY_OF and is_digits(value):
        return _amount(value, message.fields.get(_CURRENCY_OF[number]))
    return ""


def _amount(digits: str, currency: str | bytes | None) -> str:
    if isinstance(currency, str) and len(currency) == 3 and is_digits(currency):
        return str(Money(int(digits), currency))
    return ""


def _header(message: Message, *, clear: bool) -> str:
    """The header that the dialect has before the MTI."""
    if not message.header:
        return ""
    return _printable(clear_text(message.header)) if clear else size_of(message.header)


def _hex(part: bytes) -> str | None:
    return part.hex().upper() or None


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)
