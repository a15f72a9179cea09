"""Spending: purchases, offline sales and tips, points, service fees, and what the operator takes."""

from dataclasses import replace
from typing import Any

import pytest

from ledger.chart import AccountKind
from ledger.decision.model import Decision, Wallets
from ledger.decision.spending import (
    decide_offline_sale,
    decide_operator_debit,
    decide_points_spend,
    decide_purchase,
    decide_service_fee,
    decide_tip,
)
from ledger.identity import TransactionKind
from ledger.intent import Origin, PinVerdict
from ledger.original import Original, Share
from ledger.outcome import Outcome
from ledger.product import EarningRule, FeeRule, Party, ProductRules, PurseKind, PurseRule
from ledger.wallet import CASH, NEVER, Lot, WalletState, WalletStatus, month_of

from .cases import (
    BONUS,
    CASH_PURSE,
    ELSEWHERE_ID,
    ISSUER,
    MERCHANT,
    OTHER,
    PLAIN,
    POINTS,
    POINTS_PURSE,
    SHOP,
    SPECIAL,
    SPECIAL_PURSE,
    STARS,
    TODAY,
    WALLET,
    moved,
    request,
    state,
)

PURCHASE, TIP = TransactionKind.PURCHASE, TransactionKind.TIP_ADVICE
CASH_LEG = (AccountKind.WALLET_CASH, WALLET, CASH, NEVER)
MERCHANT_LEG = (AccountKind.MERCHANT_PAYABLE, MERCHANT, 0, 0)
OWED_LEG = (AccountKind.CARDHOLDER_RECEIVABLE, WALLET, 0, 0)
POINTS_LEG = (AccountKind.WALLET_POINTS, WALLET, POINTS, TODAY)
CHARGED = ProductRules(
    issuer=ISSUER,
    purses=(CASH_PURSE, POINTS_PURSE),
    overdraft_by_grade=(0, 500),
    fees=(
        FeeRule(
            frozenset({PURCHASE, TransactionKind.OFFLINE_SALE, TIP}),
            *(Party.CARDHOLDER, Party.ISSUER),
            flat_minor=30,
            returned_on_refund=True,
        ),
    ),
    earning=(EarningRule(POINTS, frozenset({PURCHASE, TIP}), 100, 1),),
)


def counted(after: WalletState | None) -> tuple[int, int, int, int, int, int]:
    """The windows of day and month."""
    assert after is not None
    return (
        *(after.day, after.day_count, after.day_minor),
        *(after.month, after.month_count, after.month_minor),
    )


def test_a_purchase_moves_its_amount_and_is_counted() -> None:
    """The merchant is owed what the wallet lost, and the windows of day and month have it."""
    decision = decide_purchase(request(PURCHASE, 400), Wallets(state(cash=1000)), TODAY)

    assert {CASH_LEG: -400, MERCHANT_LEG: 400} == moved(decision.legs)
    assert decision.state is not None
    assert (Lot(CASH, NEVER, 600),) == decision.state.lots
    assert (TODAY, 1, 400, month_of(TODAY), 1, 400) == counted(decision.state)


def test_a_purchase_spends_by_the_waterfall() -> None:
    """Each purse that takes part has a leg of its own."""
    wallets = Wallets(state(Lot(SPECIAL, NEVER, 100), Lot(BONUS, TODAY, 50), cash=20, grade=1))

    decision = decide_purchase(request(PURCHASE, 400, SHOP, category="5411"), wallets, TODAY)

    assert {
        (AccountKind.WALLET_SPECIAL, WALLET, SPECIAL, NEVER): -100,
        (AccountKind.WALLET_BONUS, WALLET, BONUS, TODAY): -50,
        CASH_LEG: -250,
        MERCHANT_LEG: 400,
    } == moved(decision.legs)


@pytest.mark.parametrize(
    ("rules", "asked", "own", "outcome"),
    [
        (PLAIN, {"amount_minor": 0}, {}, Outcome.AMOUNT_INVALID),
        (PLAIN, {"amount_minor": -1}, {}, Outcome.AMOUNT_INVALID),
        (PLAIN, {"asset": 840}, {}, Outcome.SERVICE_NOT_ALLOWED),
        (PLAIN, {"amount_minor": 1001}, {}, Outcome.INSUFFICIENT_FUNDS),
        (PLAIN, {}, {"status": WalletStatus.FROZEN}, Outcome.CARD_RESTRICTED),
        (ProductRules(transaction_max_minor=99), {}, {}, Outcome.AMOUNT_OVER_LIMIT),
        (ProductRules(transaction_max_minor=99), {"amount_minor": 2000}, {}, Outcome.AMOUNT_OVER_LIMIT),
        (
            ProductRules(purses=(PurseRule(CASH, PurseKind.CASH, merchants=frozenset({ELSEWHERE_ID})),)),
            *({}, {}, Outcome.SERVICE_NOT_ALLOWED),
        ),
        (
            ProductRules(purses=(SPECIAL_PURSE, PurseRule(CASH, PurseKind.CASH, outflows=frozenset()))),
            *({"category": "5411"}, {}, Outcome.INSUFFICIENT_FUNDS),
        ),
        (CHARGED, {"amount_minor": 971}, {}, Outcome.INSUFFICIENT_FUNDS),
        (CHARGED, {"amount_minor": 1471}, {"grade": 1}, Outcome.INSUFFICIENT_FUNDS),
        (CHARGED, {}, {"lots": (Lot(CASH, NEVER, 29),)}, Outcome.INSUFFICIENT_FUNDS),
    ],
)
def test_refused_purchases(
    rules: ProductRules, asked: dict[str, Any], own: dict[str, Any], outcome: Outcome
) -> None:
    """Amount, limits, purses and funds are checked in this order, fees included."""
    intent = replace(request(PURCHASE, 100, rules), **asked)

    assert Decision(outcome) == decide_purchase(intent, Wallets(state(cash=1000)._replace(**own)), TODAY)


def test_fees_are_taken_before_the_amount() -> None:
    """A purchase and its fee take all there is, overdraft included; what is earned comes with it."""
    wallets = Wallets(state(cash=1000, grade=1))

    decision = decide_purchase(request(PURCHASE, 1470, CHARGED), wallets, TODAY)

    assert decision.state is not None
    assert (Lot(CASH, NEVER, -500), Lot(POINTS, TODAY + 365, 14)) == decision.state.lots
    assert (-1500, 1470) == (moved(decision.legs)[CASH_LEG], moved(decision.legs)[MERCHANT_LEG])
    assert ((True, True), 1470) == (decision.charges, decision.state.day_minor)


def test_a_right_pin_is_noted_either_way() -> None:
    """A right PIN clears the tries with an approved purchase and with one that is declined."""
    wallets = Wallets(state(cash=100, pin_failures=2))

    for amount, outcome in ((100, Outcome.APPROVED), (101, Outcome.INSUFFICIENT_FUNDS)):
        decision = decide_purchase(request(PURCHASE, amount, pin=PinVerdict.MATCH), wallets, TODAY)
        assert decision.state is not None
        assert (outcome, 0) == (decision.outcome, decision.state.pin_failures)


@pytest.mark.parametrize("status", WalletStatus)
def test_offline_sales_post_whatever_the_wallet_is(status: WalletStatus) -> None:
    """State, product and limits don't stop what has happened; what is missing is owed, and all is counted."""
    rules = replace(CHARGED, movements=frozenset(), day_amount_max_minor=1, overdraft_by_grade=(0, 100))
    wallets = Wallets(state(cash=200, status=status, grade=1, pin_failures=9))

    decision = decide_offline_sale(request(TransactionKind.OFFLINE_SALE, 400, rules), wallets, TODAY)

    assert {
        *(CASH_LEG, MERCHANT_LEG, OWED_LEG, (AccountKind.FEE_INCOME, ISSUER, 0, 0)),
    } == moved(decision.legs).keys()
    assert (-300, 400, -130) == tuple(moved(decision.legs)[leg] for leg in (CASH_LEG, MERCHANT_LEG, OWED_LEG))
    assert decision.state is not None
    assert (status, 9, 400) == (decision.state.status, decision.state.pin_failures, decision.state.day_minor)


@pytest.mark.parametrize(
    ("amount", "asset", "outcome"),
    [(0, 156, Outcome.AMOUNT_INVALID), (5, 840, Outcome.SERVICE_NOT_ALLOWED)],
)
def test_advices_have_an_amount(amount: int, asset: int, outcome: Outcome) -> None:
    """Nothing is posted for an advice of nothing, or of an asset that the card doesn't have."""
    sale = request(TransactionKind.OFFLINE_SALE, amount, asset=asset)

    assert Decision(outcome) == decide_offline_sale(sale, Wallets(state(cash=9)), TODAY)
    assert Decision(outcome) == decide_tip(replace(sale, kind=TIP), SALE, Wallets(state(cash=9)), TODAY)


SALE = Original(
    1, PURCHASE, WALLET, 1000, 156, TODAY - 1, MERCHANT,
    decide_purchase(request(PURCHASE, 1000, CHARGED), Wallets(state(cash=2000)), TODAY - 1).legs,
    charges=(True, True), shares=(Share(TODAY - 1, 1000),),
)  # fmt: skip


def test_a_tip_joins_its_sale() -> None:
    """The sale is of the sum from then on: its legs, its fees and points, and its share of the windows."""
    decision = decide_tip(request(TIP, 200, CHARGED), SALE, Wallets(state(cash=970)), TODAY)

    sale = decision.original
    assert sale is not None
    assert (1200, 200, 1000) == (sale.amount_minor, sale.added_minor, sale.asked_minor)
    assert {CASH_LEG: -1200, MERCHANT_LEG: 1200} == moved(sale.main_legs)
    assert moved((*SALE.legs, *decision.legs)) == moved(sale.legs)
    assert (True,) * 4 == sale.charges
    assert (Share(TODAY - 1, 1000), Share(TODAY, 200)) == sale.shares
    assert (TODAY, 1, 200, month_of(TODAY), 1, 200) == counted(decision.state)


@pytest.mark.parametrize("card", [None, WALLET])
def test_a_tip_needs_no_card(card: int | None) -> None:
    """A tip without card and product takes the cash of the sale's wallet, and the rest is owed."""
    intent = replace(request(TIP, 200, PLAIN, wallet_id=card), rules=None)

    decision = decide_tip(intent, SALE, Wallets(state(cash=150)), TODAY)

    assert {CASH_LEG: -150, OWED_LEG: -50, MERCHANT_LEG: 200} == moved(decision.legs)


def test_a_tip_of_another_card() -> None:
    """A tip that states another card than the sale's is not its tip."""
    decision = decide_tip(request(TIP, 200, wallet_id=OTHER), SALE, Wallets(state(cash=150)), TODAY)

    assert Decision(Outcome.CARD_DIFFERS) == decision


def test_points_are_owed_to_the_merchant() -> None:
    """Points spent are the merchant's, in their own asset; soonest to lapse first, and no window counts."""
    lots = Lot(POINTS, TODAY, 20), Lot(POINTS, TODAY + 9, 20)
    intent = request(TransactionKind.POINTS_SPEND, 30, SHOP, asset=STARS, pin=PinVerdict.MATCH)

    decision = decide_points_spend(intent, Wallets(state(*lots, pin_failures=1)), TODAY)

    assert {POINTS_LEG: -20, (*POINTS_LEG[:3], TODAY + 9): -10, MERCHANT_LEG: 30} == moved(decision.legs)
    assert {STARS} == {leg.asset for leg in decision.legs}
    assert state(Lot(POINTS, TODAY + 9, 10)) == decision.state


@pytest.mark.parametrize(
    ("asked", "outcome"),
    [
        ({"amount_minor": 41}, Outcome.INSUFFICIENT_FUNDS),
        ({"amount_minor": 0}, Outcome.AMOUNT_INVALID),
        ({"asset": 156}, Outcome.SERVICE_NOT_ALLOWED),
        ({"purse": CASH}, Outcome.SERVICE_NOT_ALLOWED),
        ({"rules": replace(SHOP, movements=frozenset())}, Outcome.SERVICE_NOT_ALLOWED),
        (
            {"rules": ProductRules(purses=(CASH_PURSE, replace(POINTS_PURSE, outflows=frozenset())))},
            Outcome.SERVICE_NOT_ALLOWED,
        ),
    ],
)
def test_refused_points(asked: dict[str, Any], outcome: Outcome) -> None:
    """Points are spent from their own purse, where the product lets it, as far as there are any."""
    intent = replace(request(TransactionKind.POINTS_SPEND, 10, SHOP, asset=STARS), **asked)

    assert Decision(outcome) == decide_points_spend(intent, Wallets(state(Lot(POINTS, TODAY, 40))), TODAY)


@pytest.mark.parametrize("status", [WalletStatus.OPEN, WalletStatus.FROZEN])
def test_a_service_fee_may_use_the_overdraft(status: WalletStatus) -> None:
    """A fee by itself is income of the issuer, from cash down to the floor, of a frozen wallet too."""
    wallets = Wallets(state(cash=10, grade=1, status=status))

    decision = decide_service_fee(request(TransactionKind.SERVICE_FEE, 500, SHOP), wallets, TODAY)

    assert {CASH_LEG: -500, (AccountKind.FEE_INCOME, ISSUER, 0, 0): 500} == moved(decision.legs)
    assert decision.state is not None
    assert (0, -490) == (decision.state.day_count, decision.state.lots[0].balance_minor)


@pytest.mark.parametrize(
    ("merchant", "target"),
    [(MERCHANT, MERCHANT_LEG), (0, (AccountKind.SUSPENSE, ISSUER, 0, 0))],
)
def test_operators_take_for_a_merchant_or_into_suspense(
    merchant: int, target: tuple[AccountKind, int, int, int]
) -> None:
    """A debit by the operator goes to the merchant that it names."""
    intent = request(TransactionKind.OPERATOR_DEBIT, 10, proposer="anna", approver="bert")
    intent.origin = Origin(merchant, "", "", "", "")

    decision = decide_operator_debit(intent, Wallets(state(cash=10)), TODAY)

    assert {CASH_LEG: -10, target: 10} == moved(decision.legs)


@pytest.mark.parametrize(
    ("asked", "own", "outcome"),
    [
        ({"approver": "anna"}, {}, Outcome.SERVICE_NOT_ALLOWED),
        ({"purse": 99}, {}, Outcome.SERVICE_NOT_ALLOWED),
        ({"amount_minor": 0}, {}, Outcome.AMOUNT_INVALID),
        ({"amount_minor": 11}, {"grade": 1}, Outcome.INSUFFICIENT_FUNDS),
        ({}, {"status": WalletStatus.CLOSED}, Outcome.CARD_UNKNOWN),
    ],
)
def test_refused_debits(asked: dict[str, Any], own: dict[str, Any], outcome: Outcome) -> None:
    """Two operators take what is there, and never the overdraft."""
    intent = request(TransactionKind.OPERATOR_DEBIT, 10, SHOP, proposer="anna", approver="bert")
    wallets = Wallets(state(cash=10)._replace(**own))

    assert Decision(outcome) == decide_operator_debit(replace(intent, **asked), wallets, TODAY)
