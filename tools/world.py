"""The demo world, put into a database: merchants, terminals, cards, and wallets with money in them.

Issuer, product, merchants and terminals are made by the services of the back office (`world_parties`); cards
are stored here, since their PINs must be the seed's, which a batch of real cards never lets anybody choose.

Making it again finds what is there and adds what is missing, so a world only grows. Cards are stored in
chunks, each with its wallets in one transaction: whenever this is interrupted, whole chunks are there or
nothing. While PostgreSQL takes in one chunk, the next is being prepared; only the preparing costs time
here, so it gives way to the connection now and then.

PINs and keys come from the demo seed. A database whose world was made from another seed is left alone: its
cards would not have the PINs that this one gives.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import asyncpg

from directory.commands import CardRow, insert_cards
from directory.reading import read_cards
from directory.records import CardState, PanIndex
from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import Hsm
from ledger.postgres.opening import Opening
from storage.database import database_errors
from tools.demo_parties import CARD_EXPIRY, DemoCard, DemoTerminal, demo_card, demo_terminal
from tools.demo_seed import DemoSeed
from tools.world_parties import DemoIssuer, WorldOfAnotherSeed, make_issuer, make_terminals

__all__ = ["CHUNK_CARDS", "Wallets", "WorldCard", "WorldMaker", "WorldOfAnotherSeed"]

CHUNK_CARDS: Final = 10_000

_CARDS_BETWEEN_PAUSES: Final = 250


class WorldCard(NamedTuple):
    """A card that is there, and what it holds now."""

    card: DemoCard
    balance_minor: int


@dataclass(frozen=True, slots=True)
class Wallets:
    """What the world's maker needs of the ledger.

    Attributes:
        new_id: A wallet id that nobody else has.
        open: Opens wallets with money in them, inside the transaction begun on the connection.
        balances: What wallets hold now, by their ids.
    """

    new_id: Callable[[], int]
    open: Callable[["asyncpg.Connection[asyncpg.Record]", Sequence[Opening]], Awaitable[None]]
    balances: Callable[[Sequence[int]], Awaitable[Mapping[int, int]]]


@dataclass(slots=True)
class _Chunk:
    """Cards in the order of their numbers; of the new ones also what is to be stored."""

    cards: list[WorldCard] = field(default_factory=list)
    rows: list[CardRow] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)


class WorldMaker:
    """Puts demo parties into a database.

    Args:
        writer: Stores; a session of its own.
        reader: Looks up, while the writer stores.
        hsm: Of the installation.
        wallets: The ledger's side.
        seed: Of the demo world.
        now_us: The time, in microseconds since 1970 (UTC).
    """

    def __init__(
        self,
        writer: "asyncpg.Connection[asyncpg.Record]",
        reader: "asyncpg.Connection[asyncpg.Record]",
        hsm: Hsm,
        wallets: Wallets,
        seed: DemoSeed,
        now_us: Callable[[], int],
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._hsm = hsm
        self._wallets = wallets
        self._seed = seed
        self._now_us = now_us
        self._issuer: DemoIssuer | None = None

    async def make_terminals(self, count: int) -> list[DemoTerminal]:
        """Terminals 1 to `count` with their merchants.

        Raises:
            WorldOfAnotherSeed: The database has a world of another seed.
            DatabaseUnavailable: The database failed.
        """
        terminals = [demo_terminal(self._seed, number) for number in range(1, count + 1)]
        await self._known_issuer()
        await make_terminals(self._writer, self._hsm, terminals, self._now_us())
        return terminals

    async def make_cards(self, count: int, balance_minor: int) -> AsyncIterator[list[WorldCard]]:
        """Cards 1 to `count`, a chunk at a time, each chunk stored before it is handed out.

        Args:
            count: How many there should be.
            balance_minor: What a new card holds; those that are there keep what they have.

        Raises:
            WorldOfAnotherSeed: The database has a world of another seed.
            DatabaseUnavailable: The database failed.
        """
        issuer = await self._known_issuer()
        storing: asyncio.Task[list[WorldCard]] | None = None
        try:
            for numbers in _chunks(count):
                chunk = await self._prepare(issuer, numbers, balance_minor)
                if storing is not None:
                    yield await storing
                storing = asyncio.create_task(self._store(chunk))
            if storing is not None:
                yield await storing
        finally:
            if storing is not None:
                storing.cancel()
                await asyncio.gather(storing, return_exceptions=True)

    async def _known_issuer(self) -> DemoIssuer:
        if self._issuer is None:
            self._issuer = await make_issuer(self._writer, self._seed, self._now_us())
        return self._issuer

    async def _prepare(self, issuer: DemoIssuer, numbers: range, balance_minor: int) -> _Chunk:
        indexes = [await self._pan_index(number) async for number in _paced(numbers)]
        with database_errors():
            there = await read_cards(self._reader, indexes, {})
        wallet_of = {pan_index: card.wallet_id for pan_index, card in there.items()}
        balance_of = await self._wallets.balances(list(wallet_of.values())) if wallet_of else {}
        chunk = _Chunk()
        async for number in _paced(numbers):
            card = demo_card(self._seed, number)
            pan_index = indexes[number - numbers.start]
            wallet_id = wallet_of.get(pan_index)
            if wallet_id is None:
                await self._add_new(chunk, issuer, card, pan_index, balance_minor)
            else:
                chunk.cards.append(WorldCard(card, balance_of[wallet_id]))
        return chunk

    async def _pan_index(self, number: int) -> PanIndex:
        return PanIndex(await self._hsm.ask(SoftHsm.pan_index, demo_card(self._seed, number).pan))

    async def _add_new(
        self, chunk: _Chunk, issuer: DemoIssuer, card: DemoCard, pan_index: PanIndex, balance_minor: int
    ) -> None:
        wallet_id = self._wallets.new_id()
        reference = await self._hsm.ask(SoftHsm.make_pin_reference, card.pin, wallet_id)
        sealed = await self._hsm.ask(SoftHsm.seal_pan, card.pan)
        chunk.cards.append(WorldCard(card, balance_minor))
        chunk.openings.append(Opening(wallet_id, balance_minor))
        chunk.rows.append(
            CardRow(
                *(pan_index, wallet_id, issuer.product_id, CardState.ACTIVE, CARD_EXPIRY),
                *(sealed, reference.salt, reference.value),
                party_id=issuer.party_id,
                range_id=issuer.range_id,
            )
        )

    async def _store(self, chunk: _Chunk) -> list[WorldCard]:
        if chunk.rows:
            with database_errors():
                async with self._writer.transaction():
                    await insert_cards(self._writer, chunk.rows)
                    await self._wallets.open(self._writer, chunk.openings)
        return chunk.cards


def _chunks(count: int) -> Iterator[range]:
    """1 to `count`, cut into runs of `CHUNK_CARDS`."""
    for start in range(1, count + 1, CHUNK_CARDS):
        yield range(start, min(start + CHUNK_CARDS, count + 1))


async def _paced(numbers: range) -> AsyncIterator[int]:
    """The numbers, with pauses in which the connection gets its turn."""
    for number in numbers:
        if number % _CARDS_BETWEEN_PAUSES == 0:
            await asyncio.sleep(0)
        yield number
