"""One at a time, by a lock on a file: for what two commands in one home must not do at once.

The kernel drops the lock when its holder ends, however it ends; the file stays and means nothing.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from tools.trouble import Trouble

_RETRY_SECONDS: Final = 0.05


class InUse(Trouble):
    """Somebody else holds the lock and did not let go in time."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path.stem} is in use by another command (lock file {path})")


@asynccontextmanager
async def exclusive(path: Path, *, wait_seconds: float) -> AsyncIterator[None]:
    """Hold the lock of a file, made if absent, until the end of the block.

    Raises:
        InUse: Not to be had within `wait_seconds`.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        # By asking again: a thread that waits in the kernel could not be cancelled.
        for _ in range(int(wait_seconds / _RETRY_SECONDS) + 1):
            if _locked(descriptor):
                break
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            raise InUse(path)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
