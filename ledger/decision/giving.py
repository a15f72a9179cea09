"""Movements that give value to a wallet by themselves: points earned, and what operators adjust. Pure.

Nothing is given beyond what a purse or the wallet may be filled to, into a purse that the movement may not
fill, or into one lot more than a wallet may have. An adjustment may take value away, too: from a purse, or
from the one lot that it names, and never below what is there.
"""

from typing import NamedTuple

from ledger.chart import AccountKind, Leg
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
from ledger.lots import add, expiry, find, has_room, is_good
from ledger.outcome import Outcome
from ledger.product import ProductRules, PurseKind, PurseRule
from ledger.purses import after, is_over_ceiling, may_fill, meant, spend_purse
from ledger.wallet import CASH, NEVER, Lot, WalletState


class Place(NamedTuple):
    """The lot of a purse that value goes to."""

    rule: PurseRule
    expires: int


def place_of(rule: PurseRule, day: int) -> Place:
    """Where value that comes today goes, in a purse."""
    return Place(rule, expiry(day, rule.validity_days))


def fill_refusal(
    rules: ProductRules, place: Place, lots: tuple[Lot, ...], day: int, amount_minor: int
) -> Outcome | None:
    """Why a request can't fill a lot with an amount: it is over a ceiling, or one lot too many."""
    if is_over_ceiling(rules, place.rule, lots, day, amount_minor):
        return Outcome.AMOUNT_OVER_LIMIT
    return None if has_room(lots, place.rule.purse, place.expires) else Outcome.COUNT_OVER_LIMIT


def to_place(place: Place, wallet_id: int, amount_minor: int) -> Leg:
    """The leg that gives an amount to a lot of a wallet."""
    rule = place.rule
    return Leg(rule.account, wallet_id, rule.asset, amount_minor, rule.purse, place.expires)


def decide_points_earn(intent: Intent, wallets: Wallets, day: int) -> Decision:
    """Credit points by themselves, at their programme's expense."""
    (rules, _), state, kind = card_of(intent), wallets.own, TransactionKind.POINTS_EARN
    refused = refusal(intent, kind, state)
    if refused is not None:
        return refused
    rule = meant(intent, rules, PurseKind.POINTS)
    if rule is None or not may_fill(rule, kind):
        return declined(Outcome.SERVICE_NOT_ALLOWED, intent, state)
    if intent.amount_minor <= 0:
        return declined(Outcome.AMOUNT_INVALID, intent, state)
    place = place_of(rule, day)
    outcome = fill_refusal(rules, place, state.lots, day, intent.amount_minor)
    if outcome is not None:
        return declined(outcome, intent, state)
    tried = state._replace(pin_failures=failures_after(intent, state))
    return _given(intent, place, tried, AccountKind.POINTS_EXPENSE)


def decide_adjustment(intent: Intent, wallets: Wallets, day: int) -> Decision:
    """Add to or take from a purse of money, as two operators agreed; the other side is suspense."""
    rules, _ = card_of(intent)
    rule = meant(intent, rules)
    if rule is not None and rule.kind is PurseKind.POINTS:
        rule = None
    return _adjusted(intent, rule, wallets.own, day, AccountKind.SUSPENSE)


def decide_points_adjustment(intent: Intent, wallets: Wallets, day: int) -> Decision:
    """Add points to or take them from their purse, as two operators agreed, at their programme's expense."""
    rules, _ = card_of(intent)
    rule = meant(intent, rules, PurseKind.POINTS)
    return _adjusted(intent, rule, wallets.own, day, AccountKind.POINTS_EXPENSE)


def _adjusted(
    intent: Intent, rule: PurseRule | None, state: WalletState, day: int, against: AccountKind
) -> Decision:
    (rules, _), amount = card_of(intent), intent.amount_minor
    outcome = status_refusal(state)
    if outcome is not None:
        return Decision(outcome)
    if rule is None or not has_two_operators(intent):
        return Decision(Outcome.SERVICE_NOT_ALLOWED)
    if amount == 0:
        return Decision(Outcome.AMOUNT_INVALID)
    if amount < 0:
        return _taken(intent, rule, state, day, against)
    place = place_of(rule, day) if intent.expires == NEVER else Place(rule, intent.expires)
    if not is_good(place.expires, day) or (rule.purse == CASH and place.expires != NEVER):
        return Decision(Outcome.RELATED_TRANSACTION_INVALID)
    outcome = fill_refusal(rules, place, state.lots, day, amount)
    return Decision(outcome) if outcome is not None else _given(intent, place, state, against)


def _given(intent: Intent, place: Place, state: WalletState, against: AccountKind) -> Decision:
    """Give the amount to a lot, at the expense of an account of the issuer."""
    (rules, wallet_id), amount = card_of(intent), intent.amount_minor
    legs = (
        Leg(against, rules.issuer, place.rule.asset, -amount),
        to_place(place, wallet_id, amount),
    )
    lots = add(state.lots, place.rule.purse, place.expires, amount)
    return Decision(Outcome.APPROVED, legs, state._replace(lots=lots))


def _taken(intent: Intent, rule: PurseRule, state: WalletState, day: int, against: AccountKind) -> Decision:
    """Take the amount from a purse, or from the one lot that is meant, for an account of the issuer."""
    (rules, wallet_id), amount = card_of(intent), -intent.amount_minor
    lots = state.lots if intent.expires == NEVER else (find(state.lots, rule.purse, intent.expires),)
    taken, _, missing = spend_purse(wallet_id, rule, lots, day, amount, 0)
    if missing:
        return Decision(Outcome.INSUFFICIENT_FUNDS)
    legs = (*taken, Leg(against, rules.issuer, rule.asset, amount))
    return Decision(Outcome.APPROVED, legs, state._replace(lots=after(state.lots, taken)))
