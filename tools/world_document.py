"""The demo world as JSON, for whatever plays against it: listeners, terminals and cards.

Written piece by piece, so that a million cards need no memory here. Everything is in the clear; it is the
demo's.
"""

from collections.abc import Iterable, Sequence
from typing import BinaryIO, TypedDict

import orjson

from tools.demo_parties import CARD_EXPIRY, CURRENCY, DemoCard, DemoTerminal
from tools.world import WorldCard


class ListenerJson(TypedDict):
    """A listener of the switch."""

    name: str
    host: str
    port: int
    dialect: str


class WorldDocument:
    """One document on its way out: `begin`, any number of `add_cards`, `end`."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._separator = b""

    def begin(self, listeners: Sequence[ListenerJson], terminals: Iterable[DemoTerminal]) -> None:
        """Write everything before the cards."""
        head = {"listeners": listeners, "terminals": [_terminal_json(terminal) for terminal in terminals]}
        self._out.write(orjson.dumps(head)[:-1] + b',"cards":[')

    def add_cards(self, cards: Sequence[WorldCard]) -> None:
        """Write some cards, one or more."""
        self._out.write(self._separator + orjson.dumps([_card_json(*each) for each in cards])[1:-1])
        self._separator = b","

    def end(self) -> None:
        """Write what closes the document."""
        self._out.write(b"]}\n")
        self._out.flush()


def _terminal_json(terminal: DemoTerminal) -> dict[str, str]:
    return {
        "terminal_id": terminal.terminal_id,
        "merchant_id": terminal.merchant.merchant_id,
        "tpdu": terminal.tpdu.hex().upper(),
        "header": terminal.header.hex().upper(),
        "tmk": terminal.master_key.hex().upper(),
    }


def _card_json(card: DemoCard, balance_minor: int) -> dict[str, str | int]:
    return {
        "pan": card.pan,
        "expiry": CARD_EXPIRY,
        "track2": card.track2,
        "pin": card.pin,
        "balance_minor": balance_minor,
        "currency": CURRENCY,
    }
