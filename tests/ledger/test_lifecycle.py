"""The table of what may happen to a transaction after it."""

from itertools import product

import pytest

from ledger.lifecycle import LIFECYCLE, Action, Event, OriginalState
from ledger.outcome import NOT_FINAL, Outcome

TOLD = {Action.BURY, Action.NOTE, Action.REFUSE, Action.UNDO}
POSSIBLE = {
    Event.REQUEST: {Action.DECIDE, Action.RECALL, Action.NOTE, Action.REFUSE},
    Event.REVERSAL: {Action.UNDO, Action.BURY, Action.NOTE},
}


def test_table_is_total() -> None:
    """Every state knows what to do with every event."""
    assert set(product(OriginalState, Event)) == set(LIFECYCLE)


@pytest.mark.parametrize("row", LIFECYCLE, ids=lambda row: f"{row[0].value} {row[1].value}")
def test_rows_are_possible(row: tuple[OriginalState, Event]) -> None:
    """A row's action fits its event, and tells an outcome exactly where nothing decides or recalls one."""
    action, outcome = LIFECYCLE[row]

    assert action in POSSIBLE[row[1]]
    assert (action in TOLD) == (outcome is not None)
    assert outcome not in NOT_FINAL


def test_money_moves_in_two_rows_only() -> None:
    """Only a new request is decided, and only a posted one is taken back."""
    moving = {row for row, step in LIFECYCLE.items() if step.action in {Action.DECIDE, Action.UNDO}}

    assert {
        (OriginalState.ABSENT, Event.REQUEST),
        (OriginalState.POSTED, Event.REVERSAL),
    } == moving


def test_no_reversal_is_declined_but_for_an_unknown_original() -> None:
    """Whatever became of the original, a reversal of it is fine: there is nothing left to take back."""
    outcomes = {state: LIFECYCLE[state, Event.REVERSAL].outcome for state in OriginalState}

    unknown = {OriginalState.ABSENT, OriginalState.TOMBSTONE}
    assert {state: Outcome.APPROVED for state in OriginalState if state not in unknown} | dict.fromkeys(
        unknown, Outcome.ORIGINAL_NOT_FOUND
    ) == outcomes
