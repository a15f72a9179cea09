"""One commit group as a value: intents and what was read for them in, rows to write and results out. Pure.

A lane reads everything a group needs (`Knowledge`), folds the intents over it one by one with `settle`, and
then writes what gathered here in one statement. Nothing here is known outside before that statement has
committed. Later intents of a group see what earlier ones did: their keys, their originals, their wallets.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, assert_never

from ledger.decision import Wallets, decide
from ledger.decision.referring import decide_on
from ledger.decision.related import Related, misfit
from ledger.identity import CHANGES_MAX, ORIGINAL_KINDS, REVERSED_KIND, TransactionKind, change_key
from ledger.intent import Intent
from ledger.lifecycle import EVENTS, LIFECYCLE, PARENT_EVENTS, ROOT_EVENTS, Action, Event, OriginalState
from ledger.original import Original
from ledger.outcome import NOT_FINAL, Outcome
from ledger.postgres.dedup import ROLE_CHANGE, ROLE_OWN, ROLE_TOMBSTONE, Result, newest_change, state_of
from ledger.postgres.gathering import EventRow, Gathering, Knowledge, Named, Shortfall, WorkingWallet

__all__ = [
    "EventRow", "Group", "Knowledge", "Moved", "Shortfall", "WorkingWallet", "refused",
]  # fmt: skip

_KEPT_CHANGES = 2
"""So many changes of an original are left to what must post: the reversal of a void, and its own reversal."""

_OF_THE_LEDGER = frozenset({TransactionKind.HOLD_EXPIRY, TransactionKind.LOT_EXPIRY})
"""What the ledger posts by itself, under a key that it makes only once: a refusal must leave no trace."""

_BY_KEY_ALONE = frozenset(REVERSED_KIND) | {TransactionKind.TOP_UP_CONFIRM}
"""What finds its original by the terminal's own identity of it, whatever else was found on the way."""

_NEVER_POSTED = frozenset({OriginalState.ABSENT, OriginalState.TOMBSTONE, OriginalState.DECLINED})


class Moved(NamedTuple):
    """The intent belongs to the lane of this wallet."""

    wallet_id: int


class _Link(NamedTuple):
    """An original by its key, how it stands, and what the lifecycle does with it."""

    key: bytes
    original: Original
    action: Action


class _Standing(NamedTuple):
    """How what an intent refers to stands: its number if it came, and itself if it was posted."""

    state: OriginalState
    number: int | None = None
    original: Original | None = None


_ABSENT = _Standing(OriginalState.ABSENT)


@dataclass(slots=True)
class Group(Gathering):
    """The intents of a group, settled one after the other."""

    is_mine: Callable[[int], bool]
    """Whether a wallet belongs to this lane."""

    def settle(self, intent: Intent) -> Result | Moved:
        """Decide one intent after those before it, and gather its rows."""
        found = self.knowledge.found
        own = found.get(intent.key)
        if own is not None and own.role == ROLE_OWN and own.fingerprint != intent.fingerprint:
            return _unrecorded(intent, Outcome.DUPLICATE_DIFFERS)
        state = OriginalState.ABSENT if own is None else state_of(intent.key, found)
        action, outcome = LIFECYCLE[state, Event.REQUEST]
        match action:
            case Action.DECIDE:
                return self._settle_new(intent)
            case Action.RECALL:
                assert own is not None
                return own.result
            case Action.NOTE:
                return self.note(intent, outcome, keyed=False)
            case Action.REFUSE:
                return _unrecorded(intent, outcome)
            case (
                Action.ECHO | Action.UNDO | Action.RESTORE | Action.REFUND | Action.ADD | Action.EXTEND
                | Action.SHORTEN | Action.COMPLETE | Action.FORCE | Action.RELEASE | Action.UPHOLD
                | Action.BURY
            ):  # fmt: skip
                raise AssertionError(action)
            case _:
                assert_never(action)

    def _settle_new(self, intent: Intent) -> Result | Moved:
        if intent.refusal is not None and intent.kind not in _BY_KEY_ALONE:
            return self._refuse(intent, intent.refusal)
        if intent.original_key is not None:
            return self._settle_on(intent, intent.original_key)
        return self._decide(intent)

    def _refuse(self, intent: Intent, refusal: Outcome) -> Result:
        """A refusal that was found on the way."""
        return _unrecorded(intent, refusal) if refusal in NOT_FINAL else self.note(intent, refusal)

    def _decide(self, intent: Intent) -> Result:
        own_id, wallets = intent.wallet_id, self.knowledge.wallets
        assert own_id is not None
        own, other = wallets.get(own_id), None
        if own is None:
            return _unrecorded(intent, Outcome.WALLET_QUARANTINED)
        states = Wallets(own.state)
        if intent.other_wallet_id and intent.other_wallet_id != own_id:
            second = wallets.get(intent.other_wallet_id)
            if second is None:
                return _unrecorded(intent, Outcome.WALLET_QUARANTINED)
            other, states = (intent.other_wallet_id, second), Wallets(own.state, second.state)
        decision = decide(intent, states, self.day)
        if decision.outcome is not Outcome.APPROVED and intent.kind in _OF_THE_LEDGER:
            return _unrecorded(intent, decision.outcome)
        return self.record(intent, decision, (own_id, own), other)

    def _settle_on(self, intent: Intent, key: bytes) -> Result | Moved:
        """What refers to the original with this key."""
        standing = self._standing(intent, key)
        action, outcome = LIFECYCLE[standing.state, EVENTS[intent.kind]]
        match action:
            case Action.DECIDE:
                return self._confirm_unseen(intent, key)
            case Action.ECHO:
                return self._echo(intent, key, standing)
            case Action.NOTE:
                return self.note(intent, outcome, number=standing.number)
            case Action.REFUSE:
                return _unrecorded(intent, outcome)
            case Action.BURY:
                result = self.note(intent, outcome)
                self.occupy(key, ROLE_TOMBSTONE, intent, result)
                return result
            case (
                Action.UNDO | Action.REFUND | Action.ADD | Action.EXTEND | Action.COMPLETE | Action.FORCE
                | Action.RELEASE | Action.UPHOLD
            ):  # fmt: skip
                assert standing.original is not None
                return self._settle_change(intent, _Link(key, standing.original, action))
            case Action.RECALL | Action.RESTORE | Action.SHORTEN:
                raise AssertionError(action)
            case _:
                assert_never(action)

    def _confirm_unseen(self, intent: Intent, key: bytes) -> Result:
        """A top-up that only its confirmation tells of is done now, and its late request gets this answer."""
        refusal = Outcome.CARD_UNKNOWN if intent.wallet_id is None else intent.refusal
        result = self._decide(intent) if refusal is None else self._refuse(intent, refusal)
        own = self.knowledge.found.get(intent.key)
        if own is not None:
            told = intent.original_fingerprint or intent.fingerprint
            self.occupy(key, ROLE_OWN, intent, result, own.original, told)
        return result

    def _echo(self, intent: Intent, key: bytes, standing: _Standing) -> Result:
        """A confirmation of a top-up that was decided is answered like that, if it is of the same amount."""
        outcome: Outcome | None = self.knowledge.found[key].result.outcome
        if standing.original is not None:
            outcome = misfit(intent, standing.original) or outcome
        return self.note(intent, outcome, number=standing.number)

    def _settle_change(self, intent: Intent, first: _Link) -> Result | Moved:
        """What changes an original, and with it perhaps what that had changed."""
        original, is_reversal = first.original, intent.kind in REVERSED_KIND
        if not self.is_mine(original.wallet_id):
            return Moved(original.wallet_id)
        is_fit = original.kind in ORIGINAL_KINDS[intent.kind]
        links = self._links(intent, first) if is_fit else Outcome.RELATED_TRANSACTION_INVALID
        if isinstance(links, Outcome):
            return self.note(intent, links, number=original.transaction_id, keyed=not is_reversal)
        named = self._named(original)
        if named is None:
            return _unrecorded(intent, Outcome.WALLET_QUARANTINED)
        own, other = named
        states = Wallets(own[1].state, None if other is None else other[1].state)
        decision = decide_on(intent, _related(links), states, self.day)
        is_done = decision.outcome is Outcome.APPROVED
        if not is_done and intent.kind in _OF_THE_LEDGER:
            return _unrecorded(intent, decision.outcome)
        # A refused reversal leaves its key free: the right one has the same STAN, and must still get through.
        result = self.record(intent, decision, own, other, original, keyed=is_done or not is_reversal)
        afterwards = decision.original, decision.parent, decision.root
        for link, after in zip(links, afterwards, strict=False):
            if after is not None:
                self.occupy(change_key(link.key, link.original.changes), ROLE_CHANGE, intent, result, after)
        return result

    def _links(self, intent: Intent, first: _Link) -> "list[_Link] | Outcome":
        """What changes: the original, and for what is taken back what it had changed; or why nothing may."""
        links = [first]
        for events in (PARENT_EVENTS, ROOT_EVENTS):
            event, key = events.get(intent.kind), links[-1].original.original_key
            if event is None or key is None or links[-1].action is Action.UPHOLD:
                break
            link = self._link(key, event)
            if isinstance(link, Outcome):
                return link
            links.append(link)
        parents = {link.key for link in links[1:]}
        if parents and intent.parent_key is not None and intent.parent_key not in parents:
            return Outcome.ORIGINAL_NOT_FOUND
        kept = 0 if intent.kind in REVERSED_KIND else _KEPT_CHANGES
        has_room = all(link.original.changes + kept < CHANGES_MAX for link in links)
        return links if has_room else Outcome.RELATED_TRANSACTION_WRONG

    def _link(self, key: bytes, event: Event) -> _Link | Outcome:
        """What becomes of something that an original had changed; or why that can't be."""
        state = state_of(key, self.knowledge.found)
        original = None if state in _NEVER_POSTED else self._original_at(key)
        action, outcome = LIFECYCLE[state if original is None else original.state, event]
        match action:
            case Action.RESTORE | Action.SHORTEN | Action.COMPLETE | Action.FORCE | Action.UPHOLD:
                assert original is not None
                return _Link(key, original, action)
            case Action.NOTE:
                assert outcome is not None
                return outcome
            case (
                Action.DECIDE | Action.RECALL | Action.ECHO | Action.UNDO | Action.REFUND | Action.ADD
                | Action.EXTEND | Action.RELEASE | Action.BURY | Action.REFUSE
            ):  # fmt: skip
                raise AssertionError(action)
            case _:
                assert_never(action)

    def _standing(self, intent: Intent, key: bytes) -> _Standing:
        """How the original with this key stands, if it is the one that the intent means."""
        own = self.knowledge.found.get(key)
        if own is None:
            return _ABSENT
        is_quoted = intent.kind not in _BY_KEY_ALONE
        number = own.transaction_id if own.role == ROLE_OWN else None
        if is_quoted and intent.original_id is not None and intent.original_id != number:
            return _ABSENT
        state = state_of(key, self.knowledge.found)
        if state in _NEVER_POSTED:
            return _Standing(state, number)
        original = self._original_at(key)
        if is_quoted and intent.expected_original_day not in {None, original.day}:
            return _ABSENT
        return _Standing(original.state, number, original)

    def _original_at(self, key: bytes) -> Original:
        """The posted original with this key, as it stands."""
        found = self.knowledge.found
        return newest_change(key, found) or self.unchanged(found[key])

    def _named(self, original: Original) -> tuple[Named, Named | None] | None:
        """The wallets of an original, or None if one of them can't be had."""
        wallets, other_id = self.knowledge.wallets, original.other_wallet_id
        own = wallets.get(original.wallet_id)
        if own is None:
            return None
        if other_id is None:
            return (original.wallet_id, own), None
        other = wallets.get(other_id)
        return None if other is None else ((original.wallet_id, own), (other_id, other))


def _related(links: Sequence[_Link]) -> Related:
    """What a decision is told of what changes."""
    related = Related(links[0].original, links[0].action)
    if len(links) > 1:
        related = related._replace(parent=links[1].original, parent_action=links[1].action)
    if len(links) > 2:
        related = related._replace(root=links[2].original, root_action=links[2].action)
    return related


def _unrecorded(intent: Intent, outcome: Outcome | None) -> Result:
    assert outcome is not None
    return Result(outcome, intent.transaction_id, intent.received_at_us)


def refused(intent: Intent) -> Result:
    """The result of an intent that is certainly not committed and leaves no trace."""
    return _unrecorded(intent, Outcome.SYSTEM_MALFUNCTION)
