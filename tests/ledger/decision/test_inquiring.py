"""Inquiries: what a card may spend at the place where it is asked, and its points."""

from typing import Any

import pytest

from ledger.decision.inquiring import decide_balance_inquiry, decide_points_inquiry
from ledger.decision.model import Decision, Wallets
from ledger.identity import TransactionKind
from ledger.intent import PinVerdict
from ledger.outcome import Outcome
from ledger.product import ProductRules
from ledger.wallet import CASH, NEVER, Lot, WalletState, WalletStatus

from .cases import BONUS, PLAIN, POINTS, SHOP, SPECIAL, STARS, TODAY, request

BALANCE, POINTS_INQUIRY = TransactionKind.BALANCE_INQUIRY, TransactionKind.POINTS_INQUIRY
LOTS = (
    Lot(CASH, NEVER, 100, 30),
    Lot(SPECIAL, NEVER, 1000),
    Lot(BONUS, TODAY - 1, 500),
    Lot(BONUS, TODAY, 20),
    Lot(POINTS, TODAY, 7),
)
WALLETS = Wallets(WalletState(LOTS, grade=1))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"category": "5411"}, 1090),
        ({"category": "5999"}, 90),
        ({"rules": PLAIN}, 70),
        ({"purse": SPECIAL}, 1000),
        ({"purse": CASH}, 70),
        ({"purse": POINTS, "asset": STARS}, 7),
        ({"asset": STARS}, 7),
    ],
)
def test_a_balance_is_what_may_be_spent_here(asked: dict[str, Any], told: int) -> None:
    """What is good, not held and taken here counts, without the overdraft; or the purse that is asked for."""
    intent = request(BALANCE, **({"rules": SHOP} | asked))

    assert Decision(Outcome.APPROVED, available_minor=told) == decide_balance_inquiry(intent, WALLETS, TODAY)


@pytest.mark.parametrize("asked", [{"purse": 99}, {"purse": POINTS}, {"asset": 840}])
def test_a_balance_of_nothing_that_is_there(asked: dict[str, Any]) -> None:
    """A purse or asset that the product doesn't have has no balance."""
    intent = request(BALANCE, rules=SHOP, **asked)

    assert Decision(Outcome.SERVICE_NOT_ALLOWED) == decide_balance_inquiry(intent, WALLETS, TODAY)


def test_points_are_told_in_their_asset() -> None:
    """The points of a programme are told, and money isn't points."""
    asked = request(POINTS_INQUIRY, rules=SHOP, asset=STARS)

    assert Decision(Outcome.APPROVED, available_minor=7) == decide_points_inquiry(asked, WALLETS, TODAY)
    money = request(POINTS_INQUIRY, rules=SHOP)
    assert Decision(Outcome.SERVICE_NOT_ALLOWED) == decide_points_inquiry(money, WALLETS, TODAY)


@pytest.mark.parametrize("status", [WalletStatus.FROZEN, WalletStatus.CLOSED])
def test_a_card_that_may_not_be_used_tells_nothing(status: WalletStatus) -> None:
    """A frozen or closed wallet refuses inquiries, too."""
    wallets = Wallets(WalletState(LOTS, status=status))

    for decide, kind in ((decide_balance_inquiry, BALANCE), (decide_points_inquiry, POINTS_INQUIRY)):
        decision = decide(request(kind, rules=SHOP, asset=STARS), wallets, TODAY)
        assert () == decision.legs
        assert decision.outcome in {Outcome.CARD_RESTRICTED, Outcome.CARD_UNKNOWN}


def test_an_inquiry_counts_its_pin() -> None:
    """A wrong PIN is counted, a right one clears the tries, and the balance is told with the latter only."""
    rules, wallets = ProductRules(), Wallets(WalletState(LOTS, pin_failures=1))

    wrong = decide_balance_inquiry(request(BALANCE, rules=rules, pin=PinVerdict.MISMATCH), wallets, TODAY)
    right = decide_balance_inquiry(request(BALANCE, rules=rules, pin=PinVerdict.MATCH), wallets, TODAY)

    assert Decision(Outcome.PIN_WRONG, state=WalletState(LOTS, pin_failures=2)) == wrong
    assert Decision(Outcome.APPROVED, state=WalletState(LOTS), available_minor=70) == right
