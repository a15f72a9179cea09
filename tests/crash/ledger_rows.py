"""The ledger's rows as an auditor reads them: plain SQL on the embedded server's socket."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, TypeVar

import asyncpg

from tests.crash.journal import Kind, Reference

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
T = TypeVar("T")

# A wallet's own legs have the kind 1. What moved no money has no entry and is no posting.
_POSTINGS = """
SELECT t.terminal_id, t.batch, t.stan, k.name, sum(e.amount_minor)::bigint
  FROM ledger.transaction t
  JOIN ledger.transaction_kind k ON k.id = t.kind
  JOIN ledger.entry e ON e.business_date = t.business_date AND e.transaction_id = t.id AND e.account_kind = 1
 WHERE k.name <> 'WALLET_OPENING'
 GROUP BY t.business_date, t.id, t.terminal_id, t.batch, t.stan, k.name
"""

_GAPS = """
SELECT wallet_id FROM ledger.wallet_event
 GROUP BY wallet_id HAVING min(version) <> 1 OR max(version) <> count(*)
"""

_KINDS = {"PURCHASE": Kind.SALE, "PURCHASE_REVERSAL": Kind.REVERSAL}


@dataclass(frozen=True, slots=True)
class Rows:
    """What the ledger has posted."""

    postings: dict[Reference, Counter[tuple[Kind, int]]]
    """By sale: how often each kind of posting with each amount moved its wallet."""
    gaps: list[int]
    """Wallets whose versions have a gap."""


def read_rows(home: Path) -> Rows:
    """Everything that was ever posted, and wallets with gaps."""
    return ask(home, _read)


def ask(home: Path, question: Callable[[Connection], Awaitable[T]]) -> T:
    """Open a session with the server of a home, and ask it something."""
    (mark,) = home.rglob("postmaster.pid")

    async def asked() -> T:
        connection = await asyncpg.connect(host=str(mark.parent), user="cardswitch", database="cardswitch")
        try:
            return await question(connection)
        finally:
            await connection.close()

    return asyncio.run(asked())


async def _read(connection: Connection) -> Rows:
    postings: dict[Reference, Counter[tuple[Kind, int]]] = {}
    for terminal_id, batch, stan, kind, amount_minor in await connection.fetch(_POSTINGS):
        of_sale = postings.setdefault(Reference(terminal_id, batch, stan), Counter())
        of_sale[_KINDS[kind], amount_minor] += 1
    return Rows(postings, [row[0] for row in await connection.fetch(_GAPS)])
