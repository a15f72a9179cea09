"""The audit's table: appended to at the end of a transaction, and read back in order.

One row says where the log ends. Whoever appends locks it, so that rows follow each other without gaps
whatever the number of nodes. Nothing trusts that row alone: verification reads every row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from directory.audit_chain import GENESIS, AuditRow, Examiner, Finding, Head
from directory.reading import Connection

_FETCH: Final = 2_000
_COLUMNS: Final = ", ".join(AuditRow._fields)
_LOCK_END: Final = "SELECT seq, hash FROM directory.audit_end FOR UPDATE"
_MOVE_END: Final = "UPDATE directory.audit_end SET seq = $1, hash = $2"
_APPEND: Final = f"""
INSERT INTO directory.audit ({_COLUMNS})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""
# Rows and end in one statement: both are of one snapshot, whatever is appended meanwhile.
_ALL: Final = f"""
SELECT log_end.seq AS end_seq, log_end.hash AS end_hash, log.*
FROM directory.audit_end AS log_end LEFT JOIN (SELECT {_COLUMNS} FROM directory.audit) AS log ON true
ORDER BY log.seq
"""
_NEWEST: Final = f"""
SELECT {_COLUMNS} FROM directory.audit
WHERE ($1 = '' OR party_id IN (SELECT id FROM directory.party WHERE starts_with(lineage, $1)))
  AND ($2 = '' OR operator = $2) AND ($3 = '' OR kind = $3) AND ($4 = '' OR subject = $4)
  AND ($5 = '' OR starts_with(action, $5)) AND seq < $6
ORDER BY seq DESC LIMIT $7
"""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows somebody asks for; an empty text asks for all."""

    operator: str = ""
    kind: str = ""
    subject: str = ""
    action: str = ""
    below: int = 2**62
    limit: int = 100


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What a verification found.

    Attributes:
        rows: How many were read.
        head: Where the log ends: worth keeping elsewhere.
        findings: What is wrong, in order.
    """

    rows: int
    head: Head
    findings: Sequence[Finding]


async def lock_end(connection: Connection) -> Head:
    """Where the log ends; nobody else appends until this transaction ends."""
    row = await connection.fetchrow(_LOCK_END)
    assert row is not None
    return Head(*row)


async def append(connection: Connection, rows: Sequence[AuditRow]) -> None:
    """Append rows inside the caller's transaction; number, previous and hash are given to them here."""
    seq, last = await lock_end(connection)
    placed = []
    for row in rows:
        seq += 1
        placed.append(row._replace(seq=seq).chained(last))
        last = placed[-1].hash
    await connection.executemany(_APPEND, placed)
    await connection.execute(_MOVE_END, seq, last)


async def newest(connection: Connection, lineage: str, wanted: AuditFilter) -> list[AuditRow]:
    """The newest rows of parties whose lineage begins so, newest first."""
    texts = (wanted.operator, wanted.kind, wanted.subject, wanted.action)
    rows = await connection.fetch(_NEWEST, lineage, *texts, wanted.below, wanted.limit)
    return [AuditRow(*row) for row in rows]


async def verify(connection: Connection, kept: Mapping[int, bytes]) -> AuditReport:
    """Read the whole log and name what is wrong in it.

    Args:
        connection: Inside a transaction.
        kept: Hashes that were kept elsewhere, by the numbers of their rows.
    """
    examiner = Examiner(kept)
    head = Head(0, GENESIS)
    async for end_seq, end_hash, *row in connection.cursor(_ALL, prefetch=_FETCH):
        head = Head(end_seq, end_hash)
        if row[0] is not None:
            examiner.see(AuditRow(*row))
    return AuditReport(examiner.count, head, examiner.finish(head))
