"""The directory's values show nothing secret."""

import pytest

from directory.product_terms import ProductTerms, terms_of
from directory.records import (
    Card,
    CardState,
    KeySet,
    Merchant,
    MerchantState,
    Product,
    ProductVersion,
    Terminal,
    TerminalState,
)

SECRET = "5ec2e7"
TERMS = terms_of('{"card_class": "gift", "currency": 156, "services": ["purchase"]}')
LATER = TERMS.model_copy(update={"pin_tries_max": 5})
PRODUCT = Product(1, "GIFT", "Gift card", (ProductVersion(1, 10, TERMS), ProductVersion(2, 20, LATER)))


@pytest.mark.parametrize(
    ("moment_us", "terms"), [(9, None), (10, TERMS), (19, TERMS), (20, LATER), (10**18, LATER)]
)
def test_terms_are_those_in_force(moment_us: int, terms: ProductTerms | None) -> None:
    """A version's terms hold from its moment on, until the next one's."""
    assert terms is PRODUCT.at(moment_us)


def test_card_hides_its_pin_reference() -> None:
    """Salt and value of the PIN reference stay out of the repr."""
    card = Card(7, PRODUCT, CardState.ACTIVE, "3112", SECRET.encode(), SECRET.encode(), "3112")

    assert SECRET not in repr(card)
    assert "wallet_id=7" in repr(card)


def test_terminal_hides_its_keys() -> None:
    """Key blocks stay out of the repr, those of the key sets too."""
    merchant = Merchant(1, "990001000000001", MerchantState.LIVE)
    key_sets = (KeySet(12, verified=True, pin_key=SECRET, mac_key=SECRET, track_key=SECRET),)
    terminal = Terminal("T0000001", merchant, TerminalState.ACTIVE, SECRET, "000001", key_sets, version=3)

    assert SECRET not in repr(terminal)
    assert "created_at_us=12" in repr(terminal)
