"""Makes, starts and stops the server of one folder.

The folder holds the cluster (`data`), what the server says (`log`) and the commands' locks. A cluster is made
beside its place and renamed there once its database exists, so one that stands is complete. The caller holds
the start lock throughout: of two processes never both make, start or stop.
"""

import os
import shlex
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from storage.embedded.account import account_for_new_cluster, owner_of
from storage.embedded.address import DATABASE, SUPERUSER, Address
from storage.embedded.error import EmbeddedPostgresError
from storage.embedded.log import ServerLog
from storage.embedded.postmaster import (
    LOCK_FILES,
    cluster_name,
    find_postmaster,
    is_abandoned,
    server_processes,
)
from storage.embedded.programs import Programs, programs_for
from storage.embedded.settings import ServerSettings

# Replaying the WAL of a crash under load, or writing out full buffers, takes minutes on a slow disk.
_PATIENCE_S = 600
_GLANCE_S = 0.01

# The current folder under a name that needs no rights on the folders above it.
_HERE = "/proc/self/cwd"
_INITDB = (
    f"--pgdata={_HERE}",
    f"--username={SUPERUSER}",
    "--encoding=UTF8",
    # PostgreSQL's own locale sorts alike on every system; the C library's are not used beside it.
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    # The folder of the socket is open to the server's account alone, so whoever reaches it may enter.
    "--auth-local=trust",
    "--auth-host=reject",
    "--no-instructions",
)
_SINGLE_USER = ("--single", "-D", _HERE, "--exit_on_error=on")
_UNFINISHED = "data.new-"


class Server:
    """The server whose cluster is, or will be, `folder`/data."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self._folder = folder
        self._log = ServerLog(folder / "log")

    def ensure_made(self) -> None:
        """Make the cluster if there is none.

        Raises:
            EmbeddedPostgresError: It cannot be made.
            OSError: The folder cannot be used.
        """
        if not self.data.exists():
            self._make_cluster()

    def ensure_running(self, settings: ServerSettings) -> bool:
        """Return once the server takes connections: a running one as it is, else one started with `settings`.

        Returns:
            Whether this call started it.

        Raises:
            EmbeddedPostgresError: It cannot be started, or is neither up nor gone in ten minutes.
            OSError: The folder cannot be used, or there is no cluster.
        """
        started = False
        while not self._comes_up():
            self._start(settings)
            started = True
        return started

    def stop(self) -> None:
        """Stop the server, if it runs, cutting its sessions; everything committed is kept.

        Raises:
            EmbeddedPostgresError: It still runs after ten minutes.
        """
        running = find_postmaster(self.data)
        if running is not None:
            _signal(running.pid, signal.SIGINT)
            self._wait(self._is_gone, "does not stop")

    def _comes_up(self) -> bool:
        """Wait for a server that is starting to be ready, and for one that is stopping to be gone."""
        self._wait(self._is_settled, "neither comes up nor goes down")
        return find_postmaster(self.data) is not None

    def _is_settled(self) -> bool:
        running = find_postmaster(self.data)
        return running is None or running.is_ready

    def _is_gone(self) -> bool:
        return is_abandoned(self.data)

    def _start(self, settings: ServerSettings) -> None:
        self._clear_after_crash()
        self._log.set_aside_if_large()
        parameters = settings.parameters() | {"cluster_name": cluster_name(self.data)}
        # pg_ctl gives the server a session of its own: Ctrl-C and a closed terminal reach the command only.
        started = self._run(
            programs_for(owner_of(self.data)),
            self.data,
            "pg_ctl",
            "start",
            "--silent",
            "--wait",
            f"--timeout={_PATIENCE_S}",
            f"--pgdata={_HERE}",
            f"--options={shlex.join(f'--{name}={value}' for name, value in parameters.items())}",
        )
        if not started and find_postmaster(self.data) is None:
            raise self._error("does not start")

    def _make_cluster(self) -> None:
        for left_over in self._folder.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(left_over, ignore_errors=True)
        account = account_for_new_cluster()
        programs = programs_for(account)
        unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self._folder))
        os.chown(unfinished, account.uid, account.gid)
        if not self._run(programs, unfinished, "initdb", *_INITDB):
            raise self._error("cannot be made")
        statement = f"CREATE DATABASE {DATABASE}"
        if not self._run(programs, unfinished, "postgres", *_SINGLE_USER, "postgres", text=statement):
            raise self._error(f"cannot be given its database {DATABASE}")
        unfinished.rename(self.data)
        for folder in (self._folder, self._folder.parent):
            _make_durable(folder)

    def _clear_after_crash(self) -> None:
        """End what a killed postmaster left at work, and drop its lock files.

        PostgreSQL drops such files itself, but not when the process id in them has passed to another process
        of its account or is that of a zombie nobody collects, both of which are usual in containers.

        Raises:
            EmbeddedPostgresError: A server answers that is none of our processes, one in another container;
                PostgreSQL would not notice it, and two would ruin the cluster.
        """
        for pid in server_processes(self.data):
            _signal(pid, signal.SIGQUIT)
        self._wait(self._is_gone, "has processes of a crashed server that do not end")
        with Address(self.data) as address:
            if address.answers():
                raise self._error(
                    "is served by a process that cannot be seen from here; stop it where it runs"
                )
        for name in LOCK_FILES:
            (self.data / name).unlink(missing_ok=True)

    def _run(self, programs: Programs, folder: Path, *command: str, text: str = "") -> bool:
        with self._log.open() as log:
            return programs.run(*command, folder=folder, log=log, text=text)

    def _wait(self, until: Callable[[], bool], trouble: str) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not until():
            if time.monotonic() > deadline:
                raise self._error(trouble)
            time.sleep(_GLANCE_S)

    def _error(self, trouble: str) -> EmbeddedPostgresError:
        return EmbeddedPostgresError(
            f"the PostgreSQL in {self._folder} {trouble}\n{self._log.news()}".rstrip()
        )


def _make_durable(folder: Path) -> None:
    """Write the names in `folder` to disk: a commit must not outlive the name of its cluster."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
