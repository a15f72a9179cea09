"""The chart of accounts: which kinds of account exist, and how a leg names one.

An account is a kind and a number within it: a wallet's cash purse has the wallet's number, a merchant's
payable has the merchant's. Amounts are signed, in minor units of the leg's asset: positive credits the
account, negative debits it, and the legs of one transaction sum to zero per asset. Only wallets have a
balance row (sealed); every other balance is the sum of its entries, so that a busy merchant never serialises
the switch.
"""

from collections import defaultdict
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple


class AccountKind(IntEnum):
    """Kinds of account; the numbers are stored in the journal."""

    WALLET_CASH = 1
    """What we owe a cardholder: the cash purse of a wallet."""
    MERCHANT_PAYABLE = 2
    """What we owe a merchant for sales."""
    PROGRAMME_FUNDING = 3
    """Where value issued with a card came from."""
    CARDHOLDER_RECEIVABLE = 4
    """What a cardholder owes us, by wallet, since something had to post and the wallet was short of it."""


OF_CARDHOLDER = frozenset({AccountKind.WALLET_CASH, AccountKind.CARDHOLDER_RECEIVABLE})
"""The sides of a cardholder's money: what we owe, and what is owed to us. Both have the wallet's number."""


class Asset(IntEnum):
    """What is counted: an ISO 4217 number, or later a points programme."""

    CNY = 156


class Leg(NamedTuple):
    """One signed movement on one account."""

    account_kind: AccountKind
    account_id: int
    asset: int
    amount_minor: int


def transfer(
    source: tuple[AccountKind, int], target: tuple[AccountKind, int], asset: int, amount_minor: int
) -> tuple[Leg, ...]:
    """The two legs that move `amount_minor` (above zero) from `source` to `target`."""
    assert amount_minor > 0
    return Leg(*source, asset, -amount_minor), Leg(*target, asset, amount_minor)


def undone(legs: Iterable[Leg]) -> tuple[Leg, ...]:
    """The legs that take `legs` back exactly."""
    return tuple(Leg(kind, account, asset, -amount) for kind, account, asset, amount in legs)


def is_balanced(legs: Iterable[Leg]) -> bool:
    """Whether the legs sum to zero for each asset."""
    totals: defaultdict[int, int] = defaultdict(int)
    for leg in legs:
        totals[leg.asset] += leg.amount_minor
    return not any(totals.values())
