"""Limits on what is spent: per movement, business date, calendar month and burst. Pure.

The windows are in the wallet, so a limit is as exact as a balance: each wallet has one window of the day, of
the month and of the burst, that of its last movement, and a movement in a later one starts it anew. What
takes a movement back gives back its share of the window of its own day and month, if that is still the one
the wallet has; so nothing that happens today frees or uses up another day. A refund gives back nothing, and a
burst counts what was tried with success, whatever became of it.

A burst begins with its first movement and lasts for the product's `burst_seconds`.
"""

from ledger.identity import TransactionKind
from ledger.outcome import Outcome
from ledger.product import ProductRules
from ledger.wallet import Lot, WalletState, month_of

COUNTED = frozenset(
    {
        TransactionKind.PURCHASE,
        TransactionKind.OFFLINE_SALE,
        TransactionKind.TRANSFER,
        TransactionKind.PREAUTH,
        TransactionKind.PREAUTH_INCREMENT,
    }
)
"""The movements that are counted in the windows once they are approved, with their amount."""

_MICROSECONDS = 1_000_000


def refusal(
    rules: ProductRules, state: WalletState, amount_minor: int, day: int, received_at_us: int
) -> Outcome | None:
    """The first limit that spending an amount breaks, or None."""
    if not rules.is_limited:
        return None
    most = rules.transaction_max_minor
    if most is not None and amount_minor > most:
        return Outcome.AMOUNT_OVER_LIMIT
    count, spent = (state.day_count, state.day_minor) if state.day == day else (0, 0)
    refused = _beyond(rules.day_amount_max_minor, rules.day_count_max, count, spent + amount_minor)
    if refused is not None:
        return refused
    in_month = state.month == month_of(day)
    count, spent = (state.month_count, state.month_minor) if in_month else (0, 0)
    refused = _beyond(rules.month_amount_max_minor, rules.month_count_max, count, spent + amount_minor)
    if refused is not None:
        return refused
    if rules.burst_count_max is not None and _burst(rules, state, received_at_us)[1] >= rules.burst_count_max:
        return Outcome.COUNT_OVER_LIMIT
    return None


def _beyond(amount_max: int | None, count_max: int | None, count: int, amount: int) -> Outcome | None:
    if amount_max is not None and amount > amount_max:
        return Outcome.AMOUNT_OVER_LIMIT
    if count_max is not None and count >= count_max:
        return Outcome.COUNT_OVER_LIMIT
    return None


def _burst(rules: ProductRules, state: WalletState, received_at_us: int) -> tuple[int, int]:
    """When the burst that is running began, or begins now, and how many movements it has."""
    now_s = received_at_us // _MICROSECONDS
    if state.burst_count and now_s < state.burst_start_s + rules.burst_seconds:
        return state.burst_start_s, state.burst_count
    return now_s, 0


def counted(
    rules: ProductRules,
    state: WalletState,
    lots: tuple[Lot, ...],
    pin_failures: int,
    amount_minor: int,
    day: int,
    received_at_us: int,
) -> WalletState:
    """The state after spending: with these lots and tries, and the amount in its windows."""
    _, _, status, grade, at, count, spent, month, month_count, month_spent, start_s, burst = state
    if at != day:
        count, spent, at = 0, 0, day
    this_month = month_of(day)
    if month != this_month:
        month_count, month_spent = 0, 0
    if rules.burst_count_max is not None:
        start_s, burst = _burst(rules, state, received_at_us)
        burst += 1
    return WalletState(
        lots, pin_failures, status, grade, at, count + 1, spent + amount_minor,
        this_month, month_count + 1, month_spent + amount_minor, start_s, burst,
    )  # fmt: skip


def shared(state: WalletState, day: int, amount_minor: int, times: int) -> WalletState:
    """The state with the share of a movement of `day` added so many times to the windows it is in.

    A state that another node has changed since it was read may hold less than the share. Such a decision is
    never committed, but it must be made; so no window goes below zero.
    """
    change = times * amount_minor
    if state.day == day:
        state = state._replace(
            day_count=max(0, state.day_count + times), day_minor=max(0, state.day_minor + change)
        )
    if state.month == month_of(day):
        state = state._replace(
            month_count=max(0, state.month_count + times), month_minor=max(0, state.month_minor + change)
        )
    return state
