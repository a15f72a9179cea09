"""Refunds and returns of points: in parts, last taken first, never more than is left."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.decision.model import Decision, Wallets
from ledger.decision.refunding import refund
from ledger.decision.related import Related
from ledger.identity import TransactionKind
from ledger.intent import PinVerdict
from ledger.lifecycle import Action, OriginalState
from ledger.original import Original
from ledger.outcome import Outcome
from ledger.product import ProductRules
from ledger.wallet import CASH, NEVER, Lot, WalletState, WalletStatus

from .cases import BONUS, OTHER, POINTS, SHOP, TODAY, request, state
from .originals import bonus, breakage, cash, fee, merchant, original, owed, points

SALE = original(bonus(-300), cash(-700), merchant(1000))


def refunded(
    amount_minor: int, sale: Original = SALE, wallet: WalletState | None = None, **more: Any
) -> Decision:
    """What a refund of a sale decides."""
    intent = request(TransactionKind.REFUND, amount_minor, **{"rules": SHOP} | more)
    return refund(intent, Related(sale, Action.REFUND), Wallets(wallet or state()), TODAY)


def test_refund_gives_back_what_was_taken_last() -> None:
    """First cash, then the bonus; the sale keeps its legs and knows what was refunded."""
    first = refunded(800)

    assert (bonus(100), cash(700), merchant(-800)) == first.legs
    assert first.state == state(Lot(BONUS, TODAY, 100), cash=700)
    assert first.original == replace(SALE, state=OriginalState.PARTLY_REFUNDED, refunded_minor=800, changes=1)
    assert first.original is not None
    second = refunded(200, first.original)
    assert (bonus(200), merchant(-200)) == second.legs
    assert second.original is not None
    assert (OriginalState.REFUNDED, 0) == (second.original.state, second.original.left_minor)


@pytest.mark.parametrize(
    ("amount", "more", "outcome"),
    [
        (0, {}, Outcome.AMOUNT_INVALID),
        (-1, {}, Outcome.AMOUNT_INVALID),
        (1001, {}, Outcome.ORIGINAL_AMOUNT_DIFFERS),
        (100, {"asset": 840}, Outcome.ORIGINAL_AMOUNT_DIFFERS),
        (100, {"wallet_id": OTHER}, Outcome.CARD_DIFFERS),
        (100, {"wallet_id": None}, Outcome.APPROVED),
        (100, {"rules": None}, Outcome.APPROVED),
        (100, {"rules": ProductRules(movements=frozenset())}, Outcome.SERVICE_NOT_ALLOWED),
        (100, {"pin": PinVerdict.MISMATCH}, Outcome.PIN_WRONG),
        (1000, {}, Outcome.APPROVED),
    ],
)
def test_what_is_refunded(amount: int, more: dict[str, Any], outcome: Outcome) -> None:
    """An amount above zero, of the sale's asset and card, and no more than the sale."""
    decision = refunded(amount, **more)

    assert outcome is decision.outcome
    assert (outcome is Outcome.APPROVED) == bool(decision.legs)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (WalletStatus.OPEN, Outcome.APPROVED),
        (WalletStatus.FROZEN, Outcome.APPROVED),
        (WalletStatus.CLOSED, Outcome.CARD_UNKNOWN),
    ],
)
def test_whom_is_refunded(status: WalletStatus, outcome: Outcome) -> None:
    """A frozen wallet is credited, a closed one is not."""
    assert outcome is refunded(100, wallet=state(status=status)).outcome


@pytest.mark.parametrize(("days", "outcome"), [(None, True), (30, True), (10, True), (9, False), (0, False)])
def test_how_long_is_refunded(days: int | None, outcome: bool) -> None:
    """To the last of the product's days, counted from the sale's."""
    sale = replace(SALE, day=TODAY - 10)

    decision = refunded(100, sale, rules=ProductRules(refund_days=days))

    expected = Outcome.APPROVED if outcome else Outcome.RELATED_TRANSACTION_INVALID
    assert expected is decision.outcome


def test_right_pin_is_remembered() -> None:
    """A refusal after the right PIN forgets the wrong ones all the same."""
    decision = refunded(2000, wallet=state(pin_failures=2), pin=PinVerdict.MATCH)

    assert Decision(Outcome.ORIGINAL_AMOUNT_DIFFERS, state=state()) == decision


@pytest.mark.parametrize("amount", [100, 2000])
def test_pin_that_nobody_looked_at(amount: int) -> None:
    """Where the product isn't known a PIN says nothing, whether the refund is approved or not."""
    wallet = state(pin_failures=2)

    decision = refunded(amount, wallet=wallet, rules=None, pin=PinVerdict.MATCH)

    assert (decision.state or wallet).pin_failures == 2


def test_windows_stay() -> None:
    """A refund gives back no part of a limit."""
    wallet = state(day=TODAY, day_count=1, day_minor=1000)

    decision = refunded(1000, wallet=wallet)

    assert decision.state is not None
    assert wallet[1:] == decision.state[1:]


def test_fees_and_points_go_with_it() -> None:
    """Fees that are returned come back by their share, points are taken back, and kept fees stay."""
    sale = original(
        *(cash(-1000), merchant(1000), *fee(50), *fee(30), *points(10)), charges=(True, False, True)
    )

    decision = refunded(500, sale, state(Lot(POINTS, TODAY + 365, 4)))

    paid, income = fee(25)
    earned = points(5)
    assert (
        *(cash(500), merchant(-500), paid._replace(amount_minor=25), income._replace(amount_minor=-25)),
        *(earned[0]._replace(amount_minor=4), earned[1]._replace(amount_minor=-4)),
        *(earned[0]._replace(amount_minor=1), owed(-1, asset=9001)),
    ) == decision.legs
    assert (True, True, True) == decision.charges


def test_debt_is_forgiven_first() -> None:
    """What was owed for a sale was taken last."""
    sale = original(cash(-400), owed(-600), merchant(1000))

    assert (cash(100), owed(600), merchant(-700)) == refunded(700, sale).legs


def test_refund_into_a_lapsed_lot() -> None:
    """It follows the product: here it is dead."""
    sale = original(bonus(-300, TODAY - 1), cash(-700), merchant(1000))

    assert (breakage(300), cash(700), merchant(-1000)) == refunded(1000, sale).legs


@given(st.lists(st.integers(1, 700), min_size=1, max_size=12))
def test_refunds_never_exceed_the_sale(amounts: list[int]) -> None:
    """Whatever is asked, what was given back is at most the sale, and all of it if the parts reach it."""
    sale, wallet, done = SALE, state(), 0
    for amount in [*amounts, 1000]:
        decision = refunded(min(amount, 1000 - done) or amount, sale, wallet)
        if done == 1000:
            assert decision.outcome is Outcome.ORIGINAL_AMOUNT_DIFFERS
            continue
        assert decision.original is not None
        assert decision.state is not None
        sale, wallet, done = decision.original, decision.state, decision.original.refunded_minor

    assert done == 1000
    assert (Lot(CASH, NEVER, 700), Lot(BONUS, TODAY, 300)) == wallet.lots
