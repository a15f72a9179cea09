"""Lots: order, merging, what is good, and what may be taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.lots import add, available, balance, expiry, find, has_room, is_good
from ledger.wallet import CASH, LOTS_MAX, NEVER, Lot

BONUS = 3
CASH_LOT = Lot(CASH, NEVER, 100)
CHANGES = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from([NEVER, 10, 20]), st.integers(-50, 50), st.integers(-9, 9)),
    max_size=12,
)


@pytest.mark.parametrize(("expires", "good"), [(NEVER, True), (9, False), (10, True), (11, True)])
def test_value_is_good_on_its_last_day(expires: int, good: bool) -> None:
    """A lot lapses after its last good day; one without never does."""
    assert good == is_good(expires, 10)


@pytest.mark.parametrize(("validity", "expected"), [(None, NEVER), (0, 10), (30, 40)])
def test_expiry_counts_from_the_day_of_coming(validity: int | None, expected: int) -> None:
    """Value that is good for no more days is good on the day itself."""
    assert expected == expiry(10, validity)


def test_sums_are_of_good_lots_of_one_purse() -> None:
    """What has lapsed, or is in another purse, isn't counted; what is held can't be taken."""
    lots = (CASH_LOT, Lot(BONUS, 9, 7), Lot(BONUS, 10, 5, 2), Lot(BONUS, NEVER, 3))

    assert balance(lots, BONUS, 10) == 8
    assert available(lots, BONUS, 10) == 6


@given(CHANGES)
def test_lots_stay_in_order_and_add_up(changes: list[tuple[int, int, int, int]]) -> None:
    """Whatever is added in whatever order, each lot is there once, in order, with its sums."""
    lots: tuple[Lot, ...] = (CASH_LOT,)
    sums = {(CASH, NEVER): (100, 0)}
    for purse, until, amount, held in changes:
        expires = NEVER if purse == CASH else until
        lots = add(lots, purse, expires, amount, held)
        before = sums.get((purse, expires), (0, 0))
        sums[purse, expires] = before[0] + amount, before[1] + held

    keys = [(lot.purse, lot.expires == NEVER, lot.expires) for lot in lots]
    assert sorted(set(keys)) == keys
    assert (CASH, NEVER) == lots[0][:2]
    full = {key: amounts for key, amounts in sums.items() if key == (CASH, NEVER) or amounts != (0, 0)}
    assert full == {(lot.purse, lot.expires): (lot.balance_minor, lot.held_minor) for lot in lots}


def test_only_cash_stays_when_it_is_empty() -> None:
    """An emptied lot goes, and the cash lot remains; nothing added to nothing makes no lot."""
    lots = (CASH_LOT, Lot(BONUS, 10, 5))

    assert (Lot(CASH), Lot(BONUS, 10, 5)) == add(lots, CASH, NEVER, -100)
    assert (CASH_LOT,) == add(lots, BONUS, 10, -5)
    assert lots == add(lots, BONUS, 20, 0)


def test_a_lot_that_is_held_stays() -> None:
    """A lot with nothing but a hold's trace is kept until the hold ends."""
    assert (CASH_LOT, Lot(BONUS, 10, 0, 5)) == add((CASH_LOT, Lot(BONUS, 10, 5, 5)), BONUS, 10, -5)


def test_finding_a_lot() -> None:
    """A lot is found by purse and last good day; what isn't there is empty."""
    lots = (CASH_LOT, Lot(BONUS, 10, 5))

    assert lots[1] == find(lots, BONUS, 10)
    assert Lot(BONUS, 20) == find(lots, BONUS, 20)
    assert Lot(2, 10) == find(lots, 2, 10)


def test_room_is_for_a_stated_number_of_lots() -> None:
    """A full wallet takes value into lots that it has, and no further one."""
    full = (CASH_LOT, *(Lot(BONUS, day, 1) for day in range(1, LOTS_MAX)))

    assert has_room(full[:-1], BONUS, LOTS_MAX)
    assert not has_room(full, BONUS, LOTS_MAX)
    assert has_room(full, BONUS, 1)
