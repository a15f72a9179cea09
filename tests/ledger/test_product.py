"""Products: what contradicts itself is refused, and what decisions need is worked out beforehand."""

from collections.abc import Callable

import pytest

from ledger.chart import AccountKind
from ledger.identity import TransactionKind
from ledger.product import (
    ACCOUNT_OF,
    EarningRule,
    FeeRule,
    FeeTier,
    InvalidProduct,
    Party,
    ProductRules,
    PurseKind,
    PurseRule,
)
from ledger.wallet import CASH
from tests.ledger.decision.cases import BONUS_PURSE, CASH_PURSE, POINTS_PURSE, SHOP, SPECIAL_PURSE

PURCHASES = frozenset({TransactionKind.PURCHASE})


def test_a_product_has_a_cash_purse_by_default() -> None:
    """A product that names no purses has one: cash of its asset, spent anywhere."""
    rules = ProductRules(840)

    assert (PurseRule(CASH, PurseKind.CASH, 840),) == rules.purses
    assert rules.purses == rules.money_purses
    assert rules.plain_purse is rules.purses[0]
    assert (frozenset(), False) == (rules.burdens, rules.is_limited)


def test_points_are_not_spent_as_money() -> None:
    """The money of a product is its purses in their order, without those of points."""
    assert (SPECIAL_PURSE, BONUS_PURSE, CASH_PURSE) == SHOP.money_purses
    assert SHOP.plain_purse is None
    assert ProductRules(purses=(CASH_PURSE, POINTS_PURSE)).plain_purse is CASH_PURSE


def test_cash_that_is_not_free_is_not_plain() -> None:
    """A cash purse that some movements may not spend is looked at each time; so is bonus alone."""
    strict = PurseRule(CASH, PurseKind.CASH, outflows=PURCHASES)

    assert ProductRules(purses=(strict,)).plain_purse is None
    assert ProductRules(purses=(BONUS_PURSE,)).plain_purse is None


@pytest.mark.parametrize(
    ("rules", "limited"),
    [
        (ProductRules(wallet_max_minor=5), False),
        (ProductRules(transaction_max_minor=5), True),
        (ProductRules(month_count_max=5), True),
        (ProductRules(burst_count_max=5, burst_seconds=1), True),
    ],
)
def test_limits_on_spending_are_known(rules: ProductRules, limited: bool) -> None:
    """A product without limits on what is spent needs no look at its windows."""
    assert limited == rules.is_limited


def test_burdens_are_what_costs_or_earns() -> None:
    """A movement that no rule names needs no look at fees and points."""
    fee = FeeRule(PURCHASES, Party.MERCHANT, Party.ISSUER)
    earning = EarningRule(POINTS_PURSE.purse, frozenset({TransactionKind.TOP_UP}), 100, 1)
    rules = ProductRules(purses=(CASH_PURSE, POINTS_PURSE), fees=(fee,), earning=(earning,))

    assert {TransactionKind.PURCHASE, TransactionKind.TOP_UP} == rules.burdens


def test_purses_have_accounts() -> None:
    """Each kind of purse is an account of its own."""
    assert set(PurseKind) == ACCOUNT_OF.keys()
    assert len(set(ACCOUNT_OF.values())) == len(PurseKind)
    assert AccountKind.WALLET_BONUS is BONUS_PURSE.account


def test_listed_purses() -> None:
    """A purse is free if it lists no place and names no outflow."""
    assert (True, False) == (SPECIAL_PURSE.is_listed, SPECIAL_PURSE.is_free)
    assert (False, True) == (BONUS_PURSE.is_listed, BONUS_PURSE.is_free)
    assert PurseRule(2, PurseKind.SPECIAL, merchants=frozenset()).is_listed
    assert PurseRule(2, PurseKind.SPECIAL, services=frozenset()).is_listed


def test_a_purse_is_found_by_its_number() -> None:
    """The product knows its purses, and no others."""
    assert BONUS_PURSE is SHOP.purse_rule(BONUS_PURSE.purse)
    assert SHOP.purse_rule(99) is None


def earning(purse: int) -> EarningRule:
    """A rule that earns into a purse."""
    return EarningRule(purse, PURCHASES, 100, 1)


@pytest.mark.parametrize(
    "build",
    [
        lambda: PurseRule(2, PurseKind.CASH),
        lambda: PurseRule(CASH, PurseKind.BONUS),
        lambda: PurseRule(0, PurseKind.BONUS),
        lambda: PurseRule(65_536, PurseKind.BONUS),
        lambda: PurseRule(CASH, PurseKind.CASH, validity_days=30),
        lambda: FeeRule(PURCHASES, Party.ISSUER, Party.CARDHOLDER),
        lambda: FeeRule(PURCHASES, Party.ISSUER, Party.ISSUER),
        lambda: FeeRule(PURCHASES, Party.MERCHANT, Party.ISSUER, tiers=(FeeTier(9), FeeTier(9))),
        lambda: FeeRule(PURCHASES, Party.MERCHANT, Party.ISSUER, tiers=(FeeTier(9), FeeTier(8))),
        lambda: FeeRule(PURCHASES, Party.MERCHANT, Party.ISSUER, flat_minor=-1),
        lambda: FeeRule(PURCHASES, Party.MERCHANT, Party.ISSUER, min_minor=9, max_minor=8),
        lambda: FeeRule(PURCHASES, Party.MERCHANT, Party.ISSUER, tiers=(FeeTier(9, percent_hundredths=-1),)),
        lambda: EarningRule(4, PURCHASES, 0, 1),
        lambda: EarningRule(4, PURCHASES, 100, 0),
        lambda: ProductRules(purses=(CASH_PURSE, CASH_PURSE)),
        lambda: ProductRules(840, purses=(CASH_PURSE,)),
        lambda: ProductRules(purses=(CASH_PURSE, PurseRule(4, PurseKind.POINTS))),
        lambda: ProductRules(purses=(CASH_PURSE, POINTS_PURSE), earning=(earning(CASH),)),
        lambda: ProductRules(earning=(earning(POINTS_PURSE.purse),)),
        lambda: ProductRules(overdraft_by_grade=()),
        lambda: ProductRules(overdraft_by_grade=(0,) * 257),
        lambda: ProductRules(overdraft_by_grade=(0, -1)),
        lambda: ProductRules(burst_count_max=3),
    ],
)
def test_contradictions_are_refused(build: Callable[[], object]) -> None:
    """Rules that contradict themselves never become a product."""
    with pytest.raises(InvalidProduct):
        build()
