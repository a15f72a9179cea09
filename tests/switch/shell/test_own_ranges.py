"""The ranges in force are those given last."""

import pytest

from routing.table import OWN_LEDGER, BadCardRange
from switch.shell.own_ranges import OwnRanges

PAN = "6221260000000000"


def test_there_are_no_ranges_at_first() -> None:
    """Until the directory was read no card has a destination."""
    assert OwnRanges().find(PAN) is None


def test_ranges_given_last_are_in_force() -> None:
    """New ranges take the place of the old ones."""
    ranges = OwnRanges()
    ranges.take([("622126", "622925")])
    first = ranges.find(PAN)
    ranges.take([("990001", "990001")])

    assert first is OWN_LEDGER
    assert [None, OWN_LEDGER] == [ranges.find(PAN), ranges.find("9900010000000000019")]


def test_ranges_that_make_no_sense_change_nothing() -> None:
    """What was in force stays."""
    ranges = OwnRanges()
    ranges.take([("622126", "622925")])

    with pytest.raises(BadCardRange):
        ranges.take([("62", "64"), ("63", "65")])
    assert ranges.find(PAN) is OWN_LEDGER
