"""Key custody: every operation on keys that people decide, each under dual control and in the audit.

    1. the ceremony is locked and asked whether it allows this, now, to this key
    2. the key is made, taken in, sent out or moved on
    3. the audit's record is appended

in one transaction, so that nothing happens without its record. What is refused leaves a record too, of its
own. A clear key exists only between two lines of this module and of `key_exchange`; what goes in and out are
key blocks, cryptograms and check values.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import asyncpg

from hsm_soft import ceremony_store, key_exchange, key_life, key_ring
from hsm_soft.audit.log import AuditLog
from hsm_soft.audit.record import AuditEntry, AuditResult
from hsm_soft.ceremony import Activity, Ceremony, CeremonyRefused, refuse_use
from hsm_soft.check_values import shown
from hsm_soft.components import combine
from hsm_soft.key_block import KeyBlock, KeyBlockProtection, algorithm_in
from hsm_soft.key_exchange import Cryptogram, WrappingKey
from hsm_soft.key_life import KeyState, LifeRefused, ManagedKey
from hsm_soft.key_refused import KeyBlockRefused
from hsm_soft.key_ring import KeyUnknown
from hsm_soft.key_usage import Action, Algorithm, Exportability, KeyUsage
from hsm_soft.new_keys import new_key
from hsm_soft.passphrase import PassphraseRefused
from hsm_soft.pin_verification_value import table_bytes
from hsm_soft.primitives import DES_BLOCK_BYTES, Random

__all__ = ["CustodyRefused", "KeyCustody", "KeySpec", "Parts", "owner_shown"]

CustodyRefused: Final = (CeremonyRefused, KeyBlockRefused, KeyUnknown, LifeRefused, PassphraseRefused)
"""What an operation may end with when it is refused; each says why, and nothing secret."""

Changed = Callable[["asyncpg.Connection[asyncpg.Record]", ManagedKey], Awaitable[None]]
"""Told of each key that becomes current, inside the transaction."""


@dataclass(frozen=True, slots=True)
class KeySpec:
    """What a key is to be.

    Attributes:
        owner: `installation`, `link:NAME` or `terminal:MERCHANT/TERMINAL`.
        usage: What it is for.
        algorithm: Its cipher.
        length_bytes: Its length.
        mode: X9.143 mode of use; empty for the usage's own.
        exportability: Whether it may leave.
    """

    owner: str
    usage: KeyUsage
    algorithm: Algorithm
    length_bytes: int
    mode: str = ""
    exportability: Exportability = Exportability.NONE

    @property
    def subject(self) -> Mapping[str, str]:
        """How a ceremony names it."""
        return {
            "owner": self.owner,
            "usage": self.usage.title,
            "algorithm": self.algorithm.name.lower(),
            "length": str(self.length_bytes),
            "mode": self.mode,
            "exportability": self.exportability.name.lower(),
        }

    @classmethod
    def named(cls, subject: Mapping[str, str]) -> "KeySpec":
        """What a ceremony's subject names; the inverse of `subject`."""
        return cls(
            subject["owner"],
            KeyUsage.titled(subject["usage"]),
            Algorithm[subject["algorithm"].upper()],
            int(subject["length"]),
            subject["mode"],
            Exportability[subject["exportability"].upper()],
        )


@dataclass(frozen=True, slots=True)
class Parts:
    """What custody works with.

    Attributes:
        connection: To a migrated database, outside a transaction.
        protection: The master key.
        audit: Where every operation is recorded.
        now_us: The time, microseconds since the epoch.
        random: The source of keys.
        changed: Told of each key that becomes current.
    """

    connection: "asyncpg.Connection[asyncpg.Record]"
    protection: KeyBlockProtection
    audit: AuditLog
    now_us: Callable[[], int]
    random: Random
    changed: Changed


class KeyCustody:
    """The operations; each raises one of `CustodyRefused`, or `DatabaseUnavailable`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._connection = parts.connection

    async def generate(self, ceremony_id: int, spec: KeySpec) -> ManagedKey:
        """Make a key; it becomes its owner's current one, or the next if there is a current one."""
        async with self._allowed(ceremony_id, Activity.GENERATE, spec.subject, "key.generate") as details:
            key = new_key(spec.algorithm, spec.length_bytes, self._parts.random)
            return await self._place(spec.owner, spec.usage, self._wrapped(spec, key), details)

    async def combine(self, ceremony_id: int, said: bytes | None) -> ManagedKey:
        """Make the key of the components entered in a ceremony, whose check value was agreed."""
        ceremony = await ceremony_store.found(self._connection, ceremony_id)
        subject = ceremony.subject
        async with self._allowed(ceremony_id, Activity.COMPONENTS, subject, "key.combine") as details:
            spec = KeySpec.named(subject)
            stored = await ceremony_store.components_of(self._connection, ceremony_id)
            clear = [self._parts.protection.open(component.block)[1] for component in stored]
            key = combine(spec.algorithm, clear, said)
            details["components"] = str(len(clear))
            await ceremony_store.close(self._connection, ceremony_id, self._parts.now_us())
            return await self._place(spec.owner, spec.usage, self._wrapped(spec, key), details)

    async def import_block(
        self, ceremony_id: int, owner: str, usage: KeyUsage, under: int, block: str, *, variants: bool
    ) -> ManagedKey:
        """Take a key in from a partner's key block; see `key_exchange.import_block`."""
        subject = {"owner": owner, "usage": usage.title, "under": str(under)}
        async with self._allowed(ceremony_id, Activity.IMPORT, subject, "key.import") as details:
            details |= {"form": "block", "under": f"key:{under}"}
            above = await self._wrapping(under, Action.DECRYPT)
            stored = key_exchange.import_block(
                self._parts.protection, above, block, usage, self._parts.random, variants=variants
            )
            return await self._place(owner, usage, stored, details)

    async def import_table(self, ceremony_id: int, owner: str, digits: str) -> ManagedKey:
        """Take in a decimalisation table, as its issuer gives it: 16 decimal digits, those for 0 to F."""
        subject, usage = {"owner": owner}, KeyUsage.DECIMALISATION_TABLE
        async with self._allowed(ceremony_id, Activity.IMPORT_TABLE, subject, "key.import") as details:
            details["form"] = "digits"
            spec = KeySpec(owner, usage, Algorithm.DES, DES_BLOCK_BYTES)
            return await self._place(owner, usage, self._wrapped(spec, table_bytes(digits)), details)

    async def import_cryptogram(
        self, ceremony_id: int, owner: str, usage: KeyUsage, under: int, cryptogram: Cryptogram, mode: str
    ) -> ManagedKey:
        """Take a key in that is encrypted under a zone or terminal master key."""
        subject = {"owner": owner, "usage": usage.title, "under": str(under)}
        async with self._allowed(ceremony_id, Activity.IMPORT, subject, "key.import") as details:
            details |= {"form": "cryptogram", "under": f"key:{under}"}
            above = await self._wrapping(under, Action.DECRYPT)
            stored = key_exchange.import_cryptogram(
                self._parts.protection, above, cryptogram, usage, self._parts.random, mode=mode
            )
            return await self._place(owner, usage, stored, details)

    async def export_block(self, ceremony_id: int, key_id: int, under: int, version: str) -> KeyBlock:
        """A key as a key block for a partner; an empty version is the best that fits."""
        async with self._exporting(ceremony_id, key_id, under, "block") as (above, usage, block):
            return key_exchange.export_block(
                self._parts.protection, above, block, usage, self._parts.random, version=version
            )

    async def export_cryptogram(self, ceremony_id: int, key_id: int, under: int) -> Cryptogram:
        """A key encrypted under a zone or terminal master key."""
        async with self._exporting(ceremony_id, key_id, under, "cryptogram") as (above, usage, block):
            return key_exchange.export_cryptogram(self._parts.protection, above, block, usage)

    async def rotate(
        self, ceremony_id: int, owner: str, usage: KeyUsage, window_us: int
    ) -> tuple[ManagedKey, ...]:
        """Next becomes current, current previous; previous still verifies for the window."""
        subject = {"owner": owner, "usage": usage.title}
        async with self._allowed(ceremony_id, Activity.ROTATE, subject, "key.rotate") as details:
            keys = await key_ring.of_owner(self._connection, owner, usage.title)
            changed = key_life.rotated(keys, self._parts.now_us(), window_us)
            details |= {"window": str(timedelta(microseconds=window_us)), "to": f"key:{changed[-1].id}"}
            for key in changed:
                await key_ring.update(self._connection, key)
            await self._parts.changed(self._connection, changed[-1])
            return changed

    async def retire(self, ceremony_id: int, key_id: int) -> ManagedKey:
        """Take a key out of use at once, without a window."""
        now_us = self._parts.now_us()
        return await self._moved(
            ceremony_id, key_id, Activity.RETIRE, lambda key: key_life.deactivated(key, now_us)
        )

    async def destroy(self, ceremony_id: int, key_id: int) -> ManagedKey:
        """Erase a key's block; its row stays."""
        return await self._moved(ceremony_id, key_id, Activity.DESTROY, key_life.destroyed)

    async def _moved(
        self,
        ceremony_id: int,
        key_id: int,
        activity: Activity,
        move: Callable[[ManagedKey], ManagedKey],
    ) -> ManagedKey:
        async with self._allowed(ceremony_id, activity, {"key": str(key_id)}, f"key.{activity}") as details:
            key = await key_ring.find(self._connection, key_id)
            _refuse_named(key)
            details["check-value"] = key.check_value
            moved = move(key)
            await key_ring.update(self._connection, moved)
            return moved

    @asynccontextmanager
    async def _exporting(
        self, ceremony_id: int, key_id: int, under: int, form: str
    ) -> "AsyncIterator[tuple[WrappingKey, KeyUsage, KeyBlock]]":
        subject = {"key": str(key_id), "under": str(under)}
        async with self._allowed(ceremony_id, Activity.EXPORT, subject, "key.export") as details:
            details |= {"form": form, "under": f"key:{under}"}
            key = await key_ring.find(self._connection, key_id)
            details["check-value"] = key.check_value
            above = await self._wrapping(under, Action.ENCRYPT)
            yield above, KeyUsage.titled(key.usage), _block_of(key)

    async def _wrapping(self, key_id: int, action: Action) -> WrappingKey:
        key = await key_ring.find(self._connection, key_id)
        if not key_life.usable(key, action, self._parts.now_us()):
            raise LifeRefused(f"key {key_id} is {key.state}: it can't be used to {action.value}")
        return WrappingKey(_block_of(key), KeyUsage.titled(key.usage))

    def _wrapped(self, spec: KeySpec, key: bytes) -> KeyBlock:
        return self._parts.protection.wrap(
            spec.usage,
            key,
            self._parts.random,
            algorithm=spec.algorithm,
            mode=spec.mode,
            exportability=spec.exportability,
        )

    async def _place(
        self, owner: str, usage: KeyUsage, block: KeyBlock, details: dict[str, str]
    ) -> ManagedKey:
        """Store a new key in its slot."""
        header, clear = self._parts.protection.open(block)
        number = await key_ring.next_id(self._connection)
        check = shown(algorithm_in(header), clear)
        new = ManagedKey(number, owner, usage.title, KeyState.PRE_ACTIVE, None, check, None, block)
        key = key_life.placed(new, await key_ring.of_owner(self._connection, owner, usage.title))
        await key_ring.add(self._connection, key)
        if key.state is KeyState.ACTIVE:
            await self._parts.changed(self._connection, key)
        details |= {"key": f"key:{key.id}", "slot": str(key.slot), "check-value": check}
        return key

    @asynccontextmanager
    async def _allowed(
        self, ceremony_id: int, activity: Activity, subject: Mapping[str, str], operation: str
    ) -> AsyncIterator[dict[str, str]]:
        """Do what stands in the `with` under a ceremony; yields the details to record of it."""
        details: dict[str, str] = {}
        ceremony: Ceremony | None = None
        try:
            async with self._connection.transaction():
                await key_ring.serialise(self._connection)
                ceremony = await ceremony_store.locked(self._connection, ceremony_id)
                refuse_use(ceremony, activity, subject, self._parts.now_us())
                yield details
                await self._record(ceremony, ceremony_id, operation, subject, details, AuditResult.DONE)
        except CustodyRefused as refused:
            details["reason"] = str(refused)
            await self._record(ceremony, ceremony_id, operation, subject, details, AuditResult.REFUSED)
            raise

    async def _record(
        self,
        ceremony: Ceremony | None,
        ceremony_id: int,
        operation: str,
        subject: Mapping[str, str],
        details: Mapping[str, str],
        result: AuditResult,
    ) -> None:
        actors = ("nobody",) if ceremony is None else ceremony.officers
        about = f"key:{subject['key']}" if "key" in subject else f"ceremony:{ceremony_id}"
        named = {name: owner_shown(value) for name, value in subject.items() if value and name != "key"}
        entry = AuditEntry(
            operation, actors, about, result, {"ceremony": str(ceremony_id)} | named | dict(details)
        )
        await self._parts.audit.append(self._connection, entry)


def owner_shown(owner: str) -> str:
    """An owner in the audit: merchants' numbers look like card numbers, so a terminal's is left out."""
    kind, _, name = owner.partition(":")
    return f"{kind}:{name.rpartition('/')[2]}" if kind == "terminal" else owner


def _refuse_named(key: ManagedKey) -> None:
    if key.id < key_ring.FIRST_ID:
        raise LifeRefused(f"key {key.id} belongs to the installation: what it protects would be lost")


def _block_of(key: ManagedKey) -> KeyBlock:
    if key.block is None:
        raise LifeRefused(f"key {key.id} is destroyed")
    return key.block
