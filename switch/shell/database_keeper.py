"""The keeper of the embedded database: brings its server back when it has died under a running node.

The server is nobody's child. When its first process is killed its sessions end, and nobody but a user of it
starts it again. So while the ledger isn't ready the keeper looks after it, in a thread, since a start blocks
until the log is replayed. The address stays the same, so the ledger's lanes and the directory's pool find the
new server by connecting again, as they do anyway. A database that the operator configured is the operator's
and has no keeper.
"""

import asyncio
from collections.abc import Callable
from typing import Final, NoReturn

from storage.embedded import EmbeddedPostgresError
from switch.observability.logs import get

_GLANCE_SECONDS: Final = 0.25
_PAUSE_SECONDS: Final = 5.0

_log = get("switch.database")


async def keep_up(revive: Callable[[], bool], is_ready: Callable[[], bool]) -> NoReturn:
    """Look after the server until cancelled; a start under way is then left to end by itself.

    Args:
        revive: Starts the server if it has died; whether it had. Called in a thread.
        is_ready: Whether the ledger has its connections, so that there is nothing to look after.
    """
    while True:
        await asyncio.sleep(_GLANCE_SECONDS)
        if is_ready():
            continue
        try:
            if await asyncio.to_thread(revive):
                _log.warning("embedded PostgreSQL had died and was started again")
        except EmbeddedPostgresError as trouble:
            _log.error("embedded PostgreSQL has died and does not start", trouble=str(trouble))
            await asyncio.sleep(_PAUSE_SECONDS)
