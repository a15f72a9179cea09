"""Earning: which movements earn points, how many, and until when they are good."""

from typing import Any

import pytest

from ledger.earning import earned
from ledger.identity import TransactionKind
from ledger.product import EarningRule, ProductRules, PurseKind, PurseRule, Rounding
from ledger.wallet import NEVER
from tests.ledger.decision.cases import (
    CASH_PURSE,
    ELSEWHERE_ID,
    POINTS,
    POINTS_PURSE,
    SHOP_ID,
    STARS,
    TODAY,
    request,
)

KIND = TransactionKind.PURCHASE


def points(amount: int, *terms: dict[str, Any], kind: TransactionKind = KIND) -> dict[tuple[int, int], int]:
    """What a purchase in category 5411 earns by rules of a point for each whole unit, but for these terms."""
    basic: dict[str, Any] = {"per_minor": 100, "points": 1}
    earning = tuple(EarningRule(POINTS, frozenset({KIND}), **(basic | term)) for term in terms)
    rules = ProductRules(purses=(CASH_PURSE, POINTS_PURSE), earning=earning)
    return earned(rules, kind, request(kind, amount, rules, category="5411"), amount, TODAY)


@pytest.mark.parametrize(
    ("terms", "amount", "number"),
    [
        ({}, 1099, 10),
        ({"rounding": Rounding.UP}, 1001, 11),
        ({"per_minor": 1000, "points": 3}, 1999, 5),
        ({"merchants": frozenset({SHOP_ID})}, 100, 1),
        ({"categories": frozenset({"5411"})}, 100, 1),
        ({"from_minor": 100, "to_minor": 100}, 100, 1),
        ({"from_day": TODAY, "to_day": TODAY}, 100, 1),
    ],
)
def test_what_fits_earns(terms: dict[str, Any], amount: int, number: int) -> None:
    """A rule earns by its rate, at its places, in its amounts and on its dates, edges included."""
    assert {(POINTS, TODAY + 365): number} == points(amount, terms)


@pytest.mark.parametrize(
    ("terms", "amount"),
    [
        ({}, 99),
        ({"merchants": frozenset({ELSEWHERE_ID})}, 100),
        ({"categories": frozenset({"5999"})}, 100),
        ({"merchants": frozenset({SHOP_ID}), "categories": frozenset({"5999"})}, 100),
        ({"from_minor": 101}, 100),
        ({"to_minor": 99}, 100),
        ({"from_day": TODAY + 1}, 100),
        ({"to_day": TODAY - 1}, 100),
    ],
)
def test_what_does_not_fit_earns_nothing(terms: dict[str, Any], amount: int) -> None:
    """Elsewhere, outside its amounts or dates, or for less than a point, nothing is earned."""
    assert points(amount, terms) == {}


def test_other_movements_earn_nothing() -> None:
    """A rule for purchases earns nothing for a top-up."""
    assert points(100, {}, kind=TransactionKind.TOP_UP) == {}


def test_rules_add_up_lot_by_lot() -> None:
    """A standing rule and an offer earn both; what has the same last good day is one sum."""
    offer = {"points": 2, "validity_days": 30}

    assert {(POINTS, TODAY + 365): 30, (POINTS, TODAY + 30): 20} == points(1000, {}, offer, {"points": 2})


def test_points_without_a_term_are_good_for_ever() -> None:
    """A purse without validity, and a rule without one, give points that never lapse."""
    purse = PurseRule(POINTS, PurseKind.POINTS, STARS)
    rule = EarningRule(POINTS, frozenset({KIND}), 100, 1)
    rules = ProductRules(purses=(CASH_PURSE, purse), earning=(rule,))

    assert {(POINTS, NEVER): 1} == earned(rules, KIND, request(KIND, 100, rules), 100, TODAY)
