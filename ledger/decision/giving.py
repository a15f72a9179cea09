"""Movements that give value to a wallet: top-ups, points, adjustments, transfers between cards. Pure.

Nothing is given beyond what a purse or the wallet may be filled to, into a purse that the movement may not
fill, or into one lot more than a wallet may have. A top-up is sold from the agent's float, where there is
one: then the float is the second wallet of the movement and goes down by as much, and what the float doesn't
have isn't sold. Without a float the merchant who took the cash owes it.

A transfer takes from one purse and gives to the same purse of the other wallet, lot by lot, so that no value
becomes good for longer than it was. It is a purchase for the sender's limits, but no credit: the overdraft
pays none.
"""

from ledger import limits
from ledger.chart import AccountKind, Leg
from ledger.decision.charging import charge
from ledger.decision.checks import (
    approved,
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
from ledger.purses import (
    after,
    is_over_ceiling,
    may_fill,
    may_spend,
    meant,
    overdraft,
    room_of,
    spend_purse,
)
from ledger.wallet import CASH, LOTS_MAX, NEVER, Lot, WalletState, WalletStatus


def decide_top_up(intent: Intent, wallets: Wallets, day: int) -> Decision:
    """Decide a top-up, whether in one step or by a confirm that finds none."""
    state, kind = wallets.own, TransactionKind.TOP_UP
    refused = _top_up_refusal(intent, wallets, day)
    if refused is not None:
        return refused
    rules, wallet_id, amount = intent.rules, intent.wallet_id, intent.amount_minor
    assert rules is not None
    assert wallet_id is not None
    rule = meant(intent, rules)
    assert rule is not None
    expires = expiry(day, rule.validity_days)
    lots = add(state.lots, rule.purse, expires, amount)
    charged = charge(intent, kind, lots, day, overdraft(rules, state))
    if charged.short_minor:
        return declined(Outcome.INSUFFICIENT_FUNDS, intent, state)
    legs = (
        _source(intent, amount),
        Leg(rule.account, wallet_id, intent.asset, amount, rule.purse, expires),
        *charged.legs,
    )
    after = state._replace(lots=charged.lots, pin_failures=failures_after(intent, state))
    return Decision(Outcome.APPROVED, legs, after, other=_less(wallets.other, amount), charges=charged.flags)


def decide_top_up_verify(intent: Intent, wallets: Wallets, day: int) -> Decision:
    """Tell whether a top-up would go through, and how much may be topped up at most; nothing moves.

    An amount of zero asks for the limit alone.
    """
    refused = _top_up_refusal(intent, wallets, day, is_asking=True)
    if refused is not None:
        return refused
    rules = intent.rules
    assert rules is not None
    rule = meant(intent, rules)
    assert rule is not None
    return approved(intent, wallets.own, room_of(rules, rule, wallets.own.lots, day))


def _top_up_refusal(
    intent: Intent, wallets: Wallets, day: int, *, is_asking: bool = False
) -> Decision | None:
    rules, state, kind = intent.rules, wallets.own, TransactionKind.TOP_UP
    assert rules is not None
    refused = refusal(intent, kind, state)
    if refused is not None:
        return refused
    outcome = _top_up_outcome(intent, rules, wallets, day, least=0 if is_asking else 1)
    return None if outcome is None else declined(outcome, intent, state)


def _top_up_outcome(
    intent: Intent, rules: ProductRules, wallets: Wallets, day: int, least: int
) -> Outcome | None:
    rule = meant(intent, rules)
    if rule is None or rule.kind is PurseKind.POINTS or not may_fill(rule, TransactionKind.TOP_UP):
        return Outcome.SERVICE_NOT_ALLOWED
    if intent.other_wallet_id is not None and not _is_float(intent, rules, wallets.other):
        return Outcome.SERVICE_NOT_ALLOWED
    if intent.amount_minor < least:
        return Outcome.AMOUNT_INVALID
    expires = expiry(day, rule.validity_days)
    outcome = _fill_refusal(rules, rule, wallets.own.lots, day, intent.amount_minor, expires)
    if outcome is not None:
        return outcome
    return None if _float_has(intent, wallets.other) else Outcome.INSUFFICIENT_FUNDS


def _is_float(intent: Intent, rules: ProductRules, state: WalletState | None) -> bool:
    """Whether the second wallet may be what a top-up is sold from: another one, open, of the same money."""
    other = intent.other_rules
    return (
        state is not None
        and other is not None
        and state.status is WalletStatus.OPEN
        and intent.other_wallet_id != intent.wallet_id
        and (other.issuer, other.asset) == (rules.issuer, rules.asset)
    )


def _fill_refusal(
    rules: ProductRules,
    rule: PurseRule,
    lots: tuple[Lot, ...],
    day: int,
    amount_minor: int,
    expires: int,
) -> Outcome | None:
    """Why an amount can't go into a lot of a purse: over a ceiling, or one lot too many."""
    if is_over_ceiling(rules, rule, lots, day, amount_minor):
        return Outcome.AMOUNT_OVER_LIMIT
    return None if has_room(lots, rule.purse, expires) else Outcome.COUNT_OVER_LIMIT


def _float_has(intent: Intent, float_state: WalletState | None) -> bool:
    """Whether the agent's float, if a top-up is sold from one, has the amount."""
    if float_state is None or intent.other_rules is None:
        return True
    cash = float_state.lots[0]
    there = cash.balance_minor - cash.held_minor + overdraft(intent.other_rules, float_state)
    return intent.amount_minor <= there


def _source(intent: Intent, amount_minor: int) -> Leg:
    """Where a top-up comes from: the float it is sold from, or the merchant who took the cash."""
    if intent.other_wallet_id is not None:
        return Leg(AccountKind.AGENT_FLOAT, intent.other_wallet_id, intent.asset, -amount_minor, CASH, NEVER)
    return Leg(AccountKind.MERCHANT_PAYABLE, intent.origin.merchant_account, intent.asset, -amount_minor)


def _less(float_state: WalletState | None, amount_minor: int) -> WalletState | None:
    if float_state is None:
        return None
    return float_state._replace(lots=add(float_state.lots, CASH, NEVER, -amount_minor))


def decide_points_earn(intent: Intent, wallets: Wallets, day: int) -> Decision:
    """Credit points by themselves, at their programme's expense."""
    rules, state, kind = intent.rules, wallets.own, TransactionKind.POINTS_EARN
    refused = refusal(intent, kind, state)
    if refused is not None:
        return refused
    assert rules is not None
    rule = meant(intent, rules, PurseKind.POINTS)
    if rule is None or not may_fill(rule, kind):
        return declined(Outcome.SERVICE_NOT_ALLOWED, intent, state)
    if intent.amount_minor <= 0:
        return declined(Outcome.AMOUNT_INVALID, intent, state)
    expires = expiry(day, rule.validity_days)
    outcome = _fill_refusal(rules, rule, state.lots, day, intent.amount_minor, expires)
    if outcome is not None:
        return declined(outcome, intent, state)
    tried = state._replace(pin_failures=failures_after(intent, state))
    return _given(intent, rules, rule, tried, expires, AccountKind.POINTS_EXPENSE)


def decide_adjustment(intent: Intent, wallets: Wallets, day: int) -> Decision:
    """Add to or take from a purse of money, as two operators agreed; the other side is suspense."""
    assert intent.rules is not None
    rule = meant(intent, intent.rules)
    if rule is not None and rule.kind is PurseKind.POINTS:
        rule = None
    return _adjusted(intent, intent.rules, rule, wallets.own, day, AccountKind.SUSPENSE)


def decide_points_adjustment(intent: Intent, wallets: Wallets, day: int) -> Decision:
    """Add points to or take them from their purse, as two operators agreed, at their programme's expense."""
    assert intent.rules is not None
    rule = meant(intent, intent.rules, PurseKind.POINTS)
    return _adjusted(intent, intent.rules, rule, wallets.own, day, AccountKind.POINTS_EXPENSE)


def _adjusted(
    intent: Intent,
    rules: ProductRules,
    rule: PurseRule | None,
    state: WalletState,
    day: int,
    against: AccountKind,
) -> Decision:
    outcome = status_refusal(state)
    if outcome is not None:
        return Decision(outcome)
    if rule is None or not has_two_operators(intent):
        return Decision(Outcome.SERVICE_NOT_ALLOWED)
    if intent.amount_minor == 0:
        return Decision(Outcome.AMOUNT_INVALID)
    if intent.amount_minor < 0:
        return _taken(intent, rules, rule, state, day, against)
    expires = intent.expires or expiry(day, rule.validity_days)
    if not is_good(expires, day) or (rule.purse == CASH and expires != NEVER):
        return Decision(Outcome.RELATED_TRANSACTION_INVALID)
    outcome = _fill_refusal(rules, rule, state.lots, day, intent.amount_minor, expires)
    return Decision(outcome) if outcome is not None else _given(intent, rules, rule, state, expires, against)


def _given(
    intent: Intent,
    rules: ProductRules,
    rule: PurseRule,
    state: WalletState,
    expires: int,
    against: AccountKind,
) -> Decision:
    """Give the amount to one lot, at the expense of an account of the issuer."""
    wallet_id, amount = intent.wallet_id, intent.amount_minor
    assert wallet_id is not None
    legs = (
        Leg(against, rules.issuer, rule.asset, -amount),
        Leg(rule.account, wallet_id, rule.asset, amount, rule.purse, expires),
    )
    return Decision(Outcome.APPROVED, legs, state._replace(lots=add(state.lots, rule.purse, expires, amount)))


def _taken(
    intent: Intent, rules: ProductRules, rule: PurseRule, state: WalletState, day: int, against: AccountKind
) -> Decision:
    """Take the amount from a purse, or from the one lot that is meant, for an account of the issuer."""
    wallet_id, amount = intent.wallet_id, -intent.amount_minor
    assert wallet_id is not None
    lots = (find(state.lots, rule.purse, intent.expires),) if intent.expires else state.lots
    taken, _, missing = spend_purse(wallet_id, rule, lots, day, amount, 0)
    if missing:
        return Decision(Outcome.INSUFFICIENT_FUNDS)
    legs = (*taken, Leg(against, rules.issuer, rule.asset, amount))
    return Decision(Outcome.APPROVED, legs, state._replace(lots=after(state.lots, taken)))


def decide_transfer(intent: Intent, wallets: Wallets, day: int) -> Decision:
    """Move an amount from one card to another of the same issuer, lot by lot."""
    rules, state, kind = intent.rules, wallets.own, TransactionKind.TRANSFER
    refused = refusal(intent, kind, state)
    if refused is not None:
        return refused
    assert rules is not None
    outcome = _partner_refusal(intent, rules, wallets.other)
    if outcome is None:
        outcome = limits.refusal(rules, state, intent.amount_minor, day, intent.received_at_us)
    return declined(outcome, intent, state) if outcome is not None else _moved(intent, rules, wallets, day)


def _partner_refusal(intent: Intent, rules: ProductRules, other: WalletState | None) -> Outcome | None:
    """Why a transfer between these two cards can't be, whatever they hold."""
    if other is not None and other.status is not WalletStatus.OPEN:
        return status_refusal(other) or Outcome.CARD_RESTRICTED
    rule, target = meant(intent, rules), _target(intent)
    if (
        other is None
        or rule is None
        or target is None
        or rule.kind is not target.kind
        or intent.other_wallet_id == intent.wallet_id
        or not may_spend(rule, TransactionKind.TRANSFER, intent)
    ):
        return Outcome.SERVICE_NOT_ALLOWED
    return Outcome.AMOUNT_INVALID if intent.amount_minor <= 0 else None


def _target(intent: Intent) -> PurseRule | None:
    """The purse that a transfer may fill, if there is one of the same issuer."""
    rules, other = intent.rules, intent.other_rules
    if rules is None or other is None or other.issuer != rules.issuer:
        return None
    rule = meant(intent, other)
    return rule if rule is not None and may_fill(rule, TransactionKind.TRANSFER) else None


def _moved(intent: Intent, rules: ProductRules, wallets: Wallets, day: int) -> Decision:
    state, other, kind = wallets.own, wallets.other, TransactionKind.TRANSFER
    rule, target, amount = meant(intent, rules), _target(intent), intent.amount_minor
    assert rule is not None
    assert target is not None
    assert other is not None
    assert intent.wallet_id is not None
    assert intent.other_wallet_id is not None
    assert intent.other_rules is not None
    charged = charge(intent, kind, state.lots, day, overdraft(rules, state))
    taken, own_lots, missing = spend_purse(intent.wallet_id, rule, charged.lots, day, amount, 0)
    if missing or charged.short_minor:
        return declined(Outcome.INSUFFICIENT_FUNDS, intent, state)
    given = [
        Leg(target.account, intent.other_wallet_id, leg.asset, -leg.amount_minor, leg.purse, leg.expires)
        for leg in taken
    ]
    lots = after(other.lots, given)
    if is_over_ceiling(intent.other_rules, target, other.lots, day, amount):
        return declined(Outcome.AMOUNT_OVER_LIMIT, intent, state)
    if len(lots) > max(LOTS_MAX, len(other.lots)):
        return declined(Outcome.COUNT_OVER_LIMIT, intent, state)
    failures = failures_after(intent, state)
    own = limits.counted(rules, state, own_lots, failures, amount, day, intent.received_at_us)
    legs = (*taken, *given, *charged.legs)
    return Decision(Outcome.APPROVED, legs, own, other=other._replace(lots=lots), charges=charged.flags)
