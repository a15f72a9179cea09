"""The table of what may happen to a transaction after it."""

from itertools import product

import pytest

from ledger.identity import ORIGINAL_KINDS, REVERSED_KIND, VOIDED_KIND, TransactionKind
from ledger.lifecycle import (
    EVENTS,
    LEADS_TO,
    LIFECYCLE,
    PARENT_EVENTS,
    ROOT_EVENTS,
    Action,
    Event,
    OriginalState,
)
from ledger.outcome import NOT_FINAL, Outcome

UNTOLD = {Action.DECIDE, Action.RECALL, Action.ECHO}
"""Actions whose outcome is decided or recalled."""

POSSIBLE = {
    Event.REQUEST: {Action.DECIDE, Action.RECALL, Action.NOTE, Action.REFUSE},
    Event.REVERSAL: {Action.UNDO, Action.UPHOLD, Action.BURY, Action.NOTE},
    Event.VOID: {Action.UNDO, Action.NOTE},
    Event.VOID_REVERSAL: {Action.RESTORE, Action.UPHOLD, Action.NOTE},
    Event.REFUND: {Action.REFUND, Action.NOTE},
    Event.TIP: {Action.ADD, Action.NOTE},
    Event.INCREMENT: {Action.EXTEND, Action.NOTE},
    Event.INCREMENT_REVERSAL: {Action.SHORTEN, Action.UPHOLD, Action.NOTE},
    Event.COMPLETION: {Action.COMPLETE, Action.NOTE},
    Event.COMPLETION_ADVICE: {Action.COMPLETE, Action.FORCE, Action.NOTE},
    Event.COMPLETION_UNDONE: {Action.RESTORE, Action.UPHOLD, Action.NOTE},
    Event.COMPLETION_REDONE: {Action.COMPLETE, Action.FORCE, Action.UPHOLD, Action.NOTE},
    Event.HOLD_EXPIRY: {Action.RELEASE, Action.REFUSE},
    Event.CONFIRM: {Action.DECIDE, Action.ECHO, Action.NOTE},
}
UNKNOWN = {OriginalState.ABSENT, OriginalState.TOMBSTONE}
SOLD = {OriginalState.POSTED, OriginalState.PARTLY_REFUNDED, OriginalState.REFUNDED}
OF_HOLDS = {OriginalState.HELD, OriginalState.COMPLETED, OriginalState.RELEASED}


def test_table_is_total() -> None:
    """Every state knows what to do with every event."""
    assert set(product(OriginalState, Event)) == set(LIFECYCLE)


@pytest.mark.parametrize("row", LIFECYCLE, ids=lambda row: f"{row[0].value} {row[1].value}")
def test_rows_are_possible(row: tuple[OriginalState, Event]) -> None:
    """A row's action fits its event, and tells an outcome exactly where nothing decides or recalls one."""
    action, outcome = LIFECYCLE[row]

    assert action in POSSIBLE[row[1]]
    assert (action in UNTOLD) == (outcome is None)
    assert outcome not in NOT_FINAL


@pytest.mark.parametrize(
    ("state", "event", "outcome"),
    [
        (OriginalState.PARTLY_REFUNDED, Event.VOID, Outcome.RELATED_TRANSACTION_WRONG),
        (OriginalState.REFUNDED, Event.VOID, Outcome.RELATED_TRANSACTION_WRONG),
        (OriginalState.REFUNDED, Event.REFUND, Outcome.RELATED_TRANSACTION_WRONG),
        (OriginalState.VOIDED, Event.REFUND, Outcome.RELATED_TRANSACTION_INVALID),
        (OriginalState.REVERSED, Event.REFUND, Outcome.RELATED_TRANSACTION_INVALID),
        (OriginalState.DECLINED, Event.REFUND, Outcome.RELATED_TRANSACTION_INVALID),
        (OriginalState.DECLINED, Event.VOID, Outcome.RELATED_TRANSACTION_INVALID),
        (OriginalState.VOIDED, Event.VOID, Outcome.RELATED_TRANSACTION_WRONG),
        (OriginalState.COMPLETED, Event.COMPLETION, Outcome.RELATED_TRANSACTION_WRONG),
        (OriginalState.RELEASED, Event.COMPLETION, Outcome.RELATED_TRANSACTION_WRONG),
        (OriginalState.VOIDED, Event.COMPLETION_ADVICE, Outcome.RELATED_TRANSACTION_WRONG),
        (OriginalState.TOMBSTONE, Event.CONFIRM, Outcome.RELATED_TRANSACTION_WRONG),
        (OriginalState.ABSENT, Event.REFUND, Outcome.ORIGINAL_NOT_FOUND),
    ],
)
def test_what_is_noted(state: OriginalState, event: Event, outcome: Outcome) -> None:
    """What comes too late, or for the wrong thing, is answered by its own code and moves nothing."""
    assert (Action.NOTE, outcome) == LIFECYCLE[state, event]


def test_late_reversal_of_a_voided_sale_moves_nothing() -> None:
    """It is fine, but from then on the sale stays taken back."""
    assert (Action.UPHOLD, Outcome.APPROVED) == LIFECYCLE[OriginalState.VOIDED, Event.REVERSAL]
    assert (Action.UPHOLD, Outcome.APPROVED) == LIFECYCLE[OriginalState.REVERSED, Event.VOID_REVERSAL]


def test_advice_posts_with_a_hold_or_without() -> None:
    """Only the advice form posts after the hold is gone."""
    rows = {(s, e) for (s, e), step in LIFECYCLE.items() if step.action in {Action.COMPLETE, Action.FORCE}}

    assert {
        (OriginalState.HELD, Event.COMPLETION),
        (OriginalState.HELD, Event.COMPLETION_ADVICE),
        (OriginalState.HELD, Event.COMPLETION_REDONE),
        (OriginalState.RELEASED, Event.COMPLETION_ADVICE),
        (OriginalState.RELEASED, Event.COMPLETION_REDONE),
    } == rows


@pytest.mark.parametrize(
    ("action", "states"),
    [
        (Action.DECIDE, {OriginalState.ABSENT}),
        (Action.REFUND, SOLD - {OriginalState.REFUNDED}),
        (Action.ADD, {OriginalState.POSTED}),
        (Action.EXTEND, {OriginalState.HELD}),
        (Action.RELEASE, {OriginalState.HELD}),
        (Action.UNDO, SOLD | {OriginalState.HELD}),
        (Action.RESTORE, {OriginalState.VOIDED, OriginalState.COMPLETED}),
        (Action.SHORTEN, OF_HOLDS | {OriginalState.VOIDED}),
        (Action.BURY, {OriginalState.ABSENT}),
    ],
)
def test_where_money_moves(action: Action, states: set[OriginalState]) -> None:
    """Each action that moves something happens in the states that have it."""
    assert states == {state for (state, _), step in LIFECYCLE.items() if step.action is action}


def test_actions_lead_somewhere_where_they_happen() -> None:
    """Whatever may change a state happens in a row."""
    happening = {(event, step.action) for (_, event), step in LIFECYCLE.items()}

    assert set(LEADS_TO) <= happening


def test_what_changes_nothing_leads_nowhere() -> None:
    """Notes, refusals and repeats leave an original as it is."""
    still = {
        Action.NOTE,
        Action.REFUSE,
        Action.RECALL,
        Action.ECHO,
        Action.ADD,
        Action.EXTEND,
        Action.SHORTEN,
    }

    assert not {(event, action) for event, action in LEADS_TO if action in still}


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

    assert {state: Outcome.APPROVED for state in OriginalState if state not in UNKNOWN} | dict.fromkeys(
        UNKNOWN, Outcome.ORIGINAL_NOT_FOUND
    ) == outcomes


def test_every_movement_on_an_original_is_an_event() -> None:
    """What refers to an original has an event; what changes its parent is itself a change of something."""
    assert set(ORIGINAL_KINDS) == set(EVENTS)
    assert set(ROOT_EVENTS) < set(PARENT_EVENTS) < set(EVENTS)
    for kind in PARENT_EVENTS:
        assert all(original in ORIGINAL_KINDS for original in ORIGINAL_KINDS[kind])


@pytest.mark.parametrize("kind", TransactionKind)
def test_events_of_kinds(kind: TransactionKind) -> None:
    """Reversals are reversals, voids are voids, and nothing else is."""
    assert (kind in REVERSED_KIND) == (EVENTS.get(kind) is Event.REVERSAL)
    assert (kind in VOIDED_KIND) == (EVENTS.get(kind) is Event.VOID)
