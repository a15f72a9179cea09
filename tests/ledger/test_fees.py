"""Fees: flat, percent, tiers, least and most, rounding to the minor unit, and who bears them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chart import AccountKind
from ledger.fees import Fee, fee_of, fees_of, part_of, rounded
from ledger.identity import TransactionKind
from ledger.intent import Origin
from ledger.product import FeeRule, FeeTier, Party, ProductRules, Rounding
from tests.ledger.decision.cases import AGENT, ISSUER, MERCHANT, request

KINDS = frozenset({TransactionKind.PURCHASE})


def rule(payer: Party = Party.MERCHANT, payee: Party = Party.ISSUER, **more: Any) -> FeeRule:
    """A rule for purchases."""
    return FeeRule(KINDS, payer, payee, **more)


@pytest.mark.parametrize(
    ("numerator", "down", "up", "half_up", "half_even"),
    [
        (0, 0, 0, 0, 0),
        (10, 1, 1, 1, 1),
        (11, 1, 2, 1, 1),
        (14, 1, 2, 1, 1),
        (15, 1, 2, 2, 2),
        (25, 2, 3, 3, 2),
        (26, 2, 3, 3, 3),
        (29, 2, 3, 3, 3),
    ],
)
def test_rounding(numerator: int, down: int, up: int, half_up: int, half_even: int) -> None:
    """Tenths are rounded as each way says, at the half and beside it."""
    assert [down, up, half_up, half_even] == [rounded(numerator, 10, way) for way in Rounding]


@pytest.mark.parametrize(
    ("terms", "amount", "fee"),
    [
        ({"flat_minor": 50}, 1, 50),
        ({"percent_hundredths": 60}, 10_000, 60),
        ({"percent_hundredths": 60}, 1_041, 6),
        ({"percent_hundredths": 60}, 1_084, 7),
        ({"percent_hundredths": 60, "rounding": Rounding.DOWN}, 1_084, 6),
        ({"flat_minor": 5, "percent_hundredths": 100}, 250, 8),
        ({"percent_hundredths": 60, "min_minor": 10}, 100, 10),
        ({"percent_hundredths": 60, "max_minor": 200}, 80_000, 200),
        ({"percent_hundredths": 60, "max_minor": 200}, 10_000, 60),
    ],
)
def test_fee_of_an_amount(terms: dict[str, Any], amount: int, fee: int) -> None:
    """A fee is flat plus percent, rounded once, not below its least nor above its most."""
    assert fee == fee_of(rule(**terms), amount)


@pytest.mark.parametrize(("amount", "fee"), [(99, 1), (100, 5), (999, 5), (1_000, 20), (2_000, 40)])
def test_tiers_replace_the_rule_from_their_amount_on(amount: int, fee: int) -> None:
    """The highest tier that the amount reaches says what the fee is."""
    tiers = FeeTier(100, flat_minor=5), FeeTier(1_000, percent_hundredths=200)

    assert fee == fee_of(rule(flat_minor=1, tiers=tiers), amount)


@pytest.mark.parametrize(
    ("payer", "payee", "source", "target"),
    [
        (Party.CARDHOLDER, Party.ISSUER, None, (AccountKind.FEE_INCOME, ISSUER)),
        (Party.CARDHOLDER, Party.MERCHANT, None, (AccountKind.MERCHANT_PAYABLE, MERCHANT)),
        (
            *(Party.MERCHANT, Party.ISSUER),
            *((AccountKind.MERCHANT_PAYABLE, MERCHANT), (AccountKind.FEE_INCOME, ISSUER)),
        ),
        (
            *(Party.ISSUER, Party.AGENT),
            *((AccountKind.COMMISSION, ISSUER), (AccountKind.AGENT_PAYABLE, AGENT)),
        ),
        (
            *(Party.AGENT, Party.ISSUER),
            *((AccountKind.AGENT_PAYABLE, AGENT), (AccountKind.FEE_INCOME, ISSUER)),
        ),
    ],
)
def test_parties_have_accounts(
    payer: Party, payee: Party, source: tuple[AccountKind, int] | None, target: tuple[AccountKind, int]
) -> None:
    """Who bears a fee and who gets it each have an account; a cardholder's is found by the decision."""
    rules = ProductRules(issuer=ISSUER, fees=(rule(payer, payee, flat_minor=5, returned_on_refund=True),))
    intent = request(TransactionKind.PURCHASE, 100, rules, agent=AGENT)

    assert [Fee(source, target, 5, True)] == fees_of(rules, TransactionKind.PURCHASE, intent, 100)


@pytest.mark.parametrize(
    ("payer", "payee"),
    [
        (Party.MERCHANT, Party.ISSUER),
        (Party.ISSUER, Party.MERCHANT),
        (Party.AGENT, Party.ISSUER),
        (Party.CARDHOLDER, Party.AGENT),
    ],
)
def test_a_party_that_is_absent_pays_and_gets_nothing(payer: Party, payee: Party) -> None:
    """Where no merchant or agent takes part, a rule about one charges nothing."""
    rules = ProductRules(fees=(rule(payer, payee, flat_minor=5),))
    intent = request(TransactionKind.PURCHASE, 100, rules, origin=Origin(0, "", "", "", ""))

    assert fees_of(rules, TransactionKind.PURCHASE, intent, 100) == []


def test_other_movements_and_fees_of_nothing_are_left_out() -> None:
    """A rule for purchases charges no top-up, and what rounds to nothing is no fee."""
    rules = ProductRules(fees=(rule(percent_hundredths=1, rounding=Rounding.DOWN),))
    intent = request(TransactionKind.PURCHASE, 100, rules)

    assert fees_of(rules, TransactionKind.PURCHASE, intent, 100) == []
    assert fees_of(rules, TransactionKind.TOP_UP, intent, 10**9) == []


@given(st.integers(-1000, 1000), st.lists(st.integers(1, 100), min_size=1, max_size=10))
def test_parts_sum_to_the_whole(whole: int, steps: list[int]) -> None:
    """Given back step by step, the parts of the steps sum to the whole without drift."""
    total, done, given_back = sum(steps), 0, 0
    for step in steps:
        part = part_of(whole, done + step, total) - part_of(whole, done, total)
        assert part * whole >= 0
        done, given_back = done + step, given_back + part

    assert whole == given_back
