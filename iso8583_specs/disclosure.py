"""What of a message's fields may be seen, by the family of its dialect.

The rule is a list of fields that are harmless as their family defines them; whatever is not on it is hidden,
and so are fields of a structure that can't be read. Deployments break the rules, so two nets hang below: the
message's own card number is masked wherever it stands, and in free text so is all that looks like one.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from iso8583_specs.defects import MalformedMessage
from iso8583_specs.family import Family
from iso8583_specs.message import Message
from iso8583_specs.spec import Spec
from iso8583_specs.subfields.selection import structure_of
from iso8583_specs.subfields.structure import SubField, is_digits
from iso8583_specs.subfields.tlv import BerTlv
from iso8583_specs.subfields.tracks import Track1, Track2, Track3
from iso8583_specs.values import BinDigits, clear_text, mask_card_numbers, masked, size_of

CARD_NUMBERS: Final = frozenset({2, 34})
"""Fields that are a card number."""

_HARMLESS: Final = frozenset(range(3, 34)) - {14, 23, 31} | {37, 38, 39, 40, 41, 42, 43, 44, 49, 50, 51}

HARMLESS: Final[Mapping[Family | None, frozenset[int]]] = MappingProxyType(
    {
        None: _HARMLESS - {44},
        Family.UNIONPAY_POS: _HARMLESS | {31, 53},
        Family.ISO1987: _HARMLESS | {31, 53, 91, 92, 93, 94, 97, 99, 100} | frozenset(range(66, 90)),
        Family.ISO1993: _HARMLESS
        | {31, 57, 58, 97, 99, 100, 105, 106, 107, 108}
        | frozenset(range(67, 95)) - {72},
    }
)
"""Fields that may be seen as they are."""

HARMLESS_IF_READ: Final[Mapping[Family | None, frozenset[int]]] = MappingProxyType(
    {
        None: frozenset({54}),
        Family.UNIONPAY_POS: frozenset({54, 60, 61}),
        Family.ISO1987: frozenset({54, 90, 95}),
        Family.ISO1993: frozenset({30, 54, 56}),
    }
)
"""Fields that may be seen when they hold the structure they should."""

_REFERENCES: Final = frozenset({37, 41, 42})
"""Text in which a long number is a reference and no card, even if its last digit fits."""

_LONGEST_REFERENCE: Final = 15

_TRACKS: Final = ((35, Track2), (36, Track3), (45, Track1))
_CARD_TAGS: Final = ("57", "5A")
# What a track that can't be read may begin with.
_FIRST_LONG_NUMBER: Final = re.compile(r"\d{12,19}", re.ASCII)
_SHORTEST_CARD_NUMBER: Final = 8


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Decides about one message's values.

    Attributes:
        family: Of the message's dialect.
        spec: The dialect's table.
        clear: Whether everything may be seen.
        bin_digits: How much of a card number's beginning may be seen.
        cards: The card numbers that the message names.
        is_inside: Whether it is about a message inside a field, of which nothing is known but its table.
    """

    family: Family | None
    spec: Spec
    clear: bool = False
    bin_digits: BinDigits = 6
    cards: tuple[str, ...] = ()
    is_inside: bool = False

    def inside(self, number: int) -> "Disclosure":
        """The same about the message inside a field."""
        return replace(self, family=None, spec=self.spec[str(number)]["fields"], is_inside=True)

    def name(self, number: int) -> str:
        """What the dialect calls a field."""
        return self.spec[str(number)]["desc"]

    def structure(self, message: Message, number: int) -> SubField | None:
        """The parsed content of a field, None if it has no structure that is known."""
        if self.is_inside or (number in HARMLESS_IF_READ[self.family] and self._has_card(message, number)):
            return None
        return structure_of(self.family, message, number, self._content(message, number))

    def _has_card(self, message: Message, number: int) -> bool:
        """Whether one of the cards stands where only a reference should; parts would show its pieces."""
        text = clear_text(message.fields[number])
        return any(card in text for card in self.cards)

    def _content(self, message: Message, number: int) -> str | bytes:
        """A value as its structure wants it: bytes that the dialect writes as hex digits as bytes."""
        value = message.fields[number]
        if isinstance(value, bytes) or self.spec[str(number)]["content"] not in {"x", "b"}:
            return value
        try:
            return bytes.fromhex(value)
        except ValueError:
            return value

    def shown(self, message: Message, number: int) -> str:
        """A field's value as far as it may be seen; of a hidden one its size remains."""
        value = message.fields[number]
        if self.clear:
            return clear_text(value)
        if self.is_inside:
            return size_of(value)
        if number in CARD_NUMBERS and isinstance(value, str) and is_digits(value):
            return masked(value, self.bin_digits)
        if not self._may_be_seen(message, number):
            return size_of(value)
        return self._netted(number, clear_text(value))

    def _may_be_seen(self, message: Message, number: int) -> bool:
        if number in HARMLESS_IF_READ[self.family]:
            return self.structure(message, number) is not None
        return number in HARMLESS[self.family]

    def _netted(self, number: int, text: str) -> str:
        """Text without what looks like a card number, unless a number is what the field is for."""
        is_number = self.spec[str(number)]["content"] != "ans" or (
            number in _REFERENCES and len(text) <= _LONGEST_REFERENCE
        )
        return text if is_number else mask_card_numbers(text, self.bin_digits)


def card_numbers(message: Message) -> list[str]:
    """The card numbers that a message names in its card fields, tracks and chip data, longest first."""
    values = message.fields
    found = {clear_text(values[number]) for number in CARD_NUMBERS & values.keys()}
    found |= {_on_track(track, clear_text(values[number])) for number, track in _TRACKS if number in values}
    if isinstance(chip := values.get(55), bytes):
        found |= _in_chip_data(chip)
    cards = (one for one in found if is_digits(one) and len(one) >= _SHORTEST_CARD_NUMBER)
    return sorted(cards, key=len, reverse=True)


def _on_track(track: type[Track1 | Track2 | Track3], text: str) -> str:
    try:
        return track.parse(text).pan.clear
    except MalformedMessage:
        # Track 3 begins with a format code.
        number = _FIRST_LONG_NUMBER.search(text, 2 if track is Track3 else 0)
        return number[0] if number else ""


def _in_chip_data(chip: bytes) -> set[str]:
    try:
        objects = BerTlv.parse(chip).objects
    except MalformedMessage:
        return set()
    return {
        found.value.hex().upper().rstrip("F").partition("D")[0]
        for found in objects
        if found.tag in _CARD_TAGS
    }


def without(cards: Iterable[str], text: str) -> str:
    """Text in which these card numbers are stars, and so are the hex digits of their characters."""
    for card in cards:
        text = text.replace(card, "*" * len(card)).replace(card.encode().hex(), "*" * 2 * len(card))
    return text
