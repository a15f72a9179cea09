"""The chart of accounts: which kinds of account exist, and how a leg names one.

An account is a kind and a number within it: a wallet's purse has the wallet's number, a merchant's payable
has the merchant's, and an account that an issuer has once (fee income, expense, breakage and the like) has
the issuer's. Each transaction in the journal belongs to one issuer, so each issuer has a chart of its own.

Amounts are signed, in minor units of the leg's asset: positive credits the account, negative debits it. The
legs of one transaction sum to zero for each asset in each layer. The posted layer is the money that has
moved; the held layer is what pre-authorisations keep aside, a debit of the wallet and a credit of the
merchant that hopes for it, and it never mixes with the other.

Only wallets have a balance row (sealed); every other balance is the sum of its entries, so that a busy
merchant never serialises the switch. A leg of a wallet says which of its lots it moved: the purse and the
last good day.
"""

from collections import defaultdict
from collections.abc import Iterable
from enum import Enum, IntEnum
from typing import NamedTuple


class AccountKind(IntEnum):
    """Kinds of account; the numbers are stored in the journal."""

    WALLET_CASH = 1
    """What we owe a cardholder: the cash purse of a wallet; below zero it is the overdraft."""
    MERCHANT_PAYABLE = 2
    """What we owe a merchant for sales, less what a merchant owes us for top-ups sold without a float."""
    PROGRAMME_FUNDING = 3
    """Where value issued with a card came from."""
    CARDHOLDER_RECEIVABLE = 4
    """What a cardholder owes us, by wallet, since something had to post and the wallet was short of it."""
    WALLET_SPECIAL = 5
    """What we owe a cardholder for use at listed places only."""
    WALLET_BONUS = 6
    """What we owe a cardholder by way of a gift: it is spent, never paid out."""
    WALLET_POINTS = 7
    """The points liability: what a cardholder has of a points programme."""
    AGENT_FLOAT = 8
    """What an agent has paid in to sell top-ups from: the cash purse of the agent's wallet."""
    AGENT_PAYABLE = 9
    """What we owe an agent (commission), or the agent us (top-ups sold without a float)."""
    PARTNER_CLEARING = 10
    """What we owe a partner host, or it us, until it is settled."""
    FEE_INCOME = 11
    """Fees that an issuer earned."""
    COMMISSION = 12
    """Fees that an issuer pays."""
    POINTS_EXPENSE = 13
    """What a points programme has given away, in its points."""
    BREAKAGE = 14
    """What lapsed, and what was written off on closing."""
    IN_TRANSIT = 15
    """Money on its way between two places, which must come to zero."""
    SUSPENSE = 16
    """The other side of a manual adjustment, until somebody has explained it."""
    PAYOUT = 17
    """What was paid out to cardholders on closing."""
    HELD_WALLET = 101
    """What is held of a wallet's purse."""
    HELD_MERCHANT = 102
    """What is held for a merchant."""

    __hash__ = int.__hash__
    """The hash that Enum gives a member is a call in Python, at each look-up; equal ones hash alike."""


class Layer(Enum):
    """The two books, each of which balances by itself."""

    POSTED = "posted"
    HELD = "held"


_FIRST_HELD = AccountKind.HELD_WALLET


def layer_of(kind: AccountKind) -> Layer:
    """The layer that an account of this kind belongs to."""
    return Layer.HELD if kind >= _FIRST_HELD else Layer.POSTED


OF_WALLET = frozenset(
    {
        AccountKind.WALLET_CASH,
        AccountKind.WALLET_SPECIAL,
        AccountKind.WALLET_BONUS,
        AccountKind.WALLET_POINTS,
        AccountKind.AGENT_FLOAT,
        AccountKind.HELD_WALLET,
    }
)
"""Accounts that a wallet's row has the balance of: they have its number, their entries its version."""

OF_CARDHOLDER = OF_WALLET - {AccountKind.HELD_WALLET} | {AccountKind.CARDHOLDER_RECEIVABLE}
"""The sides of a cardholder's money: what we owe, and what is owed to us. Both have the wallet's number."""


class Asset(IntEnum):
    """What is counted: an ISO 4217 number; a points programme has a number from `POINTS_FROM` on."""

    CNY = 156


POINTS_FROM = 1000
"""The first number of an asset that is a points programme; ISO 4217 numbers have three digits."""


class Leg(NamedTuple):
    """One signed movement on one account.

    `purse` and `expires` (the last good day, as a proleptic ordinal; 0: never) name the lot on legs of a
    wallet, and are 0 on others.
    """

    account_kind: AccountKind
    account_id: int
    asset: int
    amount_minor: int
    purse: int = 0
    expires: int = 0


def undone(legs: Iterable[Leg]) -> tuple[Leg, ...]:
    """The legs that take `legs` back exactly, lot by lot."""
    return tuple(
        Leg(kind, account, asset, -amount, purse, expires)
        for kind, account, asset, amount, purse, expires in legs
    )


def is_balanced(legs: Iterable[Leg]) -> bool:
    """Whether the legs sum to zero for each asset in each layer."""
    totals: defaultdict[tuple[int, bool], int] = defaultdict(int)
    for leg in legs:
        totals[leg.asset, leg.account_kind >= _FIRST_HELD] += leg.amount_minor
    return not any(totals.values())
