"""The decision: intent × wallet → outcome, legs and the wallet's next state. Pure.

`decide` answers a request on the wallet as it stands; `decide_undo` takes a posted original back. Checks run
in the order of `Outcome`: PIN, limits, funds. The caller has already looked for a repeat (`lifecycle`), owns
the wallet's version while it decides, and makes the result durable before anybody hears of it. A decline that
looked at the wallet is as binding as an approval: its group asserts the version that was seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ledger.chart import AccountKind, Leg, transfer, undone
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
    """A posted transaction that is to be taken back; `day` is its business date as an ordinal."""

    transaction_id: int
    wallet_id: int
    amount_minor: int
    day: int
    legs: Sequence[Leg]


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
    failures = _failures_after(intent.pin, state, rules)
    if failures is None:
        return Decision(Outcome.PIN_TRIES_EXCEEDED)
    if failures > state.pin_failures:
        return Decision(Outcome.PIN_WRONG, state=_with_failures(state, failures))
    if intent.kind is TransactionKind.BALANCE_INQUIRY:
        reset = _with_failures(state, failures) if failures != state.pin_failures else None
        return Decision(Outcome.APPROVED, state=reset, available_minor=state.balance_minor)
    assert intent.kind is TransactionKind.PURCHASE
    return _decide_purchase(intent, state, rules, failures, day)


def _failures_after(pin: PinVerdict, state: WalletState, rules: ProductRules) -> int | None:
    """The count of PIN failures in a row after this PIN; None when no further try is allowed."""
    if pin is PinVerdict.ABSENT:
        return state.pin_failures
    if state.pin_failures >= rules.pin_tries_max:
        return None
    return 0 if pin is PinVerdict.MATCH else state.pin_failures + 1


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


def decide_undo(intent: Intent, original: Original, state: WalletState) -> Decision:
    """Take a posted original back: its legs negated, and its share of the day's window given back.

    Amount and asset must be the original's, and so must a card that the message states. Nothing else is
    checked: a reversal is never declined for a card's state or for a limit.
    """
    if (intent.amount_minor, intent.asset) != (original.amount_minor, original.legs[0].asset):
        return Decision(Outcome.ORIGINAL_AMOUNT_DIFFERS)
    if intent.wallet_id is not None and intent.wallet_id != original.wallet_id:
        return Decision(Outcome.CARD_DIFFERS)
    legs = undone(original.legs)
    credit = sum(leg.amount_minor for leg in legs if leg.account_kind is AccountKind.WALLET_CASH)
    balance, failures, window_day, count, spent = state
    if original.day == window_day:
        count, spent = count - 1, spent - original.amount_minor
    after = WalletState(balance + credit, failures, window_day, count, spent)
    return Decision(Outcome.APPROVED, legs, after)
