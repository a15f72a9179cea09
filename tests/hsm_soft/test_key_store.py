"""The key store on PostgreSQL: first start, next start, two nodes at once, the wrong master key."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from hsm_soft.hsm import SoftHsm
from hsm_soft.key_block import KeyBlockRefused, Refusal
from hsm_soft.key_store import WrongMasterKey, open_hsm
from hsm_soft.master_key import MasterKey
from storage.database import DatabaseUnavailable, connect

_OTHER_MASTER_KEY = MasterKey(bytes(range(32)), development=True, created=False)


@pytest.fixture
async def connections(database_dsn: str) -> "AsyncIterator[list[asyncpg.Connection[asyncpg.Record]]]":
    """Four connections to a migrated database."""
    opened = [await connect(database_dsn) for _ in range(4)]
    yield opened
    for connection in opened:
        await connection.close()


@pytest.fixture
def connection(
    connections: "list[asyncpg.Connection[asyncpg.Record]]",
) -> "asyncpg.Connection[asyncpg.Record]":
    """One of them."""
    return connections[0]


def _agree(one: SoftHsm, other: SoftHsm) -> bool:
    ((key_id, sealed),) = one.seal_wallets([(7, 3, b"state")])
    opened = other.open_wallets([(7, 3, key_id, sealed)])
    return opened == [b"state"] and one.fingerprint(b"") == other.fingerprint(b"")


async def test_the_first_start_stores_all_keys(
    connection: "asyncpg.Connection[asyncpg.Record]", master_key: MasterKey
) -> None:
    """An empty table gets every named key as a key block with its name and check value."""
    await open_hsm(connection, master_key)
    rows = await connection.fetch("SELECT id, name, key_block, check_value FROM hsm.key ORDER BY id")

    assert [(row["id"], row["name"]) for row in rows] == [
        (3, "pan index"),
        (4, "pin reference"),
        (5, "fingerprint"),
        (6, "data keys"),
        (7, "audit signing"),
        (8, "personal index"),
        (9, "number scattering"),
    ]
    assert {row["key_block"][0] for row in rows} == {"D"}
    assert {len(row["check_value"]) for row in rows} == {10}


async def test_the_next_start_finds_the_same_keys(
    connection: "asyncpg.Connection[asyncpg.Record]", master_key: MasterKey
) -> None:
    """What one start sealed the next one opens."""
    assert _agree(await open_hsm(connection, master_key), await open_hsm(connection, master_key))


async def test_nodes_that_start_at_once_agree(
    connections: "list[asyncpg.Connection[asyncpg.Record]]", master_key: MasterKey
) -> None:
    """Whichever node writes first, all use its keys."""
    for _ in range(5):
        await connections[0].execute("DELETE FROM hsm.key; DELETE FROM hsm.data_key")
        first, *others = await asyncio.gather(*(open_hsm(each, master_key) for each in connections))

        assert all(_agree(first, other) for other in others)


async def test_nodes_with_different_master_keys_do_not_mix(
    connections: "list[asyncpg.Connection[asyncpg.Record]]", master_key: MasterKey
) -> None:
    """Of two nodes started at once, the one whose keys were not the ones stored is refused."""
    started = await asyncio.gather(
        open_hsm(connections[0], master_key),
        open_hsm(connections[1], _OTHER_MASTER_KEY),
        return_exceptions=True,
    )

    assert {type(result) for result in started} == {SoftHsm, WrongMasterKey}


async def test_a_missing_key_is_added_and_the_others_stay(
    connection: "asyncpg.Connection[asyncpg.Record]", master_key: MasterKey
) -> None:
    """A database from before a named key existed gets that one only."""
    before = await open_hsm(connection, master_key)
    await connection.execute("DELETE FROM hsm.key WHERE name = 'pan index'")
    after = await open_hsm(connection, master_key)

    assert _agree(before, after)
    assert before.pan_index("99000100") != after.pan_index("99000100")


@pytest.mark.parametrize("deleted", ["none", "fingerprint"])
async def test_another_master_key_is_refused_before_anything_is_added(
    connection: "asyncpg.Connection[asyncpg.Record]", master_key: MasterKey, deleted: str
) -> None:
    """The error names the key and its likely cause, and the table stays as it was."""
    await open_hsm(connection, master_key)
    await connection.execute("DELETE FROM hsm.key WHERE name = $1", deleted)
    before = await connection.fetch("SELECT * FROM hsm.key")

    with pytest.raises(WrongMasterKey, match=r"made under another master key.*'pan index'"):
        await open_hsm(connection, _OTHER_MASTER_KEY)
    assert before == await connection.fetch("SELECT * FROM hsm.key")


async def test_swapped_key_blocks_are_refused(
    connection: "asyncpg.Connection[asyncpg.Record]", master_key: MasterKey
) -> None:
    """Somebody who can write the table can't put one key in another's place."""
    await open_hsm(connection, master_key)
    await connection.execute(
        "UPDATE hsm.key SET key_block = (SELECT key_block FROM hsm.key WHERE id = 5) WHERE id = 3"
    )

    with pytest.raises(KeyBlockRefused) as refused:
        await open_hsm(connection, master_key)

    assert refused.value.reason is Refusal.PURPOSE


async def test_a_database_that_went_away_is_named_so(
    connections: "list[asyncpg.Connection[asyncpg.Record]]", master_key: MasterKey
) -> None:
    """The driver's error is translated."""
    await connections[1].close()

    with pytest.raises(DatabaseUnavailable):
        await open_hsm(connections[1], master_key)
