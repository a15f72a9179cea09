"""What the table of duplicate keys holds, and what it says of an original. Pure.

Three kinds of key lead here: a request's own key, with the result it was answered; the key of an original
that was reversed before it came (a tombstone); and the change keys of a posted original, taken in turn by
what took it back or put it in force again. So the state of an original is read from this table alone, in one
probe of its key and its first change; only an original that was voided has more changes to look at, all found
in a second probe.
"""

import struct
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ledger.identity import CHANGES_MAX, change_key
from ledger.intent import Intent
from ledger.lifecycle import OriginalState
from ledger.outcome import Outcome

_RESULT = struct.Struct(">qq")
_NO_AMOUNT = -(1 << 63)

ROLE_OWN, ROLE_TOMBSTONE, ROLE_UNDO, ROLE_VOID, ROLE_RESTORE = 1, 2, 3, 4, 5
"""Who took a key: its request, a tombstone; or as a change a reversal, a void, the reversal of a void."""

_STATE_AFTER = {
    ROLE_UNDO: OriginalState.REVERSED,
    ROLE_VOID: OriginalState.VOIDED,
    ROLE_RESTORE: OriginalState.POSTED,
}


class Result(NamedTuple):
    """What a request is answered: canonical fields, never wire bytes.

    `transaction_id` and `received_at_us` are those of the first time where the answer is a repeat's.
    """

    outcome: Outcome
    transaction_id: int
    received_at_us: int
    available_minor: int | None = None


class Found(NamedTuple):
    """A row of `ledger.dedup`."""

    role: int
    transaction_id: int
    fingerprint: bytes
    result: Result


class DedupRow(NamedTuple):
    """A row to insert into `ledger.dedup`."""

    key: bytes
    role: int
    transaction_id: int
    fingerprint: bytes
    outcome: int
    result: bytes


class Standing(NamedTuple):
    """How an original stands.

    `changes` is how many changes it has had. `restored_by` is the reversal of its last void: the legs of that
    stand in place of the original's own.
    """

    state: OriginalState
    changes: int = 0
    restored_by: int | None = None


_ABSENT = Standing(OriginalState.ABSENT)


def standing_of(key: bytes, found: Mapping[bytes, Found]) -> Standing:
    """How the original with this key stands, by the keys that are taken."""
    own = found.get(key)
    if own is None:
        return _ABSENT
    if own.role == ROLE_TOMBSTONE:
        return Standing(OriginalState.TOMBSTONE)
    if own.result.outcome is not Outcome.APPROVED:
        return Standing(OriginalState.DECLINED)
    changes = changes_of(key, found)
    if not changes:
        return Standing(OriginalState.POSTED)
    last = changes[-1]
    restored_by = last.transaction_id if last.role == ROLE_RESTORE else None
    return Standing(_STATE_AFTER[last.role], len(changes), restored_by)


def changes_of(key: bytes, found: Mapping[bytes, Found]) -> list[Found]:
    """What happened to the original with this key, in order."""
    changes: list[Found] = []
    while len(changes) < CHANGES_MAX:
        change = found.get(change_key(key, len(changes)))
        if change is None:
            break
        changes.append(change)
    return changes


def named_keys(intents: Iterable[Intent]) -> list[bytes]:
    """The keys of what these reversals and voids take back, and of what the voids among those took back."""
    named: list[bytes] = []
    for intent in intents:
        if intent.original_key is not None:
            named.append(intent.original_key)
            if intent.voided_key is not None:
                named.append(intent.voided_key)
    return named


def first_change_keys(keys: Iterable[bytes]) -> list[bytes]:
    """The first change key of each original."""
    return [change_key(key, 0) for key in keys]


def later_change_keys(keys: Iterable[bytes], found: Mapping[bytes, Found]) -> list[bytes]:
    """All other change keys of the originals whose first change is a void; others have no more."""
    later: list[bytes] = []
    for key in keys:
        first = found.get(change_key(key, 0))
        if first is not None and first.role == ROLE_VOID:
            later.extend(change_key(key, change) for change in range(1, CHANGES_MAX))
    return later


def posted_numbers(keys: Iterable[bytes], found: Mapping[bytes, Found]) -> set[int]:
    """The posted originals with these keys, and the transactions whose legs stand in place of theirs."""
    numbers: set[int] = set()
    for key in keys:
        own = found.get(key)
        if own is None or own.role != ROLE_OWN or own.result.outcome is not Outcome.APPROVED:
            continue
        restored_by = standing_of(key, found).restored_by
        numbers.add(own.transaction_id)
        if restored_by is not None:
            numbers.add(restored_by)
    return numbers


def pack_result(result: Result) -> bytes:
    """The stored form of a result: when it was decided, and the balance it told."""
    available = _NO_AMOUNT if result.available_minor is None else result.available_minor
    return _RESULT.pack(result.received_at_us, available)


def unpack_result(outcome: int, transaction_id: int, stored: bytes) -> Result:
    """The result that `pack_result` stored."""
    received_at_us, available = _RESULT.unpack(stored)
    told = None if available == _NO_AMOUNT else available
    return Result(Outcome(outcome), transaction_id, received_at_us, told)
