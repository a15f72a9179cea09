"""Giving: points by themselves, and what two operators adjust."""

from dataclasses import replace
from typing import Any

import pytest

from ledger.chart import AccountKind
from ledger.decision.giving import decide_adjustment, decide_points_adjustment, decide_points_earn
from ledger.decision.model import Decision, Wallets
from ledger.identity import TransactionKind
from ledger.intent import Intent, PinVerdict
from ledger.outcome import Outcome
from ledger.product import ProductRules
from ledger.wallet import Lot, WalletState, WalletStatus

from .cases import (
    BONUS,
    CASH_PURSE,
    FULL,
    ISSUER,
    POINTS,
    POINTS_PURSE,
    SHOP,
    STARS,
    TODAY,
    WALLET,
    moved,
    request,
    state,
)

EARN, ADJUSTMENT = TransactionKind.POINTS_EARN, TransactionKind.ADJUSTMENT
POINTS_ADJUSTMENT = TransactionKind.POINTS_ADJUSTMENT


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
