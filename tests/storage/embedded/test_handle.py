"""Commands that share a server: who starts it, who keeps it up, who stops it."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import asyncpg
import pytest

from storage.embedded import EmbeddedPostgres, EmbeddedPostgresError
from storage.embedded.lock import UserLock
from storage.embedded.postmaster import find_postmaster

Acquire = Callable[[Path], EmbeddedPostgres]


class Command(Protocol):
    """What `start_command` starts."""

    def wait_until_held(self) -> None:
        """Return once the command has its server."""

    def end(self) -> int:
        """Let it release the server."""

    def kill(self) -> None:
        """End it by SIGKILL."""


Start = Callable[[Path], Command]


def pid_of(data: Path) -> int:
    """The process id of the running server."""
    running = find_postmaster(data)
    assert running is not None
    return running.pid


def kill_server(data: Path) -> None:
    """End the server's first process by SIGKILL; it is gone when this returns."""
    os.kill(pid_of(data), signal.SIGKILL)
    while find_postmaster(data) is not None:
        time.sleep(0.001)


async def test_new_home_gets_a_safe_server(new_home: Path, acquire: Acquire) -> None:
    """A new home is closed to others; its server is durable, checks pages and has no network address."""
    with acquire(new_home) as server:
        modes = [folder.stat().st_mode & 0o777 for folder in (new_home, new_home / "postgres" / "data")]
        connection = await asyncpg.connect(server.dsn)
        rows = await connection.fetch(
            """SELECT name, setting FROM pg_settings WHERE name IN (
            'fsync', 'full_page_writes', 'synchronous_commit', 'data_checksums', 'listen_addresses',
            'wal_compression', 'checkpoint_timeout', 'server_encoding')"""
        )
        database = await connection.fetchrow(
            "SELECT datname, datlocprovider, datlocale FROM pg_database WHERE datname = current_database()"
        )
        await connection.close()

    assert modes == [0o700, 0o700]
    assert {row["name"]: row["setting"] for row in rows} == {
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
        "listen_addresses": "",
        "wal_compression": "off",
        "checkpoint_timeout": "900",
        "server_encoding": "UTF8",
    }
    assert tuple(database or ()) == ("cardswitch", b"b", "C.UTF-8")


def test_last_release_stops_the_server(home: Path, data: Path, acquire: Acquire) -> None:
    """Each of two holders in one process counts; releasing one twice releases only that one."""
    first, second = acquire(home), acquire(home)
    first.release()
    first.release()
    running = find_postmaster(data)
    second.release()

    assert running is not None
    assert find_postmaster(data) is None


def test_server_outlives_the_command_that_started_it(
    home: Path, data: Path, acquire: Acquire, start_command: Start
) -> None:
    """A command that joined keeps the same server when its starter ends, and stops it in the end."""
    starter = start_command(home)
    starter.wait_until_held()
    pid = pid_of(data)
    with acquire(home):
        assert starter.end() == 0
        assert pid == pid_of(data)

    assert find_postmaster(data) is None


def test_commands_that_start_at_once_share_one_server(
    new_home: Path, acquire: Acquire, start_command: Start
) -> None:
    """On a home without a cluster one command makes it, and the other finds it made."""
    commands = [start_command(new_home), start_command(new_home)]
    for command in commands:
        command.wait_until_held()

    assert [command.end() for command in commands] == [0, 0]


def test_killed_command_no_longer_counts(
    home: Path, data: Path, acquire: Acquire, start_command: Start
) -> None:
    """A server left by a killed command is taken over as it runs, and stopped by who took it over."""
    killed = start_command(home)
    killed.wait_until_held()
    pid = pid_of(data)
    killed.kill()
    assert pid == pid_of(data)
    with acquire(home):
        assert pid == pid_of(data)

    assert find_postmaster(data) is None


def test_command_killed_beside_another_leaves_it_served(
    home: Path, data: Path, acquire: Acquire, start_command: Start
) -> None:
    """Killing the starter does not disturb who joined."""
    killed = start_command(home)
    killed.wait_until_held()
    with acquire(home):
        pid = pid_of(data)
        killed.kill()
        assert pid == pid_of(data)


async def test_killed_postmaster_is_replaced(home: Path, data: Path, acquire: Acquire) -> None:
    """After SIGKILL to the server, with sessions open, the next command starts it anew; commits are kept."""
    with acquire(home) as server:
        connection = await asyncpg.connect(server.dsn)
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
        pid = pid_of(data)
        kill_server(data)
        with acquire(home) as again:
            connection.terminate()
            connection = await asyncpg.connect(again.dsn)
            number = await connection.fetchval("SELECT number FROM kept")
            await connection.execute("DROP TABLE kept")
            await connection.close()

            assert pid != pid_of(data)
            assert number == 42


async def test_dead_server_is_revived_by_its_holder(home: Path, data: Path, acquire: Acquire) -> None:
    """A holder whose server was killed starts it anew at the same address; a live server is left as it is."""
    with acquire(home) as server:
        pid, dsn = pid_of(data), server.dsn
        revived_alive = server.revive()
        assert pid == pid_of(data)
        kill_server(data)

        revived_dead = server.revive()

        connection = await asyncpg.connect(dsn)
        await connection.close()
        assert (revived_alive, revived_dead) == (False, True)
        assert pid != pid_of(data)

    assert find_postmaster(data) is None


def test_vanished_cluster_is_not_replaced(home: Path, data: Path, acquire: Acquire) -> None:
    """Where the data folder is gone, a holder is told so and makes no empty one; once back, it is served."""
    with acquire(home) as server:
        hidden = data.with_name("hidden")
        data.rename(hidden)
        kill_server(hidden)
        with pytest.raises(EmbeddedPostgresError, match="cannot be used"):
            server.revive()
        assert not data.exists()
        hidden.rename(data)

        assert server.revive()


def test_revived_server_belongs_to_all_its_holders(home: Path, data: Path, acquire: Acquire) -> None:
    """Of two holders one starts the dead server, the other finds it running, and the last one stops it."""
    with acquire(home) as first:
        with acquire(home) as second:
            kill_server(data)
            revived = [holder.revive() for holder in (first, second)]
        assert find_postmaster(data) is not None

    assert revived == [True, False]
    assert find_postmaster(data) is None


def test_server_has_a_session_of_its_own(home: Path, data: Path, acquire: Acquire) -> None:
    """Ctrl-C in the command's terminal does not reach the server."""
    with acquire(home):
        pid = pid_of(data)

        assert pid == os.getsid(pid)


def test_failed_start_is_told_with_the_log(new_home: Path, acquire: Acquire) -> None:
    """The error says what PostgreSQL said, and the failed command does not count as a user."""
    folder = new_home / "postgres"
    (folder / "data").mkdir(parents=True)
    with pytest.raises(EmbeddedPostgresError, match=r"does not start\n.*pg_ctl: "):
        acquire(new_home)

    assert UserLock(folder / "users.lock").leave()


def test_unusable_home_is_a_typed_error(tmp_path: Path, acquire: Acquire) -> None:
    """What the operating system refuses is translated."""
    (tmp_path / "file").touch()

    with pytest.raises(EmbeddedPostgresError, match="cannot be used"):
        acquire(tmp_path / "file" / "home")


def test_other_systems_are_refused(new_home: Path, acquire: Acquire, monkeypatch: pytest.MonkeyPatch) -> None:
    """What rests on Linux says so elsewhere."""
    monkeypatch.setattr(sys, "platform", "darwin")

    with pytest.raises(EmbeddedPostgresError, match="needs Linux, not darwin"):
        acquire(new_home)
