"""Fees and points as pairs of legs on the wallet. Pure.

A cardholder pays a fee from the cash purse, and from its overdraft as a request may; what a forced movement
doesn't find there is owed. Points that a movement earns go into their lot as far as their purse's ceiling
allows; into a wallet with no room for one more lot they are not earned, since a sale is not refused for that.
"""

from typing import NamedTuple

from ledger import lots as lot_sums
from ledger.chart import AccountKind, Leg
from ledger.earning import earned
from ledger.fees import Fee, fees_of
from ledger.identity import TransactionKind
from ledger.intent import Intent
from ledger.product import ProductRules
from ledger.purses import room_of
from ledger.wallet import CASH, NEVER, Lot


class Charged(NamedTuple):
    """Pairs of legs, the flag of each pair, the lots afterwards, and what the cardholder couldn't pay."""

    legs: tuple[Leg, ...]
    flags: tuple[bool, ...]
    lots: tuple[Lot, ...]
    short_minor: int


def charge(
    intent: Intent,
    kind: TransactionKind,
    lots: tuple[Lot, ...],
    day: int,
    overdraft_minor: int,
    *,
    is_forced: bool = False,
) -> Charged:
    """Charge the fees of a movement, and credit what it earns.

    Args:
        intent: the movement, with its product's rules; fees and points are of its amount.
        kind: what it counts as.
        lots: the wallet's lots.
        day: the open business date.
        overdraft_minor: how far below zero the cash purse may go.
        is_forced: whether what the cash purse lacks is owed; else it is reported as short.
    """
    rules, wallet_id = intent.rules, intent.wallet_id
    assert rules is not None
    assert wallet_id is not None
    legs: list[Leg] = []
    flags: list[bool] = []
    room = max(0, lots[0].balance_minor - lots[0].held_minor + overdraft_minor)
    cash = _cash_account(rules), wallet_id
    paid = short = 0
    for fee in fees_of(rules, kind, intent, intent.amount_minor):
        if fee.source is not None:
            _pair(legs, flags, Leg(*fee.source, rules.asset, -fee.amount_minor), fee)
            continue
        part = min(fee.amount_minor, room - paid)
        if part:
            paid += part
            _pair(legs, flags, Leg(*cash, rules.asset, -part, CASH, NEVER), fee)
        rest = fee.amount_minor - part
        if rest and is_forced:
            _pair(legs, flags, Leg(AccountKind.CARDHOLDER_RECEIVABLE, wallet_id, rules.asset, -rest), fee)
        elif rest:
            short += rest
    if paid:
        lots = lot_sums.add(lots, CASH, NEVER, -paid)
    lots = _earn(legs, flags, intent, rules, wallet_id, kind, lots, day)
    return Charged(tuple(legs), tuple(flags), lots, short)


def _cash_account(rules: ProductRules) -> AccountKind:
    rule = rules.purse_rule(CASH)
    return AccountKind.WALLET_CASH if rule is None else rule.account


def _pair(legs: list[Leg], flags: list[bool], source: Leg, fee: Fee) -> None:
    legs += source, Leg(*fee.target, source.asset, -source.amount_minor)
    flags.append(fee.is_returned)


def _earn(
    legs: list[Leg],
    flags: list[bool],
    intent: Intent,
    rules: ProductRules,
    wallet_id: int,
    kind: TransactionKind,
    lots: tuple[Lot, ...],
    day: int,
) -> tuple[Lot, ...]:
    for (purse, expires), points in earned(rules, kind, intent, intent.amount_minor, day).items():
        rule = rules.purse_rule(purse)
        assert rule is not None
        room = room_of(rules, rule, lots, day)
        given = points if room is None else min(points, room)
        if given and lot_sums.has_room(lots, purse, expires):
            legs += (
                Leg(AccountKind.POINTS_EXPENSE, rules.issuer, rule.asset, -given),
                Leg(rule.account, wallet_id, rule.asset, given, purse, expires),
            )
            flags.append(True)
            lots = lot_sums.add(lots, purse, expires, given)
    return lots
