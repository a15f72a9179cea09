"""Limits: windows of day, month and burst, exactly at their edges, at midnight and after a void."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.limits import counted, refusal, shared
from ledger.outcome import Outcome
from ledger.product import ProductRules
from ledger.wallet import WalletState, month_of

LAST_OF_JANUARY = date(2026, 1, 31).toordinal()
SECOND = 1_000_000
OVER, OFTEN = Outcome.AMOUNT_OVER_LIMIT, Outcome.COUNT_OVER_LIMIT


def spent(
    rules: ProductRules, *amounts: int, day: int = LAST_OF_JANUARY, seconds: tuple[int, ...] = ()
) -> WalletState:
    """A wallet after spending these amounts on one day, at these seconds."""
    state = WalletState()
    for index, amount in enumerate(amounts):
        at_us = (seconds[index] if seconds else 0) * SECOND
        state = counted(rules, state, state.lots, 0, amount, day, at_us)
    return state


@pytest.mark.parametrize(
    ("limits", "earlier", "amount", "outcome"),
    [
        ({}, [10**9], 10**12, None),
        ({"transaction_max_minor": 50}, [], 50, None),
        ({"transaction_max_minor": 50}, [], 51, OVER),
        ({"day_amount_max_minor": 80}, [50], 30, None),
        ({"day_amount_max_minor": 80}, [50], 31, OVER),
        ({"day_count_max": 2}, [1], 1, None),
        ({"day_count_max": 2}, [1, 1], 1, OFTEN),
        ({"month_amount_max_minor": 80}, [50], 30, None),
        ({"month_amount_max_minor": 80}, [50], 31, OVER),
        ({"month_count_max": 2}, [1], 1, None),
        ({"month_count_max": 2}, [1, 1], 1, OFTEN),
        ({"day_amount_max_minor": 80, "day_count_max": 1}, [50], 31, OVER),
    ],
)
def test_limits_are_exact(
    limits: dict[str, Any], earlier: list[int], amount: int, outcome: Outcome | None
) -> None:
    """What reaches a limit passes, and one minor unit or one time more doesn't."""
    rules = ProductRules(**limits)

    assert outcome is refusal(rules, spent(rules, *earlier), amount, LAST_OF_JANUARY, 0)


def test_midnight_opens_a_new_day_and_month() -> None:
    """What was spent on the last of a month counts neither in the next day nor in the next month."""
    rules = ProductRules(
        day_amount_max_minor=50, day_count_max=1, month_amount_max_minor=80, month_count_max=2
    )
    next_month = ProductRules(month_amount_max_minor=50, month_count_max=1)
    state = spent(rules, 50, day=LAST_OF_JANUARY - 1)

    assert OVER is refusal(rules, state, 31, LAST_OF_JANUARY, 0)
    assert refusal(rules, state, 30, LAST_OF_JANUARY, 0) is None
    assert refusal(rules, state, 50, LAST_OF_JANUARY + 1, 0) is None
    assert refusal(next_month, state, 50, LAST_OF_JANUARY + 1, 0) is None
    assert OFTEN is refusal(next_month, state, 0, LAST_OF_JANUARY, 0)
    after = counted(rules, state, state.lots, 0, 20, LAST_OF_JANUARY + 1, 0)
    assert (1, 20, 1, 20) == (after.day_count, after.day_minor, after.month_count, after.month_minor)


@pytest.mark.parametrize(
    ("second", "outcome"), [(0, OFTEN), (59, OFTEN), (60, None), (1000, None), (-5, OFTEN)]
)
def test_burst_runs_from_its_first_movement(second: int, outcome: Outcome | None) -> None:
    """A burst lasts from its first movement; a clock that went back doesn't end it."""
    rules = ProductRules(burst_count_max=2, burst_seconds=60)
    state = spent(rules, 1, 1, seconds=(0, 30))

    assert (0, 2) == (state.burst_start_s, state.burst_count)
    assert outcome is refusal(rules, state, 1, LAST_OF_JANUARY, second * SECOND)


def test_a_burst_begins_anew() -> None:
    """The first movement after a burst begins the next one."""
    rules = ProductRules(burst_count_max=2, burst_seconds=60)

    state = spent(rules, 1, 1, 1, seconds=(0, 30, 61))

    assert (61, 1) == (state.burst_start_s, state.burst_count)


def test_bursts_are_counted_only_where_they_are_limited() -> None:
    """A product without such a limit leaves the burst alone."""
    assert (0, 0) == spent(ProductRules(), 1, 1, seconds=(5, 6))[-2:]


@given(st.lists(st.integers(1, 100), min_size=1, max_size=8), st.data())
def test_share_is_what_was_counted(amounts: list[int], data: st.DataObject) -> None:
    """Taking a movement back on its day is as if it had not been counted."""
    rules = ProductRules(day_count_max=99)
    gone = data.draw(st.integers(0, len(amounts) - 1))

    state = shared(spent(rules, *amounts), LAST_OF_JANUARY, amounts[gone], -1)

    rest = spent(rules, *amounts[:gone], *amounts[gone + 1 :])
    assert (rest.day_count, rest.day_minor) == (state.day_count, state.day_minor)
    assert (rest.month_count, rest.month_minor) == (state.month_count, state.month_minor)


def test_share_of_another_day_is_of_the_month_alone() -> None:
    """A void of what was bought earlier in the month frees the month, and not this day."""
    rules = ProductRules()
    before = spent(rules, 40, day=LAST_OF_JANUARY - 1)
    state = counted(rules, before, before.lots, 0, 10, LAST_OF_JANUARY, 0)

    after = shared(state, LAST_OF_JANUARY - 1, 40, -1)

    assert (1, 10, 1, 10) == (after.day_count, after.day_minor, after.month_count, after.month_minor)


def test_share_of_another_month_is_of_nothing() -> None:
    """A void of what was bought in another month changes no window."""
    state = spent(ProductRules(), 10)

    assert state == shared(state, LAST_OF_JANUARY + 1, 10, -1)


def test_windows_never_go_below_zero() -> None:
    """A state read too early lacks the share; it is decided on all the same."""
    state = WalletState(day=LAST_OF_JANUARY, month=month_of(LAST_OF_JANUARY))

    assert state == shared(state, LAST_OF_JANUARY, 10, -1)
