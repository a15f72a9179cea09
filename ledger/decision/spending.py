"""Movements that take value from a wallet: purchases, what is forced, and what the operator takes. Pure.

A purchase and points spent are requests: card, product, PIN, limits and funds are checked in this order, and
then the whole amount is taken or nothing. An offline sale has happened already, and so has a tip that the
holder added to a sale: they are posted whatever the wallet holds, counted in its windows, and what is not
there the cardholder owes. A fee for a service and a debit by the operator are nobody's purchase: no PIN, no
limit and no window concerns them, and a frozen wallet pays them too, but not below what it has.

Fees are taken before the amount, from cash; then the amount goes by the waterfall (`ledger.purses`).
"""

from dataclasses import replace
from typing import TypeAlias

from ledger import limits
from ledger.chart import AccountKind, Leg
from ledger.decision.charging import charge
from ledger.decision.checks import (
    card_of,
    declined,
    failures_after,
    has_two_operators,
    refusal,
    status_refusal,
)
from ledger.decision.model import Decision, Wallets
from ledger.identity import TransactionKind
from ledger.intent import Intent
from ledger.original import Original, Share
from ledger.outcome import Outcome
from ledger.product import ProductRules, PurseKind
from ledger.purses import may_spend, meant, overdraft, spend, spend_purse

Account: TypeAlias = tuple[AccountKind, int]


def decide_purchase(intent: Intent, wallets: Wallets, day: int) -> Decision:
    """Decide a purchase: all checks, then the whole amount from what may be spent here, or nothing."""
    rules, state, kind, amount = intent.rules, wallets.own, TransactionKind.PURCHASE, intent.amount_minor
    refused = refusal(intent, kind, state)
    if refused is not None:
        return refused
    assert rules is not None
    outcome = amount_refusal(intent, rules.asset)
    if outcome is None:
        outcome = limits.refusal(rules, state, amount, day, intent.received_at_us)
    if outcome is not None:
        return declined(outcome, intent, state)
    floor, lots, short = overdraft(rules, state), state.lots, 0
    charges: tuple[Leg, ...] = ()
    flags: tuple[bool, ...] = ()
    if kind in rules.burdens:
        charges, flags, lots, short = charge(intent, kind, lots, day, floor)
    taken, lots, missing = spend(intent, kind, lots, day, amount, floor)
    if missing or short:
        return declined(lack(intent, kind, rules), intent, state)
    failures = failures_after(intent, state)
    after = limits.counted(rules, state, lots, failures, amount, day, intent.received_at_us)
    return Decision(Outcome.APPROVED, (*taken, to_merchant(intent), *charges), after, charges=flags)


def amount_refusal(intent: Intent, asset: int) -> Outcome | None:
    """Why an amount can't be of a movement: it is of another asset, or not above zero."""
    if intent.asset != asset:
        return Outcome.SERVICE_NOT_ALLOWED
    return Outcome.AMOUNT_INVALID if intent.amount_minor <= 0 else None


def lack(intent: Intent, kind: TransactionKind, rules: ProductRules) -> Outcome:
    """Why the amount isn't there: no purse may be spent here, or there isn't enough."""
    if any(may_spend(rule, kind, intent) for rule in rules.money_purses):
        return Outcome.INSUFFICIENT_FUNDS
    return Outcome.SERVICE_NOT_ALLOWED


def to_merchant(intent: Intent) -> Leg:
    """What a merchant is owed for the amount of a movement."""
    return Leg(
        AccountKind.MERCHANT_PAYABLE, intent.origin.merchant_account, intent.asset, intent.amount_minor
    )


def decide_offline_sale(intent: Intent, wallets: Wallets, day: int) -> Decision:
    """Post a sale that has happened: whatever the wallet's state, product and limits say."""
    rules, _ = card_of(intent)
    outcome = amount_refusal(intent, rules.asset)
    if outcome is not None:
        return Decision(outcome)
    return _forced(intent, TransactionKind.OFFLINE_SALE, wallets, day)


def _forced(intent: Intent, kind: TransactionKind, wallets: Wallets, day: int) -> Decision:
    """Take what is there of an amount and its fees; the cardholder owes the rest."""
    (rules, wallet_id), state, amount = card_of(intent), wallets.own, intent.amount_minor
    floor = overdraft(rules, state)
    charges, flags, lots, _ = charge(intent, kind, state.lots, day, floor, is_forced=True)
    taken, lots, missing = spend(intent, kind, lots, day, amount, floor)
    owed = Leg(AccountKind.CARDHOLDER_RECEIVABLE, wallet_id, intent.asset, -missing)
    legs = (*taken, *((owed,) if missing else ()), to_merchant(intent), *charges)
    after = limits.counted(rules, state, lots, state.pin_failures, amount, day, intent.received_at_us)
    return Decision(Outcome.APPROVED, legs, after, charges=flags)


def decide_tip(intent: Intent, original: Original, wallets: Wallets, day: int) -> Decision:
    """Post a tip to a sale that stands; from then on the sale is of the sum, for its void and its refunds.

    Args:
        intent: the advice; its amount is the tip alone.
        original: the sale.
        wallets: the wallet of the sale.
        day: the open business date.
    """
    if intent.wallet_id is not None and intent.wallet_id != original.wallet_id:
        return Decision(Outcome.CARD_DIFFERS)
    outcome = amount_refusal(intent, original.asset)
    if outcome is not None:
        return Decision(outcome)
    rules, tip = intent.rules or ProductRules(original.asset), intent.amount_minor
    known = replace(intent, wallet_id=original.wallet_id, rules=rules)
    decision = _forced(known, TransactionKind.TIP_ADVICE, wallets, day)
    main = len(decision.legs) - 2 * len(decision.charges)
    grown = replace(
        original,
        amount_minor=original.amount_minor + tip,
        added_minor=original.added_minor + tip,
        legs=(*original.main_legs, *decision.legs[:main], *original.charge_legs, *decision.legs[main:]),
        charges=original.charges + decision.charges,
        shares=(*original.shares, Share(day, tip)),
    )
    return decision._replace(original=grown)


def decide_points_spend(intent: Intent, wallets: Wallets, day: int) -> Decision:
    """Decide a sale for points: the merchant is owed the points, to be settled with the programme."""
    (rules, wallet_id), state, kind = card_of(intent), wallets.own, TransactionKind.POINTS_SPEND
    refused = refusal(intent, kind, state)
    if refused is not None:
        return refused
    rule = meant(intent, rules, PurseKind.POINTS)
    if rule is None or not may_spend(rule, kind, intent):
        return declined(Outcome.SERVICE_NOT_ALLOWED, intent, state)
    if intent.amount_minor <= 0:
        return declined(Outcome.AMOUNT_INVALID, intent, state)
    taken, lots, missing = spend_purse(wallet_id, rule, state.lots, day, intent.amount_minor, 0)
    if missing:
        return declined(Outcome.INSUFFICIENT_FUNDS, intent, state)
    after = state._replace(lots=lots, pin_failures=failures_after(intent, state))
    return Decision(Outcome.APPROVED, (*taken, to_merchant(intent)), after)


def decide_service_fee(intent: Intent, wallets: Wallets, day: int) -> Decision:
    """Collect a fee that stands by itself; the overdraft may pay it."""
    rules, _ = card_of(intent)
    target = AccountKind.FEE_INCOME, rules.issuer
    return _collected(intent, wallets, day, target, overdraft(rules, wallets.own))


def decide_operator_debit(intent: Intent, wallets: Wallets, day: int) -> Decision:
    """Take an amount for a merchant, or into suspense where none is named, as two operators agreed."""
    (rules, _), merchant = card_of(intent), intent.origin.merchant_account
    if not has_two_operators(intent):
        return Decision(Outcome.SERVICE_NOT_ALLOWED)
    suspense = AccountKind.SUSPENSE, rules.issuer
    target = (AccountKind.MERCHANT_PAYABLE, merchant) if merchant else suspense
    return _collected(intent, wallets, day, target, 0)


def _collected(intent: Intent, wallets: Wallets, day: int, target: Account, overdraft_minor: int) -> Decision:
    """Take an amount from one purse, at nobody's request."""
    (rules, wallet_id), state, amount = card_of(intent), wallets.own, intent.amount_minor
    outcome = status_refusal(state)
    if outcome is not None:
        return Decision(outcome)
    rule = meant(intent, rules)
    if rule is None:
        return Decision(Outcome.SERVICE_NOT_ALLOWED)
    if amount <= 0:
        return Decision(Outcome.AMOUNT_INVALID)
    taken, lots, missing = spend_purse(wallet_id, rule, state.lots, day, amount, overdraft_minor)
    if missing:
        return Decision(Outcome.INSUFFICIENT_FUNDS)
    legs = (*taken, Leg(*target, intent.asset, amount))
    return Decision(Outcome.APPROVED, legs, state._replace(lots=lots))
