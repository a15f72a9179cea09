"""A message of one dialect said in another: field by field, by number and meaning; what is lost is named.

Within one version of the standard a number means the same everywhere, and only its form changes: packed
digits or characters, bytes or hex digits, a length that is fixed here and counted there. Between the versions
of 1987 and 1993 some numbers mean something else. A few of those can be carried all the same: the date that
1993 adds to the local time, the codes of a response that both have. The others are named, not guessed.

A MAC covers the bytes of the message it came with, so it is never carried. Positions of differences are those
of the field tables of ISO 8583:1987 and ISO 8583:1993.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from iso8583_specs.codec import UnencodableField, codec_for
from iso8583_specs.dialects import spec_for
from iso8583_specs.family import Family, family_of
from iso8583_specs.message import Message, Value
from iso8583_specs.spec import HEADER, RAW, FieldSpec, Spec


class Loss(NamedTuple):
    """A field that the other dialect can't say, and why."""

    field: int
    reason: str


@dataclass(frozen=True, slots=True)
class Conversion:
    """A message in its new dialect.

    Attributes:
        message: What could be carried.
        losses: What could not, by number.
    """

    message: Message
    losses: tuple[Loss, ...]


class _Rule(NamedTuple):
    """How a field of one version is made of the texts of others; None if it can't be."""

    sources: tuple[int, ...]
    make: Callable[[int, tuple[str, ...]], str | None]


_MACS: Final = frozenset((64, 128))
_OTHER_BYTES: Final = "a MAC covers the bytes it came with"
_OTHER_MEANING: Final = "means something else there"
_NO_COUNTERPART: Final = "says what has no counterpart there"

# Numbers whose meaning is another one in 1993 than in 1987.
_DIFFERENT: Final = frozenset(
    (
        13,
        22,
        *range(24, 27),
        *range(28, 32),
        53,
        *range(56, 59),
        66,
        70,
        72,
        *range(82, 86),
        *range(90, 97),
        *range(105, 111),
    )
)
_VERSIONS: Final[Mapping[Family, str]] = MappingProxyType(
    {Family.UNIONPAY_POS: "0", Family.ISO1987: "0", Family.ISO1993: "1"}
)
# Response codes of 1987 and the action codes of 1993 that say the same.
_RESPONSES: Final[Mapping[str, str]] = MappingProxyType(
    {"00": "000", "25": "914", "30": "904", "68": "911", "91": "907", "94": "913", "96": "909"}
)
_ACTIONS: Final = MappingProxyType({action: response for response, action in _RESPONSES.items()})

# By the versions from and to, what a field there is made of: 1993 has dates with a year where 1987 has none.
_RULES: Final[Mapping[tuple[bool, bool], Mapping[int, _Rule]]] = MappingProxyType(
    {
        (False, True): MappingProxyType(
            {
                12: _Rule((13, 12), lambda year, texts: f"{year % 100:02}{texts[0]}{texts[1]}"),
                15: _Rule((15,), lambda year, texts: f"{year % 100:02}{texts[0]}"),
                39: _Rule((39,), lambda _, texts: _RESPONSES.get(texts[0])),
            }
        ),
        (True, False): MappingProxyType(
            {
                12: _Rule((12,), lambda _, texts: texts[0][6:]),
                13: _Rule((12,), lambda _, texts: texts[0][2:6]),
                15: _Rule((15,), lambda _, texts: texts[0][2:]),
                39: _Rule((39,), lambda _, texts: _ACTIONS.get(texts[0])),
            }
        ),
    }
)


def convert(message: Message, source: str, target: str, year: int) -> Conversion:
    """A message of one dialect in another.

    Args:
        message: As the source dialect's codec decoded it.
        source: The dialect it is in.
        target: The dialect it shall be in.
        year: The year of dates that say none.

    Raises:
        UnknownDialect: There is no dialect of one of the names.
        UnencodableField: The target can't say the MTI, or needs a header that the source doesn't have.
    """
    before, after = spec_for(source), spec_for(target)
    values, losses = _by_meaning(message, family_of(source), family_of(target), year)
    header = message.header if before[HEADER] == after[HEADER] else ""
    made = Message(_mti(message.mti, family_of(target)), header=header)
    codec_for(target).encode(made)
    for number, value in values.items():
        row = after.get(str(number))
        made.fields[number] = value if row is None else _fitted(value, before.get(str(number)), row)
        reason = _refusal(target, Message(made.mti, {number: made.fields[number]}, header=header))
        if reason is not None:
            del made.fields[number]
            losses[number] = reason
    for number, part in message.parts.items():
        if _inside(before, number) == _inside(after, number):
            made.parts[number] = part
        else:
            losses[number] = "holds a message, which it does not there"
    return Conversion(made, tuple(Loss(*loss) for loss in sorted(losses.items())))


def _mti(mti: str, family: Family | None) -> str:
    return mti if family is None else _VERSIONS[family] + mti[1:]


def _by_meaning(
    message: Message, source: Family | None, target: Family | None, year: int
) -> tuple[dict[int, Value], dict[int, str]]:
    """The values by their numbers in the target's version of the standard, and what has none there."""
    versions = source is Family.ISO1993, target is Family.ISO1993
    rules = _RULES.get(versions, {})
    ruled = {number for rule in rules.values() for number in rule.sources}
    values: dict[int, Value] = {}
    losses: dict[int, str] = {}
    said: set[int] = set()
    for number, rule in rules.items():
        made = _made(rule, message, year)
        if made is not None:
            values[number] = made
            said.update(rule.sources)
    for number, value in message.fields.items():
        if number in _MACS:
            losses[number] = _OTHER_BYTES
        elif number in ruled and number not in said:
            losses[number] = _NO_COUNTERPART
        elif rules and number in _DIFFERENT and number not in said:
            losses[number] = _OTHER_MEANING
        elif number not in said:
            values[number] = value
    return values, losses


def _made(rule: _Rule, message: Message, year: int) -> str | None:
    texts = [message.fields.get(number) for number in rule.sources]
    known = tuple(text for text in texts if isinstance(text, str))
    return rule.make(year, known) if len(known) == len(texts) else None


def _fitted(value: Value, before: FieldSpec | None, after: FieldSpec) -> Value:
    """A value in the form that a row has: bytes, hex digits or text, and digits of a fixed length."""
    octets = _octets(value, before)
    if octets is not None and after["content"] == "b":
        return octets if after["data_enc"] == RAW else octets.hex().upper()
    if octets is not None:
        return octets.decode("latin-1")
    assert isinstance(value, str)  # whatever is bytes has octets
    if after["content"] == "b":
        return _latin_1(value) if after["data_enc"] == RAW else value
    if after["content"] == "n" and not after["len_type"]:
        return value.lstrip("0").rjust(after["max_len"], "0")
    return value


def _octets(value: Value, row: FieldSpec | None) -> bytes | None:
    """What a binary value says, however it is written; None if it isn't binary."""
    if isinstance(value, bytes):
        return value
    if row is None or row["content"] != "b":
        return None
    try:
        return bytes.fromhex(value)
    except ValueError:
        return None


def _latin_1(text: str) -> Value:
    try:
        return text.encode("latin-1")
    except ValueError:
        return text


def _refusal(dialect: str, message: Message) -> str | None:
    """Why the dialect can't say a message of one field; None if it can."""
    try:
        codec_for(dialect, strict=True).encode(message)
    except UnencodableField as error:
        return error.reason.value
    return None


def _inside(spec: Spec, number: int) -> Spec | None:
    row = spec.get(str(number))
    return None if row is None else row.get("fields")
