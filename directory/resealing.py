"""Sealed card numbers moved under the newest data key, a few cards at a time, beside a running switch.

The first two bytes of a sealed card number are its key's id. A card is written only if its seal is still the
one that was read; which cards are left stands in the cards themselves, so the work may be stopped anywhere
and done by several nodes at once.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

import asyncpg

from storage.database import database_errors

Reseal: TypeAlias = Callable[[Sequence[bytes]], Awaitable[Sequence[bytes | None]]]
"""Seals card numbers anew, in the same order; None for one that doesn't open."""

_READ: Final = """
SELECT pan_index, pan_sealed FROM directory.card
 WHERE pan_index > $1 AND substring(pan_sealed FROM 1 FOR 2) < $2 ORDER BY pan_index LIMIT $3
"""
_WRITE: Final = """
WITH wanted AS (
    SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[]) AS w (pan_index, old, new)),
held AS (
    SELECT c.pan_index FROM directory.card c
      JOIN wanted w ON c.pan_index = w.pan_index AND c.pan_sealed = w.old FOR UPDATE OF c SKIP LOCKED)
UPDATE directory.card c SET pan_sealed = w.new
  FROM wanted w JOIN held h ON h.pan_index = w.pan_index WHERE c.pan_index = w.pan_index
"""
_COUNT: Final = "SELECT count(*) FROM directory.card WHERE substring(pan_sealed FROM 1 FOR 2) = $1"


class Resealed(NamedTuple):
    """What became of a batch: its last card (None: none was left), cards moved, seals that don't open."""

    last: bytes | None
    moved: int
    broken: int


async def reseal_cards(
    connection: "asyncpg.Connection[asyncpg.Record]", reseal: Reseal, key_id: int, after: bytes, limit: int
) -> Resealed:
    """Move the next cards whose number is under an older key than `key_id`.

    Args:
        connection: outside a transaction.
        reseal: the HSM's.
        key_id: the newest data key for card numbers.
        after: the last card of the batch before; nothing to begin with.
        limit: how many at most.

    Raises:
        DatabaseUnavailable: the database refuses or went away; the batch may be tried again.
    """
    with database_errors():
        rows = await connection.fetch(_READ, after, _in_seal(key_id), limit)
    if not rows:
        return Resealed(None, 0, 0)
    resealed = await reseal([row["pan_sealed"] for row in rows])
    moves = [(*row, seal) for row, seal in zip(rows, resealed, strict=True) if seal is not None]
    moved = 0
    if moves:
        with database_errors():
            status = await connection.execute(_WRITE, *map(list, zip(*moves, strict=True)))
        moved = int(status.rpartition(" ")[2])
    return Resealed(rows[-1]["pan_index"], moved, len(rows) - len(moves))


async def cards_under(connection: "asyncpg.Connection[asyncpg.Record]", key_id: int) -> int:
    """How many card numbers are sealed under a data key.

    Raises:
        DatabaseUnavailable: the database refuses or went away.
    """
    with database_errors():
        return int(await connection.fetchval(_COUNT, _in_seal(key_id)))


def _in_seal(key_id: int) -> bytes:
    return key_id.to_bytes(2, "big")
