"""The routing decision: a card and the table, and which links are down, give the destination.

A table row of the product, read as: no range holds the card → `NoCardRange` (DE 39 15); its destination
cannot be reached now → `NoRoute` (DE 39 92); else the destination. All three are values; nothing here is an
error. What a dialect answers for them is the dialect's table.
"""

from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from routing.table import Destination, RangeTable


@dataclass(frozen=True, slots=True)
class NoCardRange:
    """No range of the table holds the card."""


@dataclass(frozen=True, slots=True)
class NoRoute:
    """The card's destination cannot be reached now."""

    destination: Destination


_NO_CARD_RANGE: Final = NoCardRange()


def route(
    table: RangeTable, pan_digits: str, unreachable: Container[Destination] = frozenset()
) -> Destination | NoCardRange | NoRoute:
    """Choose who authorises a card.

    Args:
        table: The card ranges.
        pan_digits: The whole PAN, digits only.
        unreachable: The destinations whose links are down.
    """
    destination = table.find(pan_digits)
    if destination is None:
        return _NO_CARD_RANGE
    if destination in unreachable:
        return NoRoute(destination)
    return destination
