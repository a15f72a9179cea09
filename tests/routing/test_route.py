"""Routing chooses a destination, or says as a value why there is none."""

import pytest

from routing.route import NoCardRange, NoRoute, route
from routing.table import OWN_LEDGER, CardRange, Destination, RangeTable

BANK = Destination("bank")
TABLE = RangeTable([CardRange("990001", "990001", OWN_LEDGER), CardRange("62", "62", BANK)])


@pytest.mark.parametrize(
    ("pan", "unreachable", "expected"),
    [
        ("9900010000000000018", frozenset(), OWN_LEDGER),
        ("6222020000000000", frozenset(), BANK),
        ("6222020000000000", frozenset({BANK}), NoRoute(BANK)),
        ("9900010000000000018", frozenset({BANK}), OWN_LEDGER),
        ("4000000000000000", frozenset({BANK}), NoCardRange()),
    ],
)
def test_route(
    pan: str, unreachable: frozenset[Destination], expected: Destination | NoCardRange | NoRoute
) -> None:
    """Card range, then link health, decide."""
    assert expected == route(TABLE, pan, unreachable)


def test_every_link_is_up_unless_told() -> None:
    """Without word of any link, every destination can be reached."""
    assert route(TABLE, "6222020000000000") == BANK
