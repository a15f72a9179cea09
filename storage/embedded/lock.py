"""Locks between commands that share one server.

All are `flock` locks: the kernel drops them with the last descriptor, so a command that was killed leaves
nothing to clean up. Python opens files close-on-exec, so no other program inherits one unless it is handed
over.

A `UserLock` is left only while an `exclusive` lock is held, which covers what the last one out does; whoever
joins takes that lock before it looks at the server. So nobody takes for running what is about to be stopped.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the file `path` alone, created if missing; waits for whoever holds it."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def shared(folder: Path) -> Iterator[int]:
    """Hold `folder` with others. Yields the descriptor: a process that inherits it goes on holding."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield descriptor
    finally:
        os.close(descriptor)


class UserLock:
    """A share in the file `path`, created if missing, that says: one user more."""

    def __init__(self, path: Path) -> None:
        self._descriptor = _open(path)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def leave(self) -> bool:
        """Give the share back; at most once. True when nobody else has one."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            return True
        finally:
            os.close(self._descriptor)


def _open(path: Path) -> int:
    # Reading suffices for a lock, so a file that root's command made serves its owner's commands too.
    return os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
