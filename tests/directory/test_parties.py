"""The tree of parties, in Python."""

from hypothesis import given
from hypothesis import strategies as st

from directory.parties import PARENTS, Lineage, PartyId, PartyKind, is_own, lineage_under

PATHS = st.lists(st.integers(min_value=1, max_value=120), max_size=4)


def _lineage(path: list[int]) -> Lineage:
    lineage = Lineage("")
    for party_id in path:
        lineage = lineage_under(lineage, PartyId(party_id))
    return lineage


@given(PATHS, PATHS)
def test_own_is_whatever_is_below(operators: list[int], records: list[int]) -> None:
    """A record is one's own if and only if the path to its party begins with the path to one's own."""
    assert (records[: len(operators)] == operators) is is_own(_lineage(operators), _lineage(records))


def test_every_kind_hangs_under_the_platform() -> None:
    """From every kind parents lead to the platform, which alone has none."""
    for kind in PartyKind:
        seen = {kind}
        while parents := frozenset().union(*(PARENTS[each] for each in seen)) - seen:
            seen |= parents
        assert PartyKind.PLATFORM in seen
    assert [PartyKind.PLATFORM] == [kind for kind in PartyKind if not PARENTS[kind]]
