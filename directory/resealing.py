"""What is sealed in the directory moved under the newest data key, a few rows at a time, beside a switch.

The first two bytes of a sealed value are its key's id. A row is written only if its seal is still the one
that was read; which rows are left stands in the rows themselves, so the work may be stopped anywhere and done
by several nodes at once. `CARD_NUMBERS` and `PERSONAL_DATA` are every place where something sealed stands,
for each of the two uses.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

import asyncpg

from directory.customer_service import BINDING, DOCUMENT, NAME, PHONE
from directory.merchants import ACCOUNT_FIELD
from storage.database import database_errors

Reseal: TypeAlias = Callable[[Sequence[bytes]], Awaitable[Sequence[bytes | None]]]
"""Seals values anew, in the same order; None for one that doesn't open."""

LOWEST_ID: Final = -(2**63)
"""Before every row."""


class SealedColumn(NamedTuple):
    """A place where something sealed stands, and the field's name that its seal binds."""

    table: str
    column: str
    field: str = ""


CARD_NUMBERS: Final = (SealedColumn("directory.card", "pan_sealed"),)
PERSONAL_DATA: Final = (
    SealedColumn("directory.customer", "name_sealed", NAME),
    SealedColumn("directory.customer", "document_sealed", DOCUMENT),
    SealedColumn("directory.customer", "phone_sealed", PHONE),
    SealedColumn("directory.customer_binding", "number_sealed", BINDING),
    SealedColumn("directory.merchant", "account_sealed", ACCOUNT_FIELD),
)


class Resealed(NamedTuple):
    """What became of some rows: the last one's id (None: none was left), how many moved and don't open."""

    last: int | None
    moved: int
    broken: int


async def reseal_rows(
    connection: "asyncpg.Connection[asyncpg.Record]",
    place: SealedColumn,
    reseal: Reseal,
    key_id: int,
    after: int,
    limit: int,
) -> Resealed:
    """Move the next rows that are under an older key than `key_id`.

    Args:
        connection: outside a transaction.
        place: where they stand.
        reseal: the HSM's.
        key_id: the newest data key of its use.
        after: the last row of those before; `LOWEST_ID` to begin with.
        limit: how many at most.

    Raises:
        DatabaseUnavailable: the database refuses or went away; the rows may be tried again.
    """
    with database_errors():
        rows = await connection.fetch(_read(place), after, _in_seal(key_id), limit)
    if not rows:
        return Resealed(None, 0, 0)
    resealed = await reseal([row["sealed"] for row in rows])
    moves = [(*row, seal) for row, seal in zip(rows, resealed, strict=True) if seal is not None]
    moved = 0
    if moves:
        with database_errors():
            status = await connection.execute(_write(place), *map(list, zip(*moves, strict=True)))
        moved = int(status.rpartition(" ")[2])
    return Resealed(rows[-1]["id"], moved, len(rows) - len(moves))


async def rows_sealed_under(
    connection: "asyncpg.Connection[asyncpg.Record]", places: Sequence[SealedColumn], key_id: int
) -> int:
    """How many rows of some places are sealed under a data key.

    Raises:
        DatabaseUnavailable: the database refuses or went away.
    """
    with database_errors():
        return sum([await connection.fetchval(_count(place), _in_seal(key_id)) for place in places])


def _read(place: SealedColumn) -> str:
    column = place.column
    return f"""
        SELECT id, {column} AS sealed FROM {place.table}
        WHERE id > $1 AND substring({column} FROM 1 FOR 2) < $2 ORDER BY id LIMIT $3
    """


def _write(place: SealedColumn) -> str:
    table, column = place.table, place.column
    return f"""
        WITH wanted AS (
            SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[]) AS w (id, old, new)),
        held AS (
            SELECT c.id FROM {table} c
              JOIN wanted w ON c.id = w.id AND c.{column} = w.old FOR UPDATE OF c SKIP LOCKED)
        UPDATE {table} c SET {column} = w.new
          FROM wanted w JOIN held h ON h.id = w.id WHERE c.id = w.id
    """


def _count(place: SealedColumn) -> str:
    return f"SELECT count(*) FROM {place.table} WHERE substring({place.column} FROM 1 FOR 2) = $1"


def _in_seal(key_id: int) -> bytes:
    return key_id.to_bytes(2, "big")
