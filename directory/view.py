"""The directory as the hot path reads it: a bounded view in memory, filled as cards and terminals come by.

A request peeks first, which costs a dictionary hit, and awaits only on a miss; misses go to the database in
batches. What does not exist is not remembered: a flood of unknown PANs costs queries, but evicts no card.
What is remembered stays until it is the least recently used.

A terminal changes at each sign-on, on whichever node its line ends. The node that makes the change hands
the new `Terminal` to `remember_terminal`; another node finds out when the terminal's MAC fails under the
keys it knows, and reads again with `reload_terminal` before it answers. Terminals carry a version, so an
older reading that comes late never takes a newer one's place.
"""

from collections.abc import Collection, Mapping
from typing import TypeAlias

import asyncpg

from directory.batch_loader import BatchLoader
from directory.reading import read_cards, read_terminals
from directory.recent import Recent
from directory.records import Card, PanIndex, Product, Terminal
from storage.database import database_errors

_TerminalKey: TypeAlias = tuple[str, str]


class DirectoryView:
    """Cards and terminals by what names them in a message.

    Args:
        pool: Where misses are loaded from, one connection for cards and one for terminals at a time.
        card_limit: Most cards to remember.
        terminal_limit: Most terminals to remember.
    """

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        *,
        card_limit: int = 200_000,
        terminal_limit: int = 100_000,
    ) -> None:
        self._pool = pool
        self._cards: Recent[PanIndex, Card] = Recent(card_limit)
        self._terminals: Recent[_TerminalKey, Terminal] = Recent(terminal_limit)
        self._products: dict[Product, Product] = {}
        self._card_loader = BatchLoader(self._fetch_cards)
        self._terminal_loader = BatchLoader(self._fetch_terminals)

    def peek_card(self, pan_index: PanIndex) -> Card | None:
        """The card if it is in memory."""
        return self._cards.get(pan_index)

    def peek_terminal(self, merchant_id: str, terminal_id: str) -> Terminal | None:
        """The terminal if it is in memory."""
        return self._terminals.get((merchant_id, terminal_id))

    async def card(self, pan_index: PanIndex) -> Card | None:
        """The card; None if there is no such card.

        Raises:
            DatabaseUnavailable: It could not be looked up.
        """
        return self.peek_card(pan_index) or await self._card_loader.load(pan_index)

    async def terminal(self, merchant_id: str, terminal_id: str) -> Terminal | None:
        """The terminal; None if there is no such terminal.

        Raises:
            DatabaseUnavailable: It could not be looked up.
        """
        known = self.peek_terminal(merchant_id, terminal_id)
        return known or await self._terminal_loader.load((merchant_id, terminal_id))

    async def reload_terminal(self, merchant_id: str, terminal_id: str) -> Terminal | None:
        """The terminal as the database has it now, whatever is in memory; None if there is no such terminal.

        Raises:
            DatabaseUnavailable: It could not be looked up.
        """
        return await self._terminal_loader.load_anew((merchant_id, terminal_id))

    def remember_terminal(self, terminal: Terminal) -> Terminal:
        """Take a terminal as a command returned it; returns the newer of it and the one in memory."""
        key = (terminal.merchant.merchant_id, terminal.terminal_id)
        known = self._terminals.get(key)
        if known is not None and known.version > terminal.version:
            return known
        self._terminals.put(key, terminal)
        return terminal

    async def _fetch_cards(self, wanted: Collection[PanIndex]) -> Mapping[PanIndex, Card]:
        with database_errors():
            async with self._pool.acquire() as connection:
                found = await read_cards(connection, wanted, self._products)
        for pan_index, card in found.items():
            self._cards.put(pan_index, card)
        return found

    async def _fetch_terminals(self, wanted: Collection[_TerminalKey]) -> Mapping[_TerminalKey, Terminal]:
        with database_errors():
            async with self._pool.acquire() as connection:
                found = await read_terminals(connection, wanted)
        return {key: self.remember_terminal(terminal) for key, terminal in found.items()}
