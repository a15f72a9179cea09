"""What the ledger decides by is the whole of a product's terms."""

from datetime import date
from typing import Any

import pytest

from directory.product_terms import CardClass, CardService, ProductTerms, terms_of
from ledger.identity import REVERSED_KIND, TransactionKind
from ledger.product import EarningRule, FeeRule, FeeTier, Party, ProductRules, PurseKind, PurseRule, Rounding
from ledger.wallet import CASH
from switch.product_rules import CHARGED, MOVEMENTS, ProductRulesOf, product_rules

ISSUER = 20
CNY = 156
PLAIN = ProductTerms(card_class=CardClass.CONSUMPTION, currency=CNY, services=frozenset(CardService))
RICH = """
{
  "card_class": "welfare", "currency": 156,
  "services": ["purchase", "balance_inquiry", "preauthorization", "points_spend"],
  "pin_tries_max": 5,
  "purses": [
    {"number": 2, "name": "meals", "kind": "special", "categories": ["5812"], "services": ["lunch"],
     "inflows": ["points_spend"], "outflows": ["purchase"]},
    {"number": 3, "name": "gift", "kind": "bonus", "merchants": ["990001000000001"], "validity_days": 30,
     "ceiling_minor": 90000, "grace_days": 7},
    {"number": 1, "name": "cash", "kind": "cash"},
    {"number": 4, "name": "stars", "kind": "points", "asset": 9001, "validity_days": 365}
  ],
  "limits": {
    "transaction_max_minor": 1, "day_amount_max_minor": 2, "day_count_max": 3, "month_amount_max_minor": 4,
    "month_count_max": 5, "burst_count_max": 6, "burst_seconds": 7, "wallet_max_minor": 8,
    "overdraft_by_grade_minor": [0, 500]
  },
  "fees": [
    {"services": ["preauthorization"], "payer": "merchant", "flat_minor": 5, "basis_points": 60,
     "tiers": [{"from_minor": 10000, "basis_points": 30}], "min_minor": 1, "max_minor": 99, "rounding": "up",
     "returned_on_refund": false},
    {"services": ["purchase"], "payer": "issuer", "payee": "agent", "flat_minor": 1}
  ],
  "earning": [
    {"purse": 4, "services": ["purchase"], "per_minor": 100, "points": 2, "rounding": "half_even",
     "merchants": ["990001000000001"], "categories": ["5812"], "from_minor": 10, "to_minor": 20,
     "from_day": "2026-01-01", "to_day": "2026-12-31", "validity_days": 90}
  ],
  "hold_days": 9, "completion_excess_percent": 20, "refund_days": 40
}
"""


def test_plain_terms_are_the_rules_of_a_plain_product() -> None:
    """Terms that say nothing but the services say nothing to the ledger either: one purse, no limit."""
    assert ProductRules(issuer=ISSUER, burst_seconds=60) == product_rules(PLAIN, ISSUER)


def test_every_term_reaches_the_ledger() -> None:
    """Purses in their order, limits, fees and earning are as the terms say."""
    rules = product_rules(terms_of(RICH), ISSUER)
    shop = frozenset({"990001000000001"})

    assert (CNY, 5, ISSUER) == (rules.asset, rules.pin_tries_max, rules.issuer)
    assert (
        PurseRule(
            2,
            PurseKind.SPECIAL,
            CNY,
            categories=frozenset({"5812"}),
            services=frozenset({"lunch"}),
            inflows=MOVEMENTS[CardService.POINTS_SPEND],
            outflows=MOVEMENTS[CardService.PURCHASE],
        ),
        PurseRule(
            3, PurseKind.BONUS, CNY, merchants=shop, validity_days=30, ceiling_minor=90000, grace_days=7
        ),
        PurseRule(CASH, PurseKind.CASH, CNY),
        PurseRule(4, PurseKind.POINTS, 9001, validity_days=365),
    ) == rules.purses
    assert (1, 2, 3) == (rules.transaction_max_minor, rules.day_amount_max_minor, rules.day_count_max)
    assert (4, 5) == (rules.month_amount_max_minor, rules.month_count_max)
    assert (6, 7, 8) == (rules.burst_count_max, rules.burst_seconds, rules.wallet_max_minor)
    assert (0, 500) == rules.overdraft_by_grade
    assert (9, 20, 40) == (rules.hold_days, rules.completion_excess_percent, rules.refund_days)


def test_fees_and_earning_reach_the_ledger() -> None:
    """Who pays whom, how much, and what a refund returns; what is earned, where and when."""
    rules = product_rules(terms_of(RICH), ISSUER)

    assert (
        FeeRule(
            CHARGED[CardService.PREAUTHORIZATION], Party.MERCHANT, Party.ISSUER, flat_minor=5,
            percent_hundredths=60, tiers=(FeeTier(10000, 0, 30),), min_minor=1, max_minor=99,
            rounding=Rounding.UP,
        ),
        FeeRule(
            CHARGED[CardService.PURCHASE], Party.ISSUER, Party.AGENT, flat_minor=1, returned_on_refund=True
        ),
    ) == rules.fees  # fmt: skip
    assert (
        EarningRule(
            4, CHARGED[CardService.PURCHASE], per_minor=100, points=2, rounding=Rounding.HALF_EVEN,
            merchants=frozenset({"990001000000001"}), categories=frozenset({"5812"}), from_minor=10,
            to_minor=20, from_day=date(2026, 1, 1).toordinal(), to_day=date(2026, 12, 31).toordinal(),
            validity_days=90,
        ),
    ) == rules.earning  # fmt: skip


def test_only_what_the_services_stand_for_is_forbidden() -> None:
    """A service that isn't offered takes its movements along; operators and the ledger itself go on."""
    movements = product_rules(terms_of(RICH), ISSUER).movements
    assert movements is not None

    assert {TransactionKind.PURCHASE, TransactionKind.PURCHASE_VOID} <= movements
    assert movements.isdisjoint({TransactionKind.TOP_UP, TransactionKind.TRANSFER, TransactionKind.REFUND})
    assert {TransactionKind.ADJUSTMENT, TransactionKind.LOT_EXPIRY, *REVERSED_KIND} <= movements


@pytest.mark.parametrize(
    "wrong",
    [
        {"payer": "issuer"},
        {"payer": "merchant", "tiers": [{"from_minor": 2}, {"from_minor": 2}]},
    ],
)
def test_terms_know_the_ledgers_conditions(wrong: dict[str, Any]) -> None:
    """What no ledger could post is no term: a fee from a party to itself, tiers that don't rise."""
    fee = {"services": ["purchase"], "flat_minor": 1, **wrong}
    with pytest.raises(ValueError, match="fee"):
        ProductTerms.model_validate_json(
            '{"card_class": "gift", "currency": 156, "services": ["purchase"], "fees": [' + _json(fee) + "]}"
        )


def test_rules_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Terms in memory have one object of rules; too many are forgotten together, and none is mistaken."""
    monkeypatch.setattr("switch.product_rules._MOST", 2)
    rules = ProductRulesOf()
    others = [PLAIN.model_copy(update={"pin_tries_max": tries}) for tries in (1, 2, 3)]
    first = rules.of(PLAIN, ISSUER)

    assert first is rules.of(PLAIN, ISSUER)
    assert [1, 2, 3] == [rules.of(terms, ISSUER).pin_tries_max for terms in others]
    assert first == rules.of(PLAIN, ISSUER)


def _json(value: object) -> str:
    return repr(value).replace("'", '"')
