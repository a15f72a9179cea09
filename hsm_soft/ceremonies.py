"""Officers at work: who they are, what two of them allow, and the components each of them knows.

Every call is one transaction with its audit record, and every officer proves himself with his passphrase at
every call, before that transaction begins. The first two officers come in on their own, for there is nobody
yet who could allow it; from then on it takes a ceremony.

A component is either made here and shown to its officer once, or entered as it stands on his sheet, with its
check value. It is stored under the master key until its ceremony ends. What is returned of an entry is the
check value only.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from hsm_soft import ceremony_store, key_ring
from hsm_soft.audit.record import AuditEntry, AuditResult
from hsm_soft.ceremony import (
    MINUTES_MAX,
    Activity,
    Ceremony,
    CeremonyRefused,
    refuse_approval,
    refuse_entry,
    refuse_subject,
    refuse_use,
)
from hsm_soft.ceremony_store import StoredComponent
from hsm_soft.check_values import shown
from hsm_soft.components import check_component
from hsm_soft.custody import CustodyRefused, KeySpec, Parts, owner_shown
from hsm_soft.key_block import KeyBlock
from hsm_soft.key_usage import refuse_making
from hsm_soft.new_keys import new_key

__all__ = ["Ceremonies", "NewComponent"]

_OFFICERS_ALONE: Final = 2
"""So many officers come in without a ceremony."""

_MAKING: Final = frozenset({Activity.GENERATE, Activity.COMPONENTS})


@dataclass(frozen=True, slots=True)
class NewComponent:
    """A component that was just made, for its officer's eyes."""

    number: int
    component: bytes = field(repr=False)
    check_value: str
    block: KeyBlock = field(repr=False)

    @property
    def stored(self) -> tuple[int, KeyBlock, str]:
        """What is kept of it."""
        return self.number, self.block, self.check_value


class Ceremonies:
    """The calls; each raises one of `CustodyRefused`, or `DatabaseUnavailable`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._connection = parts.connection

    async def add_officer(self, name: str, passphrase: str, ceremony_id: int | None) -> None:
        """Add an officer, under a ceremony once there are two."""
        async with self._recorded("officer.add", (name,), f"officer:{name}"):
            await self._allow_officers(name, ceremony_id)
            await ceremony_store.add_officer(self._connection, name, passphrase, self._parts.random)

    async def remove_officer(self, name: str, ceremony_id: int) -> None:
        """Take an officer's part away; two have to remain."""
        async with self._recorded("officer.remove", (name,), f"officer:{name}"):
            if len(await ceremony_store.officers(self._connection)) <= _OFFICERS_ALONE:
                raise CeremonyRefused("two officers have to remain")
            await self._allow_officers(name, ceremony_id)
            await ceremony_store.remove_officer(self._connection, name)

    async def open(
        self, activity: Activity, subject: Mapping[str, str], officer: str, passphrase: str, minutes: int
    ) -> Ceremony:
        """Open a ceremony for one activity on one subject."""
        if not 0 < minutes <= MINUTES_MAX:
            raise CeremonyRefused(f"a ceremony lasts at most {MINUTES_MAX} minutes")
        async with self._recorded("ceremony.open", (officer,), activity, subject, passphrase) as details:
            refuse_subject(activity, subject)
            if activity in _MAKING:
                refuse_making(KeySpec.named(subject).usage)
            now_us = self._parts.now_us()
            number = await ceremony_store.open_ceremony(
                self._connection, activity, subject, officer, now_us, minutes
            )
            details |= {"ceremony": str(number), "minutes": str(minutes)}
            return await ceremony_store.locked(self._connection, number)

    async def approve(self, ceremony_id: int, officer: str, passphrase: str) -> Ceremony:
        """Approve what another officer opened."""
        async with self._acting("ceremony.approve", officer, passphrase, ceremony_id):
            now_us = self._parts.now_us()
            refuse_approval(await ceremony_store.locked(self._connection, ceremony_id), officer, now_us)
            await ceremony_store.approve(self._connection, ceremony_id, officer, now_us)
            return await ceremony_store.locked(self._connection, ceremony_id)

    async def close(self, ceremony_id: int, officer: str, passphrase: str) -> None:
        """End a ceremony before its time; any officer may."""
        async with self._acting("ceremony.close", officer, passphrase, ceremony_id):
            await ceremony_store.locked(self._connection, ceremony_id)
            await ceremony_store.close(self._connection, ceremony_id, self._parts.now_us())

    async def use(self, ceremony_id: int, activity: Activity) -> tuple[str, ...]:
        """Who allows an activity that names nothing, now."""
        ceremony = await ceremony_store.found(self._connection, ceremony_id)
        refuse_use(ceremony, activity, {}, self._parts.now_us())
        return ceremony.officers

    async def show(self, ceremony_id: int) -> tuple[Ceremony, tuple[StoredComponent, ...]]:
        """A ceremony, and who entered which component."""
        ceremony = await ceremony_store.found(self._connection, ceremony_id)
        return ceremony, tuple(await ceremony_store.components_of(self._connection, ceremony_id))

    async def new_component(self, ceremony_id: int, officer: str, passphrase: str) -> NewComponent:
        """Make a component; this is the only time that it is told."""

        def make(spec: KeySpec) -> bytes:
            return new_key(spec.algorithm, spec.length_bytes, self._parts.random)

        return await self._enter(ceremony_id, officer, passphrase, "component.new", make)

    async def enter_component(
        self, ceremony_id: int, officer: str, passphrase: str, component: bytes, said: bytes | None
    ) -> str:
        """Take in a component from its officer's sheet; its check value."""

        def take(spec: KeySpec) -> bytes:
            check_component(spec.algorithm, component, spec.length_bytes, said)
            return component

        entered = await self._enter(ceremony_id, officer, passphrase, "component.enter", take)
        return entered.check_value

    async def _enter(
        self,
        ceremony_id: int,
        officer: str,
        passphrase: str,
        operation: str,
        component_of: Callable[[KeySpec], bytes],
    ) -> NewComponent:
        async with self._acting(operation, officer, passphrase, ceremony_id) as details:
            ceremony = await ceremony_store.locked(self._connection, ceremony_id)
            stored = await ceremony_store.components_of(self._connection, ceremony_id)
            entered = {each.officer: each.number for each in stored}
            refuse_entry(ceremony, entered, officer, self._parts.now_us())
            new = self._numbered(KeySpec.named(ceremony.subject), component_of, len(entered) + 1)
            await ceremony_store.add_component(
                self._connection, ceremony_id, StoredComponent(officer, *new.stored)
            )
            details |= {"component": str(new.number), "check-value": new.check_value}
            return new

    def _numbered(self, spec: KeySpec, component_of: Callable[[KeySpec], bytes], number: int) -> NewComponent:
        component = component_of(spec)
        block = self._parts.protection.wrap(
            spec.usage, component, self._parts.random, algorithm=spec.algorithm, component=number
        )
        return NewComponent(number, component, shown(spec.algorithm, component), block)

    async def _allow_officers(self, name: str, ceremony_id: int | None) -> None:
        """Returns only if officers may change: by a ceremony, or because there are fewer than two."""
        if ceremony_id is not None:
            ceremony = await ceremony_store.locked(self._connection, ceremony_id)
            refuse_use(ceremony, Activity.OFFICERS, {"officer": name}, self._parts.now_us())
        elif len(await ceremony_store.officers(self._connection)) >= _OFFICERS_ALONE:
            raise CeremonyRefused("there are two officers already: further changes need a ceremony")

    def _acting(
        self, operation: str, officer: str, passphrase: str, ceremony_id: int
    ) -> AbstractAsyncContextManager[dict[str, str]]:
        """What an officer does to a ceremony."""
        return self._recorded(operation, (officer,), f"ceremony:{ceremony_id}", passphrase=passphrase)

    @asynccontextmanager
    async def _recorded(
        self,
        operation: str,
        actors: tuple[str, ...],
        about: str,
        subject: Mapping[str, str] | None = None,
        passphrase: str | None = None,
    ) -> AsyncIterator[dict[str, str]]:
        """One transaction with its audit record, the actor proven before; yields the details to record."""
        details = {name: owner_shown(value) for name, value in (subject or {}).items() if value}
        try:
            if passphrase is not None:
                now_us = self._parts.now_us()
                await ceremony_store.authenticate(self._connection, actors[0], passphrase, now_us)
            async with self._connection.transaction():
                await key_ring.serialise(self._connection)
                yield details
                entry = AuditEntry(operation, actors, about, AuditResult.DONE, details)
                await self._parts.audit.append(self._connection, entry)
        except CustodyRefused as refused:
            reason = {"reason": str(refused)}
            entry = AuditEntry(operation, actors, about, AuditResult.REFUSED, details | reason)
            await self._parts.audit.append(self._connection, entry)
            raise
