"""Properties of the decision: money is conserved, no balance goes below zero, refusals change nothing."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chart import AccountKind, Leg, is_balanced, undone
from ledger.decision import Decision, Original, decide, decide_restore, decide_undo, decide_void
from ledger.intent import Intent, PinVerdict
from ledger.outcome import Outcome
from ledger.product import ProductRules
from ledger.wallet import WalletState

from .intents import MERCHANT_ACCOUNT, Till

TODAY = 739_000
WALLET = 5
AMOUNTS = st.integers(-10, 10_000)
LIMITS = st.none() | st.integers(0, 10_000)
RULES = st.builds(
    ProductRules,
    pin_tries_max=st.integers(1, 5),
    transaction_max_minor=LIMITS,
    day_amount_max_minor=LIMITS,
    day_count_max=st.none() | st.integers(0, 5),
)
STATES = st.builds(
    WalletState,
    st.integers(0, 10_000),
    st.integers(0, 5),
    st.sampled_from([0, TODAY - 1, TODAY]),
    st.integers(0, 5),
    st.integers(0, 10_000),
)
PINS = st.sampled_from(PinVerdict)


def purchase(amount: int, pin: PinVerdict = PinVerdict.ABSENT, rules: ProductRules | None = None) -> Intent:
    """A purchase from the wallet."""
    return Till(count(1)).purchase(WALLET, amount, pin=pin, rules=rules or ProductRules())


def undo(amount: int, card: int | None = None) -> Intent:
    """A reversal of the till's purchase."""
    return Till(count(2)).reversal("000001", amount, card=card)


@given(STATES, AMOUNTS, PINS, RULES)
def test_money_is_conserved(state: WalletState, amount: int, pin: PinVerdict, rules: ProductRules) -> None:
    """What the wallet loses the merchant gets, to the cent, and the wallet keeps nothing below zero."""
    outcome, legs, after, _ = decide(purchase(amount, pin, rules), state, TODAY)

    assert (outcome is Outcome.APPROVED) == bool(legs)
    assert is_balanced(legs)
    balance = (after or state).balance_minor
    assert balance >= 0
    moved = {(leg.account_kind, leg.account_id): leg.amount_minor for leg in legs}
    assert balance - state.balance_minor == moved.get((AccountKind.WALLET_CASH, WALLET), 0)
    assert state.balance_minor - balance == moved.get((AccountKind.MERCHANT_PAYABLE, MERCHANT_ACCOUNT), 0)


@given(STATES, AMOUNTS, PINS, RULES)
def test_refusal_changes_nothing_but_the_pin_count(
    state: WalletState, amount: int, pin: PinVerdict, rules: ProductRules
) -> None:
    """A refused purchase leaves the state as it is, except for what its PIN says of the holder."""
    decision = decide(purchase(amount, pin, rules), state, TODAY)

    if decision.outcome is not Outcome.APPROVED and decision.state is not None:
        assert pin is not PinVerdict.ABSENT
        assert decision.state != state
        assert state == decision.state._replace(pin_failures=state.pin_failures)


@given(STATES, AMOUNTS, PINS, RULES)
def test_approval_keeps_every_limit(
    state: WalletState, amount: int, pin: PinVerdict, rules: ProductRules
) -> None:
    """Nothing beyond a limit is approved, counted with what was bought today."""
    outcome, _, after, _ = decide(purchase(amount, pin, rules), state, TODAY)
    if outcome is not Outcome.APPROVED:
        return
    assert after is not None

    before_count, before_spent = state[3:] if state.window_day == TODAY else (0, 0)
    assert (TODAY, before_count + 1, before_spent + amount) == after[2:]
    limited = (
        (amount, rules.transaction_max_minor),
        (after.window_amount_minor, rules.day_amount_max_minor),
        (after.window_count, rules.day_count_max),
    )
    assert all(limit is None or value <= limit for value, limit in limited)
    assert pin is not PinVerdict.MISMATCH


@given(STATES, st.lists(PINS, max_size=12), st.integers(1, 5))
def test_pin_tries_in_a_row_are_bounded(state: WalletState, pins: list[PinVerdict], tries_max: int) -> None:
    """However many PINs come, no more than the limit are looked at in a row, and a right one starts anew."""
    rules, failures = ProductRules(pin_tries_max=tries_max), 0
    state = state._replace(pin_failures=0)
    for pin in pins:
        decision = decide(purchase(1, pin, rules), state, TODAY)
        state = decision.state or state
        blocked = failures >= tries_max and pin is not PinVerdict.ABSENT
        assert blocked == (decision.outcome is Outcome.PIN_TRIES_EXCEEDED)
        if not blocked and pin is not PinVerdict.ABSENT:
            failures = 0 if pin is PinVerdict.MATCH else failures + 1
            assert (pin is PinVerdict.MISMATCH) == (decision.outcome is Outcome.PIN_WRONG)

        assert failures == state.pin_failures


@given(STATES, AMOUNTS, RULES)
def test_undo_restores_exactly(state: WalletState, amount: int, rules: ProductRules) -> None:
    """A purchase and its reversal leave balance, tries and today's window as if neither had been."""
    _, legs, after, _ = decide(purchase(amount, rules=rules), state, TODAY)
    if after is None:
        return

    outcome, undo_legs, restored, _ = decide_undo(
        undo(amount), Original(1, WALLET, amount, TODAY, legs), after
    )

    assert outcome is Outcome.APPROVED
    assert is_balanced([*legs, *undo_legs])
    assert restored is not None
    assert state[:2] == restored[:2]
    before = state[3:] if state.window_day == TODAY else (0, 0)
    assert before == restored[3:]


@given(STATES, st.integers(1, 100))
def test_undo_of_another_day_leaves_the_window_alone(state: WalletState, amount: int) -> None:
    """Reversing what was bought on another day gives money back, and no share of this day's limits."""
    legs = decide(purchase(amount), WalletState(amount), TODAY - 2).legs

    after = decide_undo(undo(amount), Original(1, WALLET, amount, TODAY - 2, legs), state).state

    assert state._replace(balance_minor=state.balance_minor + amount) == after


def test_undo_on_a_state_out_of_date_is_decided() -> None:
    """A window that lacks the original's share, since the wallet was read too early, is no reason to stop."""
    original = Original(1, WALLET, 100, TODAY, decide(purchase(100), WalletState(100), TODAY).legs)

    decision = decide_undo(undo(100), original, WalletState(5, 0, TODAY, 0, 0))

    assert (Outcome.APPROVED, WalletState(105, 0, TODAY, 0, 0)) == (decision.outcome, decision.state)


@pytest.mark.parametrize("card", [None, WALLET])
def test_undo_ignores_state_and_limits(card: int | None) -> None:
    """A reversal is never declined for the wallet's state."""
    original = Original(1, WALLET, 100, TODAY, decide(purchase(100), WalletState(100), TODAY).legs)
    blocked = WalletState(0, 99, TODAY, 1, 100)

    decision = decide_undo(undo(100, card), original, blocked)

    assert (Outcome.APPROVED, WalletState(100, 99, TODAY, 0, 0)) == (decision.outcome, decision.state)


def void_of(amount: int, pin: PinVerdict = PinVerdict.ABSENT, rules: ProductRules | None = None) -> Intent:
    """A void of the till's purchase; a PIN comes with the card."""
    card = None if pin is PinVerdict.ABSENT else WALLET
    return Till(count(2)).void(purchase(amount), card=card, pin=pin, rules=rules or ProductRules())


def void_reversal(amount: int) -> Intent:
    """A reversal of that void."""
    return Till(count(3)).void_reversal(void_of(amount))


def undone_legs(amount: int) -> tuple[Leg, ...]:
    """The legs of a void of the till's purchase."""
    return undone(decide(purchase(amount), WalletState(amount), TODAY).legs)


@given(STATES, st.integers(1, 10_000), PINS, RULES)
def test_void_undoes_as_a_reversal_does_if_its_pin_is_good(
    state: WalletState, amount: int, pin: PinVerdict, rules: ProductRules
) -> None:
    """A void's PIN is counted as a purchase's is, and nothing but a PIN makes it differ from a reversal."""
    original = Original(1, WALLET, amount, TODAY, decide(purchase(amount), WalletState(amount), TODAY).legs)
    inquiry = Till(count(2)).inquiry(WALLET, pin=pin, rules=rules)

    voided, asked = decide_void(void_of(amount, pin, rules), original, state), decide(inquiry, state, TODAY)

    assert asked.outcome is voided.outcome
    if voided.outcome is not Outcome.APPROVED:
        assert (asked.state, ()) == (voided.state, voided.legs)
    else:
        assert decide_undo(undo(amount), original, asked.state or state) == voided


@given(st.integers(1, 10_000), STATES)
def test_restoring_takes_what_is_there_and_lets_the_rest_be_owed(amount: int, state: WalletState) -> None:
    """The merchant gets the whole amount back, the wallet gives what it has, and is never below zero."""
    outcome, restored, after, _ = decide_restore(
        void_reversal(amount), Original(2, WALLET, amount, TODAY, undone_legs(amount), 1), state
    )

    moved = {(leg.account_kind, leg.account_id): leg.amount_minor for leg in restored}
    taken = min(amount, state.balance_minor)
    assert outcome is Outcome.APPROVED
    assert is_balanced(restored)
    assert 0 not in moved.values()
    assert amount == moved[AccountKind.MERCHANT_PAYABLE, MERCHANT_ACCOUNT]
    assert -taken == moved.get((AccountKind.WALLET_CASH, WALLET), 0)
    assert taken - amount == moved.get((AccountKind.CARDHOLDER_RECEIVABLE, WALLET), 0)
    assert after is not None
    assert (state.balance_minor - taken, state.pin_failures, state.window_day) == after[:3]
    share = (1, amount) if state.window_day == TODAY else (0, 0)
    assert share == (after[3] - state[3], after[4] - state[4])


@given(st.integers(1, 10_000), STATES)
def test_voiding_what_was_restored_forgives_what_is_owed(amount: int, state: WalletState) -> None:
    """Restored and taken back again, wallet, debt and window are as they were."""
    void = Original(2, WALLET, amount, TODAY, undone_legs(amount), 1)
    restored = decide_restore(void_reversal(amount), void, state)
    assert restored.state is not None

    decision = decide_void(void_of(amount), Original(1, WALLET, amount, TODAY, restored.legs), restored.state)

    assert Decision(Outcome.APPROVED, tuple(undone(restored.legs)), state) == decision


@pytest.mark.parametrize(
    ("amount", "card", "outcome"),
    [(99, None, Outcome.ORIGINAL_AMOUNT_DIFFERS), (100, WALLET + 1, Outcome.CARD_DIFFERS)],
)
def test_restoring_needs_a_reversal_that_fits(amount: int, card: int | None, outcome: Outcome) -> None:
    """Another amount or card than the void's changes nothing."""
    void = Original(2, WALLET, 100, TODAY, undone_legs(100), 1)
    intent = Till(count(3)).void_reversal(void_of(100), amount_minor=amount, card=card)

    assert Decision(outcome) == decide_restore(intent, void, WalletState(100))


def test_wallet_has_one_asset() -> None:
    """An intent in another asset than its product's is a defect of the caller, never a movement."""
    with pytest.raises(AssertionError):
        decide(purchase(100, rules=ProductRules(asset=840)), WalletState(100), TODAY)
