"""The directory's values show nothing secret."""

from directory.records import (
    Card,
    CardState,
    KeySet,
    Merchant,
    MerchantState,
    Product,
    Terminal,
    TerminalState,
)

SECRET = "5ec2e7"
PRODUCT = Product(1, "Gift card", 156, pin_for_purchase=True, pin_for_balance=True, pin_tries_max=3)


def test_card_hides_its_pin_reference() -> None:
    """Salt and value of the PIN reference stay out of the repr."""
    card = Card(7, PRODUCT, CardState.ACTIVE, "3112", SECRET.encode(), SECRET.encode())

    assert SECRET not in repr(card)
    assert "wallet_id=7" in repr(card)


def test_terminal_hides_its_keys() -> None:
    """Key blocks stay out of the repr, those of the key sets too."""
    merchant = Merchant(1, "990001000000001", MerchantState.ACTIVE)
    key_sets = (KeySet(12, verified=True, pin_key=SECRET, mac_key=SECRET, track_key=SECRET),)
    terminal = Terminal("T0000001", merchant, TerminalState.ACTIVE, SECRET, "000001", key_sets, version=3)

    assert SECRET not in repr(terminal)
    assert "created_at_us=12" in repr(terminal)
