"""Card ranges are looked up by the most specific range that holds the PAN."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.table import DEFAULT_RANGES, OWN_LEDGER, BadCardRange, CardRange, Destination, RangeTable

BANK = Destination("bank")
PARTNER = Destination("partner")


def prefix(digits: str, destination: Destination = BANK) -> CardRange:
    """A range that is one prefix."""
    return CardRange(digits, digits, destination)


@pytest.mark.parametrize(
    ("pan", "expected"),
    [
        ("9900010000000000018", OWN_LEDGER),
        ("9900019999999999999", OWN_LEDGER),
        ("9900001234567890", None),
        ("9900021234567890", None),
        ("6222021234567890", None),
    ],
)
def test_default_table_is_one_prefix_of_the_own_ledger(pan: str, expected: Destination | None) -> None:
    """Without any other data, cards of 990001 are the ledger's and no others are anybody's."""
    assert expected == RangeTable(DEFAULT_RANGES).find(pan)


@pytest.mark.parametrize(
    ("pan", "expected"),
    [
        ("4000000000000000", BANK),
        ("4111000000000000", PARTNER),
        ("4111110000000000", OWN_LEDGER),
        ("4111119999999999", OWN_LEDGER),
        ("4111120000000000", PARTNER),
        ("4112000000000000", BANK),
        ("5000000000000000", None),
    ],
)
def test_most_specific_range_wins(pan: str, expected: Destination | None) -> None:
    """Ranges nest, and what is around holds again right after the inner one."""
    table = RangeTable([prefix("411111", OWN_LEDGER), prefix("4"), prefix("4111", PARTNER)])

    assert expected == table.find(pan)


def test_ranges_that_end_together_all_end() -> None:
    """After an inner range that ends where its outer one does, neither holds."""
    table = RangeTable([CardRange("40", "49", BANK), CardRange("4990", "4999", PARTNER)])

    assert (table.find("4999999999999999"), table.find("5000000000000000")) == (PARTNER, None)


def test_range_up_to_the_highest_pan_ends_nowhere() -> None:
    """A range may reach the highest PAN there is."""
    table = RangeTable([CardRange("90", "99", BANK)])

    assert (table.find("9" * 19), table.find("8" * 19)) == (BANK, None)


def test_range_of_whole_pans_holds_only_them() -> None:
    """A range may be as narrow as one PAN of 19 digits."""
    pan = "9900010000000000018"
    table = RangeTable([prefix(pan)])

    assert (table.find(pan), table.find("9900010000000000019")) == (BANK, None)


@pytest.mark.parametrize("digits", ["", "4x", "\uff11\uff12", "4" * 20])
def test_range_that_is_not_digits_is_refused(digits: str) -> None:
    """A range is 1 to 19 ASCII digits."""
    with pytest.raises(BadCardRange, match="1 to 19 digits"):
        prefix(digits)


def test_range_of_unequal_lengths_is_refused() -> None:
    """First and last have the same number of digits."""
    with pytest.raises(BadCardRange, match="equal length"):
        CardRange("40", "411", BANK)


def test_range_that_ends_before_it_starts_is_refused() -> None:
    """First is not above last."""
    with pytest.raises(BadCardRange, match="card range 41-40 ends before it starts"):
        CardRange("41", "40", BANK)


def test_same_range_twice_is_refused() -> None:
    """Two equal ranges have no most specific one, however they are written."""
    with pytest.raises(BadCardRange, match="is there twice"):
        RangeTable([prefix("4"), CardRange("40", "49", PARTNER)])


def test_partial_overlap_is_refused() -> None:
    """Of two ranges that overlap in part neither is the more specific one."""
    with pytest.raises(BadCardRange, match="card range 15-25 overlaps 10-20 in part"):
        RangeTable([CardRange("10", "20", BANK), CardRange("15", "25", PARTNER)])


@st.composite
def nested_ranges(draw: st.DrawFn) -> list[CardRange]:
    """Different prefixes of up to four digits; prefixes always nest or are apart."""
    prefixes = draw(st.sets(st.text("019", min_size=1, max_size=4), max_size=12))
    return [prefix(digits, Destination(digits)) for digits in prefixes]


@given(nested_ranges(), st.text("0159", min_size=12, max_size=19))
def test_find_agrees_with_trying_every_range(ranges: list[CardRange], pan: str) -> None:
    """The flattened table finds what the longest matching prefix says."""
    longest = max(
        (each for each in ranges if pan.startswith(each.first)), key=lambda r: len(r.first), default=None
    )

    assert (longest and longest.destination) == RangeTable(ranges).find(pan)


@given(st.text())
def test_find_takes_any_text(text: str) -> None:
    """Whatever a message carried, looking it up neither fails nor says more than a destination."""
    assert RangeTable(DEFAULT_RANGES).find(text) in {None, OWN_LEDGER}
