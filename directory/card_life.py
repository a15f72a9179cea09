"""The life of a card: state × event → the next state, or nothing where the event isn't possible. Pure.

    stock ──issue──▶ inactive ──activate──▶ active ◀──freeze, unfreeze──▶ frozen
    inactive, active, frozen ──report lost──▶ lost ──recover──▶ where it was
    inactive, active, frozen ──expire──▶ expired ──extend──▶ where it was
    any of these ──report stolen──▶ stolen;  ──replace──▶ replaced;  ──close──▶ closed

Recovery and extension take a card back to where it was, not to active: whoever finds a frozen card, or lets
a card expire that was never handed over, gets nothing by it. A card that is lost, stolen or expired can be
frozen and unfrozen behind that state, and what is frozen isn't replaced before somebody has looked at why.
What is stolen never comes back, nor does what was replaced or closed. What each state answers at a terminal
is the table in `switch.transaction.steps`.
"""

from collections.abc import Mapping
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from directory.records import CardState
from directory.refusals import Refused, message


class CardEvent(StrEnum):
    """What may happen to a card."""

    ISSUE = "issue"
    ACTIVATE = "activate"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    REPORT_LOST = "report_lost"
    REPORT_STOLEN = "report_stolen"
    RECOVER = "recover"
    REPLACE = "replace"
    EXPIRE = "expire"
    EXTEND = "extend"
    CLOSE = "close"


class Standing(NamedTuple):
    """A card's state, and the one before that a lost, stolen or expired card keeps (None: active)."""

    state: CardState
    before: CardState | None = None


class NotPossible(Refused):
    """A card in this state does not take this event."""

    text = message("a card that is {state} can't be changed so: {event}")


class Place(Enum):
    """Where an event takes a card that has no state of that name."""

    BACK = "to the state before"
    BEHIND = "to the same state, with what is behind it changed"
    HERE = "nowhere"


_S: TypeAlias = CardState
_E: TypeAlias = CardEvent
Following: TypeAlias = CardState | Place

_IN_HAND: Final[Mapping[CardEvent, Following]] = {
    _E.REPORT_LOST: _S.LOST,
    _E.REPORT_STOLEN: _S.STOLEN,
    _E.EXPIRE: _S.EXPIRED,
    _E.EXTEND: Place.HERE,
    _E.CLOSE: _S.CLOSED,
}
_OUT_OF_HAND: Final[Mapping[CardEvent, Following]] = {
    _E.FREEZE: Place.BEHIND,
    _E.UNFREEZE: Place.BEHIND,
    _E.REPLACE: _S.REPLACED,
    _E.CLOSE: _S.CLOSED,
}

LIFE: Final[Mapping[CardState, Mapping[CardEvent, Following]]] = MappingProxyType(
    {
        _S.STOCK: {_E.ISSUE: _S.INACTIVE, _E.CLOSE: _S.CLOSED},
        _S.INACTIVE: {**_IN_HAND, _E.ACTIVATE: _S.ACTIVE, _E.REPLACE: _S.REPLACED},
        _S.ACTIVE: {**_IN_HAND, _E.FREEZE: _S.FROZEN, _E.REPLACE: _S.REPLACED},
        _S.FROZEN: {**_IN_HAND, _E.UNFREEZE: _S.ACTIVE},
        _S.LOST: {**_OUT_OF_HAND, _E.RECOVER: Place.BACK, _E.REPORT_STOLEN: _S.STOLEN},
        _S.STOLEN: _OUT_OF_HAND,
        _S.EXPIRED: {**_OUT_OF_HAND, _E.EXTEND: Place.BACK},
        _S.REPLACED: {},
        _S.CLOSED: {},
    }
)
"""Every state with the events it takes."""

REMEMBERING: Final = frozenset({_S.LOST, _S.STOLEN, _S.EXPIRED})
"""The states that keep the one before."""


def after(standing: Standing, event: CardEvent) -> Standing:
    """Where an event takes a card.

    Raises:
        NotPossible: A card in this state does not take it.
    """
    state, before = standing
    following = LIFE[state].get(event)
    refused = NotPossible(state=state.value, event=event.value)
    if following is None or (event is CardEvent.REPLACE and before is CardState.FROZEN):
        raise refused
    if following is Place.HERE:
        return standing
    if following is Place.BACK:
        return Standing(before or CardState.ACTIVE)
    if following is Place.BEHIND:
        behind = LIFE[before or CardState.ACTIVE].get(event)
        if not isinstance(behind, CardState):
            raise refused
        return Standing(state, behind)
    kept = (before if state in REMEMBERING else state) if following in REMEMBERING else None
    return Standing(following, kept)
