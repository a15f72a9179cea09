"""The table of what may happen to a transaction after it."""

from itertools import product

import pytest

from ledger.lifecycle import LEADS_TO, LIFECYCLE, Action, Event, OriginalState
from ledger.outcome import NOT_FINAL, Outcome

TOLD = {Action.BURY, Action.NOTE, Action.REFUSE, Action.UNDO, Action.RESTORE, Action.UPHOLD}
POSSIBLE = {
    Event.REQUEST: {Action.DECIDE, Action.RECALL, Action.NOTE, Action.REFUSE},
    Event.REVERSAL: {Action.UNDO, Action.UPHOLD, Action.BURY, Action.NOTE},
    Event.VOID: {Action.UNDO, Action.NOTE},
    Event.VOID_REVERSAL: {Action.RESTORE, Action.NOTE},
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


def test_money_moves_in_four_rows_only() -> None:
    """Only a new request is decided, only a posted one is taken back, and only a voided one restored."""
    moving = {
        row for row, step in LIFECYCLE.items() if step.action in {Action.DECIDE, Action.UNDO, Action.RESTORE}
    }

    assert {
        (OriginalState.ABSENT, Event.REQUEST),
        (OriginalState.POSTED, Event.REVERSAL),
        (OriginalState.POSTED, Event.VOID),
        (OriginalState.VOIDED, Event.VOID_REVERSAL),
    } == moving


def test_actions_lead_somewhere_where_they_happen() -> None:
    """Whatever may change a state happens in a row, and may leave the state as it is unless it buries."""
    happening = {(event, step.action) for (_, event), step in LIFECYCLE.items()}

    assert set(LEADS_TO) <= happening
    for (state, event), step in LIFECYCLE.items():
        assert step.action is Action.BURY or state in LEADS_TO.get((event, step.action), (state,))


def test_reversed_is_for_good() -> None:
    """Nothing that comes after a reversal changes anything: only a void can be taken back."""
    assert {(OriginalState.REVERSED, event) for event in Event} == {
        (state, event)
        for (state, event), step in LIFECYCLE.items()
        if state is OriginalState.REVERSED and (event, step.action) not in LEADS_TO
    }


def test_no_reversal_is_declined_but_for_an_unknown_original() -> None:
    """Whatever became of the original, a reversal of it is fine: there is nothing left to take back."""
    outcomes = {state: LIFECYCLE[state, Event.REVERSAL].outcome for state in OriginalState}

    unknown = {OriginalState.ABSENT, OriginalState.TOMBSTONE}
    assert {state: Outcome.APPROVED for state in OriginalState if state not in unknown} | dict.fromkeys(
        unknown, Outcome.ORIGINAL_NOT_FOUND
    ) == outcomes
