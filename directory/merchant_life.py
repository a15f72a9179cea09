"""The lives of merchants and terminals: which event is possible in which state, and what it leads to. Pure.

    merchant   applied → approved → live ⇄ suspended → closed
    terminal   inactive → active ⇄ suspended → closed

The tables are total: what has no next state is refused. A terminal is inactive until it has a master key and
is put into use. What a state answers at the till is decided where the answer is made.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from directory.records import MerchantState, TerminalState
from directory.refusals import Refused, message


class MerchantEvent(StrEnum):
    """What can happen to a merchant."""

    APPROVE = "approve"
    REJECT = "reject"
    GO_LIVE = "go-live"
    SUSPEND = "suspend"
    RESUME = "resume"
    CLOSE = "close"


class TerminalEvent(StrEnum):
    """What can happen to a terminal."""

    ACTIVATE = "activate"
    SUSPEND = "suspend"
    RESUME = "resume"
    REPLACE = "replace"
    CLOSE = "close"


class NotInThisState(Refused):
    """The record's state has no such event."""

    text = message("a {kind} that is {state} can't {event}")


MERCHANT_LIFE: Final[Mapping[MerchantState, Mapping[MerchantEvent, MerchantState]]] = MappingProxyType(
    {
        MerchantState.APPLIED: {
            MerchantEvent.APPROVE: MerchantState.APPROVED,
            MerchantEvent.REJECT: MerchantState.CLOSED,
        },
        MerchantState.APPROVED: {
            MerchantEvent.GO_LIVE: MerchantState.LIVE,
            MerchantEvent.CLOSE: MerchantState.CLOSED,
        },
        MerchantState.LIVE: {
            MerchantEvent.SUSPEND: MerchantState.SUSPENDED,
            MerchantEvent.CLOSE: MerchantState.CLOSED,
        },
        MerchantState.SUSPENDED: {
            MerchantEvent.RESUME: MerchantState.LIVE,
            MerchantEvent.CLOSE: MerchantState.CLOSED,
        },
        MerchantState.CLOSED: {},
    }
)
"""Where an event takes a merchant; an event that isn't here is refused."""

TERMINAL_LIFE: Final[Mapping[TerminalState, Mapping[TerminalEvent, TerminalState]]] = MappingProxyType(
    {
        TerminalState.INACTIVE: {
            TerminalEvent.ACTIVATE: TerminalState.ACTIVE,
            TerminalEvent.CLOSE: TerminalState.CLOSED,
        },
        TerminalState.ACTIVE: {
            TerminalEvent.SUSPEND: TerminalState.SUSPENDED,
            TerminalEvent.REPLACE: TerminalState.INACTIVE,
            TerminalEvent.CLOSE: TerminalState.CLOSED,
        },
        TerminalState.SUSPENDED: {
            TerminalEvent.RESUME: TerminalState.ACTIVE,
            TerminalEvent.REPLACE: TerminalState.INACTIVE,
            TerminalEvent.CLOSE: TerminalState.CLOSED,
        },
        TerminalState.CLOSED: {},
    }
)
"""Where an event takes a terminal; a replaced one waits for its new key."""


def merchant_after(state: MerchantState, event: MerchantEvent) -> MerchantState:
    """The state of a merchant after an event.

    Raises:
        NotInThisState: The event is impossible in this state.
    """
    following = MERCHANT_LIFE[state].get(event)
    if following is None:
        raise NotInThisState(kind="merchant", state=state, event=event)
    return following


def terminal_after(state: TerminalState, event: TerminalEvent) -> TerminalState:
    """The state of a terminal after an event.

    Raises:
        NotInThisState: The event is impossible in this state.
    """
    following = TERMINAL_LIFE[state].get(event)
    if following is None:
        raise NotInThisState(kind="terminal", state=state, event=event)
    return following
