"""A server that does not simply start: what earlier ones left, and what cannot be mended."""

import os
import socket
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from storage.embedded import EmbeddedPostgres, EmbeddedPostgresError, ServerSettings, server
from storage.embedded.postmaster import find_postmaster
from storage.embedded.server import Server

Acquire = Callable[[Path], EmbeddedPostgres]


def test_lock_files_of_a_reused_process_id_do_not_keep_the_server_down(
    home: Path, data: Path, acquire: Acquire
) -> None:
    """Lock files left by a crash are dropped even when their process id is now another process's."""
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        (data / name).write_text(f"{os.getpid()}\n")
        os.chown(data / name, data.stat().st_uid, -1)

    with acquire(home):
        assert find_postmaster(data) is not None


def test_server_out_of_sight_is_left_alone(home: Path, data: Path, acquire: Acquire) -> None:
    """While some other process answers on the socket no server is started, and its lock files stay."""
    (data / "postmaster.pid").write_text("999999999\n")
    with closing(socket.socket(socket.AF_UNIX)) as other:
        other.bind(str(data / ".s.PGSQL.5432"))
        other.listen()
        with pytest.raises(EmbeddedPostgresError, match="cannot be seen from here"):
            acquire(home)

        assert (data / "postmaster.pid").exists()
    (data / "postmaster.pid").unlink()


def test_server_that_is_starting_is_waited_for(
    home: Path, data: Path, acquire: Acquire, small_server: ServerSettings
) -> None:
    """A server that another command began to start is taken over once it is ready."""
    with acquire(home):
        file = data / "postmaster.pid"
        ready = file.read_text()
        file.write_text(ready.replace("ready   ", "starting"))
        waiting = threading.Thread(target=Server(home / "postgres").ensure_running, args=[small_server])
        waiting.start()
        waiting.join(timeout=0.1)
        assert waiting.is_alive()
        file.write_text(ready)
        waiting.join(timeout=10)

        assert not waiting.is_alive()


def test_server_that_hangs_is_given_up(
    home: Path, data: Path, acquire: Acquire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that neither becomes ready nor ends is an error after a while."""
    with acquire(home):
        file = data / "postmaster.pid"
        ready = file.read_text()
        file.write_text(ready.replace("ready   ", "stopping"))
        with monkeypatch.context() as patched:
            patched.setattr(server, "_PATIENCE_S", 0.05)
            with pytest.raises(EmbeddedPostgresError, match="neither comes up nor goes down"):
                acquire(home)
        file.write_text(ready)


@pytest.mark.parametrize(("program", "trouble"), [("initdb", "cannot be made"), ("postgres", "its database")])
def test_cluster_that_cannot_be_made_is_told(
    new_home: Path, acquire: Acquire, monkeypatch: pytest.MonkeyPatch, program: str, trouble: str
) -> None:
    """When a step of making fails the error says which; neither a cluster nor an earlier rest stands."""
    rest = new_home / "postgres" / "data.new-abc"
    (rest / "base").mkdir(parents=True)
    options = {"initdb": "_INITDB", "postgres": "_SINGLE_USER"}
    monkeypatch.setattr(server, options[program], ("--no-such-option",))
    with pytest.raises(EmbeddedPostgresError, match=rf"{trouble}(.|\n)*no-such-option"):
        acquire(new_home)

    assert not (new_home / "postgres" / "data").exists()
    assert not rest.exists()
