"""Card values: what the three of them have in common, and what is no card."""

import pytest

from hsm_soft.card_values import BadCardData, CardValueKey, card_value
from hsm_soft.pan import NotAPan

_KEY = CardValueKey(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"))


def test_a_long_card_number_has_a_value() -> None:
    """Nineteen digits of number still fit."""
    assert len(card_value(_KEY, "9" * 19, "2512", "201")) == 3
    assert repr(_KEY) == "<CardValueKey>"


@pytest.mark.parametrize(
    ("expiry", "service_code"),
    [("251", "201"), ("25121", "01"), ("2512", "20"), ("25a2", "201"), ("2512", "\uff1201")],
)
def test_other_dates_and_codes_are_refused(expiry: str, service_code: str) -> None:
    """Four digits of expiry, three of service code."""
    with pytest.raises(BadCardData):
        card_value(_KEY, "4111111111111111", expiry, service_code)


def test_another_card_number_is_refused() -> None:
    """Digits only."""
    with pytest.raises(NotAPan):
        card_value(_KEY, "4111-1111", "2512", "201")
