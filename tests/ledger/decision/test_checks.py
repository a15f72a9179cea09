"""Checks before any movement: the wallet's state, the product, the PIN."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.decision.checks import (
    approved,
    declined,
    failures_after,
    has_two_operators,
    refusal,
    status_refusal,
)
from ledger.decision.model import Decision
from ledger.identity import TransactionKind
from ledger.intent import PinVerdict
from ledger.outcome import Outcome
from ledger.product import ProductRules
from ledger.wallet import WalletState, WalletStatus

from .cases import request

KIND = TransactionKind.PURCHASE
SIGNED = ProductRules(pin_kinds=frozenset({KIND}), pin_free_max_minor=1000)
FROZEN = WalletState(status=WalletStatus.FROZEN)
CLOSED = WalletState(status=WalletStatus.CLOSED)
TRIED = WalletState(pin_failures=2)
BLOCKED = WalletState(pin_failures=3)


@pytest.mark.parametrize(
    ("rules", "amount", "pin", "state", "outcome"),
    [
        ({}, 1, PinVerdict.ABSENT, WalletState(), None),
        ({}, 1, PinVerdict.MATCH, WalletState(), None),
        ({}, 1, PinVerdict.MATCH, FROZEN, Outcome.CARD_RESTRICTED),
        ({}, 1, PinVerdict.MISMATCH, CLOSED, Outcome.CARD_UNKNOWN),
        ({"movements": frozenset({KIND})}, 1, PinVerdict.ABSENT, WalletState(), None),
        ({"movements": frozenset()}, 1, PinVerdict.MISMATCH, WalletState(), Outcome.SERVICE_NOT_ALLOWED),
        ({"movements": frozenset()}, 1, PinVerdict.ABSENT, FROZEN, Outcome.CARD_RESTRICTED),
        ({}, 1, PinVerdict.MATCH, BLOCKED, Outcome.PIN_TRIES_EXCEEDED),
        ({}, 1, PinVerdict.MISMATCH, BLOCKED, Outcome.PIN_TRIES_EXCEEDED),
        ({}, 1, PinVerdict.ABSENT, BLOCKED, None),
        ({"pin_tries_max": 4}, 1, PinVerdict.MATCH, BLOCKED, None),
    ],
)
def test_order_of_checks(
    rules: dict[str, Any], amount: int, pin: PinVerdict, state: WalletState, outcome: Outcome | None
) -> None:
    """The card is looked at first, then the product, then the PIN; nothing is counted but a wrong PIN."""
    decision = refusal(request(KIND, amount, ProductRules(**rules), pin=pin), KIND, state)

    assert (None if outcome is None else Decision(outcome)) == decision


@pytest.mark.parametrize(
    ("amount", "pin", "outcome"),
    [
        (1, PinVerdict.ABSENT, None),
        (1000, PinVerdict.ABSENT, None),
        (1001, PinVerdict.ABSENT, Outcome.PIN_MISSING),
        (0, PinVerdict.ABSENT, Outcome.PIN_MISSING),
        (1001, PinVerdict.MATCH, None),
        (1, PinVerdict.MISMATCH, Outcome.PIN_WRONG),
    ],
)
def test_pin_free_ceiling(amount: int, pin: PinVerdict, outcome: Outcome | None) -> None:
    """A PIN is asked for above the ceiling, and of what has no amount; one that comes is always looked at."""
    decision = refusal(request(KIND, amount, SIGNED, pin=pin), KIND, WalletState())

    assert outcome is (None if decision is None else decision.outcome)


def test_other_movements_need_no_pin() -> None:
    """Only the movements that the product names need one."""
    intent = request(TransactionKind.TOP_UP, 5000, SIGNED)

    assert refusal(intent, TransactionKind.TOP_UP, WalletState()) is None


def test_a_wrong_pin_is_counted() -> None:
    """A wrong PIN is one failure more, and nothing else changes."""
    decision = refusal(request(KIND, 1, pin=PinVerdict.MISMATCH), KIND, TRIED)

    assert Decision(Outcome.PIN_WRONG, state=TRIED._replace(pin_failures=3)) == decision


@pytest.mark.parametrize(
    ("pin", "state", "after"),
    [
        (PinVerdict.MATCH, TRIED, TRIED._replace(pin_failures=0)),
        (PinVerdict.MATCH, WalletState(), None),
        (PinVerdict.ABSENT, TRIED, None),
    ],
)
def test_a_right_pin_clears_the_tries(pin: PinVerdict, state: WalletState, after: WalletState | None) -> None:
    """Whether the rest of the request is approved or declined, a right PIN was right."""
    intent = request(KIND, 1, pin=pin)

    assert Decision(Outcome.INSUFFICIENT_FUNDS, state=after) == declined(
        Outcome.INSUFFICIENT_FUNDS, intent, state
    )
    assert Decision(Outcome.APPROVED, state=after, available_minor=7) == approved(intent, state, 7)
    assert failures_after(intent, state) == (after or state).pin_failures


@given(st.lists(st.sampled_from(PinVerdict), max_size=12), st.integers(1, 5))
def test_tries_in_a_row_are_bounded(pins: list[PinVerdict], tries_max: int) -> None:
    """However many PINs come, no more than the limit fail in a row, and a right one starts anew."""
    rules, state, failures = ProductRules(pin_tries_max=tries_max), WalletState(), 0
    for pin in pins:
        intent = request(KIND, 1, rules, pin=pin)
        decision = refusal(intent, KIND, state)
        blocked = failures >= tries_max and pin is not PinVerdict.ABSENT
        assert blocked == (decision is not None and decision.outcome is Outcome.PIN_TRIES_EXCEEDED)
        if not blocked and pin is not PinVerdict.ABSENT:
            failures = 0 if pin is PinVerdict.MATCH else failures + 1
        state = (decision or approved(intent, state, None)).state or state

        assert failures == state.pin_failures


@pytest.mark.parametrize(
    ("state", "outcome"), [(WalletState(), None), (FROZEN, None), (CLOSED, Outcome.CARD_UNKNOWN)]
)
def test_operators_move_what_is_frozen(state: WalletState, outcome: Outcome | None) -> None:
    """An operator is stopped by a closed wallet only."""
    assert outcome is status_refusal(state)


@pytest.mark.parametrize(
    ("proposer", "approver", "enough"),
    [("anna", "bert", True), ("anna", "anna", False), ("anna", "", False), ("", "bert", False)],
)
def test_two_operators(proposer: str, approver: str, enough: bool) -> None:
    """Two people are two names, and neither is missing."""
    assert enough == has_two_operators(request(KIND, 1, proposer=proposer, approver=approver))
