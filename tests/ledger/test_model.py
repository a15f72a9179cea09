"""Commit groups against a model that knows no groups, no versions and no keys: a plain book.

Requests of all kinds gather in random order and are committed in groups of random size, over days. The book
handles the same requests one after the other, in a few lines each; outcomes, balances, PIN tries and windows
must be the same, and the books must balance.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ledger.chart import AccountKind
from ledger.identity import TransactionKind
from ledger.intent import Intent, PinVerdict
from ledger.outcome import Outcome
from ledger.postgres.dedup import Result
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
    number: int
    owed_minor: int = 0
    voided: bool = False
    reversed: bool = False

    @property
    def stands(self) -> bool:
        """Nothing has taken it back, or what did was taken back itself."""
        return not self.voided and not self.reversed


@dataclass
class Void:
    """What the book remembers of a void that was posted."""

    purchase: Purchase
    purchase_stan: str
    reversed: bool = False


@dataclass
class Named:
    """An intent with the STANs that it names: of what it takes back, and of what that took back."""

    intent: Intent
    original_stan: str = ""
    voided_stan: str = ""


@dataclass
class Book:
    """The plain model; requests are named by STAN and kind."""

    day: int = FIRST_DAY
    balances: dict[int, int] = field(default_factory=lambda: dict(OPENED))
    tries: dict[int, int] = field(default_factory=lambda: dict.fromkeys(OPENED, 0))
    answered: dict[tuple[str, TransactionKind], tuple[bytes, Outcome]] = field(default_factory=dict)
    posted: dict[str, Purchase] = field(default_factory=dict)
    declined: dict[str, int] = field(default_factory=dict)
    voids: dict[str, Void] = field(default_factory=dict)
    buried: set[tuple[str, TransactionKind]] = field(default_factory=set)

    def handle(self, named: Named) -> Outcome:
        """The outcome of a request."""
        intent = named.intent
        name = (intent.origin.stan, intent.kind)
        if name in self.answered:
            fingerprint, outcome = self.answered[name]
            if fingerprint != intent.fingerprint:
                return Outcome.DUPLICATE_DIFFERS
            return Outcome.RELATED_TRANSACTION_WRONG if self._is_taken_back(name) else outcome
        if name in self.buried:
            return Outcome.RELATED_TRANSACTION_WRONG
        outcome, final = self._decide(named)
        if final:
            self.answered[name] = intent.fingerprint, outcome
            if intent.kind is TransactionKind.PURCHASE and outcome is not Outcome.APPROVED:
                self.declined[intent.origin.stan] = intent.transaction_id
        return outcome

    def _is_taken_back(self, name: tuple[str, TransactionKind]) -> bool:
        stan, kind = name
        if kind is TransactionKind.PURCHASE and stan in self.posted:
            return not self.posted[stan].stands
        return kind is TransactionKind.PURCHASE_VOID and stan in self.voids and self.voids[stan].reversed

    def _decide(self, named: Named) -> tuple[Outcome, bool]:
        """The outcome, and whether it uses the key up."""
        intent = named.intent
        match intent.kind:
            case TransactionKind.PURCHASE_REVERSAL:
                outcome = self._reverse(intent, named.original_stan)
            case TransactionKind.PURCHASE_VOID_REVERSAL:
                outcome = self._reverse_void(intent, named)
            case TransactionKind.PURCHASE_VOID:
                return self._void(intent, named.original_stan), True
            case _:
                assert intent.wallet_id is not None
                return self._check_pin(intent, intent.wallet_id) or self._request(intent), True
        original_kind = {
            TransactionKind.PURCHASE_REVERSAL: TransactionKind.PURCHASE,
            TransactionKind.PURCHASE_VOID_REVERSAL: TransactionKind.PURCHASE_VOID,
        }[intent.kind]
        original = (named.original_stan, original_kind)
        unknown = outcome is Outcome.ORIGINAL_NOT_FOUND and original not in self.answered
        if unknown:
            self.buried.add(original)
        return outcome, unknown or outcome is Outcome.APPROVED

    def _check_pin(self, intent: Intent, wallet_id: int) -> Outcome | None:
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
        self.posted[intent.origin.stan] = Purchase(wallet_id, amount, self.day, intent.transaction_id)
        return Outcome.APPROVED

    def _misfit(self, intent: Intent, purchase: Purchase) -> Outcome | None:
        if intent.amount_minor != purchase.amount_minor:
            return Outcome.ORIGINAL_AMOUNT_DIFFERS
        return Outcome.CARD_DIFFERS if intent.wallet_id not in {None, purchase.wallet_id} else None

    def _give_back(self, purchase: Purchase) -> None:
        self.balances[purchase.wallet_id] += purchase.amount_minor - purchase.owed_minor
        purchase.owed_minor = 0

    def _reverse(self, intent: Intent, stan: str) -> Outcome:
        purchase = self.posted.get(stan)
        if purchase is None:
            declined = (stan, TransactionKind.PURCHASE) in self.answered
            return Outcome.APPROVED if declined else Outcome.ORIGINAL_NOT_FOUND
        if not purchase.reversed:
            misfit = self._misfit(intent, purchase)
            if misfit is not None:
                return misfit
            if purchase.stands:
                self._give_back(purchase)
            purchase.reversed = True
        return Outcome.APPROVED

    def _void(self, intent: Intent, stan: str) -> Outcome:
        purchase = self.posted.get(stan)
        if purchase is None or purchase.number != intent.original_id:
            quoted = self.declined.get(stan) == intent.original_id
            return Outcome.RELATED_TRANSACTION_INVALID if quoted else Outcome.ORIGINAL_NOT_FOUND
        if not purchase.stands:
            return Outcome.RELATED_TRANSACTION_WRONG
        refused = self._misfit(intent, purchase) or self._check_pin(intent, purchase.wallet_id)
        if refused is not None:
            return refused
        self._give_back(purchase)
        purchase.voided = True
        self.voids[intent.origin.stan] = Void(purchase, stan)
        return Outcome.APPROVED

    def _reverse_void(self, intent: Intent, named: Named) -> Outcome:
        void = self.voids.get(named.original_stan)
        if void is None:
            declined = (named.original_stan, TransactionKind.PURCHASE_VOID) in self.answered
            return Outcome.APPROVED if declined else Outcome.ORIGINAL_NOT_FOUND
        if void.reversed:
            return Outcome.APPROVED
        if void.purchase_stan != named.voided_stan:
            return Outcome.ORIGINAL_NOT_FOUND
        purchase = void.purchase
        misfit = self._misfit(intent, purchase)
        if misfit is not None:
            return misfit
        void.reversed = True
        if not purchase.reversed:
            purchase.voided = False
            taken = min(purchase.amount_minor, self.balances[purchase.wallet_id])
            self.balances[purchase.wallet_id] -= taken
            purchase.owed_minor = purchase.amount_minor - taken
        return Outcome.APPROVED

    def bought_today(self, wallet_id: int) -> list[int]:
        """The amounts that count against today's limits."""
        return [
            p.amount_minor
            for p in self.posted.values()
            if (p.wallet_id, p.day, p.stands) == (wallet_id, self.day, True)
        ]


class GroupsAgainstBook(RuleBasedStateMachine):
    """Requests gather; a commit settles them as one group, and the book handles them one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger, self.book, self.till = MemoryLedger(), Book(), Till(count(1))
        self.fresh = (f"{number:06d}" for number in count(100))
        self.waiting: list[Named] = []
        for wallet_id, balance in OPENED.items():
            self.ledger.open(wallet_id, balance)

    @rule(stan=STANS, wallet_id=WALLETS, amount=AMOUNTS, pin=st.sampled_from(PinVerdict))
    def purchase(self, stan: str, wallet_id: int, amount: int, pin: PinVerdict) -> None:
        """A purchase; few STANs make many of them repeats, misuses and late originals."""
        self.waiting.append(Named(self.till.purchase(wallet_id, amount, stan=stan, pin=pin, rules=RULES)))

    @rule(wallet_id=WALLETS, amount=st.sampled_from([100, 300, 500]))
    def buy(self, wallet_id: int, amount: int) -> None:
        """A purchase under a STAN of its own, at once."""
        self.waiting.append(Named(self.till.purchase(wallet_id, amount, stan=next(self.fresh), rules=RULES)))
        self.commit()

    @rule(stan=STANS, wallet_id=WALLETS, pin=st.sampled_from(PinVerdict))
    def inquire(self, stan: str, wallet_id: int, pin: PinVerdict) -> None:
        """A balance inquiry."""
        self.waiting.append(Named(self.till.inquiry(wallet_id, stan=stan, pin=pin, rules=RULES)))

    @rule(original=STANS, stan=STANS, amount=AMOUNTS, card=st.none() | WALLETS)
    def reverse(self, original: str, stan: str, amount: int, card: int | None) -> None:
        """Any reversal of anything, under any STAN; most don't fit."""
        self.waiting.append(Named(self.till.reversal(original, amount, stan=stan, card=card), original))

    @rule(data=st.data(), stan=st.none() | STANS)
    def reverse_rightly(self, data: st.DataObject, stan: str | None) -> None:
        """A reversal that fits a purchase that was posted, once or once more."""
        if self.book.posted:
            original = data.draw(st.sampled_from(sorted(self.book.posted)))
            amount = self.book.posted[original].amount_minor
            reversal = self.till.reversal(original, amount, stan=stan or next(self.fresh))
            self.waiting.append(Named(reversal, original))

    @rule(
        stan=STANS,
        original=STANS,
        amount=AMOUNTS,
        number=st.integers(0, 9),
        card=st.none() | WALLETS,
        pin=st.sampled_from(PinVerdict),
    )
    def void(
        self, stan: str, original: str, amount: int, number: int, card: int | None, pin: PinVerdict
    ) -> None:
        """Any void of anything; a PIN comes with a card only."""
        purchase = self.till.purchase(None, amount, stan=original)
        pin = PinVerdict.ABSENT if card is None else pin
        void = self.till.void(purchase, stan=stan, number=number, card=card, pin=pin, rules=RULES)
        self.waiting.append(Named(void, original))

    @rule(data=st.data(), stan=st.none() | STANS, pin=st.sampled_from(PinVerdict))
    def void_rightly(self, data: st.DataObject, stan: str | None, pin: PinVerdict) -> None:
        """A void that fits a purchase that was posted, for the first time or again."""
        stan = stan or next(self.fresh)
        if self.book.posted:
            original = data.draw(st.sampled_from(sorted(self.book.posted)))
            bought = self.book.posted[original]
            purchase = self.till.purchase(None, bought.amount_minor, stan=original)
            card = None if pin is PinVerdict.ABSENT else bought.wallet_id
            void = self.till.void(purchase, stan=stan, number=bought.number, card=card, pin=pin, rules=RULES)
            self.waiting.append(Named(void, original))

    @rule(stan=STANS, original=STANS, purchase=STANS, amount=AMOUNTS, card=st.none() | WALLETS)
    def reverse_void(self, stan: str, original: str, purchase: str, amount: int, card: int | None) -> None:
        """Any reversal of any void."""
        self._reverse_void(stan, original, purchase, amount, card)

    @rule(data=st.data(), stan=st.none() | STANS)
    def reverse_void_rightly(self, data: st.DataObject, stan: str | None) -> None:
        """A reversal that fits a void that was posted, once or once more."""
        if self.book.voids:
            original = data.draw(st.sampled_from(sorted(self.book.voids)))
            void = self.book.voids[original]
            stan = stan or next(self.fresh)
            self._reverse_void(stan, original, void.purchase_stan, void.purchase.amount_minor, None)

    def _reverse_void(self, stan: str, original: str, purchase: str, amount: int, card: int | None) -> None:
        void = self.till.void(self.till.purchase(None, amount, stan=purchase), stan=original)
        self.waiting.append(Named(self.till.void_reversal(void, stan=stan, card=card), original, purchase))

    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """Something that is under way, once more."""
        if self.waiting:
            named = data.draw(st.sampled_from(self.waiting))
            self.waiting.append(replace(named, intent=self.till.again(named.intent)))

    @rule()
    def commit(self) -> None:
        """Everything that gathered becomes one group."""
        waiting, self.waiting = self.waiting, []
        results = self.ledger.commit([named.intent for named in waiting], self.book.day)
        for named, result in zip(waiting, results, strict=True):
            intent = named.intent
            assert isinstance(result, Result)
            assert self.book.handle(named) == result.outcome
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
            assert self.book.balances[wallet_id] == state.lots[0].balance_minor
            assert self.book.tries[wallet_id] == state.pin_failures
            if state.day == self.book.day:
                today = self.book.bought_today(wallet_id)
                assert (len(today), sum(today)) == (state.day_count, state.day_minor)

    @invariant()
    def money_is_conserved(self) -> None:
        """What wallets lost or owe is what the merchant is owed: the sum of the purchases that stand."""
        standing = [p for p in self.book.posted.values() if p.stands]
        paid, short = sum(p.amount_minor for p in standing), sum(p.owed_minor for p in standing)

        assert paid == self.ledger.balance_of(AccountKind.MERCHANT_PAYABLE, MERCHANT_ACCOUNT)
        assert -short == self.ledger.balance_of(AccountKind.CARDHOLDER_RECEIVABLE)
        assert short - paid == self.ledger.balance_of(AccountKind.WALLET_CASH)


TestGroupsAgainstBook: Callable[[], None] = GroupsAgainstBook.TestCase
TestGroupsAgainstBook.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def what_follows(
    event: str, till: Till, purchase: Intent, voids: list[Intent], stan: str
) -> tuple[Intent, str, str]:
    """What a letter of a life means, with the STANs that it names."""
    of = purchase.origin.stan
    match event:
        case "v":
            voids.append(till.void(purchase, stan=stan))
            return voids[-1], of, ""
        case "u" | "o":
            void = voids[-1 if event == "u" else 0]
            return till.void_reversal(void), void.origin.stan, of
        case "r":
            return till.reversal(of, purchase.amount_minor, stan=stan), of, ""
        case "s":
            return till.purchase(purchase.wallet_id, 300, stan=stan, rules=RULES), "", ""
        case _:
            return till.again(purchase), "", ""


LIVES = st.builds(
    "{}v{}".format, st.text(st.sampled_from("vuosp|"), max_size=30), st.text("vuorsp|", max_size=9)
)


@settings(max_examples=300, deadline=None)
@given(LIVES)
def test_life_of_a_purchase(life: str) -> None:
    """A purchase that is voided and restored while its money is spent is as in the book, however grouped.

    Each letter is an event: v void, u reversal of the newest void and o of the oldest, r reversal of the
    purchase, s another purchase, p the purchase again; a bar ends a commit group.
    """
    machine, voids = GroupsAgainstBook(), []
    purchase = machine.till.purchase(2, 400, stan="000001", rules=RULES)
    machine.waiting.append(Named(purchase))
    for event in life:
        if event == "|":
            machine.commit()
        elif voids or event not in "uo":
            stan = next(machine.fresh)
            machine.waiting.append(Named(*what_follows(event, machine.till, purchase, voids, stan)))
    machine.commit()
    machine.wallets_are_as_in_the_book()
    machine.money_is_conserved()
