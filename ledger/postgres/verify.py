"""`ledger verify`: is every row of the ledger what it should be? Names each row that isn't.

The checks read one snapshot (REPEATABLE READ, read only), so they hold beside a running switch. Those that
SQL can make are data below: a query that returns one text a bad row. Two need the program: seals are opened
and compared with the sum of the wallet's entries, and the hash chain of each writer is computed anew from the
journal.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import asyncpg
from asyncpg.cursor import CursorFactory

from ledger.chart import AccountKind
from ledger.postgres.chain import EntryRow, TransactionRow, genesis, group_hash
from ledger.sealer import SealBroken, Sealer, state_in
from ledger.wallet import UnreadableState

_FETCH = 5_000
_TRANSACTION = ", ".join(f"t.{column}" for column in TransactionRow._fields)
_ENTRY = ", ".join(f"e.{column}" for column in EntryRow._fields)


# Transactions that moved money by taking something back, and those of them that nothing took back since.
_UNDO = """
        undo AS (
            SELECT DISTINCT t.id, t.original_id FROM ledger.transaction t
              JOIN ledger.entry e ON e.business_date = t.business_date AND e.transaction_id = t.id
             WHERE t.original_id IS NOT NULL),
        standing AS (
            SELECT * FROM undo u WHERE NOT EXISTS (SELECT FROM undo later WHERE later.original_id = u.id))"""


class Offence(NamedTuple):
    """A row that fails a check."""

    check: str
    row: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked, how many rows were read, and what is wrong."""

    checks: tuple[str, ...]
    wallets: int
    transactions: int
    offences: tuple[Offence, ...]

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.offences


SQL_CHECKS = {
    "legs of a transaction sum to zero": """
        SELECT 'transaction ' || transaction_id || ', asset ' || asset || ': ' || sum(amount_minor)
          FROM ledger.entry GROUP BY business_date, transaction_id, asset HAVING sum(amount_minor) <> 0""",
    "every entry has its transaction, approved": """
        SELECT 'entry ' || e.transaction_id || '/' || e.leg FROM ledger.entry e
          LEFT JOIN ledger.transaction t ON t.business_date = e.business_date AND t.id = e.transaction_id
         WHERE t.id IS NULL OR t.outcome <> 0""",
    "every entry of a wallet has its event": """
        SELECT 'entry ' || e.transaction_id || '/' || e.leg FROM ledger.entry e
          LEFT JOIN ledger.wallet_event v ON v.wallet_id = e.account_id AND v.version = e.wallet_version
                AND v.transaction_id = e.transaction_id
         WHERE e.account_kind = 1 AND v.wallet_id IS NULL""",
    "every event has its transaction": """
        SELECT 'event of wallet ' || v.wallet_id || ', version ' || v.version FROM ledger.wallet_event v
          LEFT JOIN ledger.transaction t ON t.business_date = v.business_date AND t.id = v.transaction_id
         WHERE t.id IS NULL
            OR t.wallet_id IS NOT NULL AND (t.wallet_id, t.wallet_version) <> (v.wallet_id, v.version)""",
    "events of a wallet have no gap": """
        SELECT 'wallet ' || wallet_id FROM ledger.wallet_event
         GROUP BY wallet_id HAVING min(version) <> 1 OR max(version) <> count(*)""",
    "a wallet's version is its newest event's": """
        SELECT 'wallet ' || coalesce(w.id, v.wallet_id) || ': version ' || coalesce(w.version::text, 'none')
               || ', newest event ' || coalesce(v.newest::text, 'none')
          FROM ledger.wallet w FULL JOIN
               (SELECT wallet_id, max(version) AS newest FROM ledger.wallet_event GROUP BY wallet_id) v
               ON v.wallet_id = w.id
         WHERE w.version IS DISTINCT FROM v.newest""",
    "an original is taken back once": f"""
        WITH {_UNDO}
        SELECT 'original ' || original_id FROM standing GROUP BY original_id HAVING count(*) > 1""",
    # A cardholder's money and debt count as one here: the reversal of a void takes what is there of either.
    "an original is taken back exactly": f"""
        WITH {_UNDO},
        part AS (SELECT id AS undo_id, id FROM undo UNION ALL SELECT id, original_id FROM undo)
        SELECT DISTINCT 'transaction ' || p.undo_id FROM part p JOIN ledger.entry e ON e.transaction_id = p.id
         GROUP BY p.undo_id, CASE e.account_kind WHEN 4 THEN 1 ELSE e.account_kind END, e.account_id, e.asset
        HAVING sum(e.amount_minor) <> 0""",
    "nothing is owed for what stays taken back": f"""
        WITH {_UNDO},
        debt AS (
            SELECT coalesce(void.original_id, t.original_id) AS original_id, sum(e.amount_minor) AS owed
              FROM ledger.entry e
              JOIN ledger.transaction t ON t.business_date = e.business_date AND t.id = e.transaction_id
              LEFT JOIN undo void ON void.id = t.original_id
             WHERE e.account_kind = 4 GROUP BY 1)
        SELECT 'original ' || d.original_id FROM debt d
         WHERE d.owed > 0
            OR d.owed < 0 AND EXISTS (SELECT FROM standing s WHERE s.original_id = d.original_id)""",
    "only the reversal of a void makes a cardholder owe": """
        SELECT 'entry ' || e.transaction_id || '/' || e.leg FROM ledger.entry e
          JOIN ledger.transaction t ON t.business_date = e.business_date AND t.id = e.transaction_id
         WHERE e.account_kind = 4 AND e.amount_minor < 0 AND t.kind <> 5""",
    "a duplicate key leads to its transaction": """
        SELECT 'key ' || encode(d.key, 'hex') FROM ledger.dedup d
          LEFT JOIN ledger.transaction t ON t.business_date = d.business_date AND t.id = d.transaction_id
         WHERE t.id IS NULL OR t.outcome <> d.outcome""",
    "a writer stands where its last group stands": """
        SELECT 'writer ' || coalesce(w.id, g.writer) FROM ledger.writer w FULL JOIN
               (SELECT DISTINCT ON (writer) writer, seq, hash FROM ledger.commit_group
                 ORDER BY writer, seq DESC) g ON g.writer = w.id
         WHERE (w.seq, w.head) IS DISTINCT FROM (coalesce(g.seq, 0), coalesce(g.hash, w.head))""",
}

SEALS = "seals open and equal the journal"
CHAIN = "the hash chain is whole"


async def verify(connection: "asyncpg.Connection[asyncpg.Record]", sealer: Sealer) -> Report:
    """Check the whole ledger.

    Args:
        connection: to a migrated database, with no transaction begun.
        sealer: opens the wallets.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        offences = [
            Offence(check, row[0])
            for check, query in SQL_CHECKS.items()
            for row in await connection.fetch(query)
        ]
        wallets = await _verify_seals(connection, sealer, offences)
        transactions = await _verify_chain(connection, offences)
    return Report((*SQL_CHECKS, SEALS, CHAIN), wallets, transactions, tuple(offences))


async def _verify_seals(
    connection: "asyncpg.Connection[asyncpg.Record]", sealer: Sealer, offences: list[Offence]
) -> int:
    query = """
        SELECT w.id, w.version, w.key_id, w.sealed, coalesce(b.balance, 0)::bigint AS balance
          FROM ledger.wallet w LEFT JOIN
               (SELECT account_id, sum(amount_minor) AS balance FROM ledger.entry
                 WHERE account_kind = $1 GROUP BY account_id) b ON b.account_id = w.id"""
    cursor = await connection.cursor(query, int(AccountKind.WALLET_CASH))
    count = 0
    while rows := await cursor.fetch(_FETCH):
        count += len(rows)
        opened = await sealer.open_wallets([tuple(row)[:4] for row in rows])
        for row, state in zip(rows, opened, strict=True):
            wrong = _seal_defect(state, row["balance"])
            if wrong is not None:
                offences.append(Offence(SEALS, f"wallet {row['id']}: {wrong}"))
    return count


def _seal_defect(opened: bytes | None, journal_minor: int) -> str | None:
    try:
        state = state_in(opened)
    except (SealBroken, UnreadableState) as defect:
        return type(defect).__name__
    return None if state.balance_minor == journal_minor else "sealed balance differs from its entries"


async def _verify_chain(connection: "asyncpg.Connection[asyncpg.Record]", offences: list[Offence]) -> int:
    """Compute each writer's chain anew: groups, transactions and entries are read side by side, in order."""
    transactions = _InGroups(
        connection.cursor(
            f"SELECT t.writer, t.seq, t.business_date, {_TRANSACTION} FROM ledger.transaction t "
            "ORDER BY t.writer, t.seq, t.business_date, t.id",
            prefetch=_FETCH,
        )
    )
    entries = _InGroups(
        connection.cursor(
            f"SELECT t.writer, t.seq, t.business_date, {_ENTRY} FROM ledger.transaction t "
            "JOIN ledger.entry e ON e.business_date = t.business_date AND e.transaction_id = t.id "
            "ORDER BY t.writer, t.seq, t.business_date, e.transaction_id, e.leg",
            prefetch=_FETCH,
        )
    )
    total, writer, head, last_seq = 0, 0, b"", 0
    groups = connection.cursor(
        "SELECT writer, seq, business_date, previous_hash, hash, transactions FROM ledger.commit_group "
        "ORDER BY writer, seq, business_date",
        prefetch=_FETCH,
    )
    async for group_writer, seq, business_date, previous, digest, count in groups:
        if group_writer != writer:
            writer, head, last_seq = group_writer, genesis(group_writer), 0
        rows = [TransactionRow(*row) for row in await transactions.take((writer, seq, business_date))]
        legs = [EntryRow(*row) for row in await entries.take((writer, seq, business_date))]
        computed = group_hash(previous, writer, seq, business_date.toordinal(), rows, legs)
        if (seq, previous, digest, count) != (last_seq + 1, head, computed, len(rows)):
            offences.append(Offence(CHAIN, f"group {writer}/{seq}"))
        head, last_seq, total = digest, seq, total + len(rows)
    await transactions.drain()
    offences.extend(Offence(CHAIN, f"transaction {row[0]} is in no group") for row in transactions.strays)
    return total


class _InGroups:
    """Rows of a cursor that is ordered by group (writer, seq, business date), handed out group by group.

    `strays` are the rows that belong to no group.
    """

    def __init__(self, cursor: "CursorFactory[asyncpg.Record]") -> None:
        self._rows = aiter(cursor)
        self._ahead: asyncpg.Record | None = None
        self.strays: list[tuple[Any, ...]] = []

    async def take(self, key: tuple[int, int, date]) -> list[tuple[Any, ...]]:
        """The rows of a group, without its three columns; rows that should have come before are strays."""
        taken: list[tuple[Any, ...]] = []
        while (row := await self._peek()) is not None and tuple(row[:3]) <= key:
            self._ahead = None
            (taken if tuple(row[:3]) == key else self.strays).append(tuple(row[3:]))
        return taken

    async def drain(self) -> None:
        """What is left belongs to no group."""
        while (row := await self._peek()) is not None:
            self._ahead = None
            self.strays.append(tuple(row[3:]))

    async def _peek(self) -> asyncpg.Record | None:
        if self._ahead is None:
            self._ahead = await anext(self._rows, None)
        return self._ahead
