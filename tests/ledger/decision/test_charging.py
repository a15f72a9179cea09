"""Charging: fees from cash in pairs of legs, and points into their lots."""

from typing import Any

import pytest

from ledger.chart import AccountKind
from ledger.decision.charging import Charged, charge
from ledger.identity import TransactionKind
from ledger.product import EarningRule, FeeRule, Party, ProductRules, PurseKind, PurseRule
from ledger.wallet import CASH, LOTS_MAX, NEVER, Lot

from .cases import (
    CASH_PURSE,
    ISSUER,
    MERCHANT,
    POINTS,
    POINTS_PURSE,
    STARS,
    TODAY,
    WALLET,
    moved,
    request,
    state,
)

KIND = TransactionKind.PURCHASE
KINDS = frozenset({KIND})
FEE = FeeRule(KINDS, Party.CARDHOLDER, Party.ISSUER, flat_minor=30, returned_on_refund=True)
SURCHARGE = FeeRule(KINDS, Party.CARDHOLDER, Party.MERCHANT, flat_minor=20)
DISCOUNT = FeeRule(KINDS, Party.MERCHANT, Party.ISSUER, percent_hundredths=100)
POINT = EarningRule(POINTS, KINDS, 100, 1)
CASH_OF_WALLET = (AccountKind.WALLET_CASH, WALLET, CASH, NEVER)
POINTS_OF_WALLET = (AccountKind.WALLET_POINTS, WALLET, POINTS, TODAY + 365)
INCOME = (AccountKind.FEE_INCOME, ISSUER, 0, 0)
MERCHANTS = (AccountKind.MERCHANT_PAYABLE, MERCHANT, 0, 0)
OWED = (AccountKind.CARDHOLDER_RECEIVABLE, WALLET, 0, 0)
EXPENSE = (AccountKind.POINTS_EXPENSE, ISSUER, 0, 0)


def charged(
    *rules: FeeRule | EarningRule,
    cash: int = 0,
    lots: tuple[Lot, ...] = (),
    credit: int = 0,
    amount: int = 1000,
    points: PurseRule = POINTS_PURSE,
    is_forced: bool = False,
) -> Charged:
    """What a purchase is charged and earns by these rules, with so much cash."""
    product = ProductRules(
        issuer=ISSUER,
        purses=(CASH_PURSE, points),
        fees=tuple(rule for rule in rules if isinstance(rule, FeeRule)),
        earning=tuple(rule for rule in rules if isinstance(rule, EarningRule)),
    )
    held = state(*lots, cash=cash).lots
    return charge(request(KIND, amount, product), KIND, held, TODAY, credit, is_forced=is_forced)


def test_fees_come_from_cash_one_after_the_other() -> None:
    """Each fee is a pair of legs that says whether a refund returns it."""
    legs, flags, lots, short = charged(FEE, SURCHARGE, cash=100)

    assert {CASH_OF_WALLET: -50, INCOME: 30, MERCHANTS: 20} == moved(legs)
    assert (4, (True, False), 50, 0) == (len(legs), flags, lots[0].balance_minor, short)


@pytest.mark.parametrize(
    ("cash", "credit", "balance", "short"), [(50, 0, 0, 0), (49, 0, 0, 1), (0, 45, -45, 5), (-10, 60, -60, 0)]
)
def test_what_cash_and_overdraft_lack_is_short(cash: int, credit: int, balance: int, short: int) -> None:
    """A request that can't pay its fees is told how much is missing."""
    result = charged(FEE, SURCHARGE, cash=cash, credit=credit)

    assert (balance, short) == (result.lots[0].balance_minor, result.short_minor)


@pytest.mark.parametrize(
    ("cash", "pairs", "owed"),
    [(0, (True, False), 50), (10, (True, True, False), 40), (30, (True, False), 20)],
)
def test_what_a_forced_movement_lacks_is_owed(cash: int, pairs: tuple[bool, ...], owed: int) -> None:
    """A fee that cash pays in part is two pairs, of which the second is owed."""
    legs, flags, lots, short = charged(FEE, SURCHARGE, cash=cash, is_forced=True)

    assert (pairs, 0, 0) == (flags, lots[0].balance_minor, short)
    assert -owed == moved(legs)[OWED]
    assert (30, 20) == (moved(legs)[INCOME], moved(legs)[MERCHANTS])


def test_others_bear_their_fees_without_the_wallet() -> None:
    """What the merchant bears leaves the wallet as it is."""
    legs, flags, lots, short = charged(DISCOUNT, cash=5)

    assert {MERCHANTS: -10, INCOME: 10} == moved(legs)
    assert ((False,), (Lot(CASH, NEVER, 5),), 0) == (flags, lots, short)


def test_points_go_to_their_lot() -> None:
    """Points are a pair of legs in their own asset, always taken back with what earned them."""
    legs, flags, lots, short = charged(POINT, cash=5)

    assert {EXPENSE: -10, POINTS_OF_WALLET: 10} == moved(legs)
    assert {STARS} == {leg.asset for leg in legs}
    assert ((True,), (Lot(CASH, NEVER, 5), Lot(POINTS, TODAY + 365, 10)), 0) == (flags, lots, short)


@pytest.mark.parametrize(("there", "given"), [(0, 10), (95, 5), (100, 0), (120, 0)])
def test_points_stop_at_their_ceiling(there: int, given: int) -> None:
    """A purse of points that is full takes what it has room for, and the sale goes on."""
    purse = PurseRule(POINTS, PurseKind.POINTS, STARS, validity_days=365, ceiling_minor=100)
    lots = (Lot(POINTS, TODAY + 365, there),) if there else ()

    result = charged(POINT, lots=lots, points=purse)

    assert there + given == sum(lot.balance_minor for lot in result.lots)
    assert ((True,) if given else ()) == result.flags


def test_points_need_room_for_their_lot() -> None:
    """A wallet with as many lots as it may have earns nothing that needs one more."""
    full = tuple(Lot(POINTS, day, 1) for day in range(TODAY, TODAY + LOTS_MAX - 1))

    assert charged(EarningRule(POINTS, KINDS, 100, 1, validity_days=9999), lots=full).legs == ()
    assert moved(charged(POINT, lots=full).legs)[POINTS_OF_WALLET] == 10


@pytest.mark.parametrize(
    ("purses", "account"),
    [
        ((PurseRule(CASH, PurseKind.FLOAT),), AccountKind.AGENT_FLOAT),
        ((PurseRule(3, PurseKind.BONUS),), AccountKind.WALLET_CASH),
    ],
)
def test_fees_of_wallets_without_cash(purses: Any, account: AccountKind) -> None:
    """An agent's float pays its fees itself; a wallet without a rule for cash still has its cash lot."""
    rules = ProductRules(purses=purses, fees=(FEE,))

    legs = charge(request(KIND, 1000, rules), KIND, state(cash=30).lots, TODAY, 0).legs

    assert (account, -30) == (legs[0].account_kind, legs[0].amount_minor)
