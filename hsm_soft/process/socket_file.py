"""The HSM's socket in the file system: who may reach it, and that one HSM serves there.

The socket has mode 0600 in a folder of mode 0700, both of the user who runs the HSM, and each peer's user is
asked of the kernel (`SO_PEERCRED`) as well. A lock beside the socket belongs to the HSM that serves: another
one started on the same place gives up, and a socket left behind by one that was killed is replaced.
"""

import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

__all__ = ["SocketRefused", "listening_socket", "peer_is_ours"]

_credentials: Final = struct.Struct("3i")
_PATH_BYTES_MAX: Final = 107
_BACKLOG: Final = 64
_OTHERS: Final = 0o077


class SocketRefused(Exception):
    """The HSM's socket can't be had there; says why."""


@contextmanager
def listening_socket(path: Path) -> Iterator[socket.socket]:
    """A listening socket at `path`, gone again afterwards.

    Raises:
        SocketRefused: the folder is open to others, another HSM serves there, or the system refuses.
    """
    if len(os.fsencode(path)) > _PATH_BYTES_MAX:
        raise SocketRefused(f"{path}: a socket's path has at most {_PATH_BYTES_MAX} bytes; set hsm.socket")
    with ExitStack() as stack:
        try:
            _make_folder(path.parent)
            _take(stack.enter_context(path.with_suffix(".lock").open("ab")).fileno(), path)
            path.unlink(missing_ok=True)
            stack.callback(path.unlink, missing_ok=True)
            listening = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            _listen(listening, path)
        except OSError as error:
            raise SocketRefused(f"{path}: {error.strerror or error}") from None
        yield listening


def _make_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_mode & _OTHERS or status.st_uid != os.geteuid():
        raise SocketRefused(f"{folder} must belong to the HSM's user alone (mode 0700)")


def _take(lock: int, path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SocketRefused(f"{path}: another HSM serves there") from None


def _listen(listening: socket.socket, path: Path) -> None:
    listening.bind(os.fspath(path))
    path.chmod(0o600)
    listening.listen(_BACKLOG)
    listening.setblocking(False)


def peer_is_ours(peer: socket.socket) -> bool:
    """Whether the other end is a process of this user's, as the kernel says."""
    options = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _credentials.size)
    _, user, _ = _credentials.unpack(options)
    return bool(user == os.geteuid())
