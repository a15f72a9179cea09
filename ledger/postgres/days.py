"""Business days: closed and opened at the cutover, sealed with their balances, and put away in the end.

The cutover is one short transaction: the open day is closed, the next one opened, and open date and epoch of
every writer move on, in the order of their ids. A group that is being written is of the old day, and the
cutover waits for it; one that comes later fails its writer's fence and is decided again for the new day.

From then on nothing can change the closed day, so it is sealed beside the running switch: the balance of each
account that moved is written down (`account_balance`), and the day's seal is a hash over the seal before it,
the hash of each commit group of the day, and those balances. Somebody who changes a row of a sealed day has
to change every seal since; whoever kept a later one, outside, knows.

A program that dies in between leaves a day that is closed and not sealed. The next close seals it first: days
are sealed in order. Partitions are made some days ahead, and those of a sealed day may be taken out of the
journal once nothing there is waited for; its balances and its seal stay.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from hashlib import sha256
from typing import Final, NamedTuple

import asyncpg

from ledger.postgres import statements
from ledger.postgres.chain import day_seal
from storage.database import database_errors

DAYS_AHEAD: Final = 3
"""For so many days after the open one partitions are ready: a long weekend without anybody to close a day."""

_FETCH: Final = 5_000
_PATIENCE: Final = "SET LOCAL lock_timeout = '10s'"


class DayRefused(Exception):
    """A business day isn't in the state that this takes; nothing was changed."""


class Sealed(NamedTuple):
    """What a day's seal covers."""

    business_date: date
    groups: int
    transactions: int
    entries: int
    seal: bytes


class DayClose(NamedTuple):
    """What closing did: the day that is open now, and the days that were sealed."""

    opened: date
    sealed: list[Sealed]


async def close_day(connection: "asyncpg.Connection[asyncpg.Record]", day: date | None = None) -> DayClose:
    """Close the open day, open the next, and seal every closed day that isn't sealed yet.

    Args:
        connection: outside a transaction.
        day: the day to close. If it is closed already, only sealing is left to do: this may be repeated.

    Raises:
        DayRefused: `day` isn't open yet, or somebody holds a writer for too long.
        DatabaseUnavailable: the database refuses or went away; what is missing is done by the next close.
    """
    with database_errors(), _patience():
        open_date = await _open_date(connection)
        if day is not None and day > open_date:
            raise DayRefused(f"{day} is not open yet: {open_date} is")
        if day is None or day == open_date:
            await prepare_days(connection, open_date + timedelta(days=1))
            open_date = await _cut_over(connection, open_date)
        return DayClose(open_date, await _seal_closed(connection))


async def prepare_days(connection: "asyncpg.Connection[asyncpg.Record]", day: date) -> None:
    """Make the partitions of a day that is open or will be, and of those ahead of it."""
    for ahead in range(DAYS_AHEAD + 1):
        await connection.execute(statements.MAKE_PARTITIONS, day + timedelta(days=ahead))


async def _open_date(connection: "asyncpg.Connection[asyncpg.Record]") -> date:
    open_date = await connection.fetchval(statements.OPEN_DAY)
    if open_date is None:
        raise DayRefused("no day was opened yet")
    assert isinstance(open_date, date)
    return open_date


async def _cut_over(connection: "asyncpg.Connection[asyncpg.Record]", day: date) -> date:
    """Close `day`, unless another has meanwhile; the day that is open then."""
    async with connection.transaction():
        await connection.execute(_PATIENCE)
        next_date = day + timedelta(days=1)
        if await connection.fetchval(statements.CLOSE_DAY, day) is None:
            raise DayRefused(f"{day} was closed just now")
        await connection.execute(statements.OPEN_NEXT_DAY, next_date)
        await connection.execute(statements.MOVE_WRITERS, next_date)
    return next_date


async def _seal_closed(connection: "asyncpg.Connection[asyncpg.Record]") -> list[Sealed]:
    rows = await connection.fetch(statements.CLOSED_UNSEALED)
    sealed = [await _seal(connection, row[0]) for row in rows]
    return [each for each in sealed if each is not None]


async def _seal(connection: "asyncpg.Connection[asyncpg.Record]", day: date) -> Sealed | None:
    """Write a closed day's balances and its seal; None if another has meanwhile."""
    async with connection.transaction():
        await connection.execute(statements.LOCK_DAY, day)
        previous = await connection.fetchrow(statements.SEAL_BEFORE, day)
        if await connection.fetchval(statements.IS_SEALED, day):
            return None
        await connection.execute(statements.WRITE_BALANCES, day)
        seal = await sealed_by(connection, day, b"" if previous is None else previous[0])
        groups, transactions, entries = await connection.fetchrow(statements.DAY_COUNTS, day) or (0, 0, 0)
        sealed = Sealed(day, groups, transactions, entries, seal)
        await connection.execute(statements.WRITE_SEAL, *sealed)
    return sealed


async def sealed_by(connection: "asyncpg.Connection[asyncpg.Record]", day: date, previous: bytes) -> bytes:
    """The seal that a day should have by its groups and balances, as they stand there.

    Args:
        connection: with a transaction begun.
        day: a closed day whose balances are written.
        previous: the seal of the sealed day before it, empty for the first.
    """
    groups = await _digest(connection, statements.GROUP_BYTES, day)
    balances = await _digest(connection, statements.BALANCE_BYTES, day)
    return day_seal(previous, day, groups, balances)


async def _digest(connection: "asyncpg.Connection[asyncpg.Record]", query: str, day: date) -> bytes:
    digest = sha256()
    async for row in connection.cursor(query, day, prefetch=_FETCH):
        digest.update(row[0])
    return digest.digest()


async def detach_days(connection: "asyncpg.Connection[asyncpg.Record]", through: date) -> list[date]:
    """Take the partitions of the oldest days out of the journal; they stay as tables, to be archived.

    What was answered on those days is forgotten with them, so it must be long ago: a terminal that used a
    batch number again would not be recognised, and a refund would not find its original.

    Args:
        connection: outside a transaction.
        through: the last day to take out.

    Raises:
        DayRefused: a day isn't sealed, or has a hold that hasn't lapsed.
        DatabaseUnavailable: the database refuses or went away; the days told of so far are done.
    """
    with database_errors(), _patience():
        rows = await connection.fetch(statements.ATTACHED_DAYS, through)
        return [await _detach(connection, row[0]) for row in rows]


async def _detach(connection: "asyncpg.Connection[asyncpg.Record]", day: date) -> date:
    async with connection.transaction():
        await connection.execute(_PATIENCE)
        if not await connection.fetchval(statements.IS_SEALED, day):
            raise DayRefused(f"{day} is not sealed")
        if await connection.fetchval(statements.HAS_HOLDS, day):
            raise DayRefused(f"{day} has a hold that has not lapsed")
        await connection.execute(statements.FORGET_ANSWERS, day)
        await connection.execute(statements.DETACH_PARTITIONS, day)
        await connection.execute(statements.NOTE_DETACHED, day)
    return day


@contextmanager
def _patience() -> Iterator[None]:
    """Nobody waits for ever behind somebody who holds a writer or a partition."""
    try:
        yield
    except asyncpg.LockNotAvailableError:
        raise DayRefused("somebody else holds the ledger for too long; try again") from None
