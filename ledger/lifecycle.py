"""What may happen to a transaction after it: the original's state and an event give what is to be done.

This table is the only place that decides it. An original is named by its duplicate key, so it has a state
even before it arrives: a reversal that overtakes it, or that outlives a request which never came, leaves a
tombstone at the original's key, and the late original is refused.

A reversal says that its original is to count as never asked for, because its answer was lost; it fits
whatever became of the original. A void is a request of its own, under a STAN of its own, which takes an
answered original back; it has this lifecycle itself, so it may be repeated and reversed. The reversal of a
void is looked up twice: as the reversal of the void, and, if that is to be undone, as the event
`VOID_REVERSAL` of the purchase that the void took back.

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
    VOIDED = "voided"
    REVERSED = "reversed"

    __hash__ = object.__hash__
    """A member is one object; the hash that Enum gives it is a call in Python, at each look-up."""


class Event(Enum):
    """What arrives."""

    REQUEST = "request"
    """The request itself, for the first time or again."""
    REVERSAL = "reversal"
    """Its reversal, under a key not used before."""
    VOID = "void"
    """Its void, under a key not used before."""
    VOID_REVERSAL = "reversal of its void"
    """The reversal of a void of it; the void stands."""

    __hash__ = object.__hash__  # as above


class Action(Enum):
    """What the ledger does."""

    DECIDE = "decide"
    """Decide it on the wallet."""
    RECALL = "recall"
    """Answer what was answered the first time."""
    UNDO = "undo"
    """Take the original's legs back."""
    RESTORE = "restore"
    """Put the original in force again, whatever the wallet holds."""
    UPHOLD = "uphold"
    """Nothing moves, but from now on the original stays taken back."""
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


_NOT_FOUND = Step(Action.NOTE, Outcome.ORIGINAL_NOT_FOUND)
_NOTHING_LEFT = Step(Action.NOTE, Outcome.APPROVED)
_TAKEN_BACK = Step(Action.NOTE, Outcome.RELATED_TRANSACTION_WRONG)

LIFECYCLE: dict[tuple[OriginalState, Event], Step] = {
    (OriginalState.ABSENT, Event.REQUEST): Step(Action.DECIDE),
    (OriginalState.ABSENT, Event.REVERSAL): Step(Action.BURY, Outcome.ORIGINAL_NOT_FOUND),
    (OriginalState.ABSENT, Event.VOID): _NOT_FOUND,
    (OriginalState.ABSENT, Event.VOID_REVERSAL): _NOT_FOUND,
    (OriginalState.TOMBSTONE, Event.REQUEST): _TAKEN_BACK,
    (OriginalState.TOMBSTONE, Event.REVERSAL): _NOT_FOUND,
    (OriginalState.TOMBSTONE, Event.VOID): _NOT_FOUND,
    (OriginalState.TOMBSTONE, Event.VOID_REVERSAL): _NOT_FOUND,
    (OriginalState.DECLINED, Event.REQUEST): Step(Action.RECALL),
    (OriginalState.DECLINED, Event.REVERSAL): _NOTHING_LEFT,
    (OriginalState.DECLINED, Event.VOID): Step(Action.NOTE, Outcome.RELATED_TRANSACTION_INVALID),
    (OriginalState.DECLINED, Event.VOID_REVERSAL): _NOT_FOUND,
    (OriginalState.POSTED, Event.REQUEST): Step(Action.RECALL),
    (OriginalState.POSTED, Event.REVERSAL): Step(Action.UNDO, Outcome.APPROVED),
    (OriginalState.POSTED, Event.VOID): Step(Action.UNDO, Outcome.APPROVED),
    (OriginalState.POSTED, Event.VOID_REVERSAL): _NOT_FOUND,
    (OriginalState.VOIDED, Event.REQUEST): Step(Action.REFUSE, Outcome.RELATED_TRANSACTION_WRONG),
    (OriginalState.VOIDED, Event.REVERSAL): Step(Action.UPHOLD, Outcome.APPROVED),
    (OriginalState.VOIDED, Event.VOID): _TAKEN_BACK,
    (OriginalState.VOIDED, Event.VOID_REVERSAL): Step(Action.RESTORE, Outcome.APPROVED),
    (OriginalState.REVERSED, Event.REQUEST): Step(Action.REFUSE, Outcome.RELATED_TRANSACTION_WRONG),
    (OriginalState.REVERSED, Event.REVERSAL): _NOTHING_LEFT,
    (OriginalState.REVERSED, Event.VOID): _TAKEN_BACK,
    (OriginalState.REVERSED, Event.VOID_REVERSAL): _NOTHING_LEFT,
}

LEADS_TO: dict[tuple[Event, Action], tuple[OriginalState, ...]] = {
    (Event.REQUEST, Action.DECIDE): (OriginalState.POSTED, OriginalState.DECLINED, OriginalState.ABSENT),
    (Event.REVERSAL, Action.BURY): (OriginalState.TOMBSTONE,),
    (Event.REVERSAL, Action.UNDO): (OriginalState.REVERSED, OriginalState.POSTED),
    (Event.REVERSAL, Action.UPHOLD): (OriginalState.REVERSED, OriginalState.VOIDED),
    (Event.VOID, Action.UNDO): (OriginalState.VOIDED, OriginalState.POSTED),
    (Event.VOID_REVERSAL, Action.RESTORE): (OriginalState.POSTED, OriginalState.VOIDED),
}
"""Where an event's action may leave the original; the others leave it as it is.

A request stays absent when it is refused without a trace, and an original stays as it is when its reversal or
void doesn't fit it.
"""
