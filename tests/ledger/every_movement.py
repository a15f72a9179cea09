"""A machine that makes every movement of a card's money at random, on the ledger and in the model's book.

Requests of all kinds gather, are repeated, refer to each other rightly and wrongly, over seconds, days and
ends of months, and are committed in groups of random size. After each commit everything must be as in the
book: the answers, each lot of each wallet, tries, windows, holds, each account.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import count
from random import Random
from typing import ClassVar, Final

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from ledger.chart import AccountKind, layer_of
from ledger.identity import REVERSED_KIND, TransactionKind, duplicate_key, system_key
from ledger.intent import Intent, Origin, PinVerdict
from ledger.outcome import Outcome
from ledger.postgres.dedup import Result
from ledger.postgres.group import Moved
from ledger.product import (
    EarningRule,
    FeeRule,
    FeeTier,
    Party,
    ProductRules,
    PurseKind,
    PurseRule,
    Rounding,
)
from ledger.wallet import Lot, WalletState, WalletStatus, month_of

from .intents import FIRST_US, fingerprint_of
from .memory_ledger import MemoryLedger
from .model import wallet as plain
from .model.book import Answer, Book, held_by
from .model.terms import CASH, COUPON, FUEL, GIFT, GROCER, ISSUER, MILES, MONEY, POINTS, PRODUCT, SPECIAL

K = TransactionKind
FIRST_DAY: Final = date(2026, 1, 27).toordinal()
AGENT, FLOAT = 70, 9
MERCHANTS: Final = (7, 7, 7, 8)
_COMPLETIONS = frozenset({K.COMPLETION, K.COMPLETION_ADVICE})

RULES: Final = ProductRules(
    issuer=ISSUER,
    purses=(
        PurseRule(
            SPECIAL, PurseKind.SPECIAL, categories=frozenset({GROCER}), services=frozenset({FUEL})
        ),
        PurseRule(
            COUPON, PurseKind.BONUS, inflows=frozenset({K.POINTS_EARN}), outflows=frozenset({K.PURCHASE}),
            validity_days=10,
        ),
        PurseRule(GIFT, PurseKind.BONUS, validity_days=4, grace_days=5, ceiling_minor=4000),
        PurseRule(CASH, PurseKind.CASH),
        PurseRule(POINTS, PurseKind.POINTS, MILES, validity_days=40, ceiling_minor=120),
    ),
    pin_kinds=frozenset({K.PURCHASE, K.PREAUTH, K.TRANSFER, K.POINTS_SPEND}),
    pin_free_max_minor=3000,
    transaction_max_minor=6000,
    day_amount_max_minor=12_000,
    day_count_max=9,
    month_amount_max_minor=30_000,
    month_count_max=25,
    burst_count_max=6,
    burst_seconds=30,
    wallet_max_minor=30_000,
    overdraft_by_grade=(0, 1500),
    hold_days=7,
    refund_days=45,
    fees=(
        FeeRule(
            frozenset({K.PURCHASE, K.OFFLINE_SALE}), Party.CARDHOLDER, Party.ISSUER, 20,
            returned_on_refund=True,
        ),
        FeeRule(
            _COMPLETIONS | {K.PURCHASE, K.TIP_ADVICE}, Party.MERCHANT, Party.ISSUER, percent_hundredths=60,
            min_minor=1, max_minor=30, rounding=Rounding.HALF_EVEN,
        ),
        FeeRule(
            frozenset({K.TOP_UP}), Party.ISSUER, Party.AGENT, percent_hundredths=100, rounding=Rounding.UP,
            returned_on_refund=True,
        ),
        FeeRule(
            frozenset({K.TOP_UP}), Party.CARDHOLDER, Party.ISSUER, percent_hundredths=50,
            tiers=(FeeTier(3000, 5),), returned_on_refund=True,
        ),
        FeeRule(frozenset({K.TRANSFER}), Party.CARDHOLDER, Party.ISSUER, 10),
        FeeRule(
            _COMPLETIONS, Party.CARDHOLDER, Party.ISSUER, percent_hundredths=100, rounding=Rounding.DOWN,
            returned_on_refund=True,
        ),
    ),
    earning=(
        EarningRule(POINTS, _COMPLETIONS | {K.PURCHASE}, 100, 1),
        EarningRule(
            POINTS, frozenset({K.PURCHASE}), 250, 3, Rounding.HALF_UP, categories=frozenset({GROCER}),
            from_minor=1000, validity_days=10,
        ),
    ),
)  # fmt: skip
"""What `model.terms.PRODUCT` says, as the ledger is told."""

FLOAT_RULES: Final = ProductRules(issuer=ISSUER, purses=(PurseRule(CASH, PurseKind.FLOAT),))
BARE_RULES: Final = ProductRules(issuer=ISSUER)
"""What a run that ends holds knows of a product."""

OPENED: Final = {
    1: (
        Lot(CASH, 0, 6000),
        Lot(SPECIAL, 0, 3000),
        Lot(COUPON, FIRST_DAY + 6, 800),
        Lot(GIFT, FIRST_DAY + 3, 1500),
        Lot(POINTS, FIRST_DAY + 30, 110),
    ),
    2: (Lot(CASH, 0, 0),),
    3: (Lot(CASH, 0, 24_000), Lot(GIFT, FIRST_DAY + 5, 2000), Lot(POINTS, FIRST_DAY + 20, 90)),
    FLOAT: (Lot(CASH, 0, 15_000),),
}
CARDS: Final = (1, 2, 3)
UNKNOWN: Final = 99
WATERFALLS: Final = frozenset({K.PURCHASE, K.PREAUTH, K.OFFLINE_SALE})
TOP_UPS: Final = frozenset({K.TOP_UP, K.TOP_UP_VERIFY, K.TOP_UP_CONFIRM})
OTHERS: Final = (
    (FLOAT, FLOAT, FLOAT, FLOAT, 1, UNKNOWN, None),
    (*CARDS, *CARDS, *CARDS, FLOAT, UNKNOWN, None, 0),
)
"""Second wallets: from which a top-up is sold, and to which a transfer goes."""
SEEDS: Final = st.integers(0, 2**32 - 1)
"""What all small choices of a step follow from, together with how many came before it: so that steps that
Hypothesis makes alike are not, and thousands of them come to every corner."""


ANEW: Final = {
    14: (K.PURCHASE, K.PREAUTH),
    10: (K.TOP_UP,),
    7: (K.TRANSFER, K.POINTS_SPEND, K.POINTS_ADJUSTMENT),
    5: (K.OFFLINE_SALE, K.POINTS_EARN, K.LOT_EXPIRY),
    4: (K.ADJUSTMENT, K.TOP_UP_CONFIRM, K.OPERATOR_DEBIT, K.WALLET_UNFREEZE, K.CARD_REPLACEMENT),
    3: (K.GRADE_CHANGE, K.BALANCE_INQUIRY, K.SERVICE_FEE),
    2: (K.TOP_UP_VERIFY, K.POINTS_INQUIRY),
    1: (K.WALLET_FREEZE, K.WALLET_CLOSING),
}
"""New requests, the more usual ones more often: the weights of each."""
WEIGHED: Final = tuple(kind for weight, kinds in ANEW.items() for kind in kinds * weight)

_COMPLETED = (K.COMPLETION_VOID, K.COMPLETION_VOID, K.REFUND, K.REFUND)
FOLLOWS: Final = {
    K.PURCHASE: (K.PURCHASE_REVERSAL, K.PURCHASE_VOID, K.PURCHASE_VOID, K.REFUND, K.REFUND, K.TIP_ADVICE),
    K.PURCHASE_VOID: (K.PURCHASE_VOID_REVERSAL,),
    K.OFFLINE_SALE: (K.REFUND, K.TIP_ADVICE),
    K.PREAUTH: (
        K.PREAUTH_REVERSAL, K.PREAUTH_VOID, K.PREAUTH_INCREMENT, K.PREAUTH_INCREMENT, K.COMPLETION,
        K.COMPLETION, K.COMPLETION, K.COMPLETION_ADVICE, K.COMPLETION_ADVICE, K.HOLD_EXPIRY, K.HOLD_EXPIRY,
    ),
    K.PREAUTH_VOID: (K.PREAUTH_VOID_REVERSAL,),
    K.PREAUTH_INCREMENT: (K.PREAUTH_INCREMENT_REVERSAL,),
    K.COMPLETION: (K.COMPLETION_REVERSAL, *_COMPLETED),
    K.COMPLETION_ADVICE: _COMPLETED,
    K.COMPLETION_VOID: (K.COMPLETION_VOID_REVERSAL,),
    K.TOP_UP: (K.TOP_UP_REVERSAL, K.TOP_UP_VOID, K.TOP_UP_CONFIRM),
    K.TOP_UP_VOID: (K.TOP_UP_VOID_REVERSAL,),
    K.TRANSFER: (K.TRANSFER_REVERSAL,),
    K.POINTS_SPEND: (K.POINTS_SPEND_REVERSAL, K.POINTS_SPEND_VOID, K.POINTS_RETURN, K.POINTS_RETURN),
    K.POINTS_SPEND_VOID: (K.POINTS_SPEND_VOID_REVERSAL,),
}  # fmt: skip
"""What may rightly follow what."""

FREE = tuple(sorted(set().union(*FOLLOWS.values()) - set(REVERSED_KIND) - {K.HOLD_EXPIRY, K.TOP_UP_CONFIRM}))
"""What may name anything as its original, by mistake."""

OF_POINTS: Final = frozenset(kind for kind in K if kind.name.startswith("POINTS"))
AMOUNTS: Final = (0, 1, 99, 250, 250, 250, 999, 1000, 1001, 1001, 2000, 2000, 3000, 3500, 5999, 6001)
SHARES: Final = ("all",) * 9 + ("half", "some", "some", "more", "too much", "nothing")
FLAWS: Final = ("",) * 60 + ("number", "kind", "parent", "refused", "unheard", "day")
PINS: Final = (*(PinVerdict.ABSENT,) * 4, *(PinVerdict.MATCH,) * 5, PinVerdict.MISMATCH)
PURSES: Final = (SPECIAL, GIFT, COUPON, CASH, POINTS, POINTS, 77)
OPERATORS: Final = (("anna", "bert"), ("anna", "bert"), ("anna", "bert"), ("anna", "anna"), ("anna", ""))

SEEN: Counter[tuple[TransactionKind, Outcome]] = Counter()
"""How often each kind ended in each way, over all runs."""


class EveryMovement(RuleBasedStateMachine):
    """The ledger in memory and the book, and whoever sends them requests."""

    taken: ClassVar[int] = 0
    """How many requests all runs made."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = MemoryLedger()
        self.book = Book(RULES, FLOAT_RULES)
        self.day, self.now_us = FIRST_DAY, FIRST_US
        self.numbers, self.stans = count(1), count(1)
        self.waiting: list[Intent] = []
        self.sent: list[Intent] = []
        for wallet_id, lots in OPENED.items():
            self.ledger.wallets[wallet_id] = 1, WalletState(lots)
            self.book.wallets[wallet_id] = plain.Wallet(
                wallet_id, [plain.Lot(lot.purse, lot.expires, lot.balance_minor) for lot in lots]
            )

    @rule(seed=SEEDS)
    def go_on(self, seed: int) -> None:
        """One more request, of whatever sort, perhaps later."""
        dice = self._dice(seed)
        if dice.random() < 0.12:
            self._let_time_pass(dice)
        dice.choices((self.ask, self.follow, self.repeat), (9, 9, 2))[0](dice)

    def ask(self, dice: Random) -> None:
        """Any new request; a few are lost on the way."""
        kind, card = dice.choice(WEIGHED), dice.choice((*CARDS, *CARDS, *CARDS, *CARDS, FLOAT, UNKNOWN))
        intent = self._intent(kind, card, dice.choice(AMOUNTS), dice.choice(PINS))
        intent.category, intent.service = dice.choice((GROCER, GROCER, "5999")), dice.choice(("", "", FUEL))
        intent.proposer, intent.approver = dice.choice(OPERATORS)
        intent.grade, intent.is_written_off = dice.randrange(3), dice.random() < 0.3
        if kind in OF_POINTS:
            intent.asset, intent.amount_minor = MILES, intent.amount_minor // 50
        if kind not in WATERFALLS and dice.random() < (0.1 if kind in OF_POINTS else 0.3):
            intent.purse = dice.choice(PURSES)
            intent.asset = MILES if intent.purse == POINTS else MONEY
        self._aim(intent, dice)
        intent.fingerprint = fingerprint_of(
            kind, card, intent.amount_minor, intent.purse, intent.other_wallet_id
        )
        self._send(intent, dice, is_lost=dice.random() < 0.06)

    def _aim(self, intent: Intent, dice: Random) -> None:
        """The second wallet, the lot, the sign, the original of a confirmation, an early refusal."""
        kind = intent.kind
        if kind is K.TRANSFER or (kind in TOP_UPS and dice.random() < 0.5):
            intent.other_wallet_id = dice.choice(OTHERS[kind is K.TRANSFER])
            intent.other_rules = FLOAT_RULES if intent.other_wallet_id == FLOAT else RULES
        if kind in {K.ADJUSTMENT, K.POINTS_ADJUSTMENT}:
            intent.amount_minor *= dice.choice((1, 1, -1))
            intent.expires = dice.choice((0, 0, self.day - 1, self.day, self.day + 3))
        if kind is K.LOT_EXPIRY:
            self._aim_at_lot(intent, dice)
            return
        if kind is K.TOP_UP_CONFIRM:
            lost = replace(intent, kind=K.TOP_UP, transaction_id=next(self.numbers))
            lost.key = _key(intent.origin.stan, K.TOP_UP)
            lost.fingerprint = fingerprint_of("lost", lost.key)
            intent.original_key, intent.original_fingerprint = lost.key, lost.fingerprint
            self.sent.append(lost)
        if dice.random() < 0.04:
            intent.refusal = dice.choice((Outcome.CARD_EXPIRED, Outcome.MAC_WRONG))

    def _aim_at_lot(self, intent: Intent, dice: Random) -> None:
        """A lot that is there, one that has lapsed if there is one."""
        assert intent.wallet_id is not None
        _, state = self.ledger.wallets.get(intent.wallet_id, (0, WalletState()))
        lapsed = [lot for lot in state.lots if lot.expires and lot.expires < self.day]
        lot = dice.choice(lapsed or state.lots)
        intent.purse, intent.expires = lot.purse, lot.expires
        intent.key = system_key(intent.kind, intent.wallet_id, lot.purse, lot.expires)

    def follow(self, dice: Random) -> None:
        """Something that refers to what was sent before, in one of the ways in which it may."""
        sent = [intent for intent in self.sent if intent.kind in FOLLOWS]
        if dice.random() < 0.85:
            sent = [intent for intent in sent if self._stands(intent)]
        if not sent:
            self.ask(dice)
            return
        original = sent[-1 - dice.randrange(min(len(sent), dice.choice((3, 10, 40))))]
        flaw = dice.choice(FLAWS)
        kind = dice.choice(FREE if flaw == "kind" else FOLLOWS[original.kind])
        intent = self._referring(kind, original, dice)
        intent.origin = intent.origin._replace(merchant_account=dice.choice(MERCHANTS))
        self._spoil(intent, flaw)
        told = intent.amount_minor, intent.asset, intent.original_key, intent.original_id, intent.wallet_id
        intent.fingerprint = fingerprint_of(intent.kind, *told)
        self._send(intent, dice, is_lost=flaw == "unheard")

    def _stands(self, intent: Intent) -> bool:
        """Whether a request was approved, and nothing has taken it back."""
        entry = self.book.names.get(intent.key)
        return entry is not None and entry.posting is not None and not entry.posting.is_gone

    def _referring(self, kind: TransactionKind, original: Intent, dice: Random) -> Intent:
        """A request of a kind that refers to what was sent."""
        entry = self.book.names.get(original.key)
        posting = None if entry is None else entry.posting
        wallet_id = original.wallet_id if posting is None else posting.wallet
        amount = _share(dice.choice(SHARES), original.amount_minor if posting is None else posting.amount)
        stated = dice.choice(
            (wallet_id, wallet_id, wallet_id, None, None, None, None, 3 if wallet_id == 1 else 1)
        )
        intent = self._intent(
            kind, stated, amount, PinVerdict.ABSENT if stated is None else dice.choice(PINS)
        )
        intent.asset, intent.category = original.asset, original.category
        intent.original_key, intent.parent_key = original.key, original.original_key
        if kind in REVERSED_KIND:
            intent.key = _key(original.origin.stan, kind) if dice.random() < 0.8 else intent.key
        elif kind is K.TOP_UP_CONFIRM:
            intent.original_fingerprint = original.fingerprint
            intent.other_wallet_id, intent.other_rules = original.other_wallet_id, original.other_rules
        else:
            intent.original_id = original.transaction_id if entry is None else entry.answer.number
        if original.other_wallet_id is not None:
            intent.other_rules = original.other_rules
        self._complete(intent)
        return intent

    def _complete(self, intent: Intent) -> None:
        """What a run that ends holds knows, and what an increment must have."""
        if intent.kind is K.HOLD_EXPIRY:
            intent.key = system_key(intent.kind, intent.original_id or 0)
            intent.rules, intent.wallet_id, intent.pin = BARE_RULES, None, PinVerdict.ABSENT
            intent.amount_minor = 0
        if intent.kind is K.PREAUTH_INCREMENT and intent.rules is None:
            intent.rules = RULES

    def _spoil(self, intent: Intent, flaw: str) -> None:
        if flaw == "number" and intent.original_id is not None:
            intent.original_id += 1
        if flaw == "parent":
            intent.parent_key = b"nobody's".ljust(16)
        if flaw == "day" and intent.kind not in REVERSED_KIND and intent.kind is not K.TOP_UP_CONFIRM:
            intent.expected_original_day = self.day
        if flaw == "refused" and intent.kind is not K.HOLD_EXPIRY:
            intent.refusal = Outcome.CARD_STOLEN

    def repeat(self, dice: Random) -> None:
        """Something once more, or for the first time if it was lost; or its name with another amount."""
        if not self.sent:
            self.ask(dice)
            return
        intent = self.sent[-1 - dice.randrange(min(len(self.sent), 40))]
        again = replace(intent, transaction_id=next(self.numbers), received_at_us=self.now_us)
        if dice.random() < 0.2:
            again.amount_minor += 1
            again.fingerprint = fingerprint_of("other", again.amount_minor, again.key)
        self._commit_soon(again, dice)

    def _let_time_pass(self, dice: Random) -> None:
        """Seconds, or business days, perhaps to the next month."""
        if dice.random() < 0.4:
            self.now_us += dice.choice((5, 28, 29, 30, 31, 3600)) * 1_000_000
        else:
            self.commit()
            self.day += dice.choice((1, 1, 1, 2, 3, 5, 9, 30))

    def commit(self) -> None:
        """Everything that gathered becomes one group, and must be as in the book."""
        waiting, self.waiting = self.waiting, []
        before = {number: state for number, (_, state) in self.ledger.wallets.items()}
        entries = len(self.ledger.entries)
        results = self.ledger.commit(waiting, self.day)
        for intent, result in zip(waiting, results, strict=True):
            assert isinstance(result, Result)
            answer = self.book.handle(intent, self.day)
            assert answer == Answer(result.outcome.name, result.transaction_id, result.available_minor), (
                intent
            )
            SEEN[intent.kind, result.outcome] += result.transaction_id == intent.transaction_id
        assert all(entry.amount_minor for entry in self.ledger.entries[entries:])
        if len(results) == 1:
            self._compare_refused(results[0], waiting[0], before, entries)
            self._compare_floors(before)
        self._compare_wallets()
        self._compare_books()

    def _dice(self, seed: int) -> Random:
        return Random(f"{seed} {next(self.numbers)}")

    def _intent(self, kind: TransactionKind, card: int | None, amount: int, pin: PinVerdict) -> Intent:
        stan = f"{next(self.stans):06d}"
        self.now_us += 2_000_000
        origin = Origin(MERCHANTS[0], "990001000000001", "T0000001", "000001", stan)
        rules = None if card is None else FLOAT_RULES if card == FLOAT else RULES
        return Intent(
            next(self.numbers), kind, _key(stan, kind), b"", self.now_us, MONEY, amount, origin, card,
            rules, pin, agent=AGENT,
        )  # fmt: skip

    def _send(self, intent: Intent, dice: Random, *, is_lost: bool) -> None:
        self.sent.append(intent)
        if not is_lost:
            self._commit_soon(intent, dice)

    def _commit_soon(self, intent: Intent, dice: Random) -> None:
        """Let a request gather with others, or commit it by itself."""
        note(f"day {self.day - FIRST_DAY}: {intent.kind.name} {intent}")
        is_alone = dice.random() < 0.6
        if is_alone:
            self.commit()
        self.waiting.append(intent)
        type(self).taken += 1
        if is_alone or len(self.waiting) > 6:
            self.commit()

    def _compare_refused(
        self, result: Result | Moved, intent: Intent, before: dict[int, WalletState], entries: int
    ) -> None:
        """A refusal leaves everything as it was, but the tries of a PIN."""
        assert isinstance(result, Result)
        if result.outcome is Outcome.APPROVED and result.transaction_id == intent.transaction_id:
            return
        assert entries == len(self.ledger.entries)
        for number, (_, state) in self.ledger.wallets.items():
            assert before[number] == state._replace(pin_failures=before[number].pin_failures)

    def _compare_floors(self, before: dict[int, WalletState]) -> None:
        """Nothing goes below its floor that wasn't there; what must post is owed instead."""
        for number, (_, state) in self.ledger.wallets.items():
            floor = 0 if number == FLOAT else RULES.overdraft_by_grade[state.grade]
            was = {(lot.purse, lot.expires): _free(lot) for lot in before[number].lots}
            for lot in state.lots:
                least = -floor if lot.purse == CASH else 0
                assert _free(lot) >= min(least, was.get((lot.purse, lot.expires), 0))

    def _compare_wallets(self) -> None:
        held = held_by(self.book)
        for number, (_, state) in self.ledger.wallets.items():
            wallet = self.book.wallets[number]
            lots = {(lot.purse, lot.until): (lot.balance, lot.held) for lot in wallet.lots}
            assert {where: sums for where, sums in lots.items() if any(sums)} == {
                (lot.purse, lot.expires): (lot.balance_minor, lot.held_minor)
                for lot in state.lots
                if lot.balance_minor or lot.held_minor
            }
            assert list(state.lots[1:]) == sorted(state.lots[1:], key=_order)
            for lot in state.lots:
                assert lot.held_minor == held.get((number, lot.purse, lot.expires), 0)
            assert (wallet.failures, wallet.status, wallet.grade) == (
                state.pin_failures, WalletStatus(state.status).name, state.grade,
            )  # fmt: skip
            self._compare_windows(wallet, state)

    def _compare_windows(self, wallet: plain.Wallet, state: WalletState) -> None:
        day, month = wallet.of_day(self.day), wallet.of_month(self.day)
        seen_day = (state.day_count, state.day_minor) if state.day == self.day else (0, 0)
        is_month = state.month == month_of(self.day)
        seen_month = (state.month_count, state.month_minor) if is_month else (0, 0)
        assert (len(day), sum(day)) == seen_day
        assert (len(month), sum(month)) == seen_month
        if wallet.is_bursting(PRODUCT, self.now_us // 1_000_000):
            assert (wallet.burst_start, wallet.burst) == (state.burst_start_s, state.burst_count)

    def _compare_books(self) -> None:
        """Each account has what the book says, and all accounts balance by asset and layer."""
        totals: Counter[tuple[str, int, int]] = Counter()
        balance: Counter[tuple[int, object]] = Counter()
        for (kind, account, asset), total in self.ledger._totals.items():
            totals[_name(kind), account, asset] = total
            balance[asset, layer_of(_kind(kind))] += total
        assert not any(balance.values())
        assert _nonzero(self.book.totals) == _nonzero(totals)


def _kind(number: int) -> AccountKind:
    return AccountKind(number)


def _name(number: int) -> str:
    return _kind(number).name


def _nonzero(totals: Counter[tuple[str, int, int]]) -> dict[tuple[str, int, int], int]:
    return {account: total for account, total in totals.items() if total}


def _free(lot: Lot) -> int:
    return lot.balance_minor - lot.held_minor


def _order(lot: Lot) -> tuple[int, int]:
    return lot.purse, lot.expires or plain.FOR_EVER


def _key(stan: str, kind: TransactionKind) -> bytes:
    return duplicate_key("990001000000001", "T0000001", "000001", stan, kind)


def _share(share: str, amount: int) -> int:
    """A share of an amount."""
    match share:
        case "half":
            return (amount + 1) // 2
        case "some":
            return min(amount, 130)
        case "more":
            return amount * 115 // 100
        case "too much":
            return amount * 2 + 1
        case "nothing":
            return 0
        case _:
            return amount


def missing_kinds(seen: Counter[tuple[TransactionKind, Outcome]]) -> Sequence[str]:
    """The kinds that no run has approved."""
    return [kind.name for kind in K if kind is not K.WALLET_OPENING and not seen[kind, Outcome.APPROVED]]
