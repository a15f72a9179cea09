"""One commit group as a value: intents and what was read for them in, rows to write and results out. Pure.

A lane reads everything a group needs (`Knowledge`), folds the intents over it one by one with `settle`, and
then writes what gathered here in one statement. Nothing here is known outside before that statement has
committed. Later intents of a group see what earlier ones did: their keys, their originals, their wallets.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias, assert_never

from ledger.chart import AccountKind, Leg
from ledger.decision import Decision, Original, decide, decide_restore, decide_undo, decide_void, misfit
from ledger.identity import CHANGES_MAX, REVERSED_KIND, VOIDED_KIND, change_key
from ledger.intent import Intent
from ledger.lifecycle import LIFECYCLE, Action, Event, OriginalState
from ledger.outcome import NOT_FINAL, Outcome
from ledger.postgres.chain import EntryRow, TransactionRow
from ledger.postgres.dedup import (
    ROLE_OWN,
    ROLE_RESTORE,
    ROLE_TOMBSTONE,
    ROLE_UNDO,
    ROLE_VOID,
    DedupRow,
    Found,
    Result,
    Standing,
    pack_result,
    standing_of,
)
from ledger.wallet import WalletState

DecideChange: TypeAlias = Callable[[Intent, Original, WalletState], Decision]
"""How taking an original back, or putting it in force again, is decided."""


class Moved(NamedTuple):
    """The intent belongs to the lane of this wallet."""

    wallet_id: int


class EventRow(NamedTuple):
    """A row to insert into `ledger.wallet_event`."""

    wallet_id: int
    version: int
    transaction_id: int


class Shortfall(NamedTuple):
    """What a wallet lacked when something had to post; its cardholder owes it."""

    wallet_id: int
    amount_minor: int


@dataclass(slots=True)
class WorkingWallet:
    """A wallet while its group is being decided; `expected` is the version in the database."""

    expected: int
    version: int
    state: WalletState
    asserted: bool = False


@dataclass(slots=True)
class Knowledge:
    """What was read for a group. A wallet that is absent here is missing or quarantined."""

    found: dict[bytes, Found]
    originals: dict[int, Original]
    wallets: dict[int, WorkingWallet]


@dataclass(slots=True)
class Group:
    """The rows that gather while a group's intents are settled."""

    day: int
    knowledge: Knowledge
    is_mine: Callable[[int], bool]
    """Whether a wallet belongs to this lane."""
    transactions: list[TransactionRow] = field(default_factory=list)
    entries: list[EntryRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    dedup: list[DedupRow] = field(default_factory=list)
    shortfalls: list[Shortfall] = field(default_factory=list)

    def settle(self, intent: Intent) -> Result | Moved:
        """Decide one intent after those before it, and gather its rows."""
        own = self.knowledge.found.get(intent.key)
        if own is not None and own.role == ROLE_OWN and own.fingerprint != intent.fingerprint:
            return _unrecorded(intent, Outcome.DUPLICATE_DIFFERS)
        if own is None and intent.original_key is not None and intent.kind in REVERSED_KIND:
            return self._settle_reversal(intent, intent.original_key)
        action, outcome = LIFECYCLE[standing_of(intent.key, self.knowledge.found).state, Event.REQUEST]
        match action:
            case Action.DECIDE:
                return self._settle_new(intent)
            case Action.RECALL:
                assert own is not None
                return own.result
            case Action.NOTE:
                return self._note(intent, outcome, keyed=False)
            case Action.REFUSE:
                assert outcome is not None
                return _unrecorded(intent, outcome)
            case Action.UNDO | Action.RESTORE | Action.UPHOLD | Action.BURY:
                raise AssertionError(action)
            case _:
                assert_never(action)

    def _settle_new(self, intent: Intent) -> Result | Moved:
        if intent.refusal is not None:
            if intent.refusal in NOT_FINAL:
                return _unrecorded(intent, intent.refusal)
            return self._note(intent, intent.refusal)
        if intent.original_key is not None:
            assert intent.kind in VOIDED_KIND
            return self._settle_void(intent, intent.original_key)
        assert intent.wallet_id is not None
        wallet = self.knowledge.wallets.get(intent.wallet_id)
        if wallet is None:
            return _unrecorded(intent, Outcome.WALLET_QUARANTINED)
        decision = decide(intent, wallet.state, self.day)
        return self._record(intent, decision, intent.wallet_id, wallet)

    def _settle_reversal(self, intent: Intent, key: bytes) -> Result | Moved:
        standing = standing_of(key, self.knowledge.found)
        action, outcome = LIFECYCLE[standing.state, Event.REVERSAL]
        match action:
            case Action.UNDO:
                if intent.voided_key is not None:
                    return self._reverse_void(intent, key, intent.voided_key)
                return self._change(intent, self._in_force(key, standing), decide_undo, {key: ROLE_UNDO})
            case Action.UPHOLD:
                return self._confirm(intent, outcome, self._in_force(key, standing), key)
            case Action.BURY:
                result = self._note(intent, outcome)
                self._occupy(key, ROLE_TOMBSTONE, intent, result)
                return result
            case Action.NOTE:
                return self._note(intent, outcome, original_key=key)
            case Action.DECIDE | Action.RECALL | Action.RESTORE | Action.REFUSE:
                raise AssertionError(action)
            case _:
                assert_never(action)

    def _settle_void(self, intent: Intent, key: bytes) -> Result | Moved:
        """A void finds its original by key and number; one that finds none leaves no tombstone."""
        standing = self._standing_of(key, intent.original_id)
        action, outcome = LIFECYCLE[standing.state, Event.VOID]
        match action:
            case Action.UNDO if standing.changes + 1 == CHANGES_MAX:
                return self._note(intent, Outcome.RELATED_TRANSACTION_WRONG, original_key=key)
            case Action.UNDO:
                return self._change(intent, self._in_force(key, standing), decide_void, {key: ROLE_VOID})
            case Action.NOTE:
                found = standing.state is not OriginalState.ABSENT
                return self._note(intent, outcome, original_key=key if found else None)
            case Action.DECIDE | Action.RECALL | Action.RESTORE | Action.UPHOLD | Action.BURY | Action.REFUSE:
                raise AssertionError(action)
            case _:
                assert_never(action)

    def _reverse_void(self, intent: Intent, void_key: bytes, voided_key: bytes) -> Result | Moved:
        """Take a void that stands back: what becomes of the purchase that it took back?"""
        void = self.knowledge.originals[self.knowledge.found[void_key].transaction_id]
        standing = self._standing_of(voided_key, void.original_id)
        action, outcome = LIFECYCLE[standing.state, Event.VOID_REVERSAL]
        match action:
            case Action.RESTORE:
                assert void.original_id is not None
                void = replace(void, day=self.knowledge.originals[void.original_id].day)
                changes = {void_key: ROLE_UNDO, voided_key: ROLE_RESTORE}
                return self._change(intent, void, decide_restore, changes)
            case Action.NOTE if outcome is Outcome.APPROVED:
                return self._confirm(intent, outcome, void, void_key)
            case Action.NOTE:
                return self._note(intent, outcome, original_key=void_key, keyed=False)
            case Action.DECIDE | Action.RECALL | Action.UNDO | Action.UPHOLD | Action.BURY | Action.REFUSE:
                raise AssertionError(action)
            case _:
                assert_never(action)

    def _standing_of(self, key: bytes, number: int | None) -> Standing:
        """How the original stands that has both this key and this number."""
        own = self.knowledge.found.get(key)
        if own is None or own.role != ROLE_OWN or own.transaction_id != number:
            return Standing(OriginalState.ABSENT)
        return standing_of(key, self.knowledge.found)

    def _in_force(self, key: bytes, standing: Standing) -> Original:
        """The posted original with this key, with the legs that stand."""
        originals = self.knowledge.originals
        original = originals[self.knowledge.found[key].transaction_id]
        if standing.restored_by is None:
            return original
        return replace(original, legs=originals[standing.restored_by].legs)

    def _change(
        self, intent: Intent, original: Original, decide_change: DecideChange, changes: Mapping[bytes, int]
    ) -> Result | Moved:
        """Decide a change on the wallet; `changes` has the keys of what it changes, each with its role."""
        if not self.is_mine(original.wallet_id):
            return Moved(original.wallet_id)
        wallet = self.knowledge.wallets.get(original.wallet_id)
        if wallet is None:
            return _unrecorded(intent, Outcome.WALLET_QUARANTINED)
        decision = decide_change(intent, original, wallet.state)
        number, done = original.transaction_id, decision.outcome is Outcome.APPROVED
        # A refused reversal leaves its key free: the right one has the same STAN, and must still get through.
        keyed = done or intent.kind not in REVERSED_KIND
        result = self._record(intent, decision, original.wallet_id, wallet, original_id=number, keyed=keyed)
        if done:
            self._take_changes(intent, changes, result)
        return result

    def _confirm(self, intent: Intent, outcome: Outcome | None, original: Original, key: bytes) -> Result:
        """A reversal that changes how its original stands, and moves nothing."""
        assert outcome is not None
        refused = misfit(intent, original)
        decision, number = Decision(outcome if refused is None else refused), original.transaction_id
        result = self._record(intent, decision, None, None, original_id=number, keyed=refused is None)
        if refused is None:
            self._take_changes(intent, {key: ROLE_UNDO}, result)
        return result

    def _take_changes(self, intent: Intent, changes: Mapping[bytes, int], result: Result) -> None:
        for key, role in changes.items():
            change = standing_of(key, self.knowledge.found).changes
            self._occupy(change_key(key, change), role, intent, result)

    def _note(
        self,
        intent: Intent,
        outcome: Outcome | None,
        *,
        original_key: bytes | None = None,
        keyed: bool = True,
    ) -> Result:
        """Record an outcome that no wallet was asked for."""
        assert outcome is not None
        original = None if original_key is None else self.knowledge.found[original_key]
        number = original.transaction_id if original is not None and original.role == ROLE_OWN else None
        wallet_id = None if intent.kind in REVERSED_KIND else intent.wallet_id
        return self._record(intent, Decision(outcome), wallet_id, None, original_id=number, keyed=keyed)

    def _record(
        self,
        intent: Intent,
        decision: Decision,
        wallet_id: int | None,
        wallet: WorkingWallet | None,
        *,
        original_id: int | None = None,
        keyed: bool = True,
    ) -> Result:
        """Gather the rows of a decided intent; `wallet` is the one that the decision looked at."""
        number = intent.transaction_id
        if wallet is not None:
            wallet.asserted = True
            if decision.state is not None:
                assert wallet_id is not None
                wallet.version += 1
                wallet.state = decision.state
                self.events.append(EventRow(wallet_id, wallet.version, number))
        version = None if wallet is None else wallet.version
        self._append_transaction(intent, decision.outcome, wallet_id or None, version, original_id)
        self._append_entries(number, decision.legs, version)
        result = Result(decision.outcome, number, intent.received_at_us, decision.available_minor)
        if keyed:
            self._occupy(intent.key, ROLE_OWN, intent, result)
        if decision.legs:
            assert wallet_id is not None
            self.knowledge.originals[number] = Original(
                number, wallet_id, intent.amount_minor, self.day, decision.legs, original_id
            )
        return result

    def _append_transaction(
        self, intent: Intent, outcome: Outcome, wallet: int | None, version: int | None, original: int | None
    ) -> None:
        origin = intent.origin
        self.transactions.append(
            TransactionRow(
                intent.transaction_id, intent.kind, outcome, intent.asset, intent.amount_minor, wallet,
                version, original, origin.merchant_account, origin.merchant_id, origin.terminal_id,
                origin.batch, origin.stan, intent.received_at_us,
            )
        )  # fmt: skip

    def _append_entries(self, number: int, legs: tuple[Leg, ...], version: int | None) -> None:
        for index, (kind, account, asset, amount) in enumerate(legs):
            of_wallet = version if kind is AccountKind.WALLET_CASH else None
            self.entries.append(EntryRow(number, index, kind, account, asset, amount, of_wallet))
            if kind is AccountKind.CARDHOLDER_RECEIVABLE and amount < 0:
                self.shortfalls.append(Shortfall(account, -amount))

    def _occupy(self, key: bytes, role: int, intent: Intent, result: Result) -> None:
        number = intent.transaction_id
        self.dedup.append(
            DedupRow(key, role, number, intent.fingerprint, result.outcome, pack_result(result))
        )
        self.knowledge.found[key] = Found(role, number, intent.fingerprint, result)

    def swaps(self) -> list[tuple[int, WorkingWallet]]:
        """The wallets to write, by id."""
        changed = [(i, w) for i, w in self.knowledge.wallets.items() if w.version != w.expected]
        return sorted(changed, key=lambda pair: pair[0])

    def assertions(self) -> list[tuple[int, int]]:
        """The wallets that were looked at and stay, by id, with the version that must still stand."""
        return sorted(
            (i, w.expected)
            for i, w in self.knowledge.wallets.items()
            if w.asserted and w.version == w.expected
        )


def _unrecorded(intent: Intent, outcome: Outcome) -> Result:
    return Result(outcome, intent.transaction_id, intent.received_at_us)


def refused(intent: Intent) -> Result:
    """The result of an intent that is certainly not committed and leaves no trace."""
    return _unrecorded(intent, Outcome.SYSTEM_MALFUNCTION)
