"""The move to another master key as an operator does it, killed at random moments: nothing is ever lost.

The command is a real process that SIGKILL ends somewhere between its first stored batch and its last check,
again and again. After each kill every key has to open under the old master key or the new one and be what it
was; the command, started again, finishes the move; and a switch that knows the new master key alone serves.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from hsm_soft.key_block import KeyBlockProtection, KeyBlockRefused
from storage.database import connect
from storage.embedded import EmbeddedPostgres

from .conftest import Dial
from .hsm_process import MASTER_KEY_FILE
from .plain_terminal import Terminal
from .stored_keys import master_key_in, stored_blocks, stored_keys
from .switch_process import BALANCE_MINOR, COMMAND, START_SECONDS, Installation, World

TERMINALS = 3_000
KILLS = 5
LONGEST_WAIT_SECONDS = 0.15
_WRITES = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'UPDATE %'
"""


@pytest.fixture
def old_home(tmp_path: Path) -> Iterator[Installation]:
    """A home with many terminals, on its development key; its database server stays up meanwhile."""
    installation = Installation(tmp_path / "home")
    installation.run("world", "--terminals", str(TERMINALS), "--cards", "10", "--quiet")
    with EmbeddedPostgres.acquire(installation.home):
        yield installation
        installation.stop()


def change_of(installation: Installation, new_file: Path, key: bytes) -> str:
    """Have the settings name a new master key and the old one, and two officers allow the change."""
    new_file.write_text(key.hex() + "\n", encoding="ascii")
    installation.environment |= {
        "CARDSWITCH_HSM__MASTER_KEY_FILE": str(new_file),
        "CARDSWITCH_HSM__PREVIOUS_MASTER_KEY_FILE": str(installation.home / MASTER_KEY_FILE),
    }
    for name in ("alice", "bob"):
        passphrase = new_file.with_name(name)
        passphrase.write_text(f"a passphrase of {name}\n", encoding="ascii")
        installation.run("keys", "officer", "add", name, "--passphrase-file", str(passphrase))
    acting = [
        ("--officer", name, "--passphrase-file", str(new_file.with_name(name))) for name in ("alice", "bob")
    ]
    opened = installation.run_json("keys", "ceremony", "open", "master-key", *acting[0])["ceremony"]
    installation.run("keys", "ceremony", "approve", str(opened), *acting[1])
    return str(opened)


async def killed_while_it_writes(
    installation: Installation, dsn: str, ceremony: str, wait_seconds: float
) -> None:
    """Start the command and kill it so long after its first write; it may have finished by then."""
    watching = await connect(dsn)
    process = await asyncio.create_subprocess_exec(
        *(COMMAND, "keys", "master-key", "rewrap", "--ceremony", ceremony),
        env=installation.environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(START_SECONDS):
        while process.returncode is None and not await watching.fetchval(_WRITES):
            await watching.execute("SELECT pg_sleep(0.002)")
    await watching.close()
    await asyncio.sleep(wait_seconds)
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


async def opened_under_either(dsn: str, old: bytes, new: bytes) -> tuple[dict[str, bytes], int]:
    """Every key, whichever master key it is under, and how many have moved."""
    connection = await connect(dsn)
    keys = await stored_keys(connection, KeyBlockProtection(new, old))
    moved = sum(
        _opens(KeyBlockProtection(new), block) for block in (await stored_blocks(connection)).values()
    )
    await connection.close()
    return keys, moved


def _opens(protection: KeyBlockProtection, block: str) -> bool:
    try:
        protection.open(block)
    except KeyBlockRefused:
        return False
    return True


@pytest.mark.timeout(600)
async def test_a_move_that_is_killed_again_and_again_loses_nothing(
    old_home: Installation, tmp_path: Path, dial: Dial
) -> None:
    """After every kill each key is what it was; the last run moves the rest, and the old key may go."""
    random = Random("rewrap")
    old, new = master_key_in(old_home.home / MASTER_KEY_FILE), random.randbytes(32)
    world = World(old_home.world_document())
    with EmbeddedPostgres.acquire(old_home.home) as server:
        before, _ = await opened_under_either(server.dsn, old, new)
        ceremony = change_of(old_home, tmp_path / "new.hex", new)
        after_kills = []
        for _ in range(KILLS):
            wait = random.uniform(0, LONGEST_WAIT_SECONDS)
            await killed_while_it_writes(old_home, server.dsn, ceremony, wait)
            after_kills.append(await opened_under_either(server.dsn, old, new))

        told = old_home.run("keys", "master-key", "rewrap", "--ceremony", ceremony)
        again = old_home.run_json("keys", "master-key", "rewrap", "--ceremony", ceremony)
        connection = await connect(server.dsn)
        under_the_new_alone = await stored_keys(connection, KeyBlockProtection(new))
        await connection.close()

    moved = [count for _, count in after_kills]
    assert [before] * KILLS == [keys for keys, _ in after_kills]
    assert moved == sorted(moved)
    assert any(0 < count < len(before) for count in moved)
    assert "the previous master key may go" in told
    assert again == {"moved": 0, "left": {}}
    assert before == under_the_new_alone
    del old_home.environment["CARDSWITCH_HSM__PREVIOUS_MASTER_KEY_FILE"]
    terminal = Terminal.signed_on(world.device(), dial(old_home.start()))
    card = world.card()
    assert terminal.exchange(terminal.purchase(card, 100)).code == "00"
    assert terminal.read_balance(card) == BALANCE_MINOR - 100
