"""How this installation's HSM is reached: in this process, or in one of its own (`hsm.mode`).

In process, the master key is loaded and the HSM opened here. With a process of its own (`cardswitch hsm
serve`) the switch never sees the master key or any other: it connects to the socket, and only hands over data
keys as they stand in the database.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from hsm_soft.data_key_store import open_data_keys
from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import Hsm, InProcessHsm
from hsm_soft.key_store import open_hsm
from hsm_soft.process.client import HsmClient, HsmObserver
from hsm_soft.process.hardening import harden
from hsm_soft.process.server import HsmServer, ServerObserver
from hsm_soft.process.socket_file import listening_socket
from storage.database import connect
from switch.config import Settings
from switch.master_keys import master_key_of, say_what_it_is
from switch.observability.logs import get

__all__ = ["open_core", "opened_hsm", "serve_hsm", "socket_of"]

_FOLDER: Final = "hsm"
_SOCKET: Final = "hsm.sock"

_log = get("hsm")


def socket_of(settings: Settings) -> Path:
    """The HSM's socket, as configured or in the home folder."""
    return settings.hsm.socket or settings.home / _FOLDER / _SOCKET


@asynccontextmanager
async def opened_hsm(settings: Settings, dsn: str, observer: HsmObserver) -> AsyncIterator[Hsm]:
    """The HSM of a migrated database, wherever it is.

    Raises:
        DatabaseUnavailable: the database can't be reached.
        HsmUnavailable: no HSM serves at the socket.
        MasterKeyError: the master key can't be had.
        WrongMasterKey: the database was made under another master key.
    """
    if settings.hsm.mode == "in_process":
        yield InProcessHsm(await open_core(settings, dsn))
        return
    client = HsmClient(socket_of(settings), observer, settings.hsm.answer_seconds)
    await client.connect()
    try:
        connection = await connect(dsn)
        try:
            await open_data_keys(connection, client)
        finally:
            await connection.close()
        yield client
    finally:
        await client.close()


async def open_core(settings: Settings, dsn: str) -> SoftHsm:
    """Load the master key and open the HSM here.

    Raises:
        DatabaseUnavailable: the database can't be reached.
        MasterKeyError: the master key can't be had.
        WrongMasterKey: the database was made under another master key.
    """
    master_key = master_key_of(settings)
    connection = await connect(dsn)
    try:
        return await open_hsm(connection, master_key, sm4_pos_mac=settings.hsm.unverified_sm4_pos_mac)
    finally:
        await connection.close()


async def serve_hsm(core: SoftHsm, path: Path, announce: Callable[[str], None]) -> None:
    """Serve on the socket until told to stop.

    Args:
        core: the opened HSM.
        path: where the socket shall be.
        announce: given the line that people and scripts wait for.

    Raises:
        SocketRefused: the socket can't be had.
    """
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    with listening_socket(path) as listening:
        say_what_it_is()
        announce(f"hsm serving on {path}")
        _log.info("hsm started", socket=str(path), **harden()._asdict())
        await HsmServer(core, _ServerEvents()).serve(listening, stopping)
    _log.info("hsm stopped")


class _ServerEvents(ServerObserver):
    """What the server tells, as log lines."""

    def peer_refused(self, reason: str) -> None:
        """Say it: somebody is at the socket who shouldn't be, or speaks another language."""
        _log.warning("peer refused", reason=reason)

    def operation_defective(self, operation: str) -> None:
        """Say which: a defect of the program, or of whoever asks."""
        _log.error("operation defective", operation=operation)
