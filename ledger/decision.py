"""The decision: intent × wallet → outcome, legs and the wallet's next state. Pure.

`decide` answers a request on the wallet as it stands. `decide_void` and `decide_undo` take a posted original
back, as a request that may be declined and as a reversal that may not; `decide_restore` takes a void back.
Checks run in the order of `Outcome`: the original, PIN, limits, funds. The caller has already looked for a
repeat (`lifecycle`), owns the wallet's version while it decides, and makes the result durable before anybody
hears of it. A decline that looked at the wallet is as binding as an approval: its group asserts the version
that was seen.

No decision takes a wallet below zero. What must post without enough money there, the reversal of a void, lets
the cardholder owe the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ledger.chart import OF_CARDHOLDER, AccountKind, Leg, transfer, undone
from ledger.identity import TransactionKind
from ledger.intent import Intent, PinVerdict
from ledger.outcome import Outcome
from ledger.product import ProductRules
from ledger.wallet import WalletState


class Decision(NamedTuple):
    """What was decided. `state` is the wallet's next state, None where it stays as it is."""

    outcome: Outcome
    legs: tuple[Leg, ...] = ()
    state: WalletState | None = None
    available_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Original:
    """A posted transaction that is to be taken back.

    `day` is the business date, as an ordinal, whose window its amount is counted in. `legs` are those that
    stand. `original_id` is the transaction that it took back itself, if it is a void.
    """

    transaction_id: int
    wallet_id: int
    amount_minor: int
    day: int
    legs: Sequence[Leg]
    original_id: int | None = None


def decide(intent: Intent, state: WalletState, day: int) -> Decision:
    """Decide a request on its wallet.

    Args:
        intent: a purchase or a balance inquiry without a refusal, with its product's rules.
        state: the wallet as it stands.
        day: the ledger's open business date, as an ordinal.
    """
    rules = intent.rules
    assert rules is not None
    assert rules.asset == intent.asset
    refused = _pin_refusal(intent.pin, state, rules)
    if refused is not None:
        return refused
    failures = 0 if intent.pin is PinVerdict.MATCH else state.pin_failures
    if intent.kind is TransactionKind.BALANCE_INQUIRY:
        reset = _with_failures(state, failures) if failures != state.pin_failures else None
        return Decision(Outcome.APPROVED, state=reset, available_minor=state.balance_minor)
    assert intent.kind is TransactionKind.PURCHASE
    return _decide_purchase(intent, state, rules, failures, day)


def _pin_refusal(pin: PinVerdict, state: WalletState, rules: ProductRules) -> Decision | None:
    """How a PIN ends the request: no further try is allowed, or it was one and failed."""
    if pin is PinVerdict.ABSENT:
        return None
    if state.pin_failures >= rules.pin_tries_max:
        return Decision(Outcome.PIN_TRIES_EXCEEDED)
    if pin is PinVerdict.MATCH:
        return None
    return Decision(Outcome.PIN_WRONG, state=_with_failures(state, state.pin_failures + 1))


def _with_failures(state: WalletState, failures: int) -> WalletState:
    return state._replace(pin_failures=failures)


def _decide_purchase(
    intent: Intent, state: WalletState, rules: ProductRules, failures: int, day: int
) -> Decision:
    count, spent = (state.window_count, state.window_amount_minor) if state.window_day == day else (0, 0)
    refused = _limit_or_funds(intent.amount_minor, state.balance_minor, rules, count, spent)
    if refused is not None:
        reset = _with_failures(state, failures) if failures != state.pin_failures else None
        return Decision(refused, state=reset)
    assert intent.wallet_id is not None
    amount = intent.amount_minor
    legs = transfer(
        (AccountKind.WALLET_CASH, intent.wallet_id),
        (AccountKind.MERCHANT_PAYABLE, intent.origin.merchant_account),
        intent.asset,
        amount,
    )
    after = WalletState(state.balance_minor - amount, failures, day, count + 1, spent + amount)
    return Decision(Outcome.APPROVED, legs, after)


def _limit_or_funds(amount: int, balance: int, rules: ProductRules, count: int, spent: int) -> Outcome | None:
    """The first limit that the amount breaks, or None; `count` and `spent` are of the open business date."""
    if amount <= 0:
        return Outcome.AMOUNT_INVALID
    if rules.transaction_max_minor is not None and amount > rules.transaction_max_minor:
        return Outcome.AMOUNT_OVER_LIMIT
    if rules.day_amount_max_minor is not None and spent + amount > rules.day_amount_max_minor:
        return Outcome.AMOUNT_OVER_LIMIT
    if rules.day_count_max is not None and count >= rules.day_count_max:
        return Outcome.COUNT_OVER_LIMIT
    return Outcome.INSUFFICIENT_FUNDS if amount > balance else None


def misfit(intent: Intent, original: Original) -> Outcome | None:
    """Why a reversal or void doesn't fit its original: the amount or asset, or a card that it states."""
    if (intent.amount_minor, intent.asset) != (original.amount_minor, original.legs[0].asset):
        return Outcome.ORIGINAL_AMOUNT_DIFFERS
    if intent.wallet_id is not None and intent.wallet_id != original.wallet_id:
        return Outcome.CARD_DIFFERS
    return None


def decide_undo(intent: Intent, original: Original, state: WalletState) -> Decision:
    """Take a posted original back: its legs negated, and its share of the day's window given back.

    Nothing is checked but that the two fit: a reversal is never declined for a card's state or for a limit.
    """
    refused = misfit(intent, original)
    if refused is not None:
        return Decision(refused)
    legs = undone(original.legs)
    credit = sum(leg.amount_minor for leg in legs if leg.account_kind is AccountKind.WALLET_CASH)
    after = _with_share(state._replace(balance_minor=state.balance_minor + credit), original, -1)
    return Decision(Outcome.APPROVED, legs, after)


def decide_void(intent: Intent, original: Original, state: WalletState) -> Decision:
    """Take a posted original back at the terminal's request, whose PIN, if one came, must be right."""
    refused = misfit(intent, original)
    if refused is not None:
        return Decision(refused)
    if intent.pin is not PinVerdict.ABSENT:
        assert intent.rules is not None
        wrong = _pin_refusal(intent.pin, state, intent.rules)
        if wrong is not None:
            return wrong
        state = _with_failures(state, 0)
    return decide_undo(intent, original, state)


def decide_restore(intent: Intent, void: Original, state: WalletState) -> Decision:
    """Take a void back: what it gave the cardholder is due again, and what the wallet lacks of it is owed.

    Args:
        intent: the reversal of the void.
        void: the void, with the day of the purchase that it took back.
        state: the wallet as it stands.
    """
    refused = misfit(intent, void)
    if refused is not None:
        return Decision(refused)
    due = sum(leg.amount_minor for leg in void.legs if leg.account_kind in OF_CARDHOLDER)
    taken = min(due, state.balance_minor)
    asset = void.legs[0].asset
    legs = (
        Leg(AccountKind.WALLET_CASH, void.wallet_id, asset, -taken),
        Leg(AccountKind.CARDHOLDER_RECEIVABLE, void.wallet_id, asset, taken - due),
        *undone(leg for leg in void.legs if leg.account_kind not in OF_CARDHOLDER),
    )
    after = _with_share(state._replace(balance_minor=state.balance_minor - taken), void, 1)
    return Decision(Outcome.APPROVED, tuple(leg for leg in legs if leg.amount_minor), after)


def _with_share(state: WalletState, original: Original, times: int) -> WalletState:
    """The state with an original's share of its day's window added so many times.

    A state that another node has changed since it was read may hold less than the share. Such a decision is
    never committed, but it must be made.
    """
    if original.day != state.window_day:
        return state
    return state._replace(
        window_count=max(0, state.window_count + times),
        window_amount_minor=max(0, state.window_amount_minor + times * original.amount_minor),
    )
