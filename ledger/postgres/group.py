"""One commit group as a value: intents and what was read for them in, rows to write and results out. Pure.

A lane reads everything a group needs (`Knowledge`), folds the intents over it one by one with `settle`, and
then writes what gathered here in one statement. Nothing here is known outside before that statement has
committed. Later intents of a group see what earlier ones did: their keys, their originals, their wallets.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, assert_never

from ledger.chart import AccountKind, Leg
from ledger.decision import Decision, Original, decide, decide_undo
from ledger.identity import REVERSED_KIND, undo_key
from ledger.intent import Intent
from ledger.lifecycle import LIFECYCLE, Action, Event, OriginalState
from ledger.outcome import NOT_FINAL, Outcome
from ledger.postgres.chain import EntryRow, TransactionRow
from ledger.wallet import WalletState

_RESULT = struct.Struct(">qq")
_NO_AMOUNT = -(1 << 63)

ROLE_OWN, ROLE_TOMBSTONE, ROLE_UNDO = 1, 2, 3


class Result(NamedTuple):
    """What a request is answered: canonical fields, never wire bytes.

    `transaction_id` and `received_at_us` are those of the first time where the answer is a repeat's.
    """

    outcome: Outcome
    transaction_id: int
    received_at_us: int
    available_minor: int | None = None


class Moved(NamedTuple):
    """The intent belongs to the lane of this wallet."""

    wallet_id: int


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


class EventRow(NamedTuple):
    """A row to insert into `ledger.wallet_event`."""

    wallet_id: int
    version: int
    transaction_id: int


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

    def settle(self, intent: Intent) -> Result | Moved:
        """Decide one intent after those before it, and gather its rows."""
        own = self.knowledge.found.get(intent.key)
        if own is not None and own.role == ROLE_OWN and own.fingerprint != intent.fingerprint:
            return _unrecorded(intent, Outcome.DUPLICATE_DIFFERS)
        if own is None and intent.original_key is not None:
            return self._settle_reversal(intent, intent.original_key)
        action, outcome = LIFECYCLE[self._state_of(intent.key), Event.REQUEST]
        match action:
            case Action.DECIDE:
                return self._settle_new(intent)
            case Action.RECALL:
                assert own is not None
                return own.result
            case Action.NOTE:
                assert outcome is not None
                return self._record(intent, Decision(outcome), intent.wallet_id, None, keyed=False)
            case Action.REFUSE:
                assert outcome is not None
                return _unrecorded(intent, outcome)
            case Action.UNDO | Action.BURY:
                raise AssertionError(action)
            case _:
                assert_never(action)

    def _state_of(self, key: bytes) -> OriginalState:
        found = self.knowledge.found.get(key)
        if found is None:
            return OriginalState.ABSENT
        if found.role == ROLE_TOMBSTONE:
            return OriginalState.TOMBSTONE
        if found.result.outcome is not Outcome.APPROVED:
            return OriginalState.DECLINED
        return OriginalState.REVERSED if undo_key(key) in self.knowledge.found else OriginalState.POSTED

    def _settle_new(self, intent: Intent) -> Result:
        if intent.refusal is not None:
            if intent.refusal in NOT_FINAL:
                return _unrecorded(intent, intent.refusal)
            return self._record(intent, Decision(intent.refusal), intent.wallet_id, None)
        assert intent.wallet_id is not None
        wallet = self.knowledge.wallets.get(intent.wallet_id)
        if wallet is None:
            return _unrecorded(intent, Outcome.WALLET_QUARANTINED)
        decision = decide(intent, wallet.state, self.day)
        return self._record(intent, decision, intent.wallet_id, wallet)

    def _settle_reversal(self, intent: Intent, original_key: bytes) -> Result | Moved:
        action, outcome = LIFECYCLE[self._state_of(original_key), Event.REVERSAL]
        assert outcome is not None
        match action:
            case Action.UNDO:
                return self._undo(intent, original_key)
            case Action.BURY:
                result = self._record(intent, Decision(outcome), None, None)
                self._occupy(original_key, ROLE_TOMBSTONE, intent, result)
                return result
            case Action.NOTE:
                found = self.knowledge.found[original_key]
                original_id = found.transaction_id if found.role == ROLE_OWN else None
                return self._record(intent, Decision(outcome), None, None, original_id=original_id)
            case Action.DECIDE | Action.RECALL | Action.REFUSE:
                raise AssertionError(action)
            case _:
                assert_never(action)

    def _undo(self, intent: Intent, original_key: bytes) -> Result | Moved:
        original = self.knowledge.originals[self.knowledge.found[original_key].transaction_id]
        if not self.is_mine(original.wallet_id):
            return Moved(original.wallet_id)
        wallet = self.knowledge.wallets.get(original.wallet_id)
        if wallet is None:
            return _unrecorded(intent, Outcome.WALLET_QUARANTINED)
        decision = decide_undo(intent, original, wallet.state)
        number, undone = original.transaction_id, decision.outcome is Outcome.APPROVED
        # A refused reversal leaves its key free: the right one has the same STAN, and must still get through.
        result = self._record(intent, decision, original.wallet_id, wallet, original_id=number, keyed=undone)
        if undone:
            self._occupy(undo_key(original_key), ROLE_UNDO, intent, result)
        return result

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
        if decision.legs and intent.kind not in REVERSED_KIND:
            assert wallet_id is not None
            self.knowledge.originals[number] = Original(
                number, wallet_id, intent.amount_minor, self.day, decision.legs
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


def pack_result(result: Result) -> bytes:
    """The stored form of a result: when it was decided, and the balance it told."""
    available = _NO_AMOUNT if result.available_minor is None else result.available_minor
    return _RESULT.pack(result.received_at_us, available)


def unpack_result(outcome: int, transaction_id: int, stored: bytes) -> Result:
    """The result that `pack_result` stored."""
    received_at_us, available = _RESULT.unpack(stored)
    told = None if available == _NO_AMOUNT else available
    return Result(Outcome(outcome), transaction_id, received_at_us, told)
