"""Every state and event of merchants and terminals has its answer."""

from itertools import product

import pytest

from directory.merchant_life import (
    MERCHANT_LIFE,
    TERMINAL_LIFE,
    MerchantEvent,
    NotInThisState,
    TerminalEvent,
    merchant_after,
    terminal_after,
)
from directory.records import MerchantState, TerminalState

A, P, L, S, C = MerchantState
MERCHANTS = {
    (A, MerchantEvent.APPROVE): P,
    (A, MerchantEvent.REJECT): C,
    (P, MerchantEvent.GO_LIVE): L,
    (P, MerchantEvent.CLOSE): C,
    (L, MerchantEvent.SUSPEND): S,
    (L, MerchantEvent.CLOSE): C,
    (S, MerchantEvent.RESUME): L,
    (S, MerchantEvent.CLOSE): C,
}
INACTIVE, ACTIVE, SUSPENDED, CLOSED = TerminalState
TERMINALS = {
    (INACTIVE, TerminalEvent.ACTIVATE): ACTIVE,
    (INACTIVE, TerminalEvent.CLOSE): CLOSED,
    (ACTIVE, TerminalEvent.SUSPEND): SUSPENDED,
    (ACTIVE, TerminalEvent.REPLACE): INACTIVE,
    (ACTIVE, TerminalEvent.CLOSE): CLOSED,
    (SUSPENDED, TerminalEvent.RESUME): ACTIVE,
    (SUSPENDED, TerminalEvent.REPLACE): INACTIVE,
    (SUSPENDED, TerminalEvent.CLOSE): CLOSED,
}


@pytest.mark.parametrize(("state", "event"), [*product(MerchantState, MerchantEvent)])
def test_merchant_goes_where_its_life_leads(state: MerchantState, event: MerchantEvent) -> None:
    """An event that a state has leads to its next state; any other is refused."""
    following = MERCHANTS.get((state, event))
    if following is None:
        with pytest.raises(NotInThisState, match=f"merchant that is {state} can't {event}"):
            merchant_after(state, event)
    else:
        assert following is merchant_after(state, event)


@pytest.mark.parametrize(("state", "event"), [*product(TerminalState, TerminalEvent)])
def test_terminal_goes_where_its_life_leads(state: TerminalState, event: TerminalEvent) -> None:
    """An event that a state has leads to its next state; any other is refused."""
    following = TERMINALS.get((state, event))
    if following is None:
        with pytest.raises(NotInThisState, match=f"terminal that is {state} can't {event}"):
            terminal_after(state, event)
    else:
        assert following is terminal_after(state, event)


def test_tables_have_every_state() -> None:
    """No state of either life is forgotten."""
    assert list(MerchantState) == list(MERCHANT_LIFE)
    assert list(TerminalState) == list(TERMINAL_LIFE)
