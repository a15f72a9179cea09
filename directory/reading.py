"""Rows to values: the queries that find cards and terminals, many keys at a time.

Used by the view on a miss and by the commands inside their transactions. Products are shared: cards of one
product refer to one object, however many queries they came by.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from sys import intern
from typing import Final, TypeAlias, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from directory.parties import PartyId
from directory.product_terms import CardService, terms_of
from directory.records import (
    Card,
    CardState,
    KeySet,
    Merchant,
    MerchantState,
    PanIndex,
    Product,
    ProductVersion,
    Terminal,
    TerminalState,
)

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
"""A session of one's own, or a pool's."""

Named = TypeVar("Named", str, int)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

_CARDS: Final = """
SELECT pan_index, wallet_id, product_id, state, expiry, pin_salt, pin_value, printed_expiry
FROM directory.card WHERE pan_index = ANY ($1::bytea[]) AND number_until_us IS NULL
"""

_PRODUCTS: Final = """
SELECT product.id, product.code, product.name, product.party_id,
       version.version, version.effective_from_us, version.terms
FROM directory.product JOIN directory.product_version AS version ON version.product_id = product.id
WHERE product.id = ANY ($1::bigint[]) ORDER BY product.id, version.effective_from_us
"""

# One row a key set; a terminal without any has one row with nulls.
_TERMINALS: Final = """
SELECT merchant.merchant_id, terminal.terminal_id, merchant.id, merchant.state AS merchant_state,
       merchant.category, merchant.services AS merchant_services, merchant.accepts AS merchant_accepts,
       terminal.state, terminal.master_key, terminal.batch, terminal.version,
       terminal.services, terminal.accepts,
       key_set.created_at, key_set.verified_at, key_set.pin_key, key_set.mac_key,
       key_set.track_key
FROM unnest($1::text[], $2::text[]) AS wanted (merchant_id, terminal_id)
JOIN directory.terminal USING (merchant_id, terminal_id)
JOIN directory.merchant USING (merchant_id)
LEFT JOIN directory.terminal_key_set AS key_set USING (merchant_id, terminal_id)
ORDER BY merchant_id, terminal_id, key_set.created_at
"""


async def read_cards(
    connection: Connection, wanted: Collection[PanIndex], products: dict[int, Product]
) -> dict[PanIndex, Card]:
    """The cards that exist among those wanted.

    Args:
        connection: To the directory's database.
        wanted: PAN indexes.
        products: Every product met so far, by its id, as it was met last.
    """
    rows = await connection.fetch(_CARDS, list(wanted))
    for product_id, read in (await read_products(connection, {row["product_id"] for row in rows})).items():
        if products.get(product_id) != read:
            products[product_id] = read
    return {row["pan_index"]: _card(row, products) for row in rows}


async def read_products(connection: Connection, wanted: Collection[int]) -> dict[int, Product]:
    """The products that exist among those wanted, by id, each with all its versions."""
    rows = await connection.fetch(_PRODUCTS, list(wanted))
    return {key: _product(list(of_product)) for key, of_product in groupby(rows, lambda row: row["id"])}


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


def _card(row: asyncpg.Record, products: dict[int, Product]) -> Card:
    _, wallet_id, product_id, state, expiry, pin_salt, pin_value, printed_expiry = row
    # Cards share their product and the few texts of expiry: many cards are in memory.
    return Card(
        *(wallet_id, products[product_id], CardState(state), intern(expiry), pin_salt, pin_value),
        intern(printed_expiry),
    )


def _product(rows: list[asyncpg.Record]) -> Product:
    first = rows[0]
    versions = [
        ProductVersion(row["version"], row["effective_from_us"], terms_of(row["terms"])) for row in rows
    ]
    return Product(first["id"], first["code"], first["name"], tuple(versions), PartyId(first["party_id"]))


def _terminal(rows: list[asyncpg.Record]) -> Terminal:
    first = rows[0]
    state = MerchantState(first["merchant_state"])
    merchant = Merchant(first["id"], first["merchant_id"], state, intern(first["category"]))
    return Terminal(
        terminal_id=first["terminal_id"],
        merchant=merchant,
        state=TerminalState(first["state"]),
        master_key=first["master_key"] or "",
        batch=first["batch"],
        key_sets=tuple(_key_set(row) for row in rows if row["created_at"] is not None),
        version=first["version"],
        offers=_offered(_both(first["merchant_services"], first["services"])),
        accepts=_accepted(_both(first["merchant_accepts"], first["accepts"])),
    )


def _both(of_merchant: list[Named] | None, of_terminal: list[Named] | None) -> frozenset[Named] | None:
    """What is in both lists, of which a missing one holds everything."""
    if of_merchant is None or of_terminal is None:
        only = of_terminal if of_merchant is None else of_merchant
        return None if only is None else frozenset(only)
    return frozenset(of_merchant).intersection(of_terminal)


@lru_cache(maxsize=1_000)
def _offered(names: frozenset[str] | None) -> frozenset[CardService] | None:
    """Services by their names; terminals share the few sets there are."""
    return None if names is None else frozenset(map(CardService, names))


@lru_cache(maxsize=1_000)
def _accepted(product_ids: frozenset[int] | None) -> frozenset[int] | None:
    """The set itself; terminals share the few there are."""
    return product_ids


def _key_set(row: asyncpg.Record) -> KeySet:
    return KeySet(
        created_at_us=microseconds(row["created_at"]),
        verified=row["verified_at"] is not None,
        pin_key=row["pin_key"],
        mac_key=row["mac_key"],
        track_key=row["track_key"],
    )
