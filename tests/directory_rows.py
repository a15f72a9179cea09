"""Rows of the directory, stored as they are: for tests of what reads them, which need no back office."""

from directory.parties import PLATFORM_ID
from directory.product_terms import document_of
from directory.reading import Connection
from directory.records import Merchant, Product, TerminalState


async def add_merchant(connection: Connection, merchant: Merchant, *, name: str, category: str) -> None:
    """A merchant of the platform's."""
    await connection.execute(
        """INSERT INTO directory.merchant (id, merchant_id, state, name, category, party_id)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        *(merchant.id, merchant.merchant_id, merchant.state, name, category, PLATFORM_ID),
    )


async def add_product(connection: Connection, product: Product) -> None:
    """A product with its versions."""
    await connection.execute(
        "INSERT INTO directory.product (id, party_id, code, name) VALUES ($1, $2, $3, $4)",
        *(product.id, product.party_id, product.code, product.name),
    )
    await connection.executemany(
        """INSERT INTO directory.product_version (product_id, version, effective_from_us, terms, added_us)
           VALUES ($1, $2, $3, $4, 0)""",
        [
            (product.id, each.number, each.effective_from_us, document_of(each.terms))
            for each in product.versions
        ],
    )


async def add_terminal(
    connection: Connection, merchant_id: str, terminal_id: str, *, master_key: str
) -> None:
    """A terminal in use, whose first batch is open."""
    await connection.execute(
        """INSERT INTO directory.terminal
               (merchant_id, terminal_id, state, master_key, batch, batch_opened_us)
           VALUES ($1, $2, $3, $4, '000001', 1)""",
        *(merchant_id, terminal_id, TerminalState.ACTIVE, master_key),
    )
