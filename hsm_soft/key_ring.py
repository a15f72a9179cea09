"""Managed keys in table `hsm.key`: read by owner and usage, written as their lives go on.

Everything here runs inside the caller's transaction. `serialise` locks one row that always exists, so that of
two ceremonies that change keys at once the second sees what the first did. A destroyed key keeps its row,
without its block: its number is never used again, and its check value still says which key it was.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import asyncpg

from hsm_soft.key_block import KeyBlock
from hsm_soft.key_life import KeyState, ManagedKey, Slot
from storage.database import database_errors

__all__ = ["FIRST_ID", "KeyUnknown", "add", "all_keys", "find", "next_id", "of_owner", "serialise", "update"]

FIRST_ID: Final = 100
"""Numbers below are the installation's named keys."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS: Final = "id, owner, usage, state, slot, check_value, usable_until, key_block"
_ALL: Final = f"SELECT {_COLUMNS} FROM hsm.key ORDER BY id"
_ONE: Final = f"SELECT {_COLUMNS} FROM hsm.key WHERE id = $1"
_OF_OWNER: Final = f"SELECT {_COLUMNS} FROM hsm.key WHERE owner = $1 AND usage = $2 AND slot IS NOT NULL"
_SERIALISE: Final = "SELECT id FROM hsm.key ORDER BY id LIMIT 1 FOR UPDATE"
_NEXT_ID: Final = "SELECT max(id) FROM hsm.key"
_ADD: Final = """
INSERT INTO hsm.key (id, name, owner, usage, state, slot, check_value, key_block, activated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, CASE WHEN $5 = 'active' THEN now() END)
"""
_UPDATE: Final = """
UPDATE hsm.key SET slot = $2, key_block = $4, usable_until = $5,
    activated_at = CASE WHEN $3 = 'active' THEN coalesce(activated_at, now()) ELSE activated_at END,
    deactivated_at = CASE WHEN $3 = 'deactivated' THEN coalesce(deactivated_at, now())
                          ELSE deactivated_at END,
    destroyed_at = CASE WHEN $3 = 'destroyed' THEN now() END,
    state = $3
WHERE id = $1
"""


class KeyUnknown(Exception):
    """There is no key with that number, or it has been destroyed."""


async def serialise(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Wait for everybody else who changes keys; until the transaction ends, they wait for us."""
    with database_errors():
        await connection.execute(_SERIALISE)


async def all_keys(connection: "asyncpg.Connection[asyncpg.Record]") -> Sequence[ManagedKey]:
    """Every key there is or was, by number."""
    with database_errors():
        return [_key(row) for row in await connection.fetch(_ALL)]


async def find(connection: "asyncpg.Connection[asyncpg.Record]", key_id: int) -> ManagedKey:
    """The key of that number.

    Raises:
        KeyUnknown: there is none.
    """
    with database_errors():
        row = await connection.fetchrow(_ONE, key_id)
    if row is None:
        raise KeyUnknown(f"there is no key {key_id}")
    return _key(row)


async def of_owner(
    connection: "asyncpg.Connection[asyncpg.Record]", owner: str, usage: str
) -> Mapping[Slot, ManagedKey]:
    """An owner's keys of a usage, by slot."""
    with database_errors():
        keys = [_key(row) for row in await connection.fetch(_OF_OWNER, owner, usage)]
    return {key.slot: key for key in keys if key.slot is not None}


async def next_id(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    """The number of the next key; good until the transaction ends if `serialise` was called."""
    with database_errors():
        highest = await connection.fetchval(_NEXT_ID)
    return max(int(highest or 0) + 1, FIRST_ID)


async def add(connection: "asyncpg.Connection[asyncpg.Record]", key: ManagedKey) -> None:
    """Store a new key."""
    with database_errors():
        await connection.execute(
            _ADD, key.id, key.usage, key.owner, key.usage, key.state, key.slot, key.check_value, key.block
        )


async def update(connection: "asyncpg.Connection[asyncpg.Record]", key: ManagedKey) -> None:
    """Store what became of a key."""
    until = None if key.usable_until_us is None else _EPOCH + timedelta(microseconds=key.usable_until_us)
    with database_errors():
        await connection.execute(_UPDATE, key.id, key.slot, key.state, key.block, until)


def _key(row: asyncpg.Record) -> ManagedKey:
    until, block = row["usable_until"], row["key_block"]
    return ManagedKey(
        id=row["id"],
        owner=row["owner"],
        usage=row["usage"],
        state=KeyState(row["state"]),
        slot=None if row["slot"] is None else Slot(row["slot"]),
        check_value=row["check_value"],
        usable_until_us=None if until is None else (until - _EPOCH) // timedelta(microseconds=1),
        block=None if block is None else KeyBlock(block),
    )
