"""From one master key to another on PostgreSQL: killed halfway, gone on with, proven at the end."""

import os
from random import Random as SeededRandom

import pytest

from hsm_soft.ceremony import Activity
from hsm_soft.custody import KeySpec
from hsm_soft.key_block import KeyBlockProtection, KeyUsage
from hsm_soft.key_store import WrongMasterKey, open_hsm
from hsm_soft.key_usage import Algorithm
from hsm_soft.master_key import MasterKey
from hsm_soft.primitives import Random
from hsm_soft.rewrap import HSM_BLOCKS, BlockColumn, Left, RewrapFailed, rewrap, verify
from tests.hsm_soft.key_room import PASSPHRASE, Room

_NEW = MasterKey(SeededRandom("new").randbytes(32), development=False, created=False)
_TERMINALS = BlockColumn("directory.terminal", ("merchant_id", "terminal_id"), "master_key")
_COLUMNS = (*HSM_BLOCKS, _TERMINALS)


class KilledError(Exception):
    """What a test ends the job with."""


async def _keys_in(room: Room, protection: KeyBlockProtection) -> dict[int, bytes]:
    rows = await room.connection.fetch("SELECT id, key_block FROM hsm.key WHERE key_block IS NOT NULL")
    return {row["id"]: protection.open(row["key_block"])[1] for row in rows}


async def _furnish(room: Room, protection: KeyBlockProtection, random: Random, terminals: int) -> None:
    """A component that waits, a destroyed key, and terminals with master keys."""
    spec = KeySpec("link:bank", KeyUsage.ZONE_MASTER, Algorithm.TDES, 16)
    waiting = await room.approved(Activity.COMPONENTS, **spec.subject)
    await room.ceremonies.new_component(waiting, "alice", PASSPHRASE)
    key = await room.keys.generate(await room.approved(Activity.GENERATE, **spec.subject), spec)
    await room.keys.retire(await room.approved(Activity.RETIRE, key=str(key.id)), key.id)
    await room.keys.destroy(await room.approved(Activity.DESTROY, key=str(key.id)), key.id)
    await room.connection.execute(
        "INSERT INTO directory.merchant (id, merchant_id, party_id, name, category, state) "
        "VALUES (1, '990001000000001', 1, 'Shop', '5411', 'live')"
    )
    block = protection.wrap(KeyUsage.TERMINAL_MASTER, random(16), random)
    await room.connection.execute(
        """INSERT INTO directory.terminal
               (merchant_id, terminal_id, state, master_key, batch, batch_opened_us)
           SELECT '990001000000001', lpad(n::text, 8, 'T'), 'active', $1, '000001', 1
           FROM generate_series(1, $2) AS n""",
        *(block, terminals),
    )


async def test_every_block_moves_and_means_the_same(
    room: Room, protection: KeyBlockProtection, random: Random
) -> None:
    """Over several batches; afterwards the new key alone opens everything, and the old one nothing."""
    await _furnish(room, protection, random, terminals=1_001)
    before = await _keys_in(room, protection)
    new = KeyBlockProtection(_NEW.key)

    moved = await rewrap(room.connection, protection, new, _COLUMNS, random)

    assert moved == len(before) + 1 + 1_001
    assert before == await _keys_in(room, new)
    assert await verify(room.connection, new, _COLUMNS) == []
    assert {left.column for left in await verify(room.connection, protection, _COLUMNS)} == {
        "hsm.key.key_block",
        "hsm.component.key_block",
        "directory.terminal.master_key",
    }
    await open_hsm(room.connection, _NEW)
    with pytest.raises(WrongMasterKey):
        await open_hsm(room.connection, MasterKey(_NEW.key[::-1], development=False, created=False))


@pytest.mark.parametrize("survives", [1, 3, 501, 700])
async def test_a_killed_job_is_gone_on_with(
    room: Room, master_key: MasterKey, protection: KeyBlockProtection, random: Random, survives: int
) -> None:
    """Wherever it ends: what is left opens under either key, and a second run moves just the rest."""
    await _furnish(room, protection, random, terminals=800)
    before = await _keys_in(room, protection)
    new, both = KeyBlockProtection(_NEW.key), KeyBlockProtection(_NEW.key, master_key.key)
    drawn = 0

    def dying(count: int) -> bytes:
        nonlocal drawn
        drawn += 1
        if drawn > survives:
            raise KilledError
        return os.urandom(count)

    with pytest.raises(KilledError):
        await rewrap(room.connection, protection, new, _COLUMNS, dying)
    left = sum(each.blocks for each in await verify(room.connection, new, _COLUMNS))

    assert left > 0
    assert before == await _keys_in(room, both)
    assert left == await rewrap(room.connection, protection, new, _COLUMNS, random)
    assert await verify(room.connection, new, _COLUMNS) == []
    assert await rewrap(room.connection, protection, new, _COLUMNS, random) == 0


async def test_a_block_under_neither_key_stops_the_job(
    room: Room, protection: KeyBlockProtection, random: Random
) -> None:
    """Its place is named; nothing else is."""
    stranger = KeyBlockProtection(bytes(range(32))).wrap(KeyUsage.PIN_REFERENCE, random(32), random)
    await room.connection.execute("UPDATE hsm.key SET key_block = $1 WHERE id = 4", stranger)

    with pytest.raises(
        RewrapFailed, match=r"a block in hsm\.key\.key_block can't be moved: its authentication"
    ):
        await rewrap(room.connection, protection, KeyBlockProtection(_NEW.key), _COLUMNS, random)


async def test_a_key_that_is_not_what_it_was_is_found(
    room: Room, protection: KeyBlockProtection, random: Random
) -> None:
    """A good block of another key beside a check value is not vouched for."""
    other = protection.wrap(KeyUsage.PIN_REFERENCE, random(32), random)
    await room.connection.execute("UPDATE hsm.key SET key_block = $1 WHERE id = 4", other)

    assert await verify(room.connection, protection, _COLUMNS) == [Left("hsm.key.key_block", 1)]


async def test_a_key_that_changes_meanwhile_is_not_overwritten(
    room: Room, protection: KeyBlockProtection, random: Random
) -> None:
    """A block that another session stores between reading and writing stays, and is left for the next run."""
    newer = protection.wrap(KeyUsage.PIN_REFERENCE, random(32), random)
    await room.connection.execute(
        "CREATE FUNCTION meanwhile() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NEW.id = 3 THEN UPDATE hsm.key SET key_block = '" + newer + "' WHERE id = 4; END IF; "
        "RETURN NEW; END $$"
    )
    await room.connection.execute(
        "CREATE TRIGGER meanwhile BEFORE UPDATE ON hsm.key FOR EACH ROW EXECUTE FUNCTION meanwhile()"
    )
    before = await _keys_in(room, protection)
    new = KeyBlockProtection(_NEW.key)

    moved = await rewrap(room.connection, protection, new, _COLUMNS, random)

    assert moved == len(before) - 1
    assert await verify(room.connection, new, _COLUMNS) == [Left("hsm.key.key_block", 1)]
    assert newer == await room.connection.fetchval("SELECT key_block FROM hsm.key WHERE id = 4")


async def test_a_block_that_comes_out_otherwise_is_not_stored(
    room: Room, protection: KeyBlockProtection, random: Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Header, key and check value are compared before anything is written."""
    other = KeyBlockProtection(_NEW.key)
    wrong = other.wrap(KeyUsage.PAN_INDEX, random(32), random)
    monkeypatch.setattr(KeyBlockProtection, "rewrap", lambda *_: wrong)

    with pytest.raises(RewrapFailed, match="did not come out as it went in"):
        await rewrap(room.connection, protection, other, _COLUMNS, random)
