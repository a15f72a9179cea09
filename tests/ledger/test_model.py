"""Commit groups against a model that knows no groups, no versions and no keys: a plain book.

Requests of all kinds gather in random order and are committed in groups of random size, over days. The book
handles the same requests one after the other, in a few lines each; outcomes, balances, PIN tries and windows
must be the same, and the books must balance.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ledger.chart import AccountKind
from ledger.identity import TransactionKind
from ledger.intent import Intent, PinVerdict
from ledger.outcome import Outcome
from ledger.postgres.group import Result
from ledger.product import ProductRules

from .intents import MERCHANT_ACCOUNT, Till
from .memory_ledger import MemoryLedger

FIRST_DAY = 739_000
OPENED = {1: 0, 2: 500, 3: 2000}
RULES = ProductRules(pin_tries_max=2, transaction_max_minor=900, day_amount_max_minor=1500, day_count_max=4)
WALLETS = st.sampled_from(sorted(OPENED))
STANS = st.sampled_from([f"{number:06d}" for number in range(8)])
AMOUNTS = st.integers(0, 10).map(lambda hundreds: 100 * hundreds)


@dataclass
class Purchase:
    """What the book remembers of a purchase that was posted."""

    wallet_id: int
    amount_minor: int
    day: int
    reversed: bool = False


@dataclass
class Book:
    """The plain model; requests are named by STAN and kind."""

    day: int = FIRST_DAY
    balances: dict[int, int] = field(default_factory=lambda: dict(OPENED))
    tries: dict[int, int] = field(default_factory=lambda: dict.fromkeys(OPENED, 0))
    answered: dict[tuple[str, TransactionKind], tuple[bytes, Outcome]] = field(default_factory=dict)
    posted: dict[str, Purchase] = field(default_factory=dict)
    buried: set[str] = field(default_factory=set)

    def handle(self, intent: Intent, original_stan: str | None) -> Outcome:
        """The outcome of a request."""
        name = (intent.origin.stan, intent.kind)
        if name in self.answered:
            fingerprint, outcome = self.answered[name]
            if fingerprint != intent.fingerprint:
                return Outcome.DUPLICATE_DIFFERS
            purchase = self.posted.get(intent.origin.stan)
            if intent.kind is TransactionKind.PURCHASE and purchase and purchase.reversed:
                return Outcome.RELATED_TRANSACTION_WRONG
            return outcome
        if original_stan is not None:
            return self._reverse(intent, original_stan, name)
        if intent.kind is TransactionKind.PURCHASE and intent.origin.stan in self.buried:
            return Outcome.RELATED_TRANSACTION_WRONG
        outcome = self._check_pin(intent) or self._request(intent)
        self.answered[name] = intent.fingerprint, outcome
        return outcome

    def _check_pin(self, intent: Intent) -> Outcome | None:
        wallet_id = intent.wallet_id
        assert wallet_id is not None
        if intent.pin is PinVerdict.ABSENT:
            return None
        if self.tries[wallet_id] == RULES.pin_tries_max:
            return Outcome.PIN_TRIES_EXCEEDED
        self.tries[wallet_id] = 0 if intent.pin is PinVerdict.MATCH else self.tries[wallet_id] + 1
        return Outcome.PIN_WRONG if self.tries[wallet_id] else None

    def _request(self, intent: Intent) -> Outcome:
        wallet_id, amount = intent.wallet_id, intent.amount_minor
        assert wallet_id is not None
        if intent.kind is TransactionKind.BALANCE_INQUIRY:
            return Outcome.APPROVED
        today = self.bought_today(wallet_id)
        if amount == 0:
            return Outcome.AMOUNT_INVALID
        if amount > 900 or sum(today) + amount > 1500:
            return Outcome.AMOUNT_OVER_LIMIT
        if len(today) >= 4:
            return Outcome.COUNT_OVER_LIMIT
        if amount > self.balances[wallet_id]:
            return Outcome.INSUFFICIENT_FUNDS
        self.balances[wallet_id] -= amount
        self.posted[intent.origin.stan] = Purchase(wallet_id, amount, self.day)
        return Outcome.APPROVED

    def _reverse(self, intent: Intent, stan: str, name: tuple[str, TransactionKind]) -> Outcome:
        purchase = self.posted.get(stan)
        if purchase is None and (stan, TransactionKind.PURCHASE) not in self.answered:
            self.buried.add(stan)
            self.answered[name] = intent.fingerprint, Outcome.ORIGINAL_NOT_FOUND
            return Outcome.ORIGINAL_NOT_FOUND
        if purchase is not None and not purchase.reversed:
            if intent.amount_minor != purchase.amount_minor:
                return Outcome.ORIGINAL_AMOUNT_DIFFERS
            if intent.wallet_id not in (None, purchase.wallet_id):
                return Outcome.CARD_DIFFERS
            purchase.reversed = True
            self.balances[purchase.wallet_id] += purchase.amount_minor
        self.answered[name] = intent.fingerprint, Outcome.APPROVED
        return Outcome.APPROVED

    def bought_today(self, wallet_id: int) -> list[int]:
        """The amounts that count against today's limits."""
        return [
            p.amount_minor
            for p in self.posted.values()
            if (p.wallet_id, p.day, p.reversed) == (wallet_id, self.day, False)
        ]


class GroupsAgainstBook(RuleBasedStateMachine):
    """Requests gather; a commit settles them as one group, and the book handles them one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger, self.book, self.till = MemoryLedger(), Book(), Till(count(1))
        self.waiting: list[tuple[Intent, str | None]] = []
        for wallet_id, balance in OPENED.items():
            self.ledger.open(wallet_id, balance)

    @rule(stan=STANS, wallet_id=WALLETS, amount=AMOUNTS, pin=st.sampled_from(PinVerdict))
    def purchase(self, stan: str, wallet_id: int, amount: int, pin: PinVerdict) -> None:
        """A purchase; few STANs make many of them repeats, misuses and late originals."""
        intent = self.till.purchase(wallet_id, amount, stan=stan, pin=pin, rules=RULES)
        self.waiting.append((intent, None))

    @rule(stan=STANS, wallet_id=WALLETS, pin=st.sampled_from(PinVerdict))
    def inquire(self, stan: str, wallet_id: int, pin: PinVerdict) -> None:
        """A balance inquiry."""
        self.waiting.append((self.till.inquiry(wallet_id, stan=stan, pin=pin, rules=RULES), None))

    @rule(original=STANS, stan=STANS, amount=AMOUNTS, card=st.none() | WALLETS)
    def reverse(self, original: str, stan: str, amount: int, card: int | None) -> None:
        """Any reversal of anything, under any STAN; most don't fit."""
        self.waiting.append((self.till.reversal(original, amount, stan=stan, card=card), original))

    @rule(data=st.data(), stan=STANS)
    def reverse_rightly(self, data: st.DataObject, stan: str) -> None:
        """A reversal that fits a purchase that was posted, once or once more."""
        if self.book.posted:
            original = data.draw(st.sampled_from(sorted(self.book.posted)))
            amount = self.book.posted[original].amount_minor
            self.waiting.append((self.till.reversal(original, amount, stan=stan), original))

    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """Something that is under way, once more."""
        if self.waiting:
            intent, original = data.draw(st.sampled_from(self.waiting))
            self.waiting.append((self.till.again(intent), original))

    @rule()
    def commit(self) -> None:
        """Everything that gathered becomes one group."""
        waiting, self.waiting = self.waiting, []
        results = self.ledger.commit([intent for intent, _ in waiting], self.book.day)
        for (intent, original), result in zip(waiting, results, strict=True):
            assert isinstance(result, Result)
            assert self.book.handle(intent, original) == result.outcome
            if result.available_minor is not None and result.transaction_id == intent.transaction_id:
                assert self.book.balances[intent.wallet_id or 0] == result.available_minor

    @rule()
    def open_next_day(self) -> None:
        """A business day ends."""
        self.commit()
        self.book.day += 1

    @invariant()
    def wallets_are_as_in_the_book(self) -> None:
        """Balances, tries and today's windows are the book's."""
        for wallet_id, (_, state) in self.ledger.wallets.items():
            assert self.book.balances[wallet_id] == state.balance_minor
            assert self.book.tries[wallet_id] == state.pin_failures
            if state.window_day == self.book.day:
                today = self.book.bought_today(wallet_id)
                assert (len(today), sum(today)) == state[3:]

    @invariant()
    def money_is_conserved(self) -> None:
        """What the wallets lost is what the merchant is owed, and that is the sum of the living purchases."""
        paid = sum(p.amount_minor for p in self.book.posted.values() if not p.reversed)
        owed = sum(e.amount_minor for e in self.ledger.entries if e.account_id == MERCHANT_ACCOUNT)

        assert paid == owed
        assert -paid == self.ledger.balance_of(AccountKind.WALLET_CASH)


TestGroupsAgainstBook: Callable[[], None] = GroupsAgainstBook.TestCase
TestGroupsAgainstBook.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
