"""Rows to values: the queries that find cards and terminals, many keys at a time.

Used by the view on a miss and by the commands inside their transactions. Products are shared: cards of one
product refer to one object, however many queries they came by.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from itertools import groupby
from sys import intern
from typing import Final, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from directory.records import (
    Card,
    CardState,
    KeySet,
    Merchant,
    MerchantState,
    PanIndex,
    Product,
    Terminal,
    TerminalState,
)

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
"""A session of one's own, or a pool's."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

_CARDS: Final = """
SELECT card.pan_index, card.wallet_id, card.state, card.expiry, card.pin_salt, card.pin_value,
       product.id, product.name, product.asset, product.pin_for_purchase, product.pin_for_balance,
       product.pin_tries_max, product.transaction_max_minor, product.day_amount_max_minor,
       product.day_count_max
FROM directory.card JOIN directory.product ON product.id = card.product_id
WHERE card.pan_index = ANY ($1::bytea[])
"""

_PRODUCT: Final = """
SELECT id, name, asset, pin_for_purchase, pin_for_balance, pin_tries_max, transaction_max_minor,
       day_amount_max_minor, day_count_max
FROM directory.product WHERE id = $1
"""

# One row a key set; a terminal without any has one row with nulls.
_TERMINALS: Final = """
SELECT merchant.merchant_id, terminal.terminal_id, merchant.id, merchant.state AS merchant_state,
       terminal.state, terminal.master_key, terminal.batch, terminal.version,
       key_set.created_at, key_set.verified_at, key_set.pin_key, key_set.mac_key,
       key_set.track_key
FROM unnest($1::text[], $2::text[]) AS wanted (merchant_id, terminal_id)
JOIN directory.terminal USING (merchant_id, terminal_id)
JOIN directory.merchant USING (merchant_id)
LEFT JOIN directory.terminal_key_set AS key_set USING (merchant_id, terminal_id)
ORDER BY merchant_id, terminal_id, key_set.created_at
"""


async def read_cards(
    connection: Connection, wanted: Collection[PanIndex], products: dict[Product, Product]
) -> dict[PanIndex, Card]:
    """The cards that exist among those wanted.

    Args:
        connection: To the directory's database.
        wanted: PAN indexes.
        products: Every product met so far, by itself; grows by what is met now.
    """
    return {row["pan_index"]: _card(row, products) for row in await connection.fetch(_CARDS, list(wanted))}


async def read_product(connection: Connection, product_id: int) -> Product:
    """The product with this id, which exists."""
    row = await connection.fetchrow(_PRODUCT, product_id)
    assert row is not None
    return Product(*row)


async def read_terminals(
    connection: Connection, wanted: Collection[tuple[str, str]]
) -> dict[tuple[str, str], Terminal]:
    """The terminals that exist among those wanted, by merchant and terminal identifier."""
    merchant_ids, terminal_ids = zip(*wanted, strict=True)
    rows = await connection.fetch(_TERMINALS, merchant_ids, terminal_ids)
    return {
        key: _terminal(list(of_terminal))
        for key, of_terminal in groupby(rows, lambda row: (row["merchant_id"], row["terminal_id"]))
    }


def microseconds(moment: datetime) -> int:
    """A moment as microseconds since 1970 (UTC)."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(at_us: int) -> datetime:
    """The inverse of `microseconds`."""
    return _EPOCH + at_us * _MICROSECOND


def _card(row: asyncpg.Record, products: dict[Product, Product]) -> Card:
    _, wallet_id, state, expiry, pin_salt, pin_value, *of_product = row
    product = Product(*of_product)
    # Cards share their product and the few texts of expiry: many cards are in memory.
    shared = products.setdefault(product, product)
    return Card(wallet_id, shared, CardState(state), intern(expiry), pin_salt, pin_value)


def _terminal(rows: list[asyncpg.Record]) -> Terminal:
    first = rows[0]
    merchant = Merchant(first["id"], first["merchant_id"], MerchantState(first["merchant_state"]))
    return Terminal(
        terminal_id=first["terminal_id"],
        merchant=merchant,
        state=TerminalState(first["state"]),
        master_key=first["master_key"],
        batch=first["batch"],
        key_sets=tuple(_key_set(row) for row in rows if row["created_at"] is not None),
        version=first["version"],
    )


def _key_set(row: asyncpg.Record) -> KeySet:
    return KeySet(
        created_at_us=microseconds(row["created_at"]),
        verified=row["verified_at"] is not None,
        pin_key=row["pin_key"],
        mac_key=row["mac_key"],
        track_key=row["track_key"],
    )
