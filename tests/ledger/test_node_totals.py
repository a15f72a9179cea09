"""Totals of a node: exact within it and its day, and not beyond."""

from dataclasses import replace

import pytest

from ledger.identity import TransactionKind
from ledger.intent import Intent, Origin
from ledger.node_totals import NodeTotals, TotalLimits
from ledger.outcome import Outcome
from tests.ledger.decision.cases import MERCHANT, TODAY, request

TERMINAL = "990001000000001", "T0000001"
OVER = Outcome.AMOUNT_OVER_LIMIT


def purchase(amount: int, kind: TransactionKind = TransactionKind.PURCHASE, channel: str = "pos") -> Intent:
    """A purchase at the terminal."""
    return request(kind, amount, channel=channel)


@pytest.mark.parametrize(
    "limits",
    [
        TotalLimits(merchants={MERCHANT: 100}),
        TotalLimits(terminals={TERMINAL: 100}),
        TotalLimits(channels={"pos": 100}),
        TotalLimits({MERCHANT: 100}, {TERMINAL: 100}, {"pos": 500}),
    ],
)
def test_a_total_is_exact_on_its_node(limits: TotalLimits) -> None:
    """What reaches a limit passes, one minor unit more doesn't, and then a smaller one may still pass."""
    totals = NodeTotals(limits)

    answers = [totals.admit(purchase(amount), TODAY) for amount in (60, 41, 40, 1)]

    assert [None, OVER, None, OVER] == answers


def test_what_was_not_approved_is_given_back() -> None:
    """A request counts while it is in flight, and no longer once it was declined."""
    totals = NodeTotals(TotalLimits({MERCHANT: 100}))
    assert totals.admit(purchase(100), TODAY) is None
    assert OVER is totals.admit(purchase(1), TODAY)

    totals.give_back(purchase(100), TODAY)

    assert totals.admit(purchase(100), TODAY) is None


def test_midnight_begins_anew() -> None:
    """Each day has its own total, and what was admitted yesterday isn't given back to today."""
    totals = NodeTotals(TotalLimits({MERCHANT: 100}))
    assert totals.admit(purchase(100), TODAY) is None
    assert totals.admit(purchase(60), TODAY + 1) is None

    totals.give_back(purchase(100), TODAY)

    assert OVER is totals.admit(purchase(41), TODAY + 1)


@pytest.mark.parametrize("kind", [TransactionKind.OFFLINE_SALE, TransactionKind.COMPLETION_ADVICE])
def test_what_has_happened_is_counted_and_not_refused(kind: TransactionKind) -> None:
    """An offline sale passes any limit, and uses it up for what is asked afterwards."""
    totals = NodeTotals(TotalLimits({MERCHANT: 100}))

    assert totals.admit(purchase(500, kind), TODAY) is None
    assert OVER is totals.admit(purchase(1), TODAY)


def test_other_movements_are_not_counted() -> None:
    """An inquiry or a refund is no business of the totals."""
    totals = NodeTotals(TotalLimits({MERCHANT: 100}))
    for kind in (TransactionKind.BALANCE_INQUIRY, TransactionKind.REFUND):
        assert totals.admit(purchase(500, kind), TODAY) is None
        totals.give_back(purchase(500, kind), TODAY)

    assert totals.admit(purchase(100), TODAY) is None


def test_who_has_no_limit_is_not_counted() -> None:
    """Another merchant, terminal and channel pass, and a limit that is set later counts from then on."""
    totals = NodeTotals(TotalLimits({MERCHANT: 100}, {TERMINAL: 100}, {"pos": 100}))
    elsewhere = replace(purchase(500, channel="web"), origin=Origin(8, "M", "T", "000001", "000001"))
    assert totals.admit(elsewhere, TODAY) is None

    totals.limits = TotalLimits({8: 600})

    assert totals.admit(replace(elsewhere, amount_minor=600), TODAY) is None
    assert OVER is totals.admit(replace(elsewhere, amount_minor=1), TODAY)


def test_the_overshoot_is_a_limit_for_each_further_node() -> None:
    """Two nodes that don't know of each other approve twice the limit, and no more."""
    limits = TotalLimits({MERCHANT: 100})
    nodes = NodeTotals(limits), NodeTotals(limits)

    admitted = sum(1 for node in nodes for _ in range(150) if node.admit(purchase(1), TODAY) is None)

    assert admitted == 200
