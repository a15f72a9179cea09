"""Data keys on PostgreSQL: the first ones, rotation, and when a key may be retired and destroyed."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import TypeAlias

import asyncpg
import pytest

from hsm_soft.audit.log import AuditLog, stored_records
from hsm_soft.audit.record import AuditEntry
from hsm_soft.audit.verification import verify_records
from hsm_soft.data_key_store import (
    DataKeyRefused,
    current_ids,
    destroy_data_key,
    hand_over_data_keys,
    open_data_keys,
    retire_data_key,
    rotate_data_key,
    stored_data_keys,
)
from hsm_soft.data_keys import DATA_KEY_USAGES, DataKey, SealFault
from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import InProcessHsm
from hsm_soft.key_block import KeyBlock, KeyBlockProtection, KeyBlockRefused, KeyUsage
from hsm_soft.key_store import open_hsm
from hsm_soft.master_key import MasterKey
from hsm_soft.sealing import WalletSeal
from storage.database import DatabaseUnavailable, connect

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
ACTORS = ("alice", "bob")


@pytest.fixture
async def connection(database_dsn: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """A connection to a migrated database without keys."""
    connection = await connect(database_dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def core(connection: Connection, master_key: MasterKey) -> SoftHsm:
    """The HSM of the database."""
    return await open_hsm(connection, master_key)


@pytest.fixture
def audit() -> AuditLog:
    """An audit whose clock stands still."""
    return AuditLog(lambda: 1_700_000_000_000_000)


async def _no_rows(_: DataKey) -> int:
    return 0


async def _some_rows(_: DataKey) -> int:
    return 7


async def _officers() -> tuple[str, ...]:
    return ACTORS


async def _age(connection: Connection, column: str, key_id: int, days: int = 2) -> None:
    query = f"UPDATE hsm.data_key SET {column} = {column} - interval '{days} days' WHERE id >= $1"
    await connection.execute(query, key_id)


async def test_an_installation_gets_its_first_keys(connection: Connection, core: SoftHsm) -> None:
    """One key for each use, numbered from 1; a second start adds none."""
    await open_data_keys(connection, InProcessHsm(core))
    stored = await stored_data_keys(connection)

    assert [(1, DATA_KEY_USAGES[0]), (2, DATA_KEY_USAGES[1]), (3, DATA_KEY_USAGES[2])] == [
        each.key[:2] for each in stored
    ]
    assert {each.state(each.key.id) for each in stored} == {"current"}


async def test_nodes_that_start_at_once_agree(database_dsn: str, master_key: MasterKey) -> None:
    """Whoever writes first, all seal under the same keys."""
    connections = [await connect(database_dsn) for _ in range(3)]
    hsms = await asyncio.gather(*(open_hsm(each, master_key) for each in connections))
    for each in connections:
        await each.close()
    seals = [hsm.seal_pan("9900010000000003") for hsm in hsms]

    assert {"9900010000000003"} == {hsm.open_pan(sealed) for hsm in hsms for sealed in seals}


async def test_keys_from_before_the_epochs_become_the_first_ones(
    connection: Connection, protection: KeyBlockProtection, master_key: MasterKey
) -> None:
    """Key 1 under the master key itself goes on opening wallets, as data key 1; its old block is erased."""
    key = bytes(range(32))
    await connection.execute(
        "INSERT INTO hsm.key (id, name, usage, key_block, check_value) VALUES (1, 'w', 'w', $1, '')",
        protection.wrap(KeyUsage.WALLET_SEALING, key, bytes),
    )
    core = await open_hsm(connection, master_key)
    row = (7, 3, 1, WalletSeal(1, key, bytes).seal(7, 3, b"state"))

    assert core.open_wallets([row]) == [b"state"]
    assert await connection.fetchval("SELECT key_block FROM hsm.key WHERE id = 1") is None


async def test_rotation_is_a_new_key_and_an_audit_record(
    connection: Connection, core: SoftHsm, audit: AuditLog
) -> None:
    """The new epoch seals at once; the old one opens; the audit says who did it."""
    hsm = InProcessHsm(core)
    ((old_id, sealed),) = core.seal_wallets([(7, 3, b"state")])
    key = await rotate_data_key(connection, hsm, audit, KeyUsage.WALLET_SEALING, ACTORS)
    ((new_id, _),) = core.seal_wallets([(7, 3, b"state")])
    records = [record async for record in stored_records(connection)]

    assert (old_id, new_id, key.id) == (1, 4, 4)
    assert core.open_wallets([(7, 3, old_id, sealed)]) == [b"state"]
    assert current_ids(await stored_data_keys(connection))[KeyUsage.WALLET_SEALING] == 4
    assert verify_records(records) == []
    told = json.loads(records[-1].record)
    assert (told["operation"], told["subject"], told["actors"]) == (
        "data-key.rotate",
        "data-key:4",
        [*ACTORS],
    )
    assert told["details"] == {"usage": "wallet sealing", "check_value": key.check_value}


async def test_a_key_goes_when_nothing_needs_it(
    connection: Connection, core: SoftHsm, audit: AuditLog
) -> None:
    """Retired with no row under it, destroyed a day later; then what it sealed is of an unknown key."""
    hsm = InProcessHsm(core)
    ((old_id, sealed),) = core.seal_wallets([(7, 3, b"state")])
    await rotate_data_key(connection, hsm, audit, KeyUsage.WALLET_SEALING, ACTORS)
    await _age(connection, "created_at", 4)
    await retire_data_key(connection, audit, 1, ACTORS, _no_rows)
    opened_when_retired = core.open_wallets([(7, 3, old_id, sealed)])
    await _age(connection, "retired_at", 1)
    await destroy_data_key(connection, hsm, audit, 1, _officers, _no_rows)

    assert opened_when_retired == [b"state"]
    assert core.open_wallets([(7, 3, old_id, sealed)]) == [SealFault.UNKNOWN_KEY]
    assert [each.state(4) for each in await stored_data_keys(connection)][::3] == ["destroyed", "current"]
    assert len([record async for record in stored_records(connection)]) == 3


async def test_when_a_key_is_not_retired(connection: Connection, core: SoftHsm, audit: AuditLog) -> None:
    """Not while it is current, its successor new, or rows use it; and not one that isn't there."""
    with pytest.raises(DataKeyRefused, match="it is current, not previous"):
        await retire_data_key(connection, audit, 1, ACTORS, _no_rows)
    await rotate_data_key(connection, InProcessHsm(core), audit, KeyUsage.WALLET_SEALING, ACTORS)
    with pytest.raises(DataKeyRefused, match="so new"):
        await retire_data_key(connection, audit, 1, ACTORS, _no_rows)
    await _age(connection, "created_at", 4)
    with pytest.raises(DataKeyRefused, match="7 rows are sealed under it"):
        await retire_data_key(connection, audit, 1, ACTORS, _some_rows)
    with pytest.raises(DataKeyRefused, match="no such"):
        await retire_data_key(connection, audit, 99, ACTORS, _no_rows)


async def test_when_a_key_is_not_destroyed(connection: Connection, core: SoftHsm, audit: AuditLog) -> None:
    """Not before it is retired, nor on the same day, nor while rows use it after all."""
    hsm = InProcessHsm(core)
    await rotate_data_key(connection, hsm, audit, KeyUsage.WALLET_SEALING, ACTORS)
    await _age(connection, "created_at", 4)
    with pytest.raises(DataKeyRefused, match="it is previous, not retired"):
        await destroy_data_key(connection, hsm, audit, 1, _officers, _no_rows)
    await retire_data_key(connection, audit, 1, ACTORS, _no_rows)
    with pytest.raises(DataKeyRefused, match="less than a day ago"):
        await destroy_data_key(connection, hsm, audit, 1, _officers, _no_rows)
    await _age(connection, "retired_at", 1)
    with pytest.raises(DataKeyRefused, match="7 rows"):
        await destroy_data_key(connection, hsm, audit, 1, _officers, _some_rows)

    assert len(await hand_over_data_keys(connection, hsm)) == 4


async def test_a_rotation_that_is_not_audited_does_not_happen(
    connection: Connection, core: SoftHsm, audit: AuditLog
) -> None:
    """Key and record are stored together or not at all."""
    await connection.execute("DROP TABLE hsm.audit_end")
    with pytest.raises(DatabaseUnavailable):
        await rotate_data_key(connection, InProcessHsm(core), audit, KeyUsage.WALLET_SEALING, ACTORS)

    assert len(await stored_data_keys(connection)) == 3


async def test_appending_waits_for_whoever_appends(database_dsn: str, audit: AuditLog) -> None:
    """Entries of two nodes follow each other without a gap, and one rolled back leaves none."""
    entry = AuditEntry("key.show", ("alice",), "key:6")
    one, other = await connect(database_dsn), await connect(database_dsn)
    transaction = one.transaction()
    await transaction.start()
    await audit.append(one, entry)
    waiting = asyncio.create_task(audit.append(other, entry))
    await asyncio.wait([waiting], timeout=0.2)
    was_waiting = not waiting.done()
    await transaction.rollback()
    numbers = [await waiting, await audit.append(one, entry)]
    records = [record async for record in stored_records(one)]
    with pytest.raises(asyncpg.RestrictViolationError):
        await one.execute("UPDATE hsm.audit SET record = ''")
    for each in (one, other):
        await each.close()

    assert was_waiting
    assert numbers == [1, 2]
    assert verify_records(records) == []


async def test_key_block_of_another_table_is_refused(connection: Connection, core: SoftHsm) -> None:
    """A key block that somebody else put there stops whoever reads it."""
    await connection.execute("UPDATE hsm.data_key SET key_block = $1 WHERE id = 1", KeyBlock("D0000"))
    other = InProcessHsm(core)
    await connection.execute("UPDATE hsm.data_key SET id = 9 WHERE id = 1")

    with pytest.raises(KeyBlockRefused):
        await hand_over_data_keys(connection, other)
