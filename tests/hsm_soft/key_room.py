"""A room in which keys are looked after: custody on a test's database, with a clock that stands still."""

import json
from dataclasses import dataclass
from typing import Any

import asyncpg

from hsm_soft.audit.log import stored_records
from hsm_soft.ceremonies import Ceremonies
from hsm_soft.ceremony import Activity
from hsm_soft.custody import KeyCustody, Parts
from hsm_soft.key_life import ManagedKey

PASSPHRASE = "a passphrase for every officer"


@dataclass
class Hour:
    """A clock that stands until it is set; microseconds."""

    now_us: int = 1_800_000_000_000_000


@dataclass(frozen=True)
class Room:
    """Custody on a database of the test's own."""

    parts: Parts
    hour: Hour
    current: list[ManagedKey]

    @property
    def connection(self) -> "asyncpg.Connection[asyncpg.Record]":
        """The only connection."""
        return self.parts.connection

    @property
    def keys(self) -> KeyCustody:
        """Operations on keys."""
        return KeyCustody(self.parts)

    @property
    def ceremonies(self) -> Ceremonies:
        """Ceremonies."""
        return Ceremonies(self.parts)

    async def approved(self, activity: Activity, **subject: str) -> int:
        """A ceremony that alice opened and bob approved."""
        opened = await self.ceremonies.open(activity, subject, "alice", PASSPHRASE, 15)
        await self.ceremonies.approve(opened.id, "bob", PASSPHRASE)
        return opened.id

    async def recorded(self) -> list[dict[str, Any]]:
        """What stands in the audit."""
        return [json.loads(each.record) async for each in stored_records(self.connection)]
