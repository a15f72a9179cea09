"""The directory as the hot path reads it: a bounded view in memory, filled as cards and terminals come by.

A request peeks first, which costs a dictionary hit, and awaits only on a miss; misses go to the database in
batches. What is remembered stays until it is the least recently used, or a change of it is noted somewhere
(`change_log`): `refreshing` reads the notes a few times a second and tells the view to forget. What does not
exist is remembered apart, and for a moment only (`absent`).

While the database is asked, what it says may change. So whatever was read counts from its asking on: if the
view was told to forget anything meanwhile (`_told`), what was read is handed out and not remembered.

A terminal changes at each sign-on, on whichever node its line ends. The node that makes the change hands
the new `Terminal` to `remember_terminal`; another node finds out when the terminal's MAC fails under the
keys it knows, and reads again with `reload_terminal` before it answers. Terminals carry a version, so an
older reading that comes late never takes a newer one's place.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from time import monotonic
from typing import Final, TypeAlias

import asyncpg

from directory.absent import Absent
from directory.batch_loader import BatchLoader
from directory.reading import read_cards, read_terminals
from directory.recent import Recent
from directory.records import Card, PanIndex, Product, Terminal
from storage.database import database_errors

_TerminalKey: TypeAlias = tuple[str, str]

_BETWEEN_PAUSES: Final = 5_000


class DirectoryView:
    """Cards and terminals by what names them in a message.

    Args:
        pool: Where misses are loaded from, one connection for cards and one for terminals at a time.
        card_limit: Most cards to remember.
        terminal_limit: Most terminals to remember.
        clock: Seconds, counted steadily.
    """

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        *,
        card_limit: int = 200_000,
        terminal_limit: int = 100_000,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._pool = pool
        self._cards: Recent[PanIndex, Card] = Recent(card_limit)
        self._terminals: Recent[_TerminalKey, Terminal] = Recent(terminal_limit)
        self._absent_cards: Absent[PanIndex] = Absent(clock)
        self._absent_terminals: Absent[_TerminalKey] = Absent(clock)
        self._told = 0
        self._products: dict[int, Product] = {}
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
        known = self.peek_card(pan_index)
        if known is not None or pan_index in self._absent_cards:
            return known
        return await self._card_loader.load(pan_index)

    async def terminal(self, merchant_id: str, terminal_id: str) -> Terminal | None:
        """The terminal; None if there is no such terminal.

        Raises:
            DatabaseUnavailable: It could not be looked up.
        """
        known = self.peek_terminal(merchant_id, terminal_id)
        if known is not None or (merchant_id, terminal_id) in self._absent_terminals:
            return known
        return await self._terminal_loader.load((merchant_id, terminal_id))

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

    def _remember_since(self, told: int, terminal: Terminal) -> Terminal:
        """Take a terminal as it was found or made after `told`, unless the view was told anything since."""
        if told == self._told:
            return self.remember_terminal(terminal)
        self._terminals.drop((terminal.merchant.merchant_id, terminal.terminal_id))
        return terminal

    def forget_card(self, pan_index: PanIndex) -> None:
        """Read a card anew when it comes by next."""
        self._told += 1
        self._cards.drop(pan_index)

    def forget_terminal(self, merchant_id: str, terminal_id: str) -> None:
        """Read a terminal anew when it comes by next."""
        self._told += 1
        self._terminals.drop((merchant_id, terminal_id))

    def forget_merchants(self, merchant_ids: Collection[str]) -> None:
        """Read the terminals of these merchants anew when they come by next."""
        self._told += 1
        for key in self._terminals.remembered():
            if key[0] in merchant_ids:
                self._terminals.drop(key)

    async def forget_products(self, product_ids: Collection[int]) -> None:
        """Read the cards of these products anew when they come by next; requests go on meanwhile."""
        self._told += 1
        for product_id in product_ids:
            self._products.pop(product_id, None)
        for place, key in enumerate(self._cards.remembered(), start=1):
            card = self._cards.look(key)
            if card is not None and card.product.id in product_ids:
                self._cards.drop(key)
            if place % _BETWEEN_PAUSES == 0:
                await asyncio.sleep(0)

    def forget_all(self) -> None:
        """Read everything anew: it is not known what changed."""
        self._told += 1
        for memory in (self._cards, self._terminals, self._absent_cards, self._absent_terminals):
            memory.clear()
        self._products.clear()

    async def _fetch_cards(self, wanted: Collection[PanIndex]) -> Mapping[PanIndex, Card]:
        told, products = self._told, self._products.copy()
        with database_errors():
            async with self._pool.acquire() as connection:
                found = await read_cards(connection, wanted, products)
        if told != self._told:
            return found
        self._products = products
        for pan_index in wanted:
            card = found.get(pan_index)
            if card is not None:
                self._cards.put(pan_index, card)
            else:
                self._absent_cards.add(pan_index)
        return found

    async def _fetch_terminals(self, wanted: Collection[_TerminalKey]) -> Mapping[_TerminalKey, Terminal]:
        told = self._told
        with database_errors():
            async with self._pool.acquire() as connection:
                found = await read_terminals(connection, wanted)
        for key in wanted if told == self._told else ():
            if key not in found:
                self._absent_terminals.add(key)
        return {key: self._remember_since(told, terminal) for key, terminal in found.items()}
