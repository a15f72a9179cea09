"""One lane's connection to PostgreSQL: reads what a group needs, writes it, and learns what became of it.

The session is plain request and answer; it keeps no state of the ledger but the connection. No call here is
given a time limit: cancelling a statement that is committing can report a failure although the row appears
later. Warning 01000 after a commit means that a synchronous standby has not confirmed it, so the outcome
counts as unknown.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import asyncpg

from ledger.chart import AccountKind, Leg
from ledger.intent import Intent
from ledger.original import Original
from ledger.postgres import statements
from ledger.postgres.chain import TransactionRow, genesis
from ledger.postgres.columns import byte_strings, columns, numbers, texts
from ledger.postgres.dedup import Found, found_of, keys_of, posted
from ledger.postgres.errors import GroupFailed, OutcomeUnknown, before_sending, translated
from ledger.postgres.group import Group
from storage.database import DatabaseUnavailable, connect

_SWAP = (*(numbers,) * 4, byte_strings)
_ASSERTION = (numbers,) * 2
_DEDUP = (byte_strings, numbers, numbers, byte_strings, numbers, byte_strings)
_TRANSACTION = (*(numbers,) * 13, *(texts,) * 6, numbers)
_EVENT = (numbers,) * 3
_ENTRY = (numbers,) * 9
_NOT_REPLICATED = "01000"


@dataclass(slots=True)
class WriterHead:
    """Where a writer stands: `seq` and `head` of its last group, its epoch, and the ledger's open date."""

    id: int
    epoch: int
    seq: int
    head: bytes
    open_date: date


@dataclass(frozen=True, slots=True)
class WalletRow:
    """A wallet as stored; `newest` is the version of its newest event."""

    id: int
    version: int
    key_id: int
    sealed: bytes
    newest: int | None


class SealedSwap(NamedTuple):
    """A wallet to write: from which version, to which, and the sealed state."""

    id: int
    expected: int
    version: int
    key_id: int
    sealed: bytes


class Session:
    """A connection with the committer's settings; see the module's docstring."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection
        self._unconfirmed = False
        connection.add_log_listener(self._on_notice)

    @classmethod
    async def open(cls, dsn: str, on_end: Callable[[], None]) -> "Session":
        """Connect.

        Args:
            dsn: where the database is.
            on_end: called when the connection has ended, by whomever.

        Raises:
            OutcomeUnknown: the database can't be reached now.
            GroupFailed: it refuses the committer's settings.
        """
        try:
            connection = await connect(dsn)
        except DatabaseUnavailable as error:
            raise OutcomeUnknown(str(error)) from None
        try:
            with translated():
                await connection.execute(statements.SESSION)
        except (OutcomeUnknown, GroupFailed):
            connection.terminate()
            raise
        connection.add_termination_listener(lambda _connection: on_end())
        return cls(connection)

    @property
    def is_open(self) -> bool:
        """Whether the connection stands, as far as is known without using it."""
        return not self._connection.is_closed()

    def _on_notice(self, _connection: object, message: object) -> None:
        if getattr(message, "sqlstate", None) == _NOT_REPLICATED:
            self._unconfirmed = True

    def terminate(self) -> None:
        """End the connection at once, without a word to the server."""
        self._connection.terminate()

    async def open_writer(self, writer: int) -> WriterHead:
        """Enter a new writer."""
        with translated():
            return await insert_writer(self._connection, writer)

    async def read_writer(self, writer: int) -> WriterHead:
        """Read the writer's row without a lock: enough after a certain failure."""
        return await self._writer(statements.READ_WRITER, writer)

    async def lock_writer(self, writer: int) -> WriterHead:
        """Read and lock the writer's row, inside a transaction."""
        return await self._writer(statements.LOCK_WRITER, writer)

    async def resolve_writer(self, writer: int) -> WriterHead:
        """Wait for whatever still writes as this writer, fence it, and read where the writer stands."""
        head = await self._writer(statements.RESOLVE_WRITER, writer)
        self._require_confirmation()
        return head

    async def _writer(self, statement: str, writer: int) -> WriterHead:
        with translated():
            row = await self._connection.fetchrow(statement, writer)
        assert row is not None
        return WriterHead(writer, *row)

    async def probe(self, keys: Sequence[bytes]) -> dict[bytes, Found]:
        """The duplicate keys that are taken."""
        with translated():
            return await probe(self._connection, keys)

    async def originals(self, days: Mapping[int, int]) -> dict[int, Original]:
        """The transactions with these numbers as they were posted.

        Args:
            days: the business date of each, as an ordinal, by its number.
        """
        arguments = ([date.fromordinal(day) for day in days.values()], list(days))
        with translated():
            rows = await self._connection.fetch(statements.ORIGINALS, *arguments)
            leg_rows = await self._connection.fetch(statements.ORIGINAL_LEGS, *arguments)
        legs: dict[int, list[Leg]] = {number: [] for number in days}
        for number, kind, *rest in leg_rows:
            legs[number].append(Leg(AccountKind(kind), *rest))
        originals = [posted(TransactionRow(*row), tuple(legs[row[0]]), day.toordinal()) for day, *row in rows]
        return {original.transaction_id: original for original in originals}

    async def load_wallets(self, ids: Sequence[int]) -> list[WalletRow]:
        """The stored rows of these wallets; a wallet that doesn't exist is left out."""
        with translated():
            rows = await self._connection.fetch(statements.LOAD_WALLETS, ids)
        return [WalletRow(*row) for row in rows]

    async def lock_wallets(self, ids: Sequence[int]) -> None:
        """Lock these wallets' rows in the order of their ids, inside a transaction."""
        with translated():
            await self._connection.execute(statements.LOCK_WALLETS, ids)

    async def begin(self) -> None:
        """Begin a transaction, for a group decided under row locks."""
        with translated():
            await self._connection.execute("BEGIN")

    async def commit(self) -> None:
        """Commit it. Only a lost connection leaves it unknown."""
        with translated():
            status = await self._connection.execute("COMMIT")
        assert status == "COMMIT"
        self._require_confirmation()

    async def roll_back(self) -> None:
        """Give the transaction up, if one is begun."""
        if not self._connection.is_closed() and self._connection.is_in_transaction():
            with translated():
                await self._connection.execute("ROLLBACK")

    async def write(self, writer: WriterHead, group: Group, digest: bytes, swaps: list[SealedSwap]) -> None:
        """Write a group as the writer's next one: a transaction of its own unless one is begun.

        Raises:
            GroupFailed: certainly not committed; its subclasses say why.
            OutcomeUnknown: nobody knows yet.
        """
        with before_sending():
            arguments = _group_arguments(writer, group, digest, swaps)
        with translated():
            await self._connection.execute(statements.COMMIT_GROUP, *arguments)
        self._require_confirmation()

    def _require_confirmation(self) -> None:
        if self._unconfirmed:
            self._unconfirmed = False
            raise OutcomeUnknown("replication not confirmed")


async def probe(
    connection: "asyncpg.Connection[asyncpg.Record]", keys: Sequence[bytes]
) -> dict[bytes, Found]:
    """The duplicate keys that are taken."""
    return {
        key: found_of(role, number, fingerprint, outcome, stored, business_date.toordinal())
        for key, role, number, fingerprint, outcome, stored, business_date in await connection.fetch(
            statements.PROBE, byte_strings(keys)
        )
    }


async def read_keys(
    look: Callable[[Sequence[bytes]], Awaitable[dict[bytes, Found]]], intents: Sequence[Intent]
) -> dict[bytes, Found]:
    """All that the table of duplicate keys knows of these intents and of what they refer to.

    One probe serves all but repeats and originals that were changed before. What changed an original must be
    seen together with the original as they are at one moment, so a further probe asks for all keys again.
    """
    keys = keys_of(intents)
    found = await look(keys)
    while found and len(more := keys_of(intents, found)) > len(keys):
        keys = more
        found = await look(keys)
    return found


async def insert_writer(connection: "asyncpg.Connection[asyncpg.Record]", writer: int) -> WriterHead:
    """Enter a new writer on the open day; the day may just be closed, then the next one is open."""
    row = await connection.fetchrow(statements.OPEN_WRITER, writer, genesis(writer))
    if row is None:
        row = await connection.fetchrow(statements.OPEN_WRITER, writer, genesis(writer))
    assert row is not None
    return WriterHead(writer, *row)


def _group_arguments(
    writer: WriterHead, group: Group, digest: bytes, swaps: list[SealedSwap]
) -> tuple[object, ...]:
    """What `COMMIT_GROUP` is told."""
    return (
        writer.id, writer.seq + 1, writer.epoch, writer.head, digest, writer.open_date,
        len(group.transactions),
        *columns(swaps, _SWAP),
        *columns(group.assertions(), _ASSERTION),
        *columns(sorted(group.dedup), _DEDUP),
        *columns(group.transactions, _TRANSACTION),
        *columns(group.events, _EVENT),
        *columns(group.entries, _ENTRY),
    )  # fmt: skip
