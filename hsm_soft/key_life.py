"""The life of a key, and which of several keys is used when: two tables and the slots of an owner's keys.

    pre-active ──activate──▶ active ──deactivate──▶ deactivated ──destroy──▶ destroyed
        └──────────────────────destroy──────────────────────────────────────────▲

(NIST SP 800-57 part 1, chapter 7.) A key that is active can't be destroyed: what it protects would go with
it. Each owner (the installation, a partner link, a terminal) has at most one key of a usage in each of three
slots:

    next        pre-active: agreed with the partner by its check value, not used yet
    current     active: everything new is made with it
    previous    deactivated: opens and verifies what is still under way, until its window ends

`rotated` moves all three on by one. In the window after it a MAC is verified with the current key and then
with the previous one. Nothing is ever decrypted by trial: a wrong key gives random data, which for a PIN
means a decline or an oracle. Whoever decrypts knows the key by its id, or by the key set whose MAC verified.

Times are arguments, microseconds since 1970 (UTC). Keys of a terminal's sign-on roll by their own rule,
driven by what the terminal proves (`directory.key_sets`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from hsm_soft.key_block import KeyBlock
from hsm_soft.key_usage import Action

__all__ = [
    "INSTALLATION",
    "LIFE",
    "KeyEvent",
    "KeyState",
    "LifeRefused",
    "ManagedKey",
    "Slot",
    "candidates",
    "deactivated",
    "destroyed",
    "placed",
    "rotated",
    "usable",
]

INSTALLATION: Final = "installation"
"""The owner of keys that belong to no partner and no terminal."""


class KeyState(StrEnum):
    """Where a key is in its life."""

    PRE_ACTIVE = "pre-active"
    ACTIVE = "active"
    DEACTIVATED = "deactivated"
    DESTROYED = "destroyed"


class KeyEvent(StrEnum):
    """What moves a key on."""

    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"
    DESTROY = "destroy"


class Slot(StrEnum):
    """An owner's place for a key of a usage."""

    NEXT = "next"
    CURRENT = "current"
    PREVIOUS = "previous"


LIFE: Final[Mapping[tuple[KeyState, KeyEvent], KeyState]] = MappingProxyType(
    {
        (KeyState.PRE_ACTIVE, KeyEvent.ACTIVATE): KeyState.ACTIVE,
        (KeyState.PRE_ACTIVE, KeyEvent.DESTROY): KeyState.DESTROYED,
        (KeyState.ACTIVE, KeyEvent.DEACTIVATE): KeyState.DEACTIVATED,
        (KeyState.DEACTIVATED, KeyEvent.DESTROY): KeyState.DESTROYED,
    }
)
"""State and event → the new state; whatever isn't here is refused."""

_ALLOWED: Final[Mapping[KeyState, frozenset[Action]]] = MappingProxyType(
    {
        KeyState.PRE_ACTIVE: frozenset(),
        KeyState.ACTIVE: frozenset(Action),
        KeyState.DEACTIVATED: frozenset({Action.DECRYPT, Action.VERIFY}),
        KeyState.DESTROYED: frozenset(),
    }
)
"""State → what a key may still do; of a deactivated one, only within its window."""


class LifeRefused(Exception):
    """A key's state does not allow what was asked."""


@dataclass(frozen=True, slots=True)
class ManagedKey:
    """A stored key with its life; nothing shown of it is secret.

    Attributes:
        id: Its number, never used again.
        owner: `installation`, `link:NAME` or `terminal:MERCHANT/TERMINAL`.
        usage: Name of its `KeyUsage`, in lower case with hyphens.
        state: Where it is in its life.
        slot: Its place among its owner's keys; None once it is neither next, current nor previous.
        check_value: Up to ten hexadecimal digits.
        usable_until_us: End of its window, once it is deactivated.
        block: Its key block; None once it is destroyed.
    """

    id: int
    owner: str
    usage: str
    state: KeyState
    slot: Slot | None
    check_value: str
    usable_until_us: int | None = None
    block: KeyBlock | None = field(default=None, repr=False)


Keys = Mapping[Slot, ManagedKey]


def placed(key: ManagedKey, keys: Keys) -> ManagedKey:
    """A new key in its owner's first free place: current if there is none yet, else next.

    Raises:
        LifeRefused: a next key waits already.
    """
    if Slot.CURRENT not in keys:
        return replace(key, state=KeyState.ACTIVE, slot=Slot.CURRENT)
    if Slot.NEXT in keys:
        raise LifeRefused("there is a next key already: rotate to it or destroy it")
    return replace(key, state=KeyState.PRE_ACTIVE, slot=Slot.NEXT)


def rotated(keys: Keys, now_us: int, window_us: int) -> tuple[ManagedKey, ...]:
    """The keys that a rotation changes, as they are afterwards, in the order in which slots come free.

    Raises:
        LifeRefused: there is no next key.
    """
    if Slot.NEXT not in keys:
        raise LifeRefused("there is no next key to rotate to")
    changed = []
    if Slot.PREVIOUS in keys:
        changed.append(replace(keys[Slot.PREVIOUS], slot=None))
    if Slot.CURRENT in keys:
        changed.append(_deactivated(keys[Slot.CURRENT], Slot.PREVIOUS, now_us + window_us))
    following = keys[Slot.NEXT]
    state = _after(following, KeyEvent.ACTIVATE)
    return (*changed, replace(following, state=state, slot=Slot.CURRENT))


def deactivated(key: ManagedKey, now_us: int) -> ManagedKey:
    """A key taken out of use at once, without a window. A key deactivated before loses its window.

    Raises:
        LifeRefused: it was never active, or is destroyed.
    """
    if key.state is KeyState.DEACTIVATED:
        return replace(key, slot=None, usable_until_us=now_us)
    return _deactivated(key, None, now_us)


def destroyed(key: ManagedKey) -> ManagedKey:
    """A key without its block.

    Raises:
        LifeRefused: it is active, or destroyed already.
    """
    return replace(key, state=_after(key, KeyEvent.DESTROY), slot=None, block=None)


def usable(key: ManagedKey, action: Action, now_us: int) -> bool:
    """Whether a key may be used so now."""
    in_time = key.state is KeyState.ACTIVE or now_us < (key.usable_until_us or 0)
    return action in _ALLOWED[key.state] and in_time


def candidates(keys: Iterable[ManagedKey], action: Action, now_us: int) -> tuple[ManagedKey, ...]:
    """The keys to try, current first; only verification ever has more than one."""
    current = [key for key in keys if key.slot is Slot.CURRENT]
    previous = [key for key in keys if key.slot is Slot.PREVIOUS and action is Action.VERIFY]
    return tuple(key for key in (*current, *previous) if usable(key, action, now_us))


def _deactivated(key: ManagedKey, slot: Slot | None, until_us: int) -> ManagedKey:
    state = _after(key, KeyEvent.DEACTIVATE)
    return replace(key, state=state, slot=slot, usable_until_us=until_us)


def _after(key: ManagedKey, event: KeyEvent) -> KeyState:
    state = LIFE.get((key.state, event))
    if state is None:
        raise LifeRefused(f"key {key.id} is {key.state.value}: {event.value} is not possible")
    return state
