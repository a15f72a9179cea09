"""What may happen to a transaction after it: the original's state and an event give what is to be done.

This table is the only place that decides it. An original is named by its duplicate key, so it has a state
even before it arrives: a reversal that overtakes it, or that outlives a request which never came, leaves a
tombstone at the original's key, and the late original is refused.

Rows are total over `OriginalState` × `Event`; a test holds that. `ledger.lifecycle_page` draws the diagram in
the docs from them.
"""

from enum import Enum
from typing import NamedTuple

from ledger.outcome import Outcome


class OriginalState(Enum):
    """What the ledger knows under an original's key."""

    ABSENT = "absent"
    TOMBSTONE = "tombstone"
    DECLINED = "declined"
    POSTED = "posted"
    REVERSED = "reversed"


class Event(Enum):
    """What arrives."""

    REQUEST = "request"
    """The request itself, for the first time or again."""
    REVERSAL = "reversal"
    """Its reversal, under a key not used before."""


class Action(Enum):
    """What the ledger does."""

    DECIDE = "decide"
    """Decide it on the wallet."""
    RECALL = "recall"
    """Answer what was answered the first time."""
    UNDO = "undo"
    """Take the original's legs back."""
    BURY = "bury"
    """Leave a tombstone at the original's key."""
    NOTE = "note"
    """Record the outcome; nothing moves."""
    REFUSE = "refuse"
    """Answer with the outcome; it is a repeat, so there is nothing new to record."""


class Step(NamedTuple):
    """What to do, and the outcome where it is not decided or recalled."""

    action: Action
    outcome: Outcome | None = None


LIFECYCLE: dict[tuple[OriginalState, Event], Step] = {
    (OriginalState.ABSENT, Event.REQUEST): Step(Action.DECIDE),
    (OriginalState.ABSENT, Event.REVERSAL): Step(Action.BURY, Outcome.ORIGINAL_NOT_FOUND),
    (OriginalState.TOMBSTONE, Event.REQUEST): Step(Action.NOTE, Outcome.RELATED_TRANSACTION_WRONG),
    (OriginalState.TOMBSTONE, Event.REVERSAL): Step(Action.NOTE, Outcome.ORIGINAL_NOT_FOUND),
    (OriginalState.DECLINED, Event.REQUEST): Step(Action.RECALL),
    (OriginalState.DECLINED, Event.REVERSAL): Step(Action.NOTE, Outcome.APPROVED),
    (OriginalState.POSTED, Event.REQUEST): Step(Action.RECALL),
    (OriginalState.POSTED, Event.REVERSAL): Step(Action.UNDO, Outcome.APPROVED),
    (OriginalState.REVERSED, Event.REQUEST): Step(Action.REFUSE, Outcome.RELATED_TRANSACTION_WRONG),
    (OriginalState.REVERSED, Event.REVERSAL): Step(Action.NOTE, Outcome.APPROVED),
}

LEADS_TO: dict[Action, tuple[OriginalState, ...]] = {
    Action.DECIDE: (OriginalState.POSTED, OriginalState.DECLINED, OriginalState.ABSENT),
    Action.UNDO: (OriginalState.REVERSED, OriginalState.POSTED),
    Action.BURY: (OriginalState.TOMBSTONE,),
}
"""Where an action may leave the original; the others leave it as it is.

A request stays absent when it is refused without a trace, and an original stays posted when its reversal
doesn't fit it.
"""
