"""Fees and points as pairs of legs on the wallet. Pure.

A cardholder pays a fee from the cash purse, and from its overdraft as a request may; what a forced movement
doesn't find there is owed. Points that a movement earns go into their lot as far as their purse's ceiling
allows; into a wallet with no room for one more lot they are not earned, since a sale is not refused for that.
"""

from typing import NamedTuple

from ledger import lots as lot_sums
from ledger.chart import AccountKind, Leg
from ledger.decision.checks import card_of
from ledger.earning import earned
from ledger.fees import Fee, fees_of
from ledger.identity import TransactionKind
from ledger.intent import Intent
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
    rules, _ = card_of(intent)
    charged = _Charging(intent, lots, overdraft_minor)
    for fee in fees_of(rules, kind, intent, intent.amount_minor):
        if fee.source is not None:
            charged.pair(Leg(*fee.source, rules.asset, -fee.amount_minor), fee)
        else:
            charged.to_cardholder(fee, is_forced=is_forced)
    for lot, points in earned(rules, kind, intent, intent.amount_minor, day).items():
        charged.credit(*lot, points, day)
    return Charged(tuple(charged.legs), tuple(charged.flags), charged.lots, charged.short_minor)


class _Charging:
    """The charges of one movement while they gather."""

    def __init__(self, intent: Intent, lots: tuple[Lot, ...], overdraft_minor: int) -> None:
        self._rules, self._wallet_id = card_of(intent)
        self._overdraft_minor = overdraft_minor
        self.legs: list[Leg] = []
        self.flags: list[bool] = []
        self.lots = lots
        self.short_minor = 0

    def pair(self, source: Leg, fee: Fee) -> None:
        """Take a fee, or a part of it, from an account."""
        self.legs += source, Leg(*fee.target, source.asset, -source.amount_minor)
        self.flags.append(fee.is_returned)

    def to_cardholder(self, fee: Fee, *, is_forced: bool) -> None:
        """Take a fee from cash; what isn't there is owed or short."""
        cash, asset = self.lots[0], self._rules.asset
        there = max(0, cash.balance_minor - cash.held_minor + self._overdraft_minor)
        paid = min(fee.amount_minor, there)
        if paid:
            rule = self._rules.purse_rule(CASH)
            kind = AccountKind.WALLET_CASH if rule is None else rule.account
            self.lots = lot_sums.add(self.lots, CASH, NEVER, -paid)
            self.pair(Leg(kind, self._wallet_id, asset, -paid, CASH, NEVER), fee)
        rest = fee.amount_minor - paid
        if rest and is_forced:
            self.pair(Leg(AccountKind.CARDHOLDER_RECEIVABLE, self._wallet_id, asset, -rest), fee)
        else:
            self.short_minor += rest

    def credit(self, purse: int, expires: int, points: int, day: int) -> None:
        """Give points to their lot, as far as there is room."""
        rule = self._rules.purse_rule(purse)
        assert rule is not None
        room = room_of(self._rules, rule, self.lots, day)
        given = points if room is None else min(points, room)
        if given and lot_sums.has_room(self.lots, purse, expires):
            self.legs += (
                Leg(AccountKind.POINTS_EXPENSE, self._rules.issuer, rule.asset, -given),
                Leg(rule.account, self._wallet_id, rule.asset, given, purse, expires),
            )
            self.flags.append(True)
            self.lots = lot_sums.add(self.lots, purse, expires, given)
