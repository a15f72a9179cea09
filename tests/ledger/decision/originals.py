"""Originals as short as a test can say them, of the wallet and merchant of `cases`."""

from typing import Any

from ledger.chart import AccountKind, Asset, Leg
from ledger.identity import TransactionKind
from ledger.original import Original, Share
from ledger.wallet import CASH, NEVER

from .cases import BONUS, ISSUER, MERCHANT, POINTS, STARS, TODAY, WALLET


def cash(amount_minor: int, wallet_id: int = WALLET) -> Leg:
    """A leg of a cash purse."""
    return Leg(AccountKind.WALLET_CASH, wallet_id, Asset.CNY, amount_minor, CASH)


def bonus(amount_minor: int, expires: int = TODAY) -> Leg:
    """A leg of a bonus lot."""
    return Leg(AccountKind.WALLET_BONUS, WALLET, Asset.CNY, amount_minor, BONUS, expires)


def held(amount_minor: int, purse: int = CASH, expires: int = NEVER) -> Leg:
    """A leg of what is held of a lot."""
    return Leg(AccountKind.HELD_WALLET, WALLET, Asset.CNY, amount_minor, purse, expires)


def hoped(amount_minor: int) -> Leg:
    """A leg of what is held for the merchant."""
    return Leg(AccountKind.HELD_MERCHANT, MERCHANT, Asset.CNY, amount_minor)


def merchant(amount_minor: int) -> Leg:
    """A leg of the merchant."""
    return Leg(AccountKind.MERCHANT_PAYABLE, MERCHANT, Asset.CNY, amount_minor)


def owed(amount_minor: int, wallet_id: int = WALLET, asset: int = Asset.CNY) -> Leg:
    """A leg of what a cardholder owes."""
    return Leg(AccountKind.CARDHOLDER_RECEIVABLE, wallet_id, asset, amount_minor)


def breakage(amount_minor: int) -> Leg:
    """A leg of what lapsed."""
    return Leg(AccountKind.BREAKAGE, ISSUER, Asset.CNY, amount_minor)


def fee(amount_minor: int) -> tuple[Leg, Leg]:
    """A fee that the cardholder paid from cash."""
    return cash(-amount_minor), Leg(AccountKind.FEE_INCOME, ISSUER, Asset.CNY, amount_minor)


def points(number: int, expires: int = TODAY + 365) -> tuple[Leg, Leg]:
    """Points that were earned."""
    expense = Leg(AccountKind.POINTS_EXPENSE, ISSUER, STARS, -number)
    return expense, Leg(AccountKind.WALLET_POINTS, WALLET, STARS, number, POINTS, expires)


def original(*legs: Leg, amount_minor: int = 1000, **more: Any) -> Original:
    """A purchase of today with these legs; `more` are other fields."""
    kind = more.pop("kind", TransactionKind.PURCHASE)
    fields = {"shares": (Share(TODAY, amount_minor),), "issuer": ISSUER} | more
    return Original(1, kind, WALLET, amount_minor, Asset.CNY, TODAY, MERCHANT, legs, **fields)
