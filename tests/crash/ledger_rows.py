"""The ledger's rows as an auditor reads them: plain SQL on the embedded server's socket."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypeVar

import asyncpg

from tests.crash.journal import Kind, Reference

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
T = TypeVar("T")

# Legs of kind 1 are a wallet's own, those of kind 4 what its cardholder owes: the reversal of a void has to
# post, even if the wallet is short of it. What moved no money has no entry and is no posting.
_POSTINGS = """
SELECT t.terminal_id, t.batch, t.stan, k.name, sum(e.amount_minor)::bigint AS amount_minor,
       (-coalesce(sum(e.amount_minor) FILTER (WHERE e.account_kind = 4), 0))::bigint AS owed_minor
  FROM ledger.transaction t
  JOIN ledger.transaction_kind k ON k.id = t.kind
  JOIN ledger.entry e ON e.business_date = t.business_date AND e.transaction_id = t.id
 WHERE k.name <> 'WALLET_OPENING' AND e.account_kind IN (1, 4)
 GROUP BY t.business_date, t.id, t.terminal_id, t.batch, t.stan, k.name
"""

_GAPS = """
SELECT wallet_id FROM ledger.wallet_event
 GROUP BY wallet_id HAVING min(version) <> 1 OR max(version) <> count(*)
"""

# What a wallet held after each of its events is the sum of its legs so far.
_OVERDRAWN = """
SELECT DISTINCT account_id FROM (
    SELECT account_id, sum(amount_minor) OVER (PARTITION BY account_id ORDER BY wallet_version) AS held_minor
      FROM ledger.entry WHERE account_kind = 1) AS history
 WHERE held_minor < 0
"""

_KINDS = {
    "PURCHASE": Kind.SALE,
    "PURCHASE_REVERSAL": Kind.SALE_REVERSAL,
    "PURCHASE_VOID": Kind.VOID,
    "PURCHASE_VOID_REVERSAL": Kind.VOID_REVERSAL,
}


class Posting(NamedTuple):
    """Money that was moved for a cardholder: negative if it was spent."""

    kind: Kind
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Rows:
    """What the ledger has posted."""

    postings: dict[Reference, Counter[Posting]] = field(default_factory=dict)
    """By the terminal's name for it."""
    owed_minor: Counter[Reference] = field(default_factory=Counter)
    """What wallets were short of when a posting had to be made; negative where that was given back."""
    gaps: list[int] = field(default_factory=list)
    """Wallets whose versions have a gap."""
    overdrawn: list[int] = field(default_factory=list)
    """Wallets that held less than nothing after one of their events."""


def read_rows(home: Path) -> Rows:
    """Everything that was ever posted, and wallets whose history is not what it must be."""
    return ask(home, _read)


def ask(home: Path, question: Callable[[Connection], Awaitable[T]]) -> T:
    """Open a session with the server of a home, and ask it something."""
    (mark,) = home.rglob("postmaster.pid")

    async def asked() -> T:
        connection = await asyncpg.connect(host=str(mark.parent), user="cardswitch", database="cardswitch")
        try:
            return await question(connection)
        finally:
            connection.terminate()  # the server may have been killed by the question

    return asyncio.run(asked())


async def _read(connection: Connection) -> Rows:
    gaps, overdrawn = [[row[0] for row in await connection.fetch(query)] for query in (_GAPS, _OVERDRAWN)]
    rows = Rows(gaps=gaps, overdrawn=overdrawn)
    for *reference, kind, amount_minor, owed_minor in await connection.fetch(_POSTINGS):
        named = Reference(*reference)
        rows.postings.setdefault(named, Counter())[Posting(_KINDS[kind], amount_minor)] += 1
        if owed_minor:
            rows.owed_minor[named] += owed_minor
    return rows
