"""What the table of duplicate keys holds, and what it says of an original. Pure.

Three kinds of key lead here: a request's own key, with the result it was answered; the key of an original
that was reversed before it came (a tombstone); and the change keys of a posted original, taken in turn by
whatever changed it. A change's row carries how the original stands after it, so the newest change tells all.
The own row of what changed an original itself, or of what has fees or earnings, carries how it stands when it
is new: the journal hasn't the key of what it changed, nor which fees a refund returns. All others are read
from the journal when something first refers to them.

So the state of an original is found in one probe of its key and its first change; only one that was changed
has more to look at. What refers to something may change what that changed, too, whose key is found in the
first probe. `keys_of` says what to ask for, given what was found.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Final, NamedTuple

from ledger import limits
from ledger.chart import Leg
from ledger.identity import CHANGES_MAX, TransactionKind, change_key
from ledger.intent import Intent
from ledger.lifecycle import EVENTS, PARENT_EVENTS, Event, OriginalState
from ledger.original import Original, Share
from ledger.outcome import Outcome
from ledger.postgres.chain import TransactionRow
from ledger.postgres.packing import pack_original, unpack_original

_RESULT = struct.Struct(">qq")
_NO_AMOUNT = -(1 << 63)
_FURTHER = (0, 16, 32, 64, 128, CHANGES_MAX - 1)
"""How far changes are looked for; up to each of these only if the one before is taken."""

ROLE_OWN, ROLE_TOMBSTONE, ROLE_CHANGE = 1, 2, 3
"""Who took a key: its request, a tombstone, or a change of the original that it belongs to."""


class Result(NamedTuple):
    """What a request is answered: canonical fields, never wire bytes.

    `transaction_id` and `received_at_us` are those of the first time where the answer is a repeat's.
    """

    outcome: Outcome
    transaction_id: int
    received_at_us: int
    available_minor: int | None = None


class Found(NamedTuple):
    """A row of `ledger.dedup`; `original` is how an original stands, where the row tells it."""

    role: int
    transaction_id: int
    fingerprint: bytes
    result: Result
    original: Original | None = None
    day: int = 0


class DedupRow(NamedTuple):
    """A row to insert into `ledger.dedup`."""

    key: bytes
    role: int
    transaction_id: int
    fingerprint: bytes
    outcome: int
    result: bytes


_NOTHING_FOUND: Final[Mapping[bytes, Found]] = MappingProxyType({})


def state_of(key: bytes, found: Mapping[bytes, Found]) -> OriginalState:
    """How the original with this key stands; one that nobody has changed counts as posted."""
    own = found.get(key)
    if own is None:
        return OriginalState.ABSENT
    if own.role == ROLE_TOMBSTONE:
        return OriginalState.TOMBSTONE
    if own.result.outcome is not Outcome.APPROVED:
        return OriginalState.DECLINED
    changed = newest_change(key, found)
    return OriginalState.POSTED if changed is None else changed.state


def newest_change(key: bytes, found: Mapping[bytes, Found]) -> Original | None:
    """How the original with this key stands after its last change; None if it had none."""
    original: Original | None = None
    for change in range(CHANGES_MAX):
        row = found.get(change_key(key, change))
        if row is None:
            break
        original = row.original
    return original


def keys_of(intents: Sequence[Intent], found: Mapping[bytes, Found] = _NOTHING_FOUND) -> list[bytes]:
    """All keys that must be known to settle these intents, as far as what was found tells.

    Whoever asks for them, and then gets more from here with what was found, asks for all again, until nothing
    is added: what changes together must be seen as it is at one moment.
    """
    keys = [intent.key for intent in intents]
    related = [key for key in keys if key in found] if found else []
    for intent in intents:
        if intent.original_key is not None:
            related.extend(_named(intent, intent.original_key, found))
    keys += related
    for key in dict.fromkeys(related):
        keys.extend(_change_keys(key, found))
    return keys


def _named(intent: Intent, key: bytes, found: Mapping[bytes, Found]) -> Iterator[bytes]:
    """The key of an original, and of what that changed, and of what that changed."""
    yield key
    if intent.parent_key is not None:
        yield intent.parent_key
    named: bytes | None = key if intent.kind in PARENT_EVENTS else None
    while named is not None:
        own = found.get(named)
        named = None if own is None or own.original is None else own.original.original_key
        if named is not None:
            yield named


def _change_keys(key: bytes, found: Mapping[bytes, Found]) -> Iterator[bytes]:
    yield change_key(key, 0)
    for last, further in pairwise(_FURTHER):
        if change_key(key, last) not in found:
            break
        yield from (change_key(key, change) for change in range(last + 1, further + 1))


def unread_originals(intents: Iterable[Intent], found: Mapping[bytes, Found]) -> dict[int, int]:
    """The originals that only the journal knows: their business dates, as ordinals, by their numbers."""
    days: dict[int, int] = {}
    for intent in intents:
        if intent.original_key is not None:
            for key in _named(intent, intent.original_key, found):
                own = found.get(key)
                if own is not None and _is_plain(key, own, found):
                    days[own.transaction_id] = own.day
    return days


def _is_plain(key: bytes, own: Found, found: Mapping[bytes, Found]) -> bool:
    """Whether a row is of something posted that nothing but the journal tells of."""
    return (
        own.role == ROLE_OWN
        and own.original is None
        and own.result.outcome is Outcome.APPROVED
        and change_key(key, 0) not in found
    )


def wallets_of(
    intents: Iterable[Intent], found: Mapping[bytes, Found], originals: Mapping[int, Original]
) -> list[tuple[int, int | None]]:
    """The wallets that these intents are decided on: for each its own, and a second one if there is one."""
    pairs: list[tuple[int, int | None]] = []
    for intent in intents:
        if intent.original_key is not None:
            original = _original_of(intent.original_key, found, originals)
            if original is not None:
                pairs.append((original.wallet_id, original.other_wallet_id))
            if EVENTS.get(intent.kind) is not Event.CONFIRM:
                continue
        if intent.wallet_id and intent.refusal is None:
            pairs.append((intent.wallet_id, intent.other_wallet_id or None))
    return pairs


def _original_of(
    key: bytes, found: Mapping[bytes, Found], originals: Mapping[int, Original]
) -> Original | None:
    """An original as it was found, however it stands now: its wallets are the same."""
    own = found.get(key)
    if own is None:
        return None
    return own.original or originals.get(own.transaction_id) or newest_change(key, found)


def posted(row: TransactionRow, legs: tuple[Leg, ...], day: int) -> Original:
    """A transaction that nobody has changed, as the journal has it.

    A confirmed top-up that was never seen stands in the place of the top-up.
    """
    kind = TransactionKind(row.kind)
    if kind is TransactionKind.TOP_UP_CONFIRM:
        kind = TransactionKind.TOP_UP
    assert row.wallet_id is not None
    return Original(
        row.id, kind, row.wallet_id, row.amount_minor, row.asset, day, row.merchant_account, legs,
        OriginalState.HELD if kind is TransactionKind.PREAUTH else OriginalState.POSTED,
        other_wallet_id=row.other_wallet_id, issuer=row.issuer, expires_day=row.hold_until,
        shares=(Share(day, row.amount_minor),) if kind in limits.COUNTED else (),
        original_id=row.original_id,
    )  # fmt: skip


def found_of(
    role: int, transaction_id: int, fingerprint: bytes, outcome: int, stored: bytes, day: int
) -> Found:
    """A row of `ledger.dedup`, whose business date is `day`, as it was read."""
    received_at_us, available = _RESULT.unpack_from(stored)
    told = None if available == _NO_AMOUNT else available
    result = Result(Outcome(outcome), transaction_id, received_at_us, told)
    original = unpack_original(stored[_RESULT.size :]) if len(stored) > _RESULT.size else None
    return Found(role, transaction_id, fingerprint, result, original, day)


def pack_result(result: Result, original: Original | None = None) -> bytes:
    """The stored form of a result: when it was decided, the balance it told, and how an original stands."""
    available = _NO_AMOUNT if result.available_minor is None else result.available_minor
    packed = _RESULT.pack(result.received_at_us, available)
    return packed if original is None else packed + pack_original(original)
