"""The rows of one commit group, as they gather while its intents are settled. Pure.

A decided intent is a transaction row, an entry for each leg, an event for each wallet that changed, and the
keys that it took. What is taken here is known to the intents that come after it in the group.
"""

from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias

from ledger.chart import OF_WALLET, AccountKind, Leg
from ledger.decision import Decision
from ledger.decision.related import accounts_of
from ledger.identity import REVERSED_KIND, TransactionKind
from ledger.intent import Intent
from ledger.lifecycle import EVENTS, Event
from ledger.original import Original
from ledger.outcome import Outcome
from ledger.postgres.chain import EntryRow, TransactionRow
from ledger.postgres.dedup import ROLE_OWN, DedupRow, Found, Result, pack_result, posted
from ledger.wallet import WalletState

_APPROVED, _OWED, _PREAUTH = Outcome.APPROVED, AccountKind.CARDHOLDER_RECEIVABLE, TransactionKind.PREAUTH


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


Named: TypeAlias = tuple[int, WorkingWallet]
"""A wallet and its number."""


@dataclass(slots=True)
class Knowledge:
    """What was read for a group. A wallet that is absent here is missing or quarantined."""

    found: dict[bytes, Found]
    originals: dict[int, Original]
    wallets: dict[int, WorkingWallet]


@dataclass(slots=True)
class Gathering:
    """The rows, and what they rest on."""

    day: int
    knowledge: Knowledge
    transactions: list[TransactionRow] = field(default_factory=list, init=False)
    entries: list[EntryRow] = field(default_factory=list, init=False)
    events: list[EventRow] = field(default_factory=list, init=False)
    dedup: list[DedupRow] = field(default_factory=list, init=False)
    shortfalls: list[Shortfall] = field(default_factory=list, init=False)
    _fresh: dict[int, tuple[TransactionRow, tuple[Leg, ...]]] = field(default_factory=dict, init=False)

    def note(
        self, intent: Intent, outcome: Outcome | None, *, number: int | None = None, keyed: bool = True
    ) -> Result:
        """Record an outcome that no wallet was asked for; `number` is the original's."""
        assert outcome is not None
        wallet_id = None if intent.kind in REVERSED_KIND else intent.wallet_id
        issuer = 0 if intent.rules is None else intent.rules.issuer
        self.transactions.append(
            _row(intent, outcome, issuer, 0, wallet_id or None, None, None, None, number)
        )
        result = Result(outcome, intent.transaction_id, intent.received_at_us)
        if keyed:
            self.occupy(intent.key, ROLE_OWN, intent, result)
        return result

    def record(
        self,
        intent: Intent,
        decision: Decision,
        own: Named,
        other: Named | None = None,
        original: Original | None = None,
        *,
        keyed: bool = True,
    ) -> Result:
        """Gather the rows of what was decided on wallets."""
        number, outcome, legs = intent.transaction_id, decision.outcome, decision.legs
        version = self._write(own, decision.state, number)
        other_id = other_version = None
        if other is not None:
            other_id, other_version = other[0], self._write(other, decision.other, number)
        if original is not None:
            issuer, original_id = original.issuer, original.transaction_id
        else:
            assert intent.rules is not None
            issuer, original_id = intent.rules.issuer, None
        until = _hold_until(intent, self.day) if intent.kind is _PREAUTH and legs else 0
        row = _row(intent, outcome, issuer, until, own[0], version, other_id, other_version, original_id)
        self.transactions.append(row)
        if legs:
            self._append_entries(number, legs, own[0], version, other_version)
            self._fresh[number] = row, legs
        result = Result(outcome, number, intent.received_at_us, decision.available_minor)
        if keyed:
            is_plain = original is None and not decision.charges and intent.kind is not _PREAUTH
            born = None if is_plain or outcome is not _APPROVED else _born(intent, decision, row, self.day)
            self.occupy(intent.key, ROLE_OWN, intent, result, born)
        return result

    def _write(self, named: Named, state: WalletState | None, number: int) -> int:
        """Give a wallet its next state, if it has one; the version that the decision leaves."""
        wallet_id, wallet = named
        wallet.asserted = True
        if state is not None:
            wallet.version += 1
            wallet.state = state
            self.events.append(EventRow(wallet_id, wallet.version, number))
        return wallet.version

    def _append_entries(
        self, number: int, legs: tuple[Leg, ...], own_id: int, version: int, other_version: int | None
    ) -> None:
        append = self.entries.append
        for index, (kind, account, asset, amount, purse, expires) in enumerate(legs):
            of_wallet = None
            if kind in OF_WALLET:
                of_wallet = version if account == own_id else other_version
            append(EntryRow(number, index, kind, account, asset, amount, purse, expires, of_wallet))
            if kind is _OWED and amount < 0:
                self.shortfalls.append(Shortfall(account, -amount))

    def occupy(
        self,
        key: bytes,
        role: int,
        intent: Intent,
        result: Result,
        original: Original | None = None,
        fingerprint: bytes | None = None,
    ) -> None:
        """Take a key."""
        number, told = result.transaction_id, fingerprint or intent.fingerprint
        self.dedup.append(DedupRow(key, role, number, told, result.outcome, pack_result(result, original)))
        self.knowledge.found[key] = Found(role, number, told, result, original, self.day)

    def unchanged(self, own: Found) -> Original:
        """The posted original with this own row, as it was when it was new."""
        number = own.transaction_id
        original = own.original or self.knowledge.originals.get(number)
        return original or posted(*self._fresh[number], self.day)

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


def _hold_until(intent: Intent, day: int) -> int:
    """The last good day of a hold."""
    assert intent.rules is not None
    return day + intent.rules.hold_days


def _born(intent: Intent, decision: Decision, row: TransactionRow, day: int) -> Original | None:
    """How a transaction stands when it is new, where the journal doesn't tell all of it."""
    plain, charges = posted(row, decision.legs, day), decision.charges
    accounts = () if intent.rules is None else accounts_of(intent.rules, decision.legs)
    if EVENTS.get(intent.kind) not in {None, Event.CONFIRM}:
        return replace(plain, charges=charges, original_key=intent.original_key)
    return replace(plain, charges=charges, accounts=accounts) if charges or accounts else None


def _row(
    intent: Intent,
    outcome: Outcome,
    issuer: int,
    until: int,
    wallet: int | None,
    version: int | None,
    other: int | None,
    other_version: int | None,
    original: int | None,
) -> TransactionRow:
    origin = intent.origin
    return TransactionRow(
        intent.transaction_id, intent.kind, outcome, intent.asset, intent.amount_minor, issuer, wallet,
        version, other, other_version, original, until, origin.merchant_account, origin.merchant_id,
        origin.terminal_id, origin.batch, origin.stan, intent.proposer, intent.approver,
        intent.received_at_us,
    )  # fmt: skip
