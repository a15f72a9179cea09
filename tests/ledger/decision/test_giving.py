"""Giving: top-ups and their floats, points, adjustments, transfers between two cards."""

from dataclasses import replace
from typing import Any

import pytest

from ledger.chart import AccountKind
from ledger.decision.giving import (
    decide_adjustment,
    decide_points_adjustment,
    decide_points_earn,
    decide_top_up,
    decide_top_up_verify,
    decide_transfer,
)
from ledger.decision.model import Decision, Wallets
from ledger.identity import TransactionKind
from ledger.intent import Intent, PinVerdict
from ledger.outcome import Outcome
from ledger.product import FeeRule, Party, ProductRules, PurseKind, PurseRule
from ledger.wallet import CASH, LOTS_MAX, NEVER, Lot, WalletState, WalletStatus

from .cases import (
    AGENT,
    BONUS,
    BONUS_PURSE,
    CASH_PURSE,
    ISSUER,
    MERCHANT,
    OTHER,
    PLAIN,
    POINTS,
    POINTS_PURSE,
    SHOP,
    SPECIAL,
    STARS,
    TODAY,
    WALLET,
    moved,
    request,
    state,
)

TOP_UP, TRANSFER, ADJUSTMENT = TransactionKind.TOP_UP, TransactionKind.TRANSFER, TransactionKind.ADJUSTMENT
EARN, POINTS_ADJUSTMENT = TransactionKind.POINTS_EARN, TransactionKind.POINTS_ADJUSTMENT
CASH_LEG = (AccountKind.WALLET_CASH, WALLET, CASH, NEVER)
OTHER_CASH = (AccountKind.WALLET_CASH, OTHER, CASH, NEVER)
FLOAT_LEG = (AccountKind.AGENT_FLOAT, OTHER, CASH, NEVER)
MERCHANT_LEG = (AccountKind.MERCHANT_PAYABLE, MERCHANT, 0, 0)
FLOAT = ProductRules(issuer=ISSUER, purses=(PurseRule(CASH, PurseKind.FLOAT),), overdraft_by_grade=(0, 40))
PLAIN_DOLLARS = ProductRules(840, issuer=ISSUER)
FULL = tuple(Lot(BONUS, day, 1) for day in range(TODAY, TODAY + LOTS_MAX - 1))
FULL_OF_OTHERS = tuple(Lot(SPECIAL, day, 1) for day in range(TODAY + 1, TODAY + LOTS_MAX))
TOP_UPS = frozenset({TOP_UP})


def fee(kind: TransactionKind) -> FeeRule:
    """A fee of 30 that the cardholder bears."""
    return FeeRule(frozenset({kind}), Party.CARDHOLDER, Party.ISSUER, flat_minor=30)


def test_a_top_up_is_owed_by_the_merchant() -> None:
    """Who took the cash owes it; no window counts it."""
    decision = decide_top_up(request(TOP_UP, 500), Wallets(state(cash=-20)), TODAY)

    assert {MERCHANT_LEG: -500, CASH_LEG: 500} == moved(decision.legs)
    assert Decision(Outcome.APPROVED, decision.legs, state(cash=480)) == decision


def test_a_top_up_comes_from_the_float() -> None:
    """Where there is a float it goes down by as much: nobody mints money."""
    intent = request(TOP_UP, 500, other_wallet_id=OTHER, other_rules=FLOAT, pin=PinVerdict.MATCH)

    decision = decide_top_up(intent, Wallets(state(pin_failures=1), state(cash=500)), TODAY)

    assert {FLOAT_LEG: -500, CASH_LEG: 500} == moved(decision.legs)
    assert (state(cash=500), state()) == (decision.state, decision.other)


@pytest.mark.parametrize(
    ("amount", "grade", "rules", "outcome"),
    [
        (501, 0, FLOAT, Outcome.INSUFFICIENT_FUNDS),
        (540, 1, FLOAT, Outcome.APPROVED),
        (541, 1, FLOAT, Outcome.INSUFFICIENT_FUNDS),
    ],
)
def test_a_float_sells_what_it_has(amount: int, grade: int, rules: ProductRules, outcome: Outcome) -> None:
    """A float is sold to its last cent, and to the credit of its agent's grade."""
    intent = request(TOP_UP, amount, other_wallet_id=OTHER, other_rules=rules)
    agents = state(cash=510, grade=grade)._replace(lots=(Lot(CASH, NEVER, 510, 10),))

    assert outcome is decide_top_up(intent, Wallets(state(), agents), TODAY).outcome


@pytest.mark.parametrize(
    ("asked", "agents"),
    [
        ({}, None),
        ({"other_rules": None}, state(cash=900)),
        ({"other_rules": replace(FLOAT, issuer=ISSUER + 1)}, state(cash=900)),
        ({"other_rules": PLAIN_DOLLARS}, state(cash=900)),
        ({"other_wallet_id": WALLET}, state(cash=900)),
        ({}, state(cash=900, status=WalletStatus.FROZEN)),
    ],
)
def test_nothing_else_is_a_float(asked: dict[str, Any], agents: WalletState | None) -> None:
    """A top-up is sold from an open wallet of the same issuer and money, and never from the card itself."""
    intent = replace(request(TOP_UP, 500, other_wallet_id=OTHER, other_rules=FLOAT), **asked)

    decision = decide_top_up(intent, Wallets(state(), agents), TODAY)

    assert Decision(Outcome.SERVICE_NOT_ALLOWED) == decision


def test_a_top_up_goes_to_the_purse_that_is_meant() -> None:
    """Value with a validity goes into the lot of its last good day."""
    decision = decide_top_up(request(TOP_UP, 500, SHOP, purse=BONUS), Wallets(state()), TODAY)

    assert state(Lot(BONUS, TODAY + 30, 500)) == decision.state


def test_a_top_up_pays_its_fees_from_what_it_brings() -> None:
    """The cardholder's fee comes from cash after the top-up, and the agent's commission from the issuer."""
    commission = FeeRule(TOP_UPS, Party.ISSUER, Party.AGENT, percent_hundredths=100, returned_on_refund=True)
    rules = ProductRules(issuer=ISSUER, fees=(fee(TOP_UP), commission))

    decision = decide_top_up(request(TOP_UP, 500, rules, agent=AGENT), Wallets(state()), TODAY)

    assert (470, -5) == (
        moved(decision.legs)[CASH_LEG],
        moved(decision.legs)[AccountKind.COMMISSION, ISSUER, 0, 0],
    )
    assert (state(cash=470), (False, True)) == (decision.state, decision.charges)


@pytest.mark.parametrize(
    ("rules", "asked", "wallets", "outcome"),
    [
        (PLAIN, {"amount_minor": 0}, Wallets(state()), Outcome.AMOUNT_INVALID),
        (PLAIN, {"amount_minor": -5}, Wallets(state()), Outcome.AMOUNT_INVALID),
        (PLAIN, {"asset": 840}, Wallets(state()), Outcome.SERVICE_NOT_ALLOWED),
        (PLAIN, {}, Wallets(state(status=WalletStatus.FROZEN)), Outcome.CARD_RESTRICTED),
        (replace(PLAIN, movements=frozenset()), {}, Wallets(state()), Outcome.SERVICE_NOT_ALLOWED),
        (SHOP, {"purse": POINTS, "asset": STARS}, Wallets(state()), Outcome.SERVICE_NOT_ALLOWED),
        (
            ProductRules(purses=(replace(CASH_PURSE, inflows=frozenset({ADJUSTMENT})),)),
            *({}, Wallets(state()), Outcome.SERVICE_NOT_ALLOWED),
        ),
        (ProductRules(wallet_max_minor=599), {}, Wallets(state(cash=100)), Outcome.AMOUNT_OVER_LIMIT),
        (SHOP, {"purse": BONUS}, Wallets(state(*FULL_OF_OTHERS)), Outcome.COUNT_OVER_LIMIT),
        (
            ProductRules(purses=(CASH_PURSE, BONUS_PURSE), fees=(fee(TOP_UP),)),
            *({"purse": BONUS}, Wallets(state(cash=29)), Outcome.INSUFFICIENT_FUNDS),
        ),
    ],
)
def test_refused_top_ups(
    rules: ProductRules, asked: dict[str, Any], wallets: Wallets, outcome: Outcome
) -> None:
    """Card, product, purse, amount, ceilings, room and funds are checked in this order."""
    intent = replace(request(TOP_UP, 500, rules), **asked)

    assert Decision(outcome) == decide_top_up(intent, wallets, TODAY)


@pytest.mark.parametrize(
    ("rules", "amount", "outcome", "told"),
    [
        (PLAIN, 500, Outcome.APPROVED, None),
        (ProductRules(wallet_max_minor=500), 400, Outcome.APPROVED, 400),
        (ProductRules(wallet_max_minor=500), 0, Outcome.APPROVED, 400),
        (ProductRules(wallet_max_minor=500), 401, Outcome.AMOUNT_OVER_LIMIT, None),
        (ProductRules(wallet_max_minor=50), 0, Outcome.APPROVED, 0),
        (PLAIN, -1, Outcome.AMOUNT_INVALID, None),
    ],
)
def test_verifying_tells_what_may_be_topped_up(
    rules: ProductRules, amount: int, outcome: Outcome, told: int | None
) -> None:
    """A verification answers as the top-up would, and with the most that would go through."""
    intent = request(TransactionKind.TOP_UP_VERIFY, amount, rules)

    decision = decide_top_up_verify(intent, Wallets(state(cash=100)), TODAY)

    assert Decision(outcome, available_minor=told) == decision


def test_points_are_given_at_the_programmes_expense() -> None:
    """Points that are earned by themselves have the validity of their purse."""
    intent = request(EARN, 50, SHOP, asset=STARS, pin=PinVerdict.MATCH)

    decision = decide_points_earn(intent, Wallets(state(pin_failures=2)), TODAY)

    points = (AccountKind.WALLET_POINTS, WALLET, POINTS, TODAY + 365)
    assert {(AccountKind.POINTS_EXPENSE, ISSUER, 0, 0): -50, points: 50} == moved(decision.legs)
    assert state(Lot(POINTS, TODAY + 365, 50)) == decision.state


@pytest.mark.parametrize(
    ("asked", "lots", "outcome"),
    [
        ({"amount_minor": 0}, (), Outcome.AMOUNT_INVALID),
        ({"asset": 156}, (), Outcome.SERVICE_NOT_ALLOWED),
        ({"rules": replace(SHOP, movements=frozenset())}, (), Outcome.SERVICE_NOT_ALLOWED),
        (
            {"rules": ProductRules(purses=(CASH_PURSE, replace(POINTS_PURSE, inflows=frozenset())))},
            *((), Outcome.SERVICE_NOT_ALLOWED),
        ),
        (
            {"rules": ProductRules(purses=(CASH_PURSE, replace(POINTS_PURSE, ceiling_minor=49)))},
            *((), Outcome.AMOUNT_OVER_LIMIT),
        ),
        ({}, FULL, Outcome.COUNT_OVER_LIMIT),
    ],
)
def test_refused_earnings(asked: dict[str, Any], lots: tuple[Lot, ...], outcome: Outcome) -> None:
    """Points are given to a purse that earning may fill, up to its ceiling."""
    intent = replace(request(EARN, 50, SHOP, asset=STARS), **asked)

    assert Decision(outcome) == decide_points_earn(intent, Wallets(state(*lots)), TODAY)


def adjusted(amount: int, kind: TransactionKind = ADJUSTMENT, **asked: Any) -> Intent:
    """An adjustment that two operators agreed on."""
    asset = STARS if kind is POINTS_ADJUSTMENT else 156
    return replace(request(kind, amount, SHOP, asset=asset, proposer="anna", approver="bert"), **asked)


LOTS = (Lot(BONUS, TODAY, 20), Lot(BONUS, TODAY + 9, 30))


@pytest.mark.parametrize(
    ("amount", "asked", "after"),
    [
        (5, {}, state(*LOTS, cash=105)),
        (-100, {}, state(*LOTS)),
        (5, {"purse": BONUS}, state(*LOTS, Lot(BONUS, TODAY + 30, 5), cash=100)),
        (5, {"purse": BONUS, "expires": TODAY}, state(LOTS[0]._replace(balance_minor=25), LOTS[1], cash=100)),
        (-25, {"purse": BONUS}, state(LOTS[1]._replace(balance_minor=25), cash=100)),
        (-25, {"purse": BONUS, "expires": TODAY + 9}, state(LOTS[0], Lot(BONUS, TODAY + 9, 5), cash=100)),
    ],
)
def test_adjustments_add_and_take(amount: int, asked: dict[str, Any], after: WalletState) -> None:
    """An adjustment moves a purse, or the lot that it names, against suspense; a frozen wallet's too."""
    frozen = WalletStatus.FROZEN
    wallets = Wallets(state(*LOTS, cash=100, status=frozen))

    decision = decide_adjustment(adjusted(amount, **asked), wallets, TODAY)

    assert after._replace(status=frozen) == decision.state
    assert -amount == moved(decision.legs)[AccountKind.SUSPENSE, ISSUER, 0, 0]


@pytest.mark.parametrize(
    ("amount", "asked", "own", "outcome"),
    [
        (5, {"approver": "anna"}, {}, Outcome.SERVICE_NOT_ALLOWED),
        (5, {"approver": ""}, {}, Outcome.SERVICE_NOT_ALLOWED),
        (5, {"purse": 99}, {}, Outcome.SERVICE_NOT_ALLOWED),
        (5, {"purse": POINTS, "asset": STARS}, {}, Outcome.SERVICE_NOT_ALLOWED),
        (0, {}, {}, Outcome.AMOUNT_INVALID),
        (5, {}, {"status": WalletStatus.CLOSED}, Outcome.CARD_UNKNOWN),
        (5, {"expires": TODAY + 1}, {}, Outcome.RELATED_TRANSACTION_INVALID),
        (5, {"purse": BONUS, "expires": TODAY - 1}, {}, Outcome.RELATED_TRANSACTION_INVALID),
        (
            5,
            {"rules": replace(SHOP, wallet_max_minor=104)},
            {"lots": (Lot(1, 0, 100),)},
            Outcome.AMOUNT_OVER_LIMIT,
        ),
        (5, {"purse": BONUS, "expires": TODAY + 9999}, {"lots": (Lot(1), *FULL)}, Outcome.COUNT_OVER_LIMIT),
        (-101, {}, {"grade": 1}, Outcome.INSUFFICIENT_FUNDS),
        (-21, {"purse": BONUS, "expires": TODAY}, {}, Outcome.INSUFFICIENT_FUNDS),
        (-1, {"purse": BONUS, "expires": TODAY + 5}, {}, Outcome.INSUFFICIENT_FUNDS),
    ],
)
def test_refused_adjustments(
    amount: int, asked: dict[str, Any], own: dict[str, Any], outcome: Outcome
) -> None:
    """Two operators, a purse of money, a date that is good, room, and what is there without the overdraft."""
    wallets = Wallets(state(*LOTS, cash=100)._replace(**own))

    assert Decision(outcome) == decide_adjustment(adjusted(amount, **asked), wallets, TODAY)


def test_points_are_adjusted_at_the_programmes_expense() -> None:
    """Points are adjusted in their own purse only."""
    wallets = Wallets(state(Lot(POINTS, TODAY, 20)))

    decision = decide_points_adjustment(adjusted(-5, POINTS_ADJUSTMENT), wallets, TODAY)

    assert moved(decision.legs)[AccountKind.POINTS_EXPENSE, ISSUER, 0, 0] == 5
    assert state(Lot(POINTS, TODAY, 15)) == decision.state
    wrong = adjusted(5, POINTS_ADJUSTMENT, asset=156)
    assert Decision(Outcome.SERVICE_NOT_ALLOWED) == decide_points_adjustment(wrong, wallets, TODAY)


def transfer(amount: int, rules: ProductRules = PLAIN, **asked: Any) -> Intent:
    """A transfer to another card of the same product."""
    basic = {"other_wallet_id": OTHER, "other_rules": rules}
    return replace(request(TRANSFER, amount, rules), **(basic | asked))


def test_a_transfer_moves_both_wallets() -> None:
    """What one card loses the other gets, and the sender's windows count it."""
    intent = transfer(40, pin=PinVerdict.MATCH)

    decision = decide_transfer(intent, Wallets(state(cash=100, pin_failures=2), state(cash=-7)), TODAY)

    assert {CASH_LEG: -40, OTHER_CASH: 40} == moved(decision.legs)
    assert state(cash=33) == decision.other
    assert decision.state is not None
    assert (60, 0, 40) == (
        decision.state.lots[0].balance_minor, decision.state.pin_failures, decision.state.day_minor
    )  # fmt: skip


def test_a_transfer_keeps_the_lots() -> None:
    """Value of a purse that lapses lapses on the same day for whom it is given to."""
    decision = decide_transfer(
        transfer(40, SHOP, purse=BONUS), Wallets(state(*LOTS), state(Lot(BONUS, TODAY + 9, 1))), TODAY
    )

    assert state(Lot(BONUS, TODAY, 20), Lot(BONUS, TODAY + 9, 21)) == decision.other


def test_a_transfer_may_cost_a_fee() -> None:
    """The sender pays the fee on top."""
    rules = ProductRules(issuer=ISSUER, fees=(fee(TRANSFER),))

    decision = decide_transfer(transfer(70, rules), Wallets(state(cash=100), state()), TODAY)

    assert (state(cash=70), (False,)) == (decision.other, decision.charges)
    assert -100 == moved(decision.legs)[CASH_LEG]


@pytest.mark.parametrize(
    ("asked", "other", "outcome"),
    [
        ({}, None, Outcome.SERVICE_NOT_ALLOWED),
        ({"other_wallet_id": WALLET}, state(), Outcome.SERVICE_NOT_ALLOWED),
        ({"other_rules": None}, state(), Outcome.SERVICE_NOT_ALLOWED),
        ({"other_rules": ProductRules(issuer=ISSUER + 1)}, state(), Outcome.SERVICE_NOT_ALLOWED),
        ({"other_rules": FLOAT}, state(), Outcome.SERVICE_NOT_ALLOWED),
        ({"other_rules": ProductRules(840, issuer=ISSUER)}, state(), Outcome.SERVICE_NOT_ALLOWED),
        ({"purse": 99}, state(), Outcome.SERVICE_NOT_ALLOWED),
        (
            {"rules": ProductRules(issuer=ISSUER, purses=(replace(CASH_PURSE, outflows=frozenset()),))},
            *(state(), Outcome.SERVICE_NOT_ALLOWED),
        ),
        (
            {"other_rules": ProductRules(issuer=ISSUER, purses=(replace(CASH_PURSE, inflows=frozenset()),))},
            *(state(), Outcome.SERVICE_NOT_ALLOWED),
        ),
        ({"rules": replace(PLAIN, movements=frozenset())}, state(), Outcome.SERVICE_NOT_ALLOWED),
        ({}, state(status=WalletStatus.FROZEN), Outcome.CARD_RESTRICTED),
        ({}, state(status=WalletStatus.CLOSED), Outcome.CARD_UNKNOWN),
        ({"amount_minor": 0}, state(), Outcome.AMOUNT_INVALID),
        ({"rules": replace(PLAIN, transaction_max_minor=39)}, state(), Outcome.AMOUNT_OVER_LIMIT),
        ({"amount_minor": 101}, state(), Outcome.INSUFFICIENT_FUNDS),
        (
            {"rules": replace(PLAIN, fees=(fee(TRANSFER),)), "amount_minor": 71},
            state(),
            Outcome.INSUFFICIENT_FUNDS,
        ),
        (
            {"rules": replace(PLAIN, overdraft_by_grade=(500,)), "amount_minor": 101},
            state(),
            Outcome.INSUFFICIENT_FUNDS,
        ),
        ({"other_rules": replace(PLAIN, wallet_max_minor=39)}, state(), Outcome.AMOUNT_OVER_LIMIT),
    ],
)
def test_refused_transfers(asked: dict[str, Any], other: WalletState | None, outcome: Outcome) -> None:
    """Both cards, both purses, limits, funds without overdraft, and the ceiling of the other are checked."""
    decision = decide_transfer(transfer(40, **asked), Wallets(state(cash=100), other), TODAY)

    assert Decision(outcome) == decision


def test_a_transfer_needs_room_for_its_lots() -> None:
    """Who has as many lots as a wallet may have gets no further one; one that has more gets into those."""
    rules = SHOP
    sender = state(Lot(BONUS, TODAY + 9999, 40))

    refused = decide_transfer(transfer(40, rules, purse=BONUS), Wallets(sender, state(*FULL)), TODAY)
    passed = decide_transfer(
        transfer(40, rules, purse=BONUS),
        Wallets(sender, state(*FULL, Lot(BONUS, TODAY + 9999, 1))),
        TODAY,
    )

    assert (Outcome.COUNT_OVER_LIMIT, Outcome.APPROVED) == (refused.outcome, passed.outcome)


def test_special_value_is_transferred_where_its_product_lets_it() -> None:
    """Special value is given to the same purse of the other card, if transfers are among its places."""
    purse = PurseRule(SPECIAL, PurseKind.SPECIAL, services=frozenset({"gift"}))
    rules = ProductRules(issuer=ISSUER, purses=(purse, CASH_PURSE))
    wallets = Wallets(state(Lot(SPECIAL, NEVER, 40)), state())

    decision = decide_transfer(transfer(40, rules, purse=SPECIAL, service="gift"), wallets, TODAY)

    assert state(Lot(SPECIAL, NEVER, 40)) == decision.other
    elsewhere = decide_transfer(transfer(40, rules, purse=SPECIAL), wallets, TODAY)
    assert Outcome.SERVICE_NOT_ALLOWED is elsewhere.outcome
