"""What a node does about epochs: it follows a rotation anywhere, and moves rows under the newest key."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest

from hsm_soft.audit.log import AuditLog
from hsm_soft.data_key_store import rotate_data_key, stored_data_keys
from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import Hsm, InProcessHsm
from hsm_soft.key_store import open_hsm
from hsm_soft.key_usage import KeyUsage
from hsm_soft.master_key import MasterKey
from ledger.postgres.resealing import wallets_under
from storage.database import DatabaseUnavailable, connect
from switch.shell import resealer
from switch.shell.resealer import keep_in_step, reseal
from tests.switch.shop import MASTER_KEY, Node, World

_LOOKS = 500


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Periods and pauses of a test."""
    monkeypatch.setattr(resealer, "PERIOD_SECONDS", 0.01)
    monkeypatch.setattr(resealer, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(resealer, "BATCH", 2)


async def _own_hsm(dsn: str) -> Hsm:
    connection = await connect(dsn)
    try:
        return InProcessHsm(
            await open_hsm(connection, MasterKey(MASTER_KEY, development=True, created=False))
        )
    finally:
        await connection.close()


async def test_a_node_follows_a_rotation_elsewhere(node: Node, world: World) -> None:
    """Another process begins an epoch; this one learns of it, and every wallet and card moves."""
    await node.card()
    here, elsewhere = await _own_hsm(world.dsn), await _own_hsm(world.dsn)
    failures = iter([DatabaseUnavailable("not yet")])

    @asynccontextmanager
    async def connected() -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        for failure in failures:
            raise failure
        connection = await connect(world.dsn)
        try:
            yield connection
        finally:
            await connection.close()

    task = asyncio.create_task(keep_in_step(connected, here))
    audit = AuditLog(lambda: 0)
    rotated = [
        await rotate_data_key(node.connection, elsewhere, audit, usage, ("alice",))
        for usage in (KeyUsage.WALLET_SEALING, KeyUsage.PAN_ENCRYPTION)
    ]
    older = [each.key for each in await stored_data_keys(node.connection) if each.key.id < rotated[0].id]
    left = 1
    for _ in range(_LOOKS):
        left = sum([await resealer.rows_under(node.connection, key) for key in older])
        if not left:
            break
        await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    ((key_id, _),) = await here.ask(SoftHsm.seal_wallets, [(1, 1, b"")])

    assert left == 0
    assert key_id == rotated[0].id
    assert await wallets_under(node.connection, key_id) > 0


async def test_what_does_not_open_is_counted_and_left(node: Node, world: World) -> None:
    """A broken wallet and a broken card stay under their keys; the rest moves."""
    card, broken = await node.card(), await node.card()
    await node.execute("UPDATE ledger.wallet SET sealed = sealed || '\\x00' WHERE id = $1", broken.wallet_id)
    hsm, audit = await _own_hsm(world.dsn), AuditLog(lambda: 0)
    await rotate_data_key(node.connection, hsm, audit, KeyUsage.WALLET_SEALING, ("alice",))
    await rotate_data_key(node.connection, hsm, audit, KeyUsage.PAN_ENCRYPTION, ("alice",))
    await node.execute(
        "UPDATE directory.card SET pan_sealed = pan_sealed || '\\x00' WHERE wallet_id = $1", broken.wallet_id
    )

    moved = await reseal(node.connection, hsm, await stored_data_keys(node.connection))
    await node.execute("DELETE FROM directory.card WHERE wallet_id = $1", broken.wallet_id)
    mend = "UPDATE ledger.wallet SET sealed = substring(sealed FOR length(sealed) - 1) WHERE id = $1"
    await node.execute(mend, broken.wallet_id)

    assert moved[KeyUsage.WALLET_SEALING].broken == 1
    assert moved[KeyUsage.PAN_ENCRYPTION].broken == 1
    assert moved[KeyUsage.WALLET_SEALING].moved >= 1
    assert await node.balance_of(card) > 0
