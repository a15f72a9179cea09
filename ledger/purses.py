"""Which purses a movement may use, and in which order: the waterfall. Pure.

A purchase spends the product's money purses in their order, each soonest to expire first, and after all of
them the overdraft of the cash purse, down to the floor of the wallet's credit grade. A purse takes part if
its outflows allow the movement and, where it lists merchants, categories or services, one of the lists names
the place. What was taken from where is the legs, which are stored: whatever takes the movement back undoes
them, and never goes through the waterfall again.
"""

from collections.abc import Iterable
from typing import TypeAlias

from ledger import lots as lot_sums
from ledger.chart import Leg
from ledger.identity import TransactionKind
from ledger.intent import Intent
from ledger.product import ProductRules, PurseKind, PurseRule
from ledger.wallet import CASH, NEVER, Lot, WalletState

Spent: TypeAlias = tuple[tuple[Leg, ...], tuple[Lot, ...], int]
"""What was taken: a leg for each lot, the lots afterwards, and how much of the amount wasn't there."""


def may_spend(rule: PurseRule, kind: TransactionKind, intent: Intent) -> bool:
    """Whether a movement may spend a purse at the place where it happens."""
    if rule.outflows is not None and kind not in rule.outflows:
        return False
    return not rule.is_listed or is_listed(rule, intent)


def is_listed(rule: PurseRule, intent: Intent) -> bool:
    """Whether one of a purse's lists names the place."""
    return (
        (rule.merchants is not None and intent.origin.merchant_id in rule.merchants)
        or (rule.categories is not None and intent.category in rule.categories)
        or (rule.services is not None and intent.service in rule.services)
    )


def may_fill(rule: PurseRule, kind: TransactionKind) -> bool:
    """Whether a movement may fill a purse."""
    return rule.inflows is None or kind in rule.inflows


def meant(intent: Intent, rules: ProductRules, kind: PurseKind | None = None) -> PurseRule | None:
    """The one purse that an intent is about: the one it names, or else the first of its asset.

    Of money that is the cash purse, wherever it stands in the order. None if the product has no such purse,
    if its asset is not the intent's, or if it is not of the `kind` that is asked for.
    """
    if intent.purse is not None:
        rule = rules.purse_rule(intent.purse)
    elif intent.asset == rules.asset:
        rule = rules.purse_rule(CASH)
    else:
        rule = next((rule for rule in rules.purses if rule.asset == intent.asset), None)
    if rule is None or rule.asset != intent.asset or (kind is not None and rule.kind is not kind):
        return None
    return rule


def overdraft(rules: ProductRules, state: WalletState) -> int:
    """How far below zero the cash purse may go, by the wallet's credit grade; none if the product lost it."""
    grades = rules.overdraft_by_grade
    return grades[state.grade] if state.grade < len(grades) else 0


def spend(
    intent: Intent,
    kind: TransactionKind,
    lots: tuple[Lot, ...],
    day: int,
    amount_minor: int,
    overdraft_minor: int,
) -> Spent:
    """Take an amount by the waterfall, as far as there is something.

    Most products have no money but a cash purse, and most purchases are within it: their way is short.

    Args:
        intent: the movement, with the product's rules.
        kind: what it counts as.
        lots: the wallet's lots.
        day: the open business date.
        amount_minor: above zero.
        overdraft_minor: how far below zero the cash purse may go.
    """
    rules, wallet_id = intent.rules, intent.wallet_id
    assert rules is not None
    assert wallet_id is not None
    plain, (_, _, balance, held) = rules.plain_purse, lots[0]
    if plain is not None and amount_minor <= balance - held:
        leg = Leg(plain.account, wallet_id, plain.asset, -amount_minor, CASH, NEVER)
        return (leg,), (Lot(CASH, NEVER, balance - amount_minor, held), *lots[1:]), 0
    legs: list[Leg] = []
    left, cash = amount_minor, None
    for rule in rules.money_purses:
        if not (rule.is_free or may_spend(rule, kind, intent)):
            continue
        if rule.purse == CASH:
            cash = rule
        left = _take(legs, lots, rule, wallet_id, day, left)
        if not left:
            break
    if left and overdraft_minor and cash is not None:
        left = _overdraw(legs, lots[0], cash, wallet_id, left, overdraft_minor)
    return tuple(legs), after(lots, legs), left


def spend_purse(
    wallet_id: int, rule: PurseRule, lots: tuple[Lot, ...], day: int, amount_minor: int, overdraft_minor: int
) -> Spent:
    """Take an amount from one purse, as far as there is something."""
    legs: list[Leg] = []
    left = _take(legs, lots, rule, wallet_id, day, amount_minor)
    if left and overdraft_minor and rule.purse == CASH:
        left = _overdraw(legs, lots[0], rule, wallet_id, left, overdraft_minor)
    return tuple(legs), after(lots, legs), left


def _take(
    legs: list[Leg], lots: tuple[Lot, ...], rule: PurseRule, wallet_id: int, day: int, left: int
) -> int:
    """Take from the good lots of a purse; what is left of the amount."""
    purse = rule.purse
    for number, expires, balance, held in lots:
        if number != purse or balance <= held or (expires != NEVER and expires < day):
            continue
        part = min(left, balance - held)
        legs.append(Leg(rule.account, wallet_id, rule.asset, -part, purse, expires))
        left -= part
        if not left:
            break
    return left


def _overdraw(
    legs: list[Leg], lot: Lot, rule: PurseRule, wallet_id: int, left: int, overdraft_minor: int
) -> int:
    """Take from the overdraft, in one leg with the cash that was taken; what is left of the amount."""
    taken = -sum(leg.amount_minor for leg in legs if leg.purse == CASH)
    part = min(left, lot.balance_minor - lot.held_minor - taken + overdraft_minor)
    if part <= 0:
        return left
    legs[:] = [leg for leg in legs if leg.purse != CASH]
    legs.append(Leg(rule.account, wallet_id, rule.asset, -taken - part, CASH, NEVER))
    return left - part


def after(lots: tuple[Lot, ...], legs: Iterable[Leg]) -> tuple[Lot, ...]:
    """The lots after legs of theirs."""
    for leg in legs:
        lots = lot_sums.add(lots, leg.purse, leg.expires, leg.amount_minor)
    return lots


def is_over_ceiling(
    rules: ProductRules, rule: PurseRule, lots: tuple[Lot, ...], day: int, amount_minor: int
) -> bool:
    """Whether adding an amount takes a purse, or all money of the wallet, over what it may be filled to."""
    room = room_of(rules, rule, lots, day)
    return room is not None and amount_minor > room


def room_of(rules: ProductRules, rule: PurseRule, lots: tuple[Lot, ...], day: int) -> int | None:
    """How much may still be added to a purse; None: anything."""
    rooms: list[int] = []
    if rule.ceiling_minor is not None:
        rooms.append(rule.ceiling_minor - lot_sums.balance(lots, rule.purse, day))
    if rules.wallet_max_minor is not None and rule.kind is not PurseKind.POINTS:
        held = sum(lot_sums.balance(lots, money.purse, day) for money in rules.money_purses)
        rooms.append(rules.wallet_max_minor - held)
    return max(0, min(rooms)) if rooms else None
