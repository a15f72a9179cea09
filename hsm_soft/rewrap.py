"""From one master key to another: every stored key block, opened under the old one, sealed under the new.

The job keeps no notes. Which master key a block is under shows when it is opened, so a job that was killed is
simply started again and passes over what is done. Nodes go on meanwhile: they are given both keys, so they
open either kind of block and make only new ones (docs/hsm.md).

Each block is opened again before it is stored: header, key and check value have to be the same. It is stored
only over the block that was read, so a key that changed meanwhile is never overwritten. When all blocks have
been visited `verify` reads everything once more under the new key alone and compares the check values that
stand beside the keys; only if nothing is left may the old master key go.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import asyncpg

from hsm_soft.check_values import check_value, shown
from hsm_soft.key_block import KeyBlock, KeyBlockHeader, KeyBlockProtection, KeyBlockRefused, algorithm_in
from hsm_soft.primitives import Random, compare_digest
from storage.database import database_errors

__all__ = ["HSM_BLOCKS", "BlockColumn", "Left", "RewrapFailed", "rewrap", "verify"]

_BATCH: Final = 500


class BlockColumn(NamedTuple):
    """Where key blocks stand: a table, the columns of its primary key, the block's and its check value's."""

    table: str
    key: tuple[str, ...]
    block: str
    check_value: str = "NULL"

    def __str__(self) -> str:
        return f"{self.table}.{self.block}"


HSM_BLOCKS: Final = (
    BlockColumn("hsm.key", ("id",), "key_block", "check_value"),
    BlockColumn("hsm.component", ("ceremony_id", "officer"), "key_block", "check_value"),
)
"""This package's own; others have more."""


class RewrapFailed(Exception):
    """A block opens under neither master key, or did not come out as it went in. Names its place."""


@dataclass(frozen=True, slots=True)
class Left:
    """How many blocks of a column are not under the new master key, or have another check value."""

    column: str
    blocks: int


async def rewrap(
    connection: "asyncpg.Connection[asyncpg.Record]",
    old: KeyBlockProtection,
    new: KeyBlockProtection,
    columns: Sequence[BlockColumn],
    random: Random,
) -> int:
    """Move every block to the new master key; the number of blocks that were moved by this call.

    Args:
        connection: outside a transaction; each batch is one.
        old: the master key that goes.
        new: the master key that comes.
        columns: where key blocks stand.
        random: where filler comes from.

    Raises:
        RewrapFailed: see there; what was moved before stays moved.
        DatabaseUnavailable: likewise.
    """
    moved = 0
    for column in columns:
        async for batch in _batches(connection, column):
            pairs = [(row, _moved(old, new, row["block"], str(column), random)) for row in batch]
            changed = [(row, block) for row, block in pairs if block is not None]
            moved += await _store(connection, column, changed)
    return moved


async def verify(
    connection: "asyncpg.Connection[asyncpg.Record]",
    new: KeyBlockProtection,
    columns: Sequence[BlockColumn],
) -> list[Left]:
    """The columns in which blocks are left that the new master key alone doesn't vouch for."""
    left = []
    for column in columns:
        wrong = 0
        async for batch in _batches(connection, column):
            wrong += sum(not _vouched(new, row["block"], row["check_value"]) for row in batch)
        if wrong:
            left.append(Left(str(column), wrong))
    return left


def _moved(
    old: KeyBlockProtection, new: KeyBlockProtection, block: str, place: str, random: Random
) -> KeyBlock | None:
    """The block under the new key; None if it is there already."""
    if _opens(new, block):
        return None
    try:
        header, key = old.open(block)
        sealed = new.rewrap(header, key, random)
        again, same = new.open(sealed)
    except KeyBlockRefused as refused:
        raise RewrapFailed(f"a block in {place} can't be moved: {refused.reason.value}") from None
    algorithm = algorithm_in(again)
    checked = compare_digest(check_value(algorithm, key), check_value(algorithm, same))
    if not checked or not compare_digest(key, same) or _meaning(again) != _meaning(header):
        raise RewrapFailed(f"a block in {place} did not come out as it went in")
    return sealed


def _meaning(header: KeyBlockHeader) -> KeyBlockHeader:
    """A header without what only fills it up."""
    optional = tuple(each for each in header.optional if each[0] != "PB")
    return header._replace(optional=optional, length=0)


def _opens(protection: KeyBlockProtection, block: str) -> bool:
    try:
        protection.open(block)
    except KeyBlockRefused:
        return False
    return True


def _vouched(new: KeyBlockProtection, block: str, said: str | None) -> bool:
    try:
        header, key = new.open(block)
        return said is None or shown(algorithm_in(header), key) == said
    except KeyBlockRefused:
        return False


async def _batches(
    connection: "asyncpg.Connection[asyncpg.Record]", column: BlockColumn
) -> AsyncIterator[list[asyncpg.Record]]:
    """Every row with a block, in the order of the primary key."""
    names = ", ".join(column.key)
    query = (
        f"SELECT {names}, {column.block} AS block, {column.check_value} AS check_value FROM {column.table} "
        f"WHERE {column.block} IS NOT NULL"
    )
    order = f" ORDER BY {names} LIMIT {_BATCH}"
    places = ", ".join(f"${number}" for number in range(1, len(column.key) + 1))
    with database_errors():
        rows = await connection.fetch(query + order)
    while rows:
        yield rows
        last: list[Any] = [rows[-1][name] for name in column.key]
        with database_errors():
            rows = await connection.fetch(f"{query} AND ({names}) > ({places}){order}", *last)


async def _store(
    connection: "asyncpg.Connection[asyncpg.Record]",
    column: BlockColumn,
    changed: Sequence[tuple[asyncpg.Record, KeyBlock]],
) -> int:
    """Put blocks in the place of those that were read; the number that still were there."""
    where = " AND ".join(f"{name} = ${number}" for number, name in enumerate(column.key, start=3))
    update = (
        f"UPDATE {column.table} SET {column.block} = $1 WHERE {column.block} = $2 AND {where} RETURNING true"
    )
    stored = 0
    with database_errors():
        async with connection.transaction():
            for row, block in changed:
                name = [row[part] for part in column.key]
                stored += bool(await connection.fetchval(update, block, row["block"], *name))
    return stored
