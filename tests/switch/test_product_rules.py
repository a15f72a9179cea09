"""The ledger's rules from a product's terms."""

import pytest

from directory.product_terms import CardClass, CardService, Limits, ProductTerms
from ledger.product import ProductRules
from switch import product_rules
from switch.product_rules import ProductRulesOf

TERMS = ProductTerms(
    card_class=CardClass.GIFT,
    currency=840,
    services=frozenset({CardService.PURCHASE}),
    pin_tries_max=5,
    limits=Limits(transaction_max_minor=1, day_amount_max_minor=2, day_count_max=3),
)


def test_rules_say_what_the_terms_say() -> None:
    """Currency, PIN tries and limits reach the ledger."""
    expected = ProductRules(
        asset=840, pin_tries_max=5, transaction_max_minor=1, day_amount_max_minor=2, day_count_max=3
    )

    assert expected == product_rules.product_rules(TERMS)


def test_rules_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Terms in memory have one object of rules; too many are forgotten together, and none is mistaken."""
    monkeypatch.setattr(product_rules, "_MOST", 2)
    rules = ProductRulesOf()
    others = [TERMS.model_copy(update={"pin_tries_max": tries}) for tries in (1, 2, 3)]
    first = rules.of(TERMS)

    assert first is rules.of(TERMS)
    assert [1, 2, 3] == [rules.of(terms).pin_tries_max for terms in others]
    assert first == rules.of(TERMS)
