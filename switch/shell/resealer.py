"""Data keys kept in step, and rows kept moving under the newest: what a node does about epochs by itself.

Every few seconds the data keys are read and handed to the HSM, so that a rotation anywhere is followed here
soon. Then whatever is still under older keys is moved, in small batches with a pause after each: a posting
that comes meanwhile waits for none of it. Several nodes may do the same at once, and any may stop at any time
(`ledger.postgres.resealing`). What doesn't open is left as it is, and named.

`ROWS` is the table of what is sealed: for each usage of a data key, how its rows are counted and moved.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

import asyncpg

from directory.resealing import (
    CARD_NUMBERS,
    LOWEST_ID,
    PERSONAL_DATA,
    SealedColumn,
    reseal_rows,
    rows_sealed_under,
)
from hsm_soft.data_key_store import StoredDataKey, current_ids, hand_over_data_keys
from hsm_soft.data_keys import DataKey, SealFault
from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import Hsm, HsmUnavailable
from hsm_soft.key_usage import KeyUsage
from ledger.postgres.resealing import reseal_wallets, wallets_under
from ledger.sealer import SealedWallet
from storage.database import DatabaseUnavailable
from switch.observability.logs import get

__all__ = ["ROWS", "Moved", "SealedRows", "keep_in_step", "reseal", "rows_under"]

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Connect: TypeAlias = Callable[[], AbstractAsyncContextManager[Connection]]

BATCH: Final = 200
PAUSE_SECONDS: Final = 0.02
PERIOD_SECONDS: Final = 5.0
_PERIODS_BETWEEN: Final = 12
_LOWEST_WALLET: Final = -(2**63)

_log = get("resealing")


class Moved(NamedTuple):
    """Rows that were moved under the newest key, and rows that don't open."""

    moved: int
    broken: int


class SealedRows(NamedTuple):
    """The rows that one usage's data keys seal."""

    under: Callable[[Connection, int], Awaitable[int]]
    move: "Callable[[Connection, Hsm, int], Awaitable[Moved]]"


async def rows_under(connection: Connection, key: DataKey) -> int:
    """How many rows are sealed under a data key now."""
    rows = ROWS.get(key.usage)
    return 0 if rows is None else await rows.under(connection, key.id)


async def reseal(connection: Connection, hsm: Hsm, stored: Sequence[StoredDataKey]) -> dict[KeyUsage, Moved]:
    """Move every row that is under an older key; what was moved, by usage.

    Raises:
        DatabaseUnavailable: the database refuses or went away.
        HsmUnavailable: the HSM can't be asked.
    """
    current = current_ids(stored)
    older = {
        each.key.usage for each in stored if each.state(current[each.key.usage]) in ("previous", "retired")
    }
    return {
        usage: await rows.move(connection, hsm, current[usage])
        for usage, rows in ROWS.items()
        if usage in older
    }


async def keep_in_step(connect: Connect, hsm: Hsm) -> None:
    """Hand over data keys and move rows, for as long as the node runs."""
    while True:
        try:
            async with connect() as connection:
                await _in_step(connection, hsm)
        except (DatabaseUnavailable, HsmUnavailable) as unavailable:
            _log.warning("data keys not kept in step", reason=str(unavailable))
        await asyncio.sleep(PERIOD_SECONDS)


async def _in_step(connection: Connection, hsm: Hsm) -> None:
    """Move rows when there is a new key, and from time to time while an older one is not retired.

    The second is for what other nodes sealed under it before they knew the newer one.
    """
    known: list[int] = []
    periods = 0
    while True:
        stored = await hand_over_data_keys(connection, hsm)
        ids = [each.key.id for each in stored if each.destroyed_at is None]
        current = current_ids(stored)
        leaving = any(each.state(current[each.key.usage]) == "previous" for each in stored)
        if ids != known or (leaving and periods % _PERIODS_BETWEEN == 0):
            await _told(reseal(connection, hsm, stored))
        known, periods = ids, periods + 1
        await asyncio.sleep(PERIOD_SECONDS)


async def _told(work: "Awaitable[dict[KeyUsage, Moved]]") -> None:
    for usage, (moved, broken) in (await work).items():
        if moved or broken:
            _log.info("rows sealed anew", usage=usage.label, moved=moved, broken=broken)


async def _move_wallets(connection: Connection, hsm: Hsm, key_id: int) -> Moved:
    async def sealed_anew(wallets: Sequence[SealedWallet]) -> list[tuple[int, bytes] | None]:
        seals = await hsm.ask(SoftHsm.reseal_wallets, wallets)
        return [None if isinstance(seal, SealFault) else seal for seal in seals]

    after, moved, broken = _LOWEST_WALLET, 0, 0
    while True:
        batch = await reseal_wallets(connection, sealed_anew, key_id, after, BATCH)
        moved, broken = moved + batch.moved, broken + len(batch.broken)
        for wallet_id in batch.broken:
            _log.error("wallet doesn't open and keeps its data key in use", wallet=wallet_id)
        if batch.last is None:
            return Moved(moved, broken)
        after = batch.last
        await asyncio.sleep(PAUSE_SECONDS)


def _fields(usage: KeyUsage, places: Sequence[SealedColumn]) -> SealedRows:
    """The rows of the directory that one usage's data keys seal."""

    async def under(connection: Connection, key_id: int) -> int:
        return await rows_sealed_under(connection, places, key_id)

    async def move(connection: Connection, hsm: Hsm, key_id: int) -> Moved:
        moved = [await _move_fields(connection, hsm, usage, place, key_id) for place in places]
        return Moved(sum(each.moved for each in moved), sum(each.broken for each in moved))

    return SealedRows(under, move)


async def _move_fields(
    connection: Connection, hsm: Hsm, usage: KeyUsage, place: SealedColumn, key_id: int
) -> Moved:
    async def sealed_anew(sealed: Sequence[bytes]) -> list[bytes | None]:
        seals = await hsm.ask(SoftHsm.reseal_fields, usage, place.field, sealed)
        return [None if isinstance(seal, SealFault) else seal for seal in seals]

    after, moved, broken = LOWEST_ID, 0, 0
    while True:
        batch = await reseal_rows(connection, place, sealed_anew, key_id, after, BATCH)
        moved, broken = moved + batch.moved, broken + batch.broken
        if batch.last is None:
            return Moved(moved, broken)
        after = batch.last
        await asyncio.sleep(PAUSE_SECONDS)


ROWS: Final[Mapping[KeyUsage, SealedRows]] = MappingProxyType(
    {
        KeyUsage.WALLET_SEALING: SealedRows(wallets_under, _move_wallets),
        KeyUsage.PAN_ENCRYPTION: _fields(KeyUsage.PAN_ENCRYPTION, CARD_NUMBERS),
        KeyUsage.PERSONAL_DATA: _fields(KeyUsage.PERSONAL_DATA, PERSONAL_DATA),
    }
)
"""Every usage of a data key with its rows."""
