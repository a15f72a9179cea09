"""The audit's table: appended to inside the transaction of what it tells about, and read back in order.

`append` runs in the caller's database transaction, so an operation and its record are stored together or not
at all; a refusal is recorded in a transaction of its own. One row, `hsm.audit_end`, says where the log ends.
Whoever appends locks it, so that records follow each other without gaps whatever the number of nodes. Nothing
trusts that row: verification reads the records themselves, and a signed head kept elsewhere proves their end.
"""

from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

import asyncpg

from hsm_soft.audit.record import AuditEntry, chained, encode_record
from storage.database import database_errors

__all__ = ["AuditLog", "StoredRecord", "stored_records"]

_FETCH = 2_000
_LOCK_END = "SELECT size, hash FROM hsm.audit_end FOR UPDATE"
_APPEND = "INSERT INTO hsm.audit (seq, record, hash) VALUES ($1, $2, $3)"
_MOVE_END = "UPDATE hsm.audit_end SET size = $1, hash = $2"
_READ = "SELECT seq, record, hash FROM hsm.audit ORDER BY seq"


class StoredRecord(NamedTuple):
    """A record as it is kept: its number, its canonical text and its place in the chain."""

    seq: int
    record: str
    hash: bytes


class AuditLog:
    """Appends to the audit.

    Args:
        now_us: the time, microseconds since the epoch.
    """

    def __init__(self, now_us: Callable[[], int]) -> None:
        self._now_us = now_us

    async def append(self, connection: "asyncpg.Connection[asyncpg.Record]", entry: AuditEntry) -> int:
        """Add an entry inside the caller's transaction, or in one of its own where none is begun.

        Returns:
            The record's number.

        Raises:
            DatabaseUnavailable: the database refuses or went away; then nothing of the caller's is stored.
        """
        with database_errors():
            async with connection.transaction():
                end = await connection.fetchrow(_LOCK_END)
                assert end is not None
                seq = end["size"] + 1
                record = encode_record(seq, self._now_us(), entry)
                digest = chained(end["hash"], record)
                await connection.execute(_APPEND, seq, record.decode("ascii"), digest)
                await connection.execute(_MOVE_END, seq, digest)
        return int(seq)


async def stored_records(connection: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[StoredRecord]:
    """Every record in order, from one snapshot.

    Raises:
        DatabaseUnavailable: the database refuses or went away.
    """
    with database_errors():
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            async for row in connection.cursor(_READ, prefetch=_FETCH):
                yield StoredRecord(*row)
