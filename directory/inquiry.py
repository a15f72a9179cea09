"""Reading the directory for people who look for a transaction: names in, the ledger's numbers out."""

from directory.reading import Connection, read_products
from directory.records import PanIndex, Product
from storage.database import database_errors


async def terminals_named(connection: Connection, terminal_id: str) -> list[tuple[str, str]]:
    """Every terminal with this field 41, as (merchant, terminal); merchants number theirs on their own.

    Raises:
        DatabaseUnavailable: It could not be read.
    """
    with database_errors():
        rows = await connection.fetch(
            "SELECT merchant_id, terminal_id FROM directory.terminal WHERE terminal_id = $1", terminal_id
        )
    return [(merchant, terminal) for merchant, terminal in rows]


async def wallet_of_card(connection: Connection, pan_index: PanIndex) -> int | None:
    """The wallet of a card, None if there is no such card.

    Raises:
        DatabaseUnavailable: It could not be read.
    """
    with database_errors():
        wallet = await connection.fetchval(
            "SELECT wallet_id FROM directory.card WHERE pan_index = $1 AND number_until_us IS NULL", pan_index
        )
    assert wallet is None or isinstance(wallet, int)
    return wallet


async def product_of_wallet(connection: Connection, wallet_id: int) -> Product | None:
    """The product of the card that owns a wallet now, None if there is none.

    Raises:
        DatabaseUnavailable: It could not be read.
    """
    with database_errors():
        product = await connection.fetchval(
            "SELECT product_id FROM directory.card WHERE wallet_id = $1 AND state <> 'replaced'", wallet_id
        )
        found = {} if product is None else await read_products(connection, [product])
    return found.get(product)
