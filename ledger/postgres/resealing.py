"""Wallets moved under the newest data key, a few rows at a time, beside whatever is posted.

A wallet that is sealed anew stays what it was: the same state at the same version, so there is no event and
nothing in the journal. The row is written only as it was read (`WHERE version = … AND key_id = …`): if
something was posted meanwhile, the row is under the newest key already, or will be met again. A posting that
read the row before doesn't notice: its own predicate is the version, and it writes state and key together.

Rows that somebody else holds are skipped, so this never waits for a posting while holding rows itself: it
can't be part of a deadlock. It keeps no place of its own: which rows are left stands in the rows, so it may
be stopped anywhere, begun again, and run on several nodes at once.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

import asyncpg

from ledger.sealer import SealedWallet
from storage.database import database_errors

Reseal: TypeAlias = Callable[[Sequence[SealedWallet]], Awaitable[Sequence[tuple[int, bytes] | None]]]
"""Seals wallets anew: key and sealed state of each in the same order, None for one that doesn't open."""

_READ: Final = """
SELECT id, version, key_id, sealed FROM ledger.wallet WHERE id > $1 AND key_id < $2 ORDER BY id LIMIT $3
"""
_WRITE: Final = """
WITH wanted AS (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::smallint[], $5::bytea[])
        AS w (id, version, old_key, key_id, sealed)),
held AS (
    SELECT o.id FROM ledger.wallet o JOIN wanted w ON o.id = w.id AND o.version = w.version
       AND o.key_id = w.old_key FOR UPDATE OF o SKIP LOCKED)
UPDATE ledger.wallet o SET key_id = w.key_id, sealed = w.sealed
  FROM wanted w JOIN held h ON h.id = w.id WHERE o.id = w.id
"""
_COUNT: Final = "SELECT count(*) FROM ledger.wallet WHERE key_id = $1"


class Resealed(NamedTuple):
    """What became of a batch: its last wallet (None: none was left), rows moved, rows that don't open."""

    last: int | None
    moved: int
    broken: tuple[int, ...]


async def reseal_wallets(
    connection: "asyncpg.Connection[asyncpg.Record]", reseal: Reseal, key_id: int, after: int, limit: int
) -> Resealed:
    """Move the next wallets that are under older keys than `key_id`.

    Args:
        connection: outside a transaction.
        reseal: the HSM's.
        key_id: the newest data key for wallets.
        after: the last wallet of the batch before; the lowest id there is to begin with.
        limit: how many at most.

    Raises:
        DatabaseUnavailable: the database refuses or went away; the batch may be tried again.
    """
    with database_errors():
        rows = [tuple(row) for row in await connection.fetch(_READ, after, key_id, limit)]
    if not rows:
        return Resealed(None, 0, ())
    resealed = await reseal(rows)
    moves = [
        (wallet_id, version, old_key, *seal)
        for (wallet_id, version, old_key, _), seal in zip(rows, resealed, strict=True)
        if seal is not None
    ]
    broken = tuple(row[0] for row, seal in zip(rows, resealed, strict=True) if seal is None)
    moved = 0
    if moves:
        with database_errors():
            status = await connection.execute(_WRITE, *map(list, zip(*moves, strict=True)))
        moved = int(status.rpartition(" ")[2])
    return Resealed(rows[-1][0], moved, broken)


async def wallets_under(connection: "asyncpg.Connection[asyncpg.Record]", key_id: int) -> int:
    """How many wallets are sealed under a data key.

    Raises:
        DatabaseUnavailable: the database refuses or went away.
    """
    with database_errors():
        return int(await connection.fetchval(_COUNT, key_id))
