"""Properties of every new request: books balance, wallets hold what the legs say, refusals change nothing."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chart import OF_WALLET, AccountKind, Leg, is_balanced
from ledger.decision import NEW, Decision, Wallets, decide
from ledger.identity import ORIGINAL_KINDS, TransactionKind
from ledger.intent import Intent, PinVerdict
from ledger.outcome import NOT_FINAL, Outcome
from ledger.product import EarningRule, FeeRule, Party, ProductRules, PurseKind, PurseRule
from ledger.wallet import CASH, NEVER, Lot, WalletState, WalletStatus
from tests.ledger.decision.cases import (
    AGENT,
    BONUS,
    BONUS_PURSE,
    CASH_PURSE,
    OTHER,
    POINTS,
    POINTS_PURSE,
    SPECIAL,
    SPECIAL_PURSE,
    STARS,
    TODAY,
    WALLET,
    request,
)

OWING = {TransactionKind.OFFLINE_SALE, TransactionKind.WALLET_CLOSING}
"""What may leave the cardholder owing something."""
OF_POINTS = {kind for kind in NEW if kind.name.startswith("POINTS")}
TWO_WALLETS = {TransactionKind.TRANSFER, TransactionKind.TOP_UP, TransactionKind.TOP_UP_VERIFY}
PURCHASES = frozenset({TransactionKind.PURCHASE, TransactionKind.OFFLINE_SALE, TransactionKind.TOP_UP})
FEES = (
    FeeRule(PURCHASES, Party.CARDHOLDER, Party.ISSUER, flat_minor=3, returned_on_refund=True),
    FeeRule(PURCHASES, Party.ISSUER, Party.AGENT, percent_hundredths=150),
)
EARNING = (EarningRule(POINTS, PURCHASES, 10, 1),)

AMOUNTS = st.integers(0, 900)
LIMITS = st.none() | st.integers(0, 900)
RULES = st.builds(
    ProductRules,
    pin_tries_max=st.integers(1, 5),
    transaction_max_minor=LIMITS,
    day_amount_max_minor=LIMITS,
    day_count_max=st.none() | st.integers(0, 5),
    purses=st.sampled_from(
        [(), (CASH_PURSE, POINTS_PURSE), (SPECIAL_PURSE, BONUS_PURSE, CASH_PURSE, POINTS_PURSE)]
    ),
    movements=st.none() | st.sets(st.sampled_from(sorted(NEW))).map(frozenset),
    pin_kinds=st.sampled_from([frozenset(), PURCHASES]),
    wallet_max_minor=LIMITS,
    overdraft_by_grade=st.sampled_from([(0,), (0, 200)]),
    fees=st.sampled_from([(), FEES]),
)
EARNERS = st.builds(ProductRules, purses=st.just((CASH_PURSE, POINTS_PURSE)), earning=st.just(EARNING))
EXPIRIES = st.sampled_from([NEVER, TODAY - 1, TODAY, TODAY + 9])
OTHERS = st.builds(
    lambda purse, expires, amount, held: Lot(purse, expires, amount, min(amount, held)),
    st.sampled_from([SPECIAL, BONUS, POINTS]),
    EXPIRIES,
    st.integers(1, 500),
    st.sampled_from([0, 0, 20]),
)
STATES = st.builds(
    lambda cash, held, lots, failures, status, grade: WalletState(
        (
            Lot(CASH, NEVER, cash, min(held, max(cash, 0))),
            *sorted(
                {lot[:2]: lot for lot in lots}.values(), key=lambda lot: (lot[0], lot[1] == NEVER, lot[1])
            ),
        ),
        failures,
        status,
        grade,
    ),
    st.integers(-100, 900),
    st.sampled_from([0, 50]),
    st.lists(OTHERS, max_size=4),
    st.integers(0, 5),
    st.sampled_from([WalletStatus.OPEN, WalletStatus.OPEN, WalletStatus.FROZEN, WalletStatus.CLOSED]),
    st.integers(0, 1),
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Intent, Wallets]:
    """A request of any kind, on wallets of any kind."""
    kind = draw(st.sampled_from(sorted(NEW)))
    rules, own = draw(RULES | EARNERS), draw(STATES)
    other = draw(STATES) if kind in TWO_WALLETS and draw(st.booleans()) else None
    sign = draw(st.sampled_from([1, 1, -1]))
    intent = request(
        kind, sign * draw(AMOUNTS), rules, asset=STARS if kind in OF_POINTS else rules.asset,
        category=draw(st.sampled_from(["5411", "5999"])), pin=draw(st.sampled_from(PinVerdict)),
        other_wallet_id=None if other is None else OTHER, other_rules=None if other is None else draw(RULES),
        purse=draw(st.none() | st.sampled_from([CASH, SPECIAL, BONUS, POINTS])), expires=draw(EXPIRIES),
        proposer="anna", approver=draw(st.sampled_from(["", "anna", "bert"])), grade=draw(st.integers(0, 2)),
        is_written_off=draw(st.booleans()), agent=AGENT,
    )  # fmt: skip
    return intent, Wallets(own, other)


def lots_after(before: WalletState, legs: tuple[Leg, ...], wallet_id: int) -> dict[tuple[int, int], int]:
    """What the legs make of a wallet's lots, empty ones left out."""
    sums = defaultdict(int, {lot[:2]: lot.balance_minor for lot in before.lots})
    for leg in legs:
        if leg.account_kind in OF_WALLET - {AccountKind.HELD_WALLET} and leg.account_id == wallet_id:
            sums[leg.purse, leg.expires] += leg.amount_minor
    return {lot: amount for lot, amount in sums.items() if amount}


def lots_of(state: WalletState) -> dict[tuple[int, int], int]:
    """A wallet's lots, empty ones left out."""
    return {lot[:2]: lot.balance_minor for lot in state.lots if lot.balance_minor}


@given(cases())
def test_money_is_conserved(case: tuple[Intent, Wallets]) -> None:
    """In each asset and layer the legs sum to zero, and each wallet holds afterwards what its legs say."""
    intent, wallets = case

    decision = decide(intent, wallets, TODAY)

    assert is_balanced(decision.legs)
    assert all(leg.amount_minor for leg in decision.legs)
    assert lots_after(wallets.own, decision.legs, WALLET) == lots_of(decision.state or wallets.own)
    if wallets.other is not None:
        assert lots_after(wallets.other, decision.legs, OTHER) == lots_of(decision.other or wallets.other)


@given(cases())
def test_refusals_change_nothing_but_the_pin_count(case: tuple[Intent, Wallets]) -> None:
    """What is refused moves nothing, and leaves the wallets as they are but for what its PIN says."""
    intent, wallets = case

    decision = decide(intent, wallets, TODAY)

    if decision.outcome is Outcome.APPROVED:
        return
    assert Decision(decision.outcome, state=decision.state) == decision
    if decision.state is not None:
        assert decision.state != wallets.own
        assert intent.pin is not PinVerdict.ABSENT
        assert wallets.own == decision.state._replace(pin_failures=wallets.own.pin_failures)


@given(cases())
def test_no_request_goes_below_the_floor(case: tuple[Intent, Wallets]) -> None:
    """Only cash goes below zero, by the overdraft of its grade; what is held is never spent."""
    intent, wallets = case
    rules = intent.rules
    assert rules is not None

    decision = decide(intent, wallets, TODAY)

    before = {lot[:2]: lot.balance_minor for lot in wallets.own.lots}
    grades = dict(enumerate(rules.overdraft_by_grade))
    for purse, expires, balance, held in (decision.state or wallets.own).lots:
        floor = -grades.get(wallets.own.grade, 0) if purse == CASH else 0
        assert balance - held >= floor or balance >= before.get((purse, expires), 0)
    owes = {leg.amount_minor < 0 for leg in decision.legs if leg[0] is AccountKind.CARDHOLDER_RECEIVABLE}
    assert not owes or (owes == {True} and intent.kind in OWING)


@given(cases())
def test_charges_are_pairs_at_the_end(case: tuple[Intent, Wallets]) -> None:
    """Each charge is a source and a target of one asset, so the movement's own legs balance without them."""
    intent, wallets = case

    decision = decide(intent, wallets, TODAY)

    main = len(decision.legs) - 2 * len(decision.charges)
    pairs = decision.legs[main:]
    assert is_balanced(decision.legs[:main])
    for source, target in zip(pairs[::2], pairs[1::2], strict=True):
        assert source.amount_minor < 0
        assert (source.asset, -source.amount_minor) == (target.asset, target.amount_minor)


@given(cases())
def test_closed_wallets_take_no_request(case: tuple[Intent, Wallets]) -> None:
    """A closed wallet is an unknown card to all but what must post, lapses, and a second payout."""
    intent, (own, other) = case
    if intent.kind in OWING | {TransactionKind.LOT_EXPIRY}:
        return
    intent.approver = "bert"

    decision = decide(intent, Wallets(own._replace(status=WalletStatus.CLOSED), other), TODAY)

    assert Decision(Outcome.CARD_UNKNOWN) == decision


def test_table_has_every_new_request() -> None:
    """What refers to no original is decided here; only an opening, which has no wallet yet, is not."""
    referring = ORIGINAL_KINDS.keys() - {TransactionKind.TOP_UP_CONFIRM}

    assert set(TransactionKind) - referring - {TransactionKind.WALLET_OPENING} == NEW.keys()


@given(cases())
def test_decisions_are_final(case: tuple[Intent, Wallets]) -> None:
    """No decision on a wallet leaves the key free: a repeat gets its answer."""
    intent, wallets = case

    assert decide(intent, wallets, TODAY).outcome not in NOT_FINAL


@pytest.mark.parametrize("kind", sorted(NEW.keys() - {TransactionKind.WALLET_CLOSING}))
def test_other_assets_move_nothing(kind: TransactionKind) -> None:
    """A request in an asset that the product doesn't have moves nothing; closing is about all of them."""
    rules = ProductRules(purses=(CASH_PURSE, PurseRule(POINTS, PurseKind.POINTS, STARS)))
    intent = request(kind, 100, rules, asset=840, proposer="anna", approver="bert")
    wallets = Wallets(WalletState((Lot(CASH, NEVER, 500), Lot(POINTS, NEVER, 500))))

    assert () == decide(intent, wallets, TODAY).legs
