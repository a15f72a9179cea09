"""The terms of products: what they may be, and what they say."""

import json
from typing import Any

import pytest

from directory.product_terms import (
    BadTerms,
    CardService,
    PinRule,
    ProductTerms,
    document_of,
    terms_of,
)

LEAST = {"card_class": "consumption", "currency": 156, "services": ["purchase", "balance_inquiry"]}
CASH = {"number": 1, "name": "cash", "kind": "cash"}
POINTS = {"number": 2, "name": "points", "kind": "points", "asset": 1001}
EARNING = {"purse": 2, "services": ["purchase"], "per_minor": 100, "points": 1}
WHOLE = {
    **LEAST,
    "pin": {"purchase": {"when": "above", "free_up_to_minor": 30000}, "balance_inquiry": {"when": "never"}},
    "purses": [
        {**POINTS, "outflows": ["purchase"], "services": ["LUNCH"]},
        {**CASH, "merchants": ["990001000000001"], "categories": ["5411"]},
    ],
    "limits": {"transaction_max_minor": 5, "day_amount_max_minor": 5, "month_amount_max_minor": 9},
    "fees": [
        {"services": ["purchase"], "basis_points": 60, "min_minor": 1, "max_minor": 1000},
        {"services": ["purchase"], "tiers": [{"from_minor": 100, "flat_minor": 1}, {"from_minor": 200}]},
    ],
    "earning": [{**EARNING, "from_day": "2026-01-01", "to_day": "2026-12-31"}],
    "identity": "verified",
}


def terms(**changes: Any) -> ProductTerms:
    """The least terms with some changed."""
    return terms_of(json.dumps({**LEAST, **changes}))


@pytest.mark.parametrize("document", [LEAST, WHOLE])
def test_terms_come_back_as_they_were_stored(document: dict[str, Any]) -> None:
    """What is written is read as equal terms, and equal terms are written alike."""
    made = terms_of(json.dumps(document))
    again = terms_of(document_of(made))

    assert made == again
    assert document_of(made) == document_of(again)


def test_least_terms_have_a_cash_purse_and_no_limits() -> None:
    """What isn't said is a cash purse, no PIN, no limit."""
    made = terms()

    assert [(purse.number, purse.kind.value) for purse in made.purses] == [(1, "cash")]
    assert made.limits.transaction_max_minor is None
    assert not made.wants_pin(CardService.PURCHASE, 10**9)


@pytest.mark.parametrize(
    ("rule", "amount_minor", "wanted"),
    [
        (PinRule(), 0, True),
        (PinRule(when="never"), 10**9, False),
        (PinRule(when="above", free_up_to_minor=100), 100, False),
        (PinRule(when="above", free_up_to_minor=100), 101, True),
    ],
)
def test_pin_rule(rule: PinRule, amount_minor: int, wanted: bool) -> None:
    """A PIN is wanted always, never, or above the ceiling."""
    made = terms().model_copy(update={"pin": {CardService.PURCHASE: rule}})

    assert wanted is made.wants_pin(CardService.PURCHASE, amount_minor)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"currency": 0}, "currency"),
        ({"currency": "156"}, "currency"),
        ({"services": []}, "services"),
        ({"services": ["purchase", "dance"]}, "services.1"),
        ({"colour": "red"}, "colour"),
        ({"pin": {"purchase": {"when": "above"}}}, "pin.purchase"),
        ({"pin": {"purchase": {"when": "always", "free_up_to_minor": 1}}}, "pin.purchase"),
        ({"pin": {"top_up": {}}}, "pin names a service"),
        ({"pin_tries_max": 0}, "pin_tries_max"),
        ({"purses": []}, "purses"),
        ({"purses": [CASH, CASH]}, "one number"),
        ({"purses": [{**CASH, "number": 3}]}, "cash purse"),
        ({"purses": [{**CASH, "kind": "bonus"}]}, "cash purse"),
        ({"purses": [CASH, {**POINTS, "asset": None}]}, "programme"),
        ({"purses": [{**CASH, "asset": 1001}]}, "programme"),
        ({"purses": [{**CASH, "merchants": ["short"]}]}, "merchants"),
        ({"purses": [{**CASH, "categories": ["54"]}]}, "categories"),
        ({"limits": {"transaction_max_minor": 6, "day_amount_max_minor": 5}}, "narrower"),
        ({"limits": {"day_count_max": 6, "month_count_max": 5}}, "narrower"),
        ({"limits": {"transaction_max_minor": -1}}, "transaction_max_minor"),
        ({"purses": [{**CASH, "validity_days": 9}]}, "cash does not lapse"),
        ({"purses": [CASH, {**POINTS, "asset": 156}]}, "asset"),
        ({"purses": [{**CASH, "outflows": ["transfer"]}]}, "outflows names a service"),
        ({"purses": [{**CASH, "inflows": ["top_up"]}]}, "inflows names a service"),
        ({"fees": [{"services": ["purchase"]}]}, "charges something"),
        ({"fees": [{"services": ["purchase"], "flat_minor": 1, "payee": "cardholder"}]}, "one party"),
        ({"fees": [{"services": ["purchase"], "flat_minor": 1, "payer": "issuer"}]}, "one party"),
        (
            {"fees": [{"services": ["purchase"], "tiers": [{"from_minor": 9}, {"from_minor": 9}]}]},
            "tiers of a fee rise",
        ),
        ({"fees": [{"services": ["top_up"], "flat_minor": 1}]}, "fees names a service"),
        ({"fees": [{"services": ["purchase"], "min_minor": 2, "max_minor": 1}]}, "narrower"),
        ({"earning": [EARNING]}, "no points purse"),
        ({"purses": [CASH, POINTS], "earning": [{**EARNING, "services": ["refund"]}]}, "earning names"),
        ({"purses": [CASH, POINTS], "earning": [{**EARNING, "from_minor": 2, "to_minor": 1}]}, "narrower"),
        (
            {
                "purses": [CASH, POINTS],
                "earning": [{**EARNING, "from_day": "2026-02-01", "to_day": "2026-01-01"}],
            },
            "before from_day",
        ),
        ({"reload": {"min_minor": 2, "max_minor": 1}}, "narrower"),
        ({"service_code": "22"}, "service_code"),
    ],
)
def test_bad_terms_name_the_field_and_the_rule(changes: dict[str, Any], told: str) -> None:
    """Terms that make no product are refused whole, and the refusal says where."""
    with pytest.raises(BadTerms, match=told.replace(".", r"\.")):
        terms(**changes)


def test_refusal_quotes_no_value() -> None:
    """What was typed in is not repeated."""
    with pytest.raises(BadTerms) as refused:
        terms(currency="5ec2e7", colour="5ec2e7")

    assert "5ec2e7" not in str(refused.value)


def test_what_is_no_json_is_refused() -> None:
    """A broken document is refused as terms are."""
    with pytest.raises(BadTerms):
        terms_of("{")
