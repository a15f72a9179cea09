"""What refunds leave of an original's legs, and legs added up."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chart import AccountKind, Layer, Leg, is_balanced
from ledger.identity import TransactionKind
from ledger.original import Original, in_layer, last_first, merged, standing

WALLET, MERCHANT, ISSUER, CNY, STARS = 5, 7, 3, 156, 9001
DAY = 739_000


def cash(amount: int) -> Leg:
    """A leg of the cash purse."""
    return Leg(AccountKind.WALLET_CASH, WALLET, CNY, amount, 1)


def bonus(amount: int, expires: int = DAY) -> Leg:
    """A leg of a bonus lot."""
    return Leg(AccountKind.WALLET_BONUS, WALLET, CNY, amount, 3, expires)


def merchant(amount: int) -> Leg:
    """A leg of the merchant."""
    return Leg(AccountKind.MERCHANT_PAYABLE, MERCHANT, CNY, amount)


def fee(amount: int) -> tuple[Leg, Leg]:
    """A fee that the merchant bears."""
    return merchant(-amount), Leg(AccountKind.FEE_INCOME, ISSUER, CNY, amount)


def points(amount: int) -> tuple[Leg, Leg]:
    """Points that were earned."""
    expense = Leg(AccountKind.POINTS_EXPENSE, ISSUER, STARS, -amount)
    return expense, Leg(AccountKind.WALLET_POINTS, WALLET, STARS, amount, 4, DAY + 365)


def sale(*legs: Leg, amount: int = 1000, charges: tuple[bool, ...] = (), refunded: int = 0) -> Original:
    """A sale with these legs."""
    return Original(
        *(1, TransactionKind.PURCHASE, WALLET, amount, CNY, DAY, MERCHANT, legs),
        charges=charges,
        refunded_minor=refunded,
    )


def test_legs_by_what_they_are() -> None:
    """The legs of the movement come first, then a pair for each fee and each earning."""
    original = sale(cash(-1000), merchant(1000), *fee(6), *points(10), charges=(False, True))

    assert (cash(-1000), merchant(1000)) == original.main_legs
    assert (*fee(6), *points(10)) == original.charge_legs
    assert original.legs == replace(original, charges=()).main_legs


def test_amounts() -> None:
    """What was asked for is without what was added, and what is left without what was refunded."""
    original = replace(sale(amount=1000), added_minor=100, refunded_minor=300)

    assert (900, 700) == (original.asked_minor, original.left_minor)


def test_without_refunds_all_legs_stand() -> None:
    """The legs are those that were posted."""
    original = sale(cash(-1000), merchant(1000))

    assert original.legs == standing(original)


@pytest.mark.parametrize(
    ("refunded", "left"),
    [
        (1, (bonus(-600), cash(-399), merchant(999))),
        (400, (bonus(-600), cash(0), merchant(600))),
        (401, (bonus(-599), cash(0), merchant(599))),
        (1000, (bonus(0), cash(0), merchant(0))),
    ],
)
def test_what_was_taken_last_comes_back_first(refunded: int, left: tuple[Leg, ...]) -> None:
    """Of a sale that spent a bonus before cash, cash is refunded before the bonus."""
    assert left == standing(sale(bonus(-600), cash(-400), merchant(1000), refunded=refunded))


def test_holds_are_no_part_of_a_refund() -> None:
    """What a completion let go stays as it is in its place."""
    released = Leg(AccountKind.HELD_WALLET, WALLET, CNY, 1000, 1)
    held = Leg(AccountKind.HELD_MERCHANT, MERCHANT, CNY, -1000)
    original = sale(released, held, cash(-1000), merchant(1000), refunded=300)

    assert (released, held, cash(-700), merchant(700)) == standing(original)


@pytest.mark.parametrize(
    ("refunded", "fee_left", "points_left"), [(1, 7, 9), (142, 7, 8), (143, 6, 8), (999, 1, 0), (1000, 0, 0)]
)
def test_shares_never_favour_the_cardholder(refunded: int, fee_left: int, points_left: int) -> None:
    """A returned fee is rounded down, and so are the points that stay."""
    original = sale(
        *(cash(-1000), merchant(1000), *fee(7), *points(10)), charges=(True, True), refunded=refunded
    )

    assert (*fee(fee_left), *points(points_left)) == standing(original)[2:]


def test_kept_fees_stay() -> None:
    """A fee that isn't returned stands after a full refund."""
    original = sale(cash(-1000), merchant(1000), *fee(7), charges=(False,), refunded=1000)

    assert (cash(0), merchant(0), *fee(7)) == standing(original)


@given(
    st.lists(st.integers(1, 500), min_size=1, max_size=5),
    st.integers(0, 99),
    st.integers(0, 99),
    st.lists(st.integers(1, 400), max_size=8),
)
def test_parts_sum_to_the_whole(split: list[int], fees: int, earned: int, parts: list[int]) -> None:
    """However a sale is refunded, each step balances, gives back exactly its amount, and all is all."""
    amount = sum(split)
    legs = tuple(bonus(-part, DAY + index) for index, part in enumerate(split))
    original = sale(
        *(*legs, merchant(amount), *fee(fees), *points(earned)), amount=amount, charges=(True, True)
    )
    steps = [0]
    for part in [*parts, amount]:
        steps.append(min(amount, steps[-1] + part))

    for before, after in pairwise(steps):
        old, new = (standing(replace(original, refunded_minor=done)) for done in (before, after))
        moved = [
            leg._replace(amount_minor=b.amount_minor - leg.amount_minor)
            for leg, b in zip(old, new, strict=True)
        ]
        assert is_balanced(moved)
        assert after - before == sum(leg.amount_minor for leg in moved[: len(legs)])
        assert all(leg.amount_minor >= 0 for leg in moved[: len(legs)])
    assert not any(leg.amount_minor for leg in standing(replace(original, refunded_minor=amount)))


def test_points_that_are_owed_are_points() -> None:
    """Points that a restored sale couldn't earn again are rounded like the others."""
    owed = Leg(AccountKind.CARDHOLDER_RECEIVABLE, WALLET, STARS, 10)
    pair = (points(10)[0], owed)

    original = sale(cash(-1000), merchant(1000), *pair, charges=(True,), refunded=1)

    assert owed._replace(amount_minor=9) == standing(original)[-1]


def test_what_is_taken_of_the_last_first() -> None:
    """Legs of which nothing is taken are left out; more than there is isn't taken."""
    legs = (merchant(60), merchant(20), merchant(5))

    assert (merchant(10), merchant(20), merchant(5)) == last_first(legs, 35)
    assert (merchant(4),) == last_first(legs, 4)
    assert legs == last_first(legs, 99)


def test_layers() -> None:
    """A layer has its own legs."""
    held = Leg(AccountKind.HELD_WALLET, WALLET, CNY, -5, 1)

    assert (held,) == in_layer((cash(-5), held), Layer.HELD)
    assert (cash(-5),) == in_layer((cash(-5), held), Layer.POSTED)


def test_merged_legs() -> None:
    """Legs on the same lot are one, in the place of the first; what comes to nothing is left out."""
    legs = (cash(-5), bonus(-1), merchant(9), cash(-3), bonus(1), bonus(-2, DAY + 1))

    assert (cash(-8), merchant(9), bonus(-2, DAY + 1)) == merged(legs)
