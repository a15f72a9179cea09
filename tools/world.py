"""The demo world, put into a database: merchants, terminals, cards, and wallets with money in them.

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

from directory.commands import CardRow, add_merchant, add_product, add_terminal, insert_cards
from directory.product_terms import CardClass, CardService, Limits, PinRule, ProductTerms
from directory.reading import read_cards
from directory.records import CardState, Merchant, MerchantState, PanIndex, Product, ProductVersion
from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import Hsm
from ledger.postgres.opening import Opening
from storage.database import database_errors
from tools.demo_parties import (
    CARD_EXPIRY,
    CURRENCY,
    TERMINALS_OF_MERCHANT,
    DemoCard,
    DemoMerchant,
    DemoTerminal,
    demo_card,
    demo_terminal,
)
from tools.demo_seed import DemoSeed
from tools.trouble import Trouble

CHUNK_CARDS: Final = 10_000
PRODUCT_ID: Final = 1

_CARDS_BETWEEN_PAUSES: Final = 250
_GROCERY: Final = "5411"


class WorldOfAnotherSeed(Trouble):
    """The database has a demo world made from another seed, so its PINs and keys are not known here."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


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
    """

    def __init__(
        self,
        writer: "asyncpg.Connection[asyncpg.Record]",
        reader: "asyncpg.Connection[asyncpg.Record]",
        hsm: Hsm,
        wallets: Wallets,
        seed: DemoSeed,
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._hsm = hsm
        self._wallets = wallets
        self._seed = seed

    async def make_terminals(self, count: int) -> list[DemoTerminal]:
        """Terminals 1 to `count` with their merchants and the product of all cards.

        Raises:
            WorldOfAnotherSeed: The database has a world of another seed.
            DatabaseUnavailable: The database failed.
        """
        terminals = [demo_terminal(self._seed, number) for number in range(1, count + 1)]
        with database_errors():
            async with self._writer.transaction():
                await self._make_product()
                for terminal in terminals:
                    if terminal.number % TERMINALS_OF_MERCHANT == 1:
                        await _add_merchant(self._writer, terminal.merchant)
                    master_key = await self._hsm.ask(SoftHsm.import_terminal_master, terminal.master_key)
                    await add_terminal(
                        self._writer,
                        terminal.merchant.merchant_id,
                        terminal.terminal_id,
                        master_key=master_key,
                    )
        return terminals

    async def make_cards(self, count: int, balance_minor: int) -> AsyncIterator[list[WorldCard]]:
        """Cards 1 to `count`, a chunk at a time, each chunk stored before it is handed out.

        Args:
            count: How many there should be.
            balance_minor: What a new card holds; those that are there keep what they have.

        Raises:
            DatabaseUnavailable: The database failed.
        """
        storing: asyncio.Task[list[WorldCard]] | None = None
        try:
            for numbers in _chunks(count):
                chunk = await self._prepare(numbers, balance_minor)
                if storing is not None:
                    yield await storing
                storing = asyncio.create_task(self._store(chunk))
            if storing is not None:
                yield await storing
        finally:
            if storing is not None:
                storing.cancel()
                await asyncio.gather(storing, return_exceptions=True)

    async def _make_product(self) -> None:
        product = _product(self._seed)
        there = await add_product(self._writer, product)
        if there.name != product.name:
            raise WorldOfAnotherSeed

    async def _prepare(self, numbers: range, balance_minor: int) -> _Chunk:
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
                await self._add_new(chunk, card, pan_index, balance_minor)
            else:
                chunk.cards.append(WorldCard(card, balance_of[wallet_id]))
        return chunk

    async def _pan_index(self, number: int) -> PanIndex:
        return PanIndex(await self._hsm.ask(SoftHsm.pan_index, demo_card(self._seed, number).pan))

    async def _add_new(self, chunk: _Chunk, card: DemoCard, pan_index: PanIndex, balance_minor: int) -> None:
        wallet_id = self._wallets.new_id()
        reference = await self._hsm.ask(SoftHsm.make_pin_reference, card.pin, wallet_id)
        sealed = await self._hsm.ask(SoftHsm.seal_pan, card.pan)
        chunk.cards.append(WorldCard(card, balance_minor))
        chunk.openings.append(Opening(wallet_id, balance_minor))
        chunk.rows.append(
            CardRow(
                *(pan_index, wallet_id, PRODUCT_ID, CardState.ACTIVE, CARD_EXPIRY),
                *(sealed, reference.salt, reference.value),
            )
        )

    async def _store(self, chunk: _Chunk) -> list[WorldCard]:
        if chunk.rows:
            with database_errors():
                async with self._writer.transaction():
                    await insert_cards(self._writer, chunk.rows)
                    await self._wallets.open(self._writer, chunk.openings)
        return chunk.cards


def _product(seed: DemoSeed) -> Product:
    """The demo product; its name tells which seed its cards are from."""
    terms = ProductTerms(
        card_class=CardClass.CONSUMPTION,
        currency=int(CURRENCY),
        services=frozenset({CardService.PURCHASE, CardService.BALANCE_INQUIRY}),
        pin={CardService.PURCHASE: PinRule(), CardService.BALANCE_INQUIRY: PinRule()},
        limits=Limits(transaction_max_minor=50_000_00, day_count_max=100_000),
    )
    return Product(PRODUCT_ID, "DEMO", f"Demo card {seed.mark}", (ProductVersion(1, 0, terms),))


async def _add_merchant(connection: "asyncpg.Connection[asyncpg.Record]", merchant: DemoMerchant) -> None:
    record = Merchant(merchant.number, merchant.merchant_id, MerchantState.LIVE)
    await add_merchant(connection, record, name=merchant.name, category=_GROCERY)


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
