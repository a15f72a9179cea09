"""The card range table: which leading digits of a PAN belong to which destination.

A range is data: its first and last leading digits, of equal length ("990001" to "990001" is one prefix,
"6221260" to "6229259" many), and the destination that authorises its cards. Ranges may nest, and the most
specific one wins; two ranges that overlap only in part, or twice the same range, have no answer and are
refused when the table is built.

Building flattens the nesting once into a sorted list of boundaries, each with the destination that holds
from there on, so that a look-up is one bisection however many ranges there are. A table never changes; a
new set of ranges is a new table. Digits are compared as text, so nothing here can fail on, or repeat, what
a message carried.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

PAN_DIGITS_MAX: Final = 19
"""ISO/IEC 7812-1: a primary account number has at most 19 digits."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Who authorises: the switch's own ledger or, by its name, a partner's link."""

    name: str


OWN_LEDGER: Final = Destination("ledger")


@dataclass(frozen=True, slots=True)
class CardRange:
    """The PANs that start with `first` to `last`, both included.

    Attributes:
        first: Leading digits of the lowest PAN, 1 to 19.
        last: Leading digits of the highest PAN, as many as `first` has.
        destination: Who authorises these cards.
    """

    first: str
    last: str
    destination: Destination

    def __post_init__(self) -> None:
        digits = self.first + self.last
        if not (
            digits.isascii() and digits.isdigit() and len(self.first) == len(self.last) <= PAN_DIGITS_MAX
        ):
            raise BadCardRange(self, "is not two runs of 1 to 19 digits of equal length")
        if self.first > self.last:
            raise BadCardRange(self, "ends before it starts")

    @property
    def lowest(self) -> int:
        """The lowest PAN of the range, as a number of 19 digits."""
        return int(self.first.ljust(PAN_DIGITS_MAX, "0"))

    @property
    def highest(self) -> int:
        """The highest PAN of the range, as a number of 19 digits."""
        return int(self.last.ljust(PAN_DIGITS_MAX, "9"))


class BadCardRange(ValueError):
    """A card range, or its place among the others, has no meaning; the text names it and says why."""

    def __init__(self, card_range: CardRange, reason: str) -> None:
        super().__init__(f"card range {card_range.first}-{card_range.last} {reason}")


DEFAULT_RANGES: Final = (CardRange("990001", "990001", OWN_LEDGER),)


class RangeTable:
    """Card ranges, flattened for look-up.

    Raises:
        BadCardRange: Two ranges are equal or overlap only in part.
    """

    __slots__ = ("_destinations", "_starts")

    def __init__(self, ranges: Iterable[CardRange] = DEFAULT_RANGES) -> None:
        boundaries = _flatten(ranges)
        self._starts = [f"{start:0{PAN_DIGITS_MAX}}" for start in boundaries]
        self._destinations = list(boundaries.values())

    def find(self, pan_digits: str) -> Destination | None:
        """The destination of the most specific range that holds this PAN; None when no range does."""
        place = bisect_right(self._starts, pan_digits.ljust(PAN_DIGITS_MAX, "0"))
        return self._destinations[place - 1]


def _flatten(ranges: Iterable[CardRange]) -> dict[int, Destination | None]:
    """The boundaries in ascending order, from 0, each with the destination that holds from there on."""
    boundaries: dict[int, Destination | None] = {0: None}
    around: list[CardRange] = []

    def leave_ranges_before(start: int) -> None:
        while around and around[-1].highest < start:
            after = around.pop().highest + 1
            boundaries[after] = around[-1].destination if around else None

    for card_range in sorted(ranges, key=lambda each: (each.lowest, -each.highest)):
        leave_ranges_before(card_range.lowest)
        if around:
            _check_nested(card_range, around[-1])
        boundaries[card_range.lowest] = card_range.destination
        around.append(card_range)
    leave_ranges_before(10**PAN_DIGITS_MAX)
    # Above the highest PAN nothing can be looked up, and its 20 digits would sort wrongly as text.
    boundaries.pop(10**PAN_DIGITS_MAX, None)
    return boundaries


def _check_nested(inner: CardRange, outer: CardRange) -> None:
    if (inner.lowest, inner.highest) == (outer.lowest, outer.highest):
        raise BadCardRange(inner, "is there twice")
    if inner.highest > outer.highest:
        raise BadCardRange(inner, f"overlaps {outer.first}-{outer.last} in part")
