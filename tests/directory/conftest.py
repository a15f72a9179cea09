"""A database with one product, one merchant and one terminal, and ways to put cards into it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import asyncpg
import pytest

from directory.commands import CardRow, insert_cards
from directory.product_terms import CardClass, CardService, Limits, PinRule, ProductTerms
from directory.records import CardState, Merchant, MerchantState, PanIndex, Product, ProductVersion
from storage.database import connect, create_pool
from tests.directory.back_office import BackOffice
from tests.directory.card_room import CardRoom
from tests.directory_rows import add_merchant, add_product, add_terminal

MERCHANT_ID = "990001000000001"
TERMINAL_ID = "T0000001"

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
AddCards = Callable[..., Awaitable[list[PanIndex]]]


@pytest.fixture
def product() -> Product:
    """A product with limits and a PIN, in its first version."""
    terms = ProductTerms(
        card_class=CardClass.GIFT,
        currency=156,
        services=frozenset({CardService.PURCHASE, CardService.BALANCE_INQUIRY}),
        pin={CardService.PURCHASE: PinRule()},
        limits=Limits(transaction_max_minor=5_000_00, day_count_max=20),
    )
    return Product(3, "GIFT", "Gift card", (ProductVersion(1, 0, terms),))


@pytest.fixture
def merchant() -> Merchant:
    """The merchant that is there."""
    return Merchant(17, MERCHANT_ID, MerchantState.LIVE, "5411")


@pytest.fixture
async def connection(database_dsn: str, product: Product, merchant: Merchant) -> AsyncIterator[Connection]:
    """A session on a database with the product, the merchant and its terminal."""
    connection = await connect(database_dsn)
    await add_product(connection, product)
    await add_merchant(connection, merchant, name="Corner shop", category="5411")
    await add_terminal(connection, MERCHANT_ID, TERMINAL_ID, master_key="D0112K0")
    yield connection
    await connection.close()


@pytest.fixture
async def pool(database_dsn: str, connection: Connection) -> AsyncIterator[Pool]:
    """Sessions of the switch on that database."""
    pool = await create_pool(database_dsn, size=2)
    yield pool
    await pool.close()


@pytest.fixture
def add_cards(connection: Connection, product: Product) -> AddCards:
    """Stores active cards for some wallets; their PAN indexes."""

    async def add(*wallet_ids: int, state: CardState = CardState.ACTIVE) -> list[PanIndex]:
        indexes = [PanIndex(wallet_id.to_bytes(16)) for wallet_id in wallet_ids]
        await insert_cards(
            connection,
            [
                CardRow(pan_index, wallet_id, product.id, state, "3112", b"sealed", b"salt", b"value")
                for pan_index, wallet_id in zip(indexes, wallet_ids, strict=True)
            ],
        )
        return indexes

    return add


@pytest.fixture
async def back_office(database_dsn: str) -> AsyncIterator[BackOffice]:
    """An office on the test's database, in which nobody works yet."""
    pool = await create_pool(database_dsn, size=4)
    yield BackOffice(pool.acquire)
    await pool.close()


@pytest.fixture
async def room(back_office: BackOffice) -> CardRoom:
    """An issuer's room in that office."""
    return await CardRoom.furnished(back_office)
