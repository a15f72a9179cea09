"""What runs in a data folder, told from `postmaster.pid` and `/proc`.

The file alone proves nothing: after a crash it stays behind, and its process id may by now belong to someone
else. So each server is started with a cluster name made from its data folder; PostgreSQL keeps that name in
the command line of all its processes, which anyone may read. (Their current folder would tell the same, but
in a container even root may not look at that of another user's process.)

`postmaster.pid` has the process id in its first line and the server's state in its eighth (PostgreSQL,
src/include/utils/pidfile.h).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from storage.embedded.address import SOCKET_NAME

_PID_FILE = "postmaster.pid"
LOCK_FILES = (_PID_FILE, f"{SOCKET_NAME}.lock")

_STATE_LINE = 7
_READY = "ready"


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A server's first process, alive when it was looked for."""

    pid: int
    is_ready: bool


def cluster_name(data: Path) -> str:
    """The name of the server of the folder `data`, the same by whatever path the folder is reached."""
    about = data.stat()
    return "cardswitch-" + hashlib.sha256(f"{about.st_dev}:{about.st_ino}".encode()).hexdigest()[:12]


def find_postmaster(data: Path) -> Postmaster | None:
    """The live server of the folder `data`, if there is one that this process can see."""
    try:
        lines = [line.strip() for line in (data / _PID_FILE).read_text().splitlines()]
    except FileNotFoundError:
        return None
    if not lines or not lines[0].isdecimal() or cluster_name(data) not in _command_line(lines[0]):
        return None
    return Postmaster(int(lines[0]), is_ready=lines[_STATE_LINE:] == [_READY])


def server_processes(data: Path) -> list[int]:
    """Process ids of all PostgreSQL processes in the folder `data`, with or without their postmaster."""
    name = cluster_name(data)
    return [int(pid) for pid in _processes() if name in _command_line(pid)]


def is_abandoned(data: Path) -> bool:
    """Whether the last process has left the folder `data`.

    A dying process gives up its command line first, and only then what would disturb a successor: its shared
    memory and its sockets. So while any PostgreSQL process is dying the answer is no.
    """
    name = cluster_name(data)
    return not any(name in _command_line(pid) or _is_dying(pid) for pid in _processes())


def _processes() -> Iterator[str]:
    return (entry.name for entry in Path("/proc").iterdir() if entry.name.isdecimal())


def _command_line(pid: str) -> str:
    """The command line of a live PostgreSQL process, empty for all else."""
    return _read(pid, "cmdline") if _is_postgres(pid) else ""


def _is_dying(pid: str) -> bool:
    return _is_postgres(pid) and not _read(pid, "cmdline") and "State:\tZ" not in _read(pid, "status")


def _is_postgres(pid: str) -> bool:
    return _read(pid, "comm") == "postgres\n"


def _read(pid: str, name: str) -> str:
    """A file of `/proc`, empty when the process has ended."""
    try:
        return Path("/proc", pid, name).read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
