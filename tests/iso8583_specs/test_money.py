"""Goal: amounts have the decimals of their currency."""

import pytest

from iso8583_specs.money import CURRENCIES, Currency, Money


@pytest.mark.parametrize(
    ("money", "exponent", "text"),
    [
        (Money(2407, "156"), 2, "24.07 CNY"),
        (Money(-5, "156"), 2, "-0.05 CNY"),
        (Money(-5, "392"), 0, "-5 JPY"),
        (Money(1234, "048"), 3, "1.234 BHD"),
        (Money(12345, "990"), 4, "1.2345 CLF"),
        (Money(0, "840"), 2, "0.00 USD"),
        (Money(24, "999"), 0, "24 of 999"),
    ],
)
def test_money_has_the_decimals_of_its_currency(money: Money, exponent: int, text: str) -> None:
    """ISO 4217 says how many; what is no currency counts whole units."""
    assert (exponent, text) == (money.exponent, str(money))


@pytest.mark.parametrize("asset", ["", "15", "1560", "CNY", "²²²"])
def test_asset_is_a_number_of_three_digits(asset: str) -> None:
    """Letters and other lengths are refused."""
    with pytest.raises(ValueError, match=r"^an asset is a number of three digits$"):
        Money(1, asset)


def test_currencies_are_those_of_the_list() -> None:
    """Every number and every letter code occurs once, with an exponent of the list."""
    assert 168 == len(CURRENCIES) == len({currency.letters for currency in CURRENCIES.values()})
    assert {0, 2, 3, 4} == {currency.exponent for currency in CURRENCIES.values()}
    assert Currency("EUR", 2) == CURRENCIES["978"]
