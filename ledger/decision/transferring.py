"""Transfers from card to card of one issuer: both wallets change in one commit, or none does. Pure.

A transfer takes from one purse and gives to the same purse of the other wallet, lot by lot, so that no value
becomes good for longer than it was. It is a purchase for the sender's limits, but no credit: the overdraft
pays its fee, if it costs one, and nothing else.
"""

from typing import NamedTuple

from ledger import limits
from ledger.chart import Leg
from ledger.decision.charging import charge
from ledger.decision.checks import card_of, declined, failures_after, refusal, status_refusal
from ledger.decision.model import Decision, Wallets
from ledger.identity import TransactionKind
from ledger.intent import Intent
from ledger.outcome import Outcome
from ledger.product import ProductRules, PurseRule
from ledger.purses import after, is_over_ceiling, may_fill, may_spend, meant, overdraft, spend_purse
from ledger.wallet import LOTS_MAX, Lot, WalletState, WalletStatus

_KIND = TransactionKind.TRANSFER


class _Way(NamedTuple):
    """What a transfer goes between: a purse, and the same purse of another wallet."""

    source: PurseRule
    target: PurseRule
    target_rules: ProductRules
    target_id: int
    target_state: WalletState


def decide_transfer(intent: Intent, wallets: Wallets, day: int) -> Decision:
    """Move an amount from one card to another of the same issuer."""
    (rules, _), state = card_of(intent), wallets.own
    refused = refusal(intent, _KIND, state)
    if refused is not None:
        return refused
    way = _way(intent, wallets.other)
    if isinstance(way, Outcome):
        return declined(way, intent, state)
    if intent.amount_minor <= 0:
        return declined(Outcome.AMOUNT_INVALID, intent, state)
    outcome = limits.refusal(rules, state, intent.amount_minor, day, intent.received_at_us)
    return declined(outcome, intent, state) if outcome is not None else _moved(intent, way, state, day)


def _way(intent: Intent, state: WalletState | None) -> _Way | Outcome:
    """Between which purses a transfer goes, or why there is no way."""
    (rules, wallet_id), other_id, other = card_of(intent), intent.other_wallet_id, intent.other_rules
    if state is not None and state.status is not WalletStatus.OPEN:
        return status_refusal(state) or Outcome.CARD_RESTRICTED
    if state is None or other is None or other_id is None or other_id == wallet_id:
        return Outcome.SERVICE_NOT_ALLOWED
    source, target = meant(intent, rules), meant(intent, other)
    if source is None or target is None or (source.kind, rules.issuer) != (target.kind, other.issuer):
        return Outcome.SERVICE_NOT_ALLOWED
    if not may_spend(source, _KIND, intent) or not may_fill(target, _KIND):
        return Outcome.SERVICE_NOT_ALLOWED
    return _Way(source, target, other, other_id, state)


def _moved(intent: Intent, way: _Way, state: WalletState, day: int) -> Decision:
    (rules, wallet_id), amount = card_of(intent), intent.amount_minor
    charges, flags, lots, short = charge(intent, _KIND, state.lots, day, overdraft(rules, state))
    taken, lots, missing = spend_purse(wallet_id, way.source, lots, day, amount, 0)
    if missing or short:
        return declined(Outcome.INSUFFICIENT_FUNDS, intent, state)
    given = tuple(
        Leg(way.target.account, way.target_id, leg.asset, -leg.amount_minor, leg.purse, leg.expires)
        for leg in taken
    )
    filled = after(way.target_state.lots, given)
    outcome = _fill_refusal(way, filled, day, amount)
    if outcome is not None:
        return declined(outcome, intent, state)
    failures = failures_after(intent, state)
    return Decision(
        Outcome.APPROVED,
        (*taken, *given, *charges),
        limits.counted(rules, state, lots, failures, amount, day, intent.received_at_us),
        other=way.target_state._replace(lots=filled),
        charges=flags,
    )


def _fill_refusal(way: _Way, filled: tuple[Lot, ...], day: int, amount_minor: int) -> Outcome | None:
    """Why the other wallet can't take what it is given: over a ceiling, or too many lots."""
    lots = way.target_state.lots
    if is_over_ceiling(way.target_rules, way.target, lots, day, amount_minor):
        return Outcome.AMOUNT_OVER_LIMIT
    return Outcome.COUNT_OVER_LIMIT if len(filled) > max(LOTS_MAX, len(lots)) else None
