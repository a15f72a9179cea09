"""What may happen to a transaction after it: the original's state and an event give what is to be done.

This table is the only place that decides it. An original is named by its duplicate key, so it has a state
even before it arrives: a reversal that overtakes it, or that outlives a request which never came, leaves a
tombstone at the original's key, and the late original is refused.

A reversal says that its original is to count as never asked for, because its answer was lost; it fits
whatever became of the original. A void is a request of its own, under a STAN of its own, which takes an
answered original back. Voids, completions and increments are transactions with this same life: they may be
repeated and reversed. What they changed is their parent. Taking them back is looked up twice, as the event of
the transaction itself and, if that is to be undone, as the event of its parent; taking the void of a
completion back is looked up a third time, for the pre-authorisation.

Sales, top-ups, transfers, voids and the like are POSTED; a pre-authorisation is HELD instead.

Rows are total over `OriginalState` × `Event`; a test holds that. `ledger.lifecycle_page` draws the diagram in
the docs from them.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final, NamedTuple

from ledger.identity import REVERSED_KIND, VOIDED_KIND, TransactionKind
from ledger.outcome import Outcome


class OriginalState(Enum):
    """What the ledger knows under an original's key."""

    ABSENT = "absent"
    TOMBSTONE = "tombstone"
    DECLINED = "declined"
    POSTED = "posted"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"
    REVERSED = "reversed"
    HELD = "held"
    COMPLETED = "completed"
    RELEASED = "released"

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
    REFUND = "refund"
    """A refund of it, or the return of points that it spent, in full or in part."""
    TIP = "tip"
    """A tip that was added to it."""
    INCREMENT = "increment"
    """A pre-authorisation shall hold more."""
    INCREMENT_REVERSAL = "reversal of its increment"
    """The reversal of an increment of it; the increment stands."""
    COMPLETION = "completion"
    """What a pre-authorisation was made for, asked."""
    COMPLETION_ADVICE = "completion advice"
    """What a pre-authorisation was made for, told."""
    COMPLETION_UNDONE = "completion taken back"
    """The reversal or void of its completion; the completion stands."""
    COMPLETION_REDONE = "completion restored"
    """The reversal of the void of its completion; the void stands."""
    HOLD_EXPIRY = "hold expiry"
    """The ledger itself lets a hold go after its last good day."""
    CONFIRM = "confirm"
    """The terminal confirms a top-up whose answer it may have missed."""

    __hash__ = object.__hash__  # as above


class Action(Enum):
    """What the ledger does."""

    DECIDE = "decide"
    """Decide it on the wallet."""
    RECALL = "recall"
    """Answer what was answered the first time."""
    ECHO = "echo"
    """Answer what the original was answered."""
    UNDO = "undo"
    """Take back what stands of the original."""
    RESTORE = "restore"
    """Put the original in force again, whatever the wallet holds."""
    REFUND = "refund"
    """Give a part back, of what is left of it."""
    ADD = "add"
    """Add to what was posted, whatever the wallet holds."""
    EXTEND = "extend"
    """Hold more."""
    SHORTEN = "shorten"
    """Take an increment out of the hold."""
    COMPLETE = "complete"
    """Post what the hold was for, and let the rest go."""
    FORCE = "force"
    """Post it without a hold, whatever the wallet holds."""
    RELEASE = "release"
    """Let the hold go, if its last good day is over."""
    UPHOLD = "uphold"
    """Nothing moves; what was taken back or let go stays so."""
    BURY = "bury"
    """Leave a tombstone at the original's key."""
    NOTE = "note"
    """Record the outcome; nothing moves."""
    REFUSE = "refuse"
    """Answer with the outcome; nothing is recorded."""

    __hash__ = object.__hash__  # as above


class Step(NamedTuple):
    """What to do, and the outcome where it is not decided or recalled.

    Of an action that moves money it is the outcome if nothing stands against it: the amount, the card, funds.
    """

    action: Action
    outcome: Outcome | None = None


def _does(action: Action) -> Step:
    return Step(action, Outcome.APPROVED)


_NOT_FOUND = Step(Action.NOTE, Outcome.ORIGINAL_NOT_FOUND)
_NOTHING_LEFT = Step(Action.NOTE, Outcome.APPROVED)
_TAKEN_BACK = Step(Action.NOTE, Outcome.RELATED_TRANSACTION_WRONG)
_UNFIT = Step(Action.NOTE, Outcome.RELATED_TRANSACTION_INVALID)
_NOT_DUE = Step(Action.REFUSE, Outcome.RELATED_TRANSACTION_INVALID)
_RECALL = Step(Action.RECALL)
_GONE = Step(Action.REFUSE, Outcome.RELATED_TRANSACTION_WRONG)

_UNKNOWN = {
    Event.VOID: _NOT_FOUND,
    Event.VOID_REVERSAL: _NOT_FOUND,
    Event.REFUND: _NOT_FOUND,
    Event.TIP: _NOT_FOUND,
    Event.INCREMENT: _NOT_FOUND,
    Event.INCREMENT_REVERSAL: _NOT_FOUND,
    Event.COMPLETION: _NOT_FOUND,
    Event.COMPLETION_ADVICE: _NOT_FOUND,
    Event.COMPLETION_UNDONE: _NOT_FOUND,
    Event.COMPLETION_REDONE: _NOT_FOUND,
    Event.HOLD_EXPIRY: _NOT_DUE,
}
"""What refers to a transaction that the ledger hasn't."""

_NEVER_HELD = {
    Event.INCREMENT: _UNFIT,
    Event.INCREMENT_REVERSAL: _NOT_FOUND,
    Event.COMPLETION: _UNFIT,
    Event.COMPLETION_ADVICE: _UNFIT,
    Event.COMPLETION_UNDONE: _NOT_FOUND,
    Event.COMPLETION_REDONE: _NOT_FOUND,
    Event.HOLD_EXPIRY: _NOT_DUE,
}
"""What is only for pre-authorisations, of a transaction that isn't one, or held nothing."""

_NEVER_SOLD = {
    Event.REFUND: _UNFIT,
    Event.TIP: _UNFIT,
    Event.CONFIRM: _UNFIT,
}
"""What is only for what was posted, of a pre-authorisation."""

_ROWS: dict[OriginalState, dict[Event, Step]] = {
    OriginalState.ABSENT: _UNKNOWN
    | {
        Event.REQUEST: Step(Action.DECIDE),
        Event.REVERSAL: Step(Action.BURY, Outcome.ORIGINAL_NOT_FOUND),
        Event.CONFIRM: Step(Action.DECIDE),
    },
    OriginalState.TOMBSTONE: _UNKNOWN
    | {
        Event.REQUEST: _TAKEN_BACK,
        Event.REVERSAL: _NOT_FOUND,
        Event.CONFIRM: _TAKEN_BACK,
    },
    OriginalState.DECLINED: _NEVER_HELD
    | {
        Event.REQUEST: _RECALL,
        Event.REVERSAL: _NOTHING_LEFT,
        Event.VOID: _UNFIT,
        Event.VOID_REVERSAL: _NOT_FOUND,
        Event.REFUND: _UNFIT,
        Event.TIP: _UNFIT,
        Event.CONFIRM: Step(Action.ECHO),
    },
    OriginalState.POSTED: _NEVER_HELD
    | {
        Event.REQUEST: _RECALL,
        Event.REVERSAL: _does(Action.UNDO),
        Event.VOID: _does(Action.UNDO),
        Event.VOID_REVERSAL: _NOT_FOUND,
        Event.REFUND: _does(Action.REFUND),
        Event.TIP: _does(Action.ADD),
        Event.CONFIRM: Step(Action.ECHO),
    },
    OriginalState.PARTLY_REFUNDED: _NEVER_HELD
    | {
        Event.REQUEST: _RECALL,
        Event.REVERSAL: _does(Action.UNDO),
        Event.VOID: _TAKEN_BACK,
        Event.VOID_REVERSAL: _NOT_FOUND,
        Event.REFUND: _does(Action.REFUND),
        Event.TIP: _UNFIT,
        Event.CONFIRM: Step(Action.ECHO),
    },
    OriginalState.REFUNDED: _NEVER_HELD
    | {
        Event.REQUEST: _RECALL,
        Event.REVERSAL: _does(Action.UNDO),
        Event.VOID: _TAKEN_BACK,
        Event.VOID_REVERSAL: _NOT_FOUND,
        Event.REFUND: _TAKEN_BACK,
        Event.TIP: _UNFIT,
        Event.CONFIRM: Step(Action.ECHO),
    },
    OriginalState.VOIDED: {
        Event.REQUEST: _GONE,
        Event.REVERSAL: _does(Action.UPHOLD),
        Event.VOID: _TAKEN_BACK,
        Event.VOID_REVERSAL: _does(Action.RESTORE),
        Event.REFUND: _UNFIT,
        Event.TIP: _UNFIT,
        Event.INCREMENT: _TAKEN_BACK,
        Event.INCREMENT_REVERSAL: _does(Action.SHORTEN),
        Event.COMPLETION: _TAKEN_BACK,
        Event.COMPLETION_ADVICE: _TAKEN_BACK,
        Event.COMPLETION_UNDONE: _does(Action.UPHOLD),
        Event.COMPLETION_REDONE: _does(Action.UPHOLD),
        Event.HOLD_EXPIRY: _NOT_DUE,
        Event.CONFIRM: _TAKEN_BACK,
    },
    OriginalState.REVERSED: {
        Event.REQUEST: _GONE,
        Event.REVERSAL: _NOTHING_LEFT,
        Event.VOID: _TAKEN_BACK,
        Event.VOID_REVERSAL: _does(Action.UPHOLD),
        Event.REFUND: _UNFIT,
        Event.TIP: _UNFIT,
        Event.INCREMENT: _TAKEN_BACK,
        Event.INCREMENT_REVERSAL: _does(Action.UPHOLD),
        Event.COMPLETION: _TAKEN_BACK,
        Event.COMPLETION_ADVICE: _TAKEN_BACK,
        Event.COMPLETION_UNDONE: _does(Action.UPHOLD),
        Event.COMPLETION_REDONE: _does(Action.UPHOLD),
        Event.HOLD_EXPIRY: _NOT_DUE,
        Event.CONFIRM: _TAKEN_BACK,
    },
    OriginalState.HELD: _NEVER_SOLD
    | {
        Event.REQUEST: _RECALL,
        Event.REVERSAL: _does(Action.UNDO),
        Event.VOID: _does(Action.UNDO),
        Event.VOID_REVERSAL: _NOT_FOUND,
        Event.INCREMENT: _does(Action.EXTEND),
        Event.INCREMENT_REVERSAL: _does(Action.SHORTEN),
        Event.COMPLETION: _does(Action.COMPLETE),
        Event.COMPLETION_ADVICE: _does(Action.COMPLETE),
        Event.COMPLETION_UNDONE: _NOT_FOUND,
        Event.COMPLETION_REDONE: _does(Action.COMPLETE),
        Event.HOLD_EXPIRY: _does(Action.RELEASE),
    },
    OriginalState.COMPLETED: _NEVER_SOLD
    | {
        Event.REQUEST: _RECALL,
        Event.REVERSAL: _does(Action.UPHOLD),
        Event.VOID: _TAKEN_BACK,
        Event.VOID_REVERSAL: _NOT_FOUND,
        Event.INCREMENT: _TAKEN_BACK,
        Event.INCREMENT_REVERSAL: _does(Action.SHORTEN),
        Event.COMPLETION: _TAKEN_BACK,
        Event.COMPLETION_ADVICE: _TAKEN_BACK,
        Event.COMPLETION_UNDONE: _does(Action.RESTORE),
        Event.COMPLETION_REDONE: _TAKEN_BACK,
        Event.HOLD_EXPIRY: _NOT_DUE,
    },
    OriginalState.RELEASED: _NEVER_SOLD
    | {
        Event.REQUEST: _RECALL,
        Event.REVERSAL: _does(Action.UPHOLD),
        Event.VOID: _TAKEN_BACK,
        Event.VOID_REVERSAL: _NOT_FOUND,
        Event.INCREMENT: _TAKEN_BACK,
        Event.INCREMENT_REVERSAL: _does(Action.SHORTEN),
        Event.COMPLETION: _TAKEN_BACK,
        Event.COMPLETION_ADVICE: _does(Action.FORCE),
        Event.COMPLETION_UNDONE: _NOT_FOUND,
        Event.COMPLETION_REDONE: _does(Action.FORCE),
        Event.HOLD_EXPIRY: _NOT_DUE,
    },
}

LIFECYCLE: Final[Mapping[tuple[OriginalState, Event], Step]] = MappingProxyType(
    {(state, event): steps[event] for state, steps in _ROWS.items() for event in Event}
)
"""The table: what is done, by how the original stands and what comes."""

_OriginalStates = tuple[OriginalState, ...]

LEADS_TO: Final[Mapping[tuple[Event, Action], _OriginalStates]] = MappingProxyType(
    {
        (Event.REQUEST, Action.DECIDE): (
            *(OriginalState.POSTED, OriginalState.HELD, OriginalState.DECLINED, OriginalState.ABSENT),
        ),
        (Event.REVERSAL, Action.BURY): (OriginalState.TOMBSTONE,),
        (Event.REVERSAL, Action.UNDO): (OriginalState.REVERSED,),
        (Event.REVERSAL, Action.UPHOLD): (OriginalState.REVERSED,),
        (Event.VOID, Action.UNDO): (OriginalState.VOIDED,),
        (Event.VOID_REVERSAL, Action.RESTORE): (
            *(OriginalState.POSTED, OriginalState.HELD, OriginalState.RELEASED),
        ),
        (Event.REFUND, Action.REFUND): (OriginalState.PARTLY_REFUNDED, OriginalState.REFUNDED),
        (Event.COMPLETION, Action.COMPLETE): (OriginalState.COMPLETED,),
        (Event.COMPLETION_ADVICE, Action.COMPLETE): (OriginalState.COMPLETED,),
        (Event.COMPLETION_ADVICE, Action.FORCE): (OriginalState.COMPLETED,),
        (Event.COMPLETION_UNDONE, Action.RESTORE): (OriginalState.HELD, OriginalState.RELEASED),
        (Event.COMPLETION_REDONE, Action.COMPLETE): (OriginalState.COMPLETED,),
        (Event.COMPLETION_REDONE, Action.FORCE): (OriginalState.COMPLETED,),
        (Event.HOLD_EXPIRY, Action.RELEASE): (OriginalState.RELEASED,),
        (Event.CONFIRM, Action.DECIDE): (
            *(OriginalState.POSTED, OriginalState.DECLINED, OriginalState.ABSENT),
        ),
    }
)
"""Where an event's action may leave the original if nothing stands against it; the others leave it as it is.

What doesn't fit its original, or is declined, leaves it as it is, too.
"""

EVENTS: Final[Mapping[TransactionKind, Event]] = MappingProxyType(
    dict.fromkeys(REVERSED_KIND, Event.REVERSAL)
    | dict.fromkeys(VOIDED_KIND, Event.VOID)
    | {
        TransactionKind.REFUND: Event.REFUND,
        TransactionKind.POINTS_RETURN: Event.REFUND,
        TransactionKind.TIP_ADVICE: Event.TIP,
        TransactionKind.PREAUTH_INCREMENT: Event.INCREMENT,
        TransactionKind.COMPLETION: Event.COMPLETION,
        TransactionKind.COMPLETION_ADVICE: Event.COMPLETION_ADVICE,
        TransactionKind.HOLD_EXPIRY: Event.HOLD_EXPIRY,
        TransactionKind.TOP_UP_CONFIRM: Event.CONFIRM,
    }
)
"""What each movement that refers to an original is to it."""

PARENT_EVENTS: Final[Mapping[TransactionKind, Event]] = MappingProxyType(
    {
        kind: Event.VOID_REVERSAL
        for kind, reversed_kind in REVERSED_KIND.items()
        if reversed_kind in VOIDED_KIND
    }
    | {
        TransactionKind.PREAUTH_INCREMENT_REVERSAL: Event.INCREMENT_REVERSAL,
        TransactionKind.COMPLETION_REVERSAL: Event.COMPLETION_UNDONE,
        TransactionKind.COMPLETION_VOID: Event.COMPLETION_UNDONE,
    }
)
"""What a movement is to what its original changed, if that is changed once more."""

ROOT_EVENTS: Final[Mapping[TransactionKind, Event]] = MappingProxyType(
    {TransactionKind.COMPLETION_VOID_REVERSAL: Event.COMPLETION_REDONE}
)
"""What a movement is to what its original's parent changed."""
