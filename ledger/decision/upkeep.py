"""What the operator and the ledger itself do to a wallet: its state, its grade, its end, its lapses. Pure.

Freezing and unfreezing may be told twice. A replaced card keeps its wallet with everything in it: only the
PIN is new, so its tries start anew. Closing empties the wallet: the holder's own money is paid out, or kept
where two operators write it off; gifts, points and what has lapsed are breakage in any case. A wallet that
something is held of isn't closed, nor one that is overdrawn, unless its debt is written off to what the
holder owes. If a late reversal fills a closed wallet, it may be closed again.

The lapse of a lot takes what is not held of it, after its last good day and never on it. What is still held
then lapses when its hold ends.
"""

from ledger import lots as lot_sums
from ledger.chart import AccountKind, Leg
from ledger.decision.checks import card_of, has_two_operators, status_refusal
from ledger.decision.model import Decision, Wallets
from ledger.intent import Intent
from ledger.outcome import Outcome
from ledger.product import PurseKind
from ledger.wallet import CASH, Lot, WalletState, WalletStatus

_OF_HOLDER = frozenset({PurseKind.CASH, PurseKind.FLOAT, PurseKind.SPECIAL})
"""Purses of the holder's own money."""


def decide_freeze(_intent: Intent, wallets: Wallets, _day: int) -> Decision:
    """Stop a wallet's movements but those that must post."""
    return _with_status(wallets.own, WalletStatus.FROZEN)


def decide_unfreeze(_intent: Intent, wallets: Wallets, _day: int) -> Decision:
    """Let a wallet move again."""
    return _with_status(wallets.own, WalletStatus.OPEN)


def _with_status(state: WalletState, status: WalletStatus) -> Decision:
    refused = status_refusal(state)
    if refused is not None:
        return Decision(refused)
    changed = None if state.status is status else state._replace(status=status)
    return Decision(Outcome.APPROVED, state=changed)


def decide_replacement(_intent: Intent, wallets: Wallets, _day: int) -> Decision:
    """Let a new card have the wallet: with a new PIN, no try of which has failed."""
    state = wallets.own
    refused = status_refusal(state)
    if refused is not None:
        return Decision(refused)
    changed = state._replace(pin_failures=0) if state.pin_failures else None
    return Decision(Outcome.APPROVED, state=changed)


def decide_grade_change(intent: Intent, wallets: Wallets, _day: int) -> Decision:
    """Give a wallet another credit grade, of those that its product has.

    A wallet that is overdrawn beyond its new grade stays so, and spends nothing until it isn't.
    """
    (rules, _), state = card_of(intent), wallets.own
    refused = status_refusal(state)
    if refused is not None:
        return Decision(refused)
    if not 0 <= intent.grade < len(rules.overdraft_by_grade):
        return Decision(Outcome.SERVICE_NOT_ALLOWED)
    changed = None if state.grade == intent.grade else state._replace(grade=intent.grade)
    return Decision(Outcome.APPROVED, state=changed)


def decide_closing(intent: Intent, wallets: Wallets, day: int) -> Decision:
    """Empty a wallet for good: pay out what is the holder's, or write it off; the rest is breakage."""
    state = wallets.own
    full = [lot for lot in state.lots if lot.balance_minor]
    if intent.is_written_off and not has_two_operators(intent):
        return Decision(Outcome.SERVICE_NOT_ALLOWED)
    if state.status is WalletStatus.CLOSED and not full:
        return Decision(Outcome.CARD_UNKNOWN)
    if any(lot.held_minor for lot in state.lots):
        return Decision(Outcome.RELATED_TRANSACTION_INVALID)
    if state.lots[0].balance_minor < 0 and not intent.is_written_off:
        return Decision(Outcome.INSUFFICIENT_FUNDS)
    legs: list[Leg] = []
    for lot in full:
        pair = _emptied(intent, lot, day)
        if pair is None:
            return Decision(Outcome.SERVICE_NOT_ALLOWED)
        legs += pair
    return Decision(
        Outcome.APPROVED, tuple(legs), state._replace(lots=(Lot(CASH),), status=WalletStatus.CLOSED)
    )


def _emptied(intent: Intent, lot: Lot, day: int) -> tuple[Leg, Leg] | None:
    """The legs that empty a lot; None if the product no longer has its purse."""
    (rules, wallet_id), amount = card_of(intent), lot.balance_minor
    rule = rules.purse_rule(lot.purse)
    if rule is None:
        return None
    is_good = lot_sums.is_good(lot.expires, day)
    kind = AccountKind.BREAKAGE
    if amount < 0:
        kind = AccountKind.CARDHOLDER_RECEIVABLE
    elif is_good and not intent.is_written_off and rule.kind in _OF_HOLDER:
        kind = AccountKind.PAYOUT
    account = wallet_id if kind is AccountKind.CARDHOLDER_RECEIVABLE else rules.issuer
    return (
        Leg(rule.account, wallet_id, rule.asset, -amount, lot.purse, lot.expires),
        Leg(kind, account, rule.asset, amount),
    )


def decide_lot_expiry(intent: Intent, wallets: Wallets, day: int) -> Decision:
    """Post the lapse of the lot that the intent names: what is not held of it is breakage."""
    (rules, wallet_id), state = card_of(intent), wallets.own
    rule = None if intent.purse is None else rules.purse_rule(intent.purse)
    if rule is None:
        return Decision(Outcome.SERVICE_NOT_ALLOWED)
    if lot_sums.is_good(intent.expires, day):
        return Decision(Outcome.RELATED_TRANSACTION_INVALID)
    lot = lot_sums.find(state.lots, rule.purse, intent.expires)
    lapsed = lot.balance_minor - lot.held_minor
    if not lapsed:
        return Decision(Outcome.APPROVED)
    legs = (
        Leg(rule.account, wallet_id, rule.asset, -lapsed, rule.purse, lot.expires),
        Leg(AccountKind.BREAKAGE, rules.issuer, rule.asset, lapsed),
    )
    lots = lot_sums.add(state.lots, rule.purse, lot.expires, -lapsed)
    return Decision(Outcome.APPROVED, legs, state._replace(lots=lots))
