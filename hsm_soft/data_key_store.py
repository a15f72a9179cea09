"""Data keys in the database: made with the installation, rotated, retired and destroyed; all of it audited.

    current ──rotate──▶ previous ──retire──▶ retired ──destroy──▶ destroyed
    seals and opens     opens                opens                gone, and so is what only it opens

Which key is current follows from the numbers alone (`data_keys`); the table adds when a key was retired and
destroyed. Both need that no row is sealed under it, which the caller counts, as the rows are other packages'.
A key is retired no sooner than a minute after its successor was made, when every node seals under that one,
and destroyed no sooner than a day after it was retired; and the rows are counted again.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeAlias

import asyncpg

from hsm_soft.audit.log import AuditLog
from hsm_soft.audit.record import AuditEntry
from hsm_soft.data_keys import DATA_KEY_USAGES, DataKey
from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import Hsm
from hsm_soft.key_block import KeyBlock
from hsm_soft.key_usage import KeyUsage
from storage.database import database_errors

__all__ = [
    "DESTROY_AFTER",
    "RETIRE_AFTER",
    "DataKeyRefused",
    "RowsUnder",
    "StoredDataKey",
    "current_ids",
    "destroy_data_key",
    "hand_over_data_keys",
    "open_data_keys",
    "retire_data_key",
    "rotate_data_key",
    "stored_data_keys",
]

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

RowsUnder: TypeAlias = Callable[[DataKey], Awaitable[int]]
"""How many rows are sealed under a data key now."""

RETIRE_AFTER: Final = timedelta(minutes=1)
DESTROY_AFTER: Final = timedelta(days=1)

_BY_LABEL: Final = {usage.label: usage for usage in DATA_KEY_USAGES}
_READ: Final = """
    SELECT id, usage, key_block, check_value, created_at, retired_at, destroyed_at, now() AS read_at
      FROM hsm.data_key ORDER BY id
"""
_ADD: Final = """
    INSERT INTO hsm.data_key (id, usage, key_block, check_value) VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING
"""
_FORMER: Final = "SELECT id, key_block FROM hsm.key WHERE id = ANY ($1::integer[]) AND key_block IS NOT NULL"
_FORMER_TAKEN: Final = """
    UPDATE hsm.key SET state = 'destroyed', slot = NULL, key_block = NULL, destroyed_at = now()
     WHERE id = ANY ($1::integer[]) AND key_block IS NOT NULL
"""
_LOCK: Final = "LOCK TABLE hsm.data_key IN SHARE ROW EXCLUSIVE MODE"
_RETIRE: Final = "UPDATE hsm.data_key SET retired_at = now() WHERE id = $1"
_DESTROY: Final = "UPDATE hsm.data_key SET destroyed_at = now(), key_block = NULL WHERE id = $1"


class DataKeyRefused(Exception):
    """This can't be done with this data key now; says why."""


class StoredDataKey(NamedTuple):
    """A data key with its life; `read_at` is the database's time of reading."""

    key: DataKey
    created_at: datetime
    retired_at: datetime | None
    destroyed_at: datetime | None
    read_at: datetime

    def state(self, current_id: int) -> str:
        """`current`, `previous`, `retired` or `destroyed`, given the current key of its use."""
        if self.destroyed_at is not None:
            return "destroyed"
        if self.retired_at is not None:
            return "retired"
        return "current" if self.key.id == current_id else "previous"


async def stored_data_keys(connection: Connection) -> list[StoredDataKey]:
    """Every data key there ever was, by its number.

    Raises:
        DatabaseUnavailable: the database refuses or went away.
    """
    with database_errors():
        rows = await connection.fetch(_READ)
    return [
        StoredDataKey(
            DataKey(row["id"], _BY_LABEL[row["usage"]], row["key_block"], row["check_value"]), *list(row)[4:]
        )
        for row in rows
    ]


async def hand_over_data_keys(connection: Connection, hsm: Hsm) -> list[StoredDataKey]:
    """Read the data keys and have the HSM learn them.

    Raises:
        KeyBlockRefused: a key block is broken, or made under another key.
        DatabaseUnavailable: the database refuses or went away.
        HsmUnavailable: the HSM can't be asked.
    """
    stored = await stored_data_keys(connection)
    await hsm.ask(SoftHsm.load_data_keys, [each.key for each in stored])
    return stored


async def open_data_keys(connection: Connection, hsm: Hsm) -> None:
    """Hand over the data keys; make the first ones of an installation that has none.

    Nodes that start at once agree: the numbers are fixed, the first to write is the one that all read.

    Args:
        connection: to a migrated database, outside a transaction.
        hsm: makes and learns the keys.

    Raises:
        KeyBlockRefused: a key block is broken, or made under another key.
        DatabaseUnavailable: the database refuses or went away.
        HsmUnavailable: the HSM can't be asked.
    """
    there = {each.key.usage for each in await hand_over_data_keys(connection, hsm)}
    if there.issuperset(DATA_KEY_USAGES):
        return
    with database_errors():
        former = {row["id"]: KeyBlock(row["key_block"]) for row in await connection.fetch(_FORMER, [1, 2])}
    first = [
        await _first(hsm, usage, key_id, former.get(key_id))
        for key_id, usage in enumerate(DATA_KEY_USAGES, start=1)
        if usage not in there
    ]
    with database_errors():
        async with connection.transaction():
            await connection.executemany(_ADD, [_row(key) for key in first])
            await connection.execute(_FORMER_TAKEN, list(former))
    await hand_over_data_keys(connection, hsm)


async def _first(hsm: Hsm, usage: KeyUsage, key_id: int, former: KeyBlock | None) -> DataKey:
    if former is None:
        return await hsm.ask(SoftHsm.new_data_key, usage, key_id)
    return await hsm.ask(SoftHsm.adopt_data_key, usage, key_id, former)


async def rotate_data_key(
    connection: Connection, hsm: Hsm, audit: AuditLog, usage: KeyUsage, actors: tuple[str, ...]
) -> DataKey:
    """Make a new epoch: from now on, as each node learns of it, rows are sealed under it.

    Raises:
        DatabaseUnavailable: the database refuses or went away; then there is no new key.
        HsmUnavailable: the HSM can't be asked.
    """
    with database_errors():
        async with connection.transaction():
            await connection.execute(_LOCK)
            key_id = max(each.key.id for each in await stored_data_keys(connection)) + 1
            key = await hsm.ask(SoftHsm.new_data_key, usage, key_id)
            await connection.execute(_ADD, *_row(key))
            await audit.append(connection, _entry("data-key.rotate", key, actors))
    await hand_over_data_keys(connection, hsm)
    return key


async def retire_data_key(
    connection: Connection, audit: AuditLog, key_id: int, actors: tuple[str, ...], rows_under: RowsUnder
) -> None:
    """Retire an epoch that no row uses; it still opens, for backups.

    Raises:
        DataKeyRefused: it is current, was superseded less than a minute ago, or rows use it.
        DatabaseUnavailable: the database refuses or went away.
    """
    with database_errors():
        async with connection.transaction():
            await connection.execute(_LOCK)
            stored = await stored_data_keys(connection)
            found = _found(stored, key_id, ("previous",))
            newer = [each for each in stored if each.key.usage is found.key.usage and each.key.id > key_id]
            if found.read_at - newer[0].created_at < RETIRE_AFTER:
                raise DataKeyRefused("its successor is so new that not every node may seal under it yet")
            await _refuse_rows(found.key, rows_under)
            await connection.execute(_RETIRE, key_id)
            await audit.append(connection, _entry("data-key.retire", found.key, actors))


async def destroy_data_key(
    connection: Connection,
    hsm: Hsm,
    audit: AuditLog,
    key_id: int,
    officers: Callable[[], Awaitable[tuple[str, ...]]],
    rows_under: RowsUnder,
) -> None:
    """Destroy a retired epoch: what backups have under it never opens again.

    Args:
        connection: outside a transaction.
        hsm: is told to forget it.
        audit: where it is recorded.
        key_id: the epoch.
        officers: who allow it; asked inside the transaction, raises where they don't.
        rows_under: counts the rows that use it.

    Raises:
        DataKeyRefused: it isn't retired, not for a day yet, or rows use it after all.
        DatabaseUnavailable: the database refuses or went away.
        HsmUnavailable: the HSM can't be asked.
    """
    with database_errors():
        async with connection.transaction():
            await connection.execute(_LOCK)
            actors = await officers()
            found = _found(await stored_data_keys(connection), key_id, ("retired",))
            assert found.retired_at is not None
            if found.read_at - found.retired_at < DESTROY_AFTER:
                raise DataKeyRefused("it was retired less than a day ago")
            await _refuse_rows(found.key, rows_under)
            await connection.execute(_DESTROY, key_id)
            await audit.append(connection, _entry("data-key.destroy", found.key, actors))
    await hand_over_data_keys(connection, hsm)


def current_ids(stored: Sequence[StoredDataKey]) -> dict[KeyUsage, int]:
    """The number of the current key of each use."""
    return {each.key.usage: each.key.id for each in stored if each.destroyed_at is None}


def _found(stored: Sequence[StoredDataKey], key_id: int, states: tuple[str, ...]) -> StoredDataKey:
    found = next((each for each in stored if each.key.id == key_id), None)
    if found is None:
        raise DataKeyRefused("there is no such data key")
    state = found.state(current_ids(stored)[found.key.usage])
    if state not in states:
        raise DataKeyRefused(f"it is {state}, not {' or '.join(states)}")
    return found


async def _refuse_rows(key: DataKey, rows_under: RowsUnder) -> None:
    count = await rows_under(key)
    if count:
        raise DataKeyRefused(f"{count} rows are sealed under it")


def _row(key: DataKey) -> tuple[int, str, str | None, str]:
    return key.id, key.usage.label, key.key_block, key.check_value


def _entry(operation: str, key: DataKey, actors: tuple[str, ...]) -> AuditEntry:
    details = {"usage": key.usage.label, "check_value": key.check_value}
    return AuditEntry(operation, actors, f"data-key:{key.id}", details=details)
