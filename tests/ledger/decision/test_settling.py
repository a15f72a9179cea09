"""Legs that must be posted, on wallets that may not have what they need."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chart import AccountKind, Asset, Leg, is_balanced, undone
from ledger.decision.settling import Purses, Settled, settle
from ledger.product import ProductRules
from ledger.wallet import CASH, NEVER, Lot

from .cases import (
    BONUS,
    BONUS_PURSE,
    CASH_PURSE,
    ISSUER,
    OTHER,
    POINTS,
    SHOP,
    SPECIAL,
    SPECIAL_PURSE,
    STARS,
    TODAY,
    WALLET,
)
from .originals import bonus, breakage, cash, fee, held, hoped, merchant, owed, points

GRACE = ProductRules(issuer=ISSUER, purses=(replace(BONUS_PURSE, grace_days=7), SPECIAL_PURSE, CASH_PURSE))
YESTERDAY, TOMORROW = TODAY - 1, TODAY + 1


def settled(
    main: Sequence[Leg],
    *lots: Lot,
    in_cash: int = 0,
    pairs: Sequence[Leg] = (),
    charges: Sequence[bool] = (),
    overdraft_minor: int = 0,
    rules: ProductRules | None = SHOP,
) -> Settled:
    """The legs put on the wallet with these lots."""
    purses = Purses((Lot(CASH, NEVER, in_cash), *lots), overdraft_minor, rules)
    return settle(main, pairs, charges, {WALLET: purses, OTHER: Purses((Lot(CASH),))}, TODAY, ISSUER)


def test_what_is_there_is_posted_as_it_is() -> None:
    """Legs for which there is enough are posted one by one, on their lots."""
    legs = (bonus(-300, TOMORROW), cash(-100), merchant(400))

    done = settled(legs, Lot(BONUS, TOMORROW, 500), in_cash=100)

    assert legs == done.legs
    assert (Lot(CASH), Lot(BONUS, TOMORROW, 200)) == done.lots[WALLET]
    assert ((), 0) == (done.charges, done.owed_minor)


def test_legs_of_nothing_are_left_out() -> None:
    """Neither a leg nor a pair of nothing is posted."""
    done = settled((cash(-1), bonus(0), merchant(1)), in_cash=1, pairs=fee(0), charges=(True,))

    assert (cash(-1), merchant(1)) == done.legs
    assert () == done.charges


def test_what_comes_in_may_be_taken_at_once() -> None:
    """The order of the legs doesn't matter to what is there."""
    done = settled((cash(-500), cash(400), merchant(100)), in_cash=100)

    assert (cash(-500), cash(400), merchant(100)) == done.legs


@pytest.mark.parametrize(
    ("lots", "in_cash", "overdraft", "taken"),
    [
        ((Lot(BONUS, TOMORROW, 300),), 0, 0, [bonus(-300, TOMORROW)]),
        (
            (Lot(BONUS, TOMORROW, 100), Lot(BONUS, TODAY + 2, 500)),
            *(0, 0, [bonus(-100, TOMORROW), bonus(-200, TODAY + 2)]),
        ),
        (
            (Lot(BONUS, YESTERDAY, 900), Lot(BONUS, TOMORROW, 100)),
            *(200, 0, [bonus(-100, TOMORROW), cash(-200)]),
        ),
        (
            (Lot(BONUS, TOMORROW, 300, 250), Lot(SPECIAL, NEVER, 900)),
            *(30, 0, [bonus(-50, TOMORROW), cash(-30), owed(-220)]),
        ),
        ((), 100, 50, [cash(-150), owed(-150)]),
        ((), -80, 50, [owed(-300)]),
        ((), 0, 0, [owed(-300)]),
    ],
)
def test_what_must_be_taken(lots: tuple[Lot, ...], in_cash: int, overdraft: int, taken: list[Leg]) -> None:
    """From its own lot, other good lots of its purse, cash and its overdraft; what isn't there is owed."""
    legs = (bonus(-300, TOMORROW), merchant(300))

    done = settled(legs, *lots, in_cash=in_cash, overdraft_minor=overdraft)

    assert [*taken, merchant(300)] == list(done.legs)
    assert done.owed_minor == sum(
        -leg.amount_minor for leg in taken if leg.account_kind == owed(0).account_kind
    )


def test_points_are_owed_in_points() -> None:
    """Points that are gone are not taken from cash, and not counted as money that is owed."""
    earned = points(50)

    done = settled(undone(earned), Lot(POINTS, TODAY + 365, 20), Lot(POINTS, TODAY + 400, 10), in_cash=900)

    taken = [
        earned[1]._replace(amount_minor=-20),
        earned[1]._replace(amount_minor=-10, expires=TODAY + 400),
        owed(-20, asset=STARS),
    ]
    assert [earned[0]._replace(amount_minor=50), *taken] == list(done.legs)
    assert done.owed_minor == 0


@pytest.mark.parametrize(
    ("rules", "late"),
    [(SHOP, breakage(300)), (None, breakage(300)), (GRACE, bonus(300, TODAY + 7))],
    ids=["dead", "product unknown", "grace"],
)
def test_what_comes_back_too_late(rules: ProductRules | None, late: Leg) -> None:
    """Into a lot that has lapsed nothing comes back: it is dead, or comes with days of grace."""
    done = settled((bonus(300, YESTERDAY), merchant(-300)), rules=rules)

    assert (late, merchant(-300)) == done.legs
    expected = {BONUS: 300} if late.expires else {}
    assert expected == {lot.purse: lot.balance_minor for lot in done.lots[WALLET] if lot.purse != CASH}


def test_last_good_day_is_good() -> None:
    """A lot takes value back to the end of its last day."""
    assert (bonus(300, TODAY),) == settled((bonus(300, TODAY),)).legs


def test_pairs_are_split_as_pairs() -> None:
    """A fee or points that can't be taken whole become pairs, each with its flag."""
    paid, income = fee(50)
    expense, earned = points(30)
    back = undone((expense, earned))

    done = settled(
        (), Lot(POINTS, TODAY + 365, 20), in_cash=40, pairs=(paid, income, *back), charges=(False, True)
    )

    assert (
        *(cash(-40), income._replace(amount_minor=40), owed(-10), income._replace(amount_minor=10)),
        *(expense._replace(amount_minor=20), earned._replace(amount_minor=-20)),
        *(expense._replace(amount_minor=10), owed(-10, asset=STARS)),
    ) == done.legs
    assert (False, False, True, True) == done.charges
    assert done.owed_minor == 10


def test_two_wallets() -> None:
    """Each leg is put on the wallet that it names."""
    done = settled((cash(400), cash(-400, OTHER)))

    assert (cash(400), owed(-400, OTHER)) == done.legs
    assert {WALLET: (Lot(CASH, NEVER, 400),), OTHER: (Lot(CASH),)} == done.lots


def test_a_hold_holds_what_is_there() -> None:
    """A hold that is placed again is smaller where a lot has less, and so is what the merchant hopes for."""
    legs = (held(-300, BONUS, TOMORROW), held(-100), hoped(400))

    done = settled(legs, Lot(BONUS, TOMORROW, 120, 20), in_cash=100)

    assert (held(-100, BONUS, TOMORROW), held(-100), hoped(200)) == done.legs
    assert (Lot(CASH, NEVER, 100, 100), Lot(BONUS, TOMORROW, 120, 120)) == done.lots[WALLET]


def test_a_hold_for_two_merchants() -> None:
    """What is held for each is let go for each; of what can't be held again the last one gets less."""
    other = hoped(200)._replace(account_id=8)
    wanted = (held(-800), hoped(600), other)

    assert undone(wanted) == settled(undone(wanted), in_cash=800).legs
    assert (held(-650), hoped(600), other._replace(amount_minor=50)) == settled(wanted, in_cash=650).legs


def test_a_hold_of_which_nothing_is_there() -> None:
    """Then nothing is held."""
    assert () == settled((held(-300, BONUS, TOMORROW), hoped(300))).legs


def test_a_hold_may_use_the_overdraft() -> None:
    """Cash is held down to its floor."""
    done = settled((held(-300), hoped(300)), in_cash=100, overdraft_minor=150)

    assert (held(-250), hoped(250)) == done.legs


@pytest.mark.parametrize(
    ("rules", "lapsed"),
    [(SHOP, (breakage(300),)), (GRACE, (bonus(300, TODAY + 7),)), (ProductRules(), ()), (None, ())],
    ids=["dead", "grace", "purse unknown", "product unknown"],
)
def test_what_is_let_go_in_a_lapsed_lot(rules: ProductRules | None, lapsed: tuple[Leg, ...]) -> None:
    """It lapses at once, in a pair that no refund returns; without the purse's rule it waits in its lot."""
    released = (held(300, BONUS, YESTERDAY), hoped(-300))

    done = settled(released, Lot(BONUS, YESTERDAY, 300, 300), rules=rules)

    pair = (bonus(-300, YESTERDAY), *lapsed) if lapsed else ()
    assert (*released, *pair) == done.legs
    assert ((False,) if lapsed else ()) == done.charges


def test_last_cent_counts() -> None:
    """However small an amount is, it comes in before it is taken, and is let go before it is held."""
    legs = (cash(-1), cash(1), held(-1), hoped(1), held(1), hoped(-1))

    assert legs == settled(legs[:2]).legs + settled(legs[2:], in_cash=1).legs


def test_last_cent_lapses_too() -> None:
    """However little was held of a lapsed lot, it lapses."""
    done = settled((held(1, BONUS, YESTERDAY), hoped(-1)), Lot(BONUS, YESTERDAY, 1, 1))

    assert (bonus(-1, YESTERDAY), breakage(1)) == done.legs[2:]


def test_what_is_let_go_and_taken_does_not_lapse() -> None:
    """Of a lapsed lot only what isn't taken at once lapses, and a good one keeps all."""
    released = (held(300, BONUS, YESTERDAY), held(100), hoped(-400))

    done = settled((*released, bonus(-200, YESTERDAY), merchant(200)), Lot(BONUS, YESTERDAY, 300, 300),
                   in_cash=100)  # fmt: skip

    assert (bonus(-100, YESTERDAY), breakage(100)) == done.legs[-2:]
    assert (Lot(CASH, NEVER, 100, -100),) == done.lots[WALLET]


def test_what_is_held_again_may_come_back_late() -> None:
    """A hold that is restored keeps its lots, lapsed or not; what exceeds it is late."""
    legs = (bonus(300, YESTERDAY), held(-200, BONUS, YESTERDAY), hoped(200), merchant(-300))

    done = settled(legs)

    assert (bonus(200, YESTERDAY), breakage(100), *legs[1:]) == done.legs
    assert (Lot(CASH), Lot(BONUS, YESTERDAY, 200, 200)) == done.lots[WALLET]


LEGS = st.lists(
    st.builds(cash, st.integers(-300, 300))
    | st.builds(bonus, st.integers(-300, 300), st.sampled_from([YESTERDAY, TODAY, TOMORROW]))
    | st.builds(merchant, st.integers(-300, 300)),
    max_size=6,
)


@given(LEGS, st.integers(-200, 300), st.integers(0, 200), st.sampled_from([SHOP, GRACE, None]))
def test_sums_stay(legs: list[Leg], in_cash: int, overdraft: int, rules: ProductRules | None) -> None:
    """Whatever a wallet has, what is posted sums to what was wanted, fits the lots, and passes no floor."""
    lots = (Lot(BONUS, YESTERDAY, 100), Lot(BONUS, TOMORROW, 100, 50))

    done = settled(legs, *lots, in_cash=in_cash, overdraft_minor=overdraft, rules=rules)

    assert sum(leg.amount_minor for leg in legs) == sum(leg.amount_minor for leg in done.legs)
    assert is_balanced((*done.legs, *undone(legs)))
    before = {(lot.purse, lot.expires): lot.balance_minor for lot in (Lot(CASH, NEVER, in_cash), *lots)}
    for leg in done.legs:
        if leg.purse:
            before[leg.purse, leg.expires] = before.get((leg.purse, leg.expires), 0) + leg.amount_minor
    after = {(lot.purse, lot.expires): lot.balance_minor for lot in done.lots[WALLET]}
    assert {lot: sum_ for lot, sum_ in before.items() if sum_} == {k: v for k, v in after.items() if v}
    assert after[CASH, NEVER] >= min(in_cash, -overdraft)
    assert all(lot.balance_minor >= lot.held_minor for lot in done.lots[WALLET][1:])
    assert {leg.account_kind for leg in done.legs} <= {
        *(AccountKind.WALLET_CASH, AccountKind.WALLET_BONUS, AccountKind.MERCHANT_PAYABLE),
        *(AccountKind.CARDHOLDER_RECEIVABLE, AccountKind.BREAKAGE),
    }
    assert all(leg.asset == Asset.CNY for leg in done.legs)
