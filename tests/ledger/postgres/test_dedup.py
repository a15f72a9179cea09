"""What stored keys say: results as they were answered, and how an original stands."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.identity import CHANGES_MAX, change_key
from ledger.lifecycle import OriginalState
from ledger.outcome import Outcome
from ledger.postgres.dedup import (
    ROLE_OWN,
    ROLE_RESTORE,
    ROLE_TOMBSTONE,
    ROLE_UNDO,
    ROLE_VOID,
    Found,
    Result,
    Standing,
    changes_of,
    later_change_keys,
    pack_result,
    posted_numbers,
    standing_of,
    unpack_result,
)

KEY, OTHER = b"k" * 16, b"o" * 16


@given(
    st.sampled_from(Outcome),
    st.integers(0, 1 << 62),
    st.integers(0, 1 << 62),
    st.none() | st.integers(-(1 << 62), 1 << 62),
)
def test_results_survive(outcome: Outcome, number: int, received: int, available: int | None) -> None:
    """A repeat gets what was stored, field by field."""
    result = Result(outcome, number, received, available)

    assert result == unpack_result(int(outcome), number, pack_result(result))


def test_stored_results_never_change() -> None:
    """Results of earlier programs are read by later ones."""
    stored = bytes.fromhex("00064aa8d5ef4000 8000000000000000")

    assert Result(Outcome.APPROVED, 7, 0x00064AA8D5EF4000) == unpack_result(0, 7, stored)
    assert stored == pack_result(Result(Outcome.APPROVED, 7, 0x00064AA8D5EF4000))


def row(role: int, number: int, outcome: Outcome = Outcome.APPROVED) -> Found:
    """A taken key."""
    return Found(role, number, b"", Result(outcome, number, 0))


def taken(*roles: int) -> dict[bytes, Found]:
    """A posted original, number 1, whose changes have these roles; the first is made by number 2."""
    changes = {change_key(KEY, i): row(role, i + 2) for i, role in enumerate(roles)}
    return {KEY: row(ROLE_OWN, 1), **changes}


@pytest.mark.parametrize(
    ("found", "standing"),
    [
        ({}, Standing(OriginalState.ABSENT)),
        ({OTHER: row(ROLE_OWN, 1)}, Standing(OriginalState.ABSENT)),
        ({KEY: row(ROLE_TOMBSTONE, 1, Outcome.ORIGINAL_NOT_FOUND)}, Standing(OriginalState.TOMBSTONE)),
        ({KEY: row(ROLE_OWN, 1, Outcome.CARD_LOST)}, Standing(OriginalState.DECLINED)),
        (taken(), Standing(OriginalState.POSTED)),
        (taken(ROLE_UNDO), Standing(OriginalState.REVERSED, 1)),
        (taken(ROLE_VOID), Standing(OriginalState.VOIDED, 1)),
        (taken(ROLE_VOID, ROLE_UNDO), Standing(OriginalState.REVERSED, 2)),
        (taken(ROLE_VOID, ROLE_RESTORE), Standing(OriginalState.POSTED, 2, 3)),
        (taken(ROLE_VOID, ROLE_RESTORE, ROLE_VOID), Standing(OriginalState.VOIDED, 3)),
        (taken(ROLE_VOID, ROLE_RESTORE, ROLE_UNDO), Standing(OriginalState.REVERSED, 3)),
        (taken(*[ROLE_VOID, ROLE_RESTORE] * 8), Standing(OriginalState.POSTED, 16, 17)),
        (taken(*[ROLE_VOID, ROLE_RESTORE] * 8, ROLE_UNDO), Standing(OriginalState.REVERSED, 17)),
    ],
)
def test_keys_say_how_an_original_stands(found: dict[bytes, Found], standing: Standing) -> None:
    """The last change decides, and after the reversal of a void its legs are those that stand."""
    assert standing == standing_of(KEY, found)


def test_changes_come_in_order() -> None:
    """What happened to an original is read in the order in which it happened."""
    found = taken(ROLE_VOID, ROLE_RESTORE, ROLE_VOID)

    assert [change.transaction_id for change in changes_of(KEY, found)] == [2, 3, 4]


@pytest.mark.parametrize(("roles", "count"), [((), 0), ((ROLE_UNDO,), 0), ((ROLE_VOID,), CHANGES_MAX - 1)])
def test_only_voided_originals_have_more_to_look_at(roles: Sequence[int], count: int) -> None:
    """A purchase that nobody voided costs one probe; a voided one costs one more, for all that may be."""
    found = taken(*roles)

    assert count == len(set(later_change_keys([KEY, OTHER], found)))


@pytest.mark.parametrize(
    ("found", "numbers"),
    [
        ({}, set()),
        ({KEY: row(ROLE_TOMBSTONE, 1)}, set()),
        ({KEY: row(ROLE_OWN, 1, Outcome.CARD_LOST)}, set()),
        (taken(), {1}),
        (taken(ROLE_VOID), {1}),
        (taken(ROLE_VOID, ROLE_RESTORE), {1, 3}),
    ],
)
def test_what_must_be_read_of_posted_originals(found: dict[bytes, Found], numbers: set[int]) -> None:
    """A posted original is read, and where a void's reversal stands in its place that one, too."""
    assert numbers == posted_numbers([KEY, OTHER], found)
