"""Inquiries: what a card may spend, and what it has of points. Pure.

Nothing moves but the count of PIN tries.
A balance is what a purchase could spend at the place where it is asked, without the overdraft; so value for
listed places counts where it is taken. An inquiry that names a purse is told what may be taken of that one.
"""

from ledger.decision.checks import approved, declined, refusal
from ledger.decision.model import Decision, Wallets
from ledger.identity import TransactionKind
from ledger.intent import Intent
from ledger.lots import available
from ledger.outcome import Outcome
from ledger.product import PurseKind
from ledger.purses import may_spend, meant


def decide_balance_inquiry(intent: Intent, wallets: Wallets, day: int) -> Decision:
    """Tell what a purchase may spend here."""
    state, rules = wallets.own, intent.rules
    refused = refusal(intent, TransactionKind.BALANCE_INQUIRY, state)
    if refused is not None:
        return refused
    assert rules is not None
    if intent.purse is not None or intent.asset != rules.asset:
        return _told(intent, wallets, day, None)
    there = sum(
        available(state.lots, rule.purse, day)
        for rule in rules.money_purses
        if rule.is_free or may_spend(rule, TransactionKind.PURCHASE, intent)
    )
    return approved(intent, state, there)


def decide_points_inquiry(intent: Intent, wallets: Wallets, day: int) -> Decision:
    """Tell how many points of a programme may be spent."""
    refused = refusal(intent, TransactionKind.POINTS_INQUIRY, wallets.own)
    return _told(intent, wallets, day, PurseKind.POINTS) if refused is None else refused


def _told(intent: Intent, wallets: Wallets, day: int, kind: PurseKind | None) -> Decision:
    assert intent.rules is not None
    rule = meant(intent, intent.rules, kind)
    if rule is None:
        return declined(Outcome.SERVICE_NOT_ALLOWED, intent, wallets.own)
    return approved(intent, wallets.own, available(wallets.own.lots, rule.purse, day))
