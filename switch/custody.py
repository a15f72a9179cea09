"""Where keys are looked after: the master key, the database and the audit, joined for `cardswitch keys`.

Custody works in a process of its own, beside running nodes or without them, and opens the master key itself.
Nodes see what it changed when they next read it. A terminal's new master key goes into the directory in the
same transaction in which it becomes current.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from directory.commands import TerminalUnknown, change_master_key
from hsm_soft.audit.log import AuditLog
from hsm_soft.ceremonies import Ceremonies
from hsm_soft.custody import KeyCustody, Parts
from hsm_soft.key_block import KeyBlockProtection
from hsm_soft.key_life import LifeRefused, ManagedKey
from hsm_soft.key_store import open_hsm
from hsm_soft.key_usage import KeyUsage
from hsm_soft.master_key import MasterKey
from hsm_soft.rewrap import HSM_BLOCKS, BlockColumn
from storage.database import connect
from storage.migrations import migrate
from switch.bootstrap import COMPONENTS
from switch.config import Settings
from switch.master_keys import master_key_of
from switch.shell.clock import Clock

__all__ = ["KEY_BLOCKS", "Custody", "open_custody"]

_TERMINAL = ("merchant_id", "terminal_id")
_KEY_SET = (*_TERMINAL, "created_at")
KEY_BLOCKS = (
    *HSM_BLOCKS,
    BlockColumn("directory.terminal", _TERMINAL, "master_key"),
    BlockColumn("directory.terminal_key_set", _KEY_SET, "pin_key"),
    BlockColumn("directory.terminal_key_set", _KEY_SET, "mac_key"),
    BlockColumn("directory.terminal_key_set", _KEY_SET, "track_key"),
)
"""Every place of the database where a key block under the master key stands."""


@dataclass(frozen=True, slots=True)
class Custody:
    """What a command about keys works with."""

    connection: "asyncpg.Connection[asyncpg.Record]"
    master_key: MasterKey
    audit: AuditLog
    keys: KeyCustody
    ceremonies: Ceremonies


@asynccontextmanager
async def open_custody(settings: Settings, dsn: str) -> AsyncIterator[Custody]:
    """Migrate the database, open the master key, and see that the two belong together.

    Raises:
        DatabaseUnavailable: the database can't be reached.
        MigrationError: the database doesn't fit this program.
        MasterKeyError: the master key can't be had.
        WrongMasterKey: the database was made under another master key.
    """
    await migrate(dsn, COMPONENTS)
    master_key = master_key_of(settings)
    connection = await connect(dsn)
    try:
        await open_hsm(connection, master_key)
        yield _custody(connection, master_key, Clock(settings.clock.time_zone))
    finally:
        await connection.close()


def _custody(
    connection: "asyncpg.Connection[asyncpg.Record]", master_key: MasterKey, clock: Clock
) -> Custody:
    audit = AuditLog(clock.now_us)
    protection = KeyBlockProtection(master_key.key, master_key.previous)
    parts = Parts(connection, protection, audit, clock.now_us, os.urandom, _told)
    return Custody(connection, master_key, audit, KeyCustody(parts), Ceremonies(parts))


async def _told(connection: "asyncpg.Connection[asyncpg.Record]", key: ManagedKey) -> None:
    """A key became current: a terminal's master key goes into the directory."""
    kind, _, name = key.owner.partition(":")
    if kind != "terminal" or key.usage != KeyUsage.TERMINAL_MASTER.title or key.block is None:
        return
    merchant_id, _, terminal_id = name.partition("/")
    try:
        await change_master_key(connection, merchant_id, terminal_id, key.block)
    except TerminalUnknown:
        raise LifeRefused("the directory has no such terminal") from None
