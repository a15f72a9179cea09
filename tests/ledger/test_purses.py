"""The waterfall: which purses a movement may spend, in which order, and how far below zero."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chart import AccountKind, Leg
from ledger.identity import TransactionKind
from ledger.intent import Intent
from ledger.lots import available
from ledger.product import ProductRules, PurseKind, PurseRule
from ledger.purses import (
    after,
    is_over_ceiling,
    may_fill,
    may_spend,
    meant,
    overdraft,
    room_of,
    spend,
    spend_purse,
)
from ledger.wallet import CASH, NEVER, Lot, WalletState
from tests.ledger.decision.cases import (
    BONUS,
    BONUS_PURSE,
    CASH_PURSE,
    ELSEWHERE_ID,
    POINTS,
    POINTS_PURSE,
    SHOP,
    SHOP_ID,
    SPECIAL,
    SPECIAL_PURSE,
    STARS,
    TODAY,
    WALLET,
    request,
    state,
)

KIND = TransactionKind.PURCHASE
LOTS = (
    Lot(CASH, NEVER, 400, 100),
    Lot(SPECIAL, NEVER, 500),
    Lot(BONUS, TODAY - 1, 900),
    Lot(BONUS, TODAY, 200, 50),
    Lot(BONUS, TODAY + 9, 300),
    Lot(POINTS, NEVER, 10_000),
)


def purchase(rules: ProductRules = SHOP, category: str = "5411", **more: Any) -> Intent:
    """A purchase in a category."""
    return request(KIND, 1, rules, category=category, **more)


def taken(amount: int, overdraft_minor: int = 0, category: str = "5411") -> tuple[list[Leg], int]:
    """What an amount takes from the lots, and how much isn't there."""
    legs, _, missing = spend(purchase(category=category), KIND, LOTS, TODAY, amount, overdraft_minor)
    return list(legs), missing


def leg(purse: int, amount: int, expires: int = NEVER) -> Leg:
    """A debit of one of the shop's purses."""
    kinds = {
        CASH: AccountKind.WALLET_CASH, SPECIAL: AccountKind.WALLET_SPECIAL, BONUS: AccountKind.WALLET_BONUS
    }  # fmt: skip
    return Leg(kinds[purse], WALLET, 156, -amount, purse, expires)


@pytest.mark.parametrize(
    ("amount", "credit", "legs", "missing"),
    [
        (1, 0, [leg(SPECIAL, 1)], 0),
        (500, 0, [leg(SPECIAL, 500)], 0),
        (650, 0, [leg(SPECIAL, 500), leg(BONUS, 150, TODAY)], 0),
        (651, 0, [leg(SPECIAL, 500), leg(BONUS, 150, TODAY), leg(BONUS, 1, TODAY + 9)], 0),
        (
            *(1250, 0),
            [leg(SPECIAL, 500), leg(BONUS, 150, TODAY), leg(BONUS, 300, TODAY + 9), leg(CASH, 300)],
            0,
        ),
        (
            *(1260, 0),
            [leg(SPECIAL, 500), leg(BONUS, 150, TODAY), leg(BONUS, 300, TODAY + 9), leg(CASH, 300)],
            10,
        ),
        (
            *(1260, 500),
            [leg(SPECIAL, 500), leg(BONUS, 150, TODAY), leg(BONUS, 300, TODAY + 9), leg(CASH, 310)],
            0,
        ),
        (
            *(1751, 500),
            [leg(SPECIAL, 500), leg(BONUS, 150, TODAY), leg(BONUS, 300, TODAY + 9), leg(CASH, 800)],
            1,
        ),
    ],
)
def test_the_waterfall(amount: int, credit: int, legs: list[Leg], missing: int) -> None:
    """Special, bonus soonest to lapse first, cash, overdraft: what lapsed or is held stays where it is."""
    assert (legs, missing) == taken(amount, credit)


def test_special_purses_are_spent_at_listed_places_only() -> None:
    """Elsewhere the waterfall begins with the next purse."""
    assert ([leg(BONUS, 100, TODAY)], 0) == taken(100, category="5999")


def test_the_order_is_the_products() -> None:
    """Cash may come first; then the overdraft still comes last, in one leg with the cash."""
    rules = ProductRules(purses=(CASH_PURSE, BONUS_PURSE))

    legs, lots, missing = spend(purchase(rules), KIND, LOTS, TODAY, 800, 100)

    assert missing == 0
    assert {(CASH, -350), (BONUS, -150), (BONUS, -300)} == {(leg.purse, leg.amount_minor) for leg in legs}
    assert len(legs) == 3
    assert Lot(CASH, NEVER, 50, 100) == lots[0]


def test_overdraft_is_of_cash() -> None:
    """What may not spend cash doesn't spend the overdraft either; what may goes down to the floor."""
    strict = PurseRule(CASH, PurseKind.CASH, outflows=frozenset({TransactionKind.TRANSFER}))
    rules = ProductRules(purses=(BONUS_PURSE, strict))

    legs, _, missing = spend(purchase(rules), KIND, LOTS, TODAY, 800, 500)

    assert ([leg(BONUS, 150, TODAY), leg(BONUS, 300, TODAY + 9)], 350) == (list(legs), missing)
    empty = (Lot(CASH, NEVER, 0),)
    assert ((leg(CASH, 5),), (Lot(CASH, NEVER, -5),), 0) == spend(purchase(), KIND, empty, TODAY, 5, 500)
    overdrawn = (Lot(CASH, NEVER, -500),)
    assert ((), overdrawn, 5) == spend(purchase(), KIND, overdrawn, TODAY, 5, 500)
    assert ((), overdrawn, 5) == spend(purchase(), KIND, overdrawn, TODAY, 5, 400)


@given(st.lists(st.integers(0, 300), min_size=3, max_size=3), st.integers(1, 900), st.integers(0, 200))
def test_what_is_taken_adds_up(amounts: list[int], amount: int, credit: int) -> None:
    """Legs and what is missing sum to the amount; lots lose what the legs say; nothing is taken in vain."""
    cash, special, bonus = amounts
    lots = state(Lot(SPECIAL, NEVER, special), Lot(BONUS, TODAY, bonus), cash=cash).lots

    legs, left, missing = spend(purchase(), KIND, lots, TODAY, amount, credit)

    assert amount == missing - sum(leg.amount_minor for leg in legs)
    assert after(lots, legs) == left
    assert max(0, amount - cash - special - bonus - credit) == missing
    assert all(leg.amount_minor < 0 for leg in legs)
    assert left[0].balance_minor >= -credit


@given(st.integers(-50, 100), st.integers(0, 60), st.integers(1, 120))
def test_the_short_way_is_the_waterfall(cash: int, held: int, amount: int) -> None:
    """A product with cash alone takes what one does whose cash purse is looked at as any other."""
    lots = (Lot(CASH, NEVER, cash, held),)
    free = frozenset({KIND})
    slow = ProductRules(purses=(PurseRule(CASH, PurseKind.CASH, outflows=free),))

    fast = spend(purchase(ProductRules()), KIND, lots, TODAY, amount, 30)

    assert spend(purchase(slow), KIND, lots, TODAY, amount, 30) == fast


def test_the_short_way_leaves_other_lots() -> None:
    """Where cash is the only money, whatever else there is stays."""
    rules = ProductRules(purses=(CASH_PURSE, POINTS_PURSE))

    _, lots, _ = spend(purchase(rules), KIND, LOTS, TODAY, 300, 0)

    assert (Lot(CASH, NEVER, 100, 100), *LOTS[1:]) == lots


def test_one_purse_alone() -> None:
    """A movement that is about one purse spends no other, and the overdraft only of cash."""
    assert spend_purse(WALLET, BONUS_PURSE, LOTS, TODAY, 451, 500)[2] == 1
    legs, lots, missing = spend_purse(WALLET, CASH_PURSE, LOTS, TODAY, 301, 5)
    assert ((leg(CASH, 301),), 0) == (legs, missing)
    assert available(lots, CASH, TODAY) == -1
    assert spend_purse(WALLET, CASH_PURSE, LOTS, TODAY, 307, 5)[2] == 2


@pytest.mark.parametrize(
    ("listed", "place", "expected"),
    [
        ({"merchants": frozenset({SHOP_ID})}, {}, True),
        ({"merchants": frozenset({ELSEWHERE_ID})}, {}, False),
        ({"categories": frozenset({"5411"})}, {"category": "5411"}, True),
        ({"categories": frozenset({"5411"})}, {}, False),
        ({"services": frozenset({"bus"})}, {"service": "bus"}, True),
        ({"services": frozenset({"bus"})}, {"service": "taxi"}, False),
        ({"merchants": frozenset({ELSEWHERE_ID}), "services": frozenset({"bus"})}, {"service": "bus"}, True),
        ({"outflows": frozenset({KIND})}, {}, True),
        ({"outflows": frozenset({TransactionKind.TRANSFER})}, {}, False),
        (
            {"outflows": frozenset({KIND}), "categories": frozenset({"5411"})},
            {"category": "5999"},
            False,
        ),
    ],
)
def test_where_a_purse_is_spent(listed: dict[str, Any], place: dict[str, Any], expected: bool) -> None:
    """One list that names the place is enough, and no movement spends what its outflows don't name."""
    rule = PurseRule(SPECIAL, PurseKind.SPECIAL, **listed)

    assert expected == may_spend(rule, KIND, request(KIND, 1, **place))


def test_what_fills_a_purse() -> None:
    """A purse without inflows named is filled by every movement, another by those that are named."""
    top_up = TransactionKind.TOP_UP

    assert may_fill(CASH_PURSE, top_up)
    assert may_fill(PurseRule(CASH, PurseKind.CASH, inflows=frozenset({top_up})), top_up)
    assert not may_fill(PurseRule(CASH, PurseKind.CASH, inflows=frozenset()), top_up)


@pytest.mark.parametrize(
    ("asked", "kind", "expected"),
    [
        ({}, None, CASH_PURSE),
        ({"purse": BONUS}, None, BONUS_PURSE),
        ({"purse": BONUS}, PurseKind.POINTS, None),
        ({"purse": 99}, None, None),
        ({"purse": POINTS}, None, None),
        ({"asset": STARS}, PurseKind.POINTS, POINTS_PURSE),
        ({"asset": STARS, "purse": POINTS}, None, POINTS_PURSE),
        ({"asset": STARS + 1}, None, None),
    ],
)
def test_the_purse_that_is_meant(
    asked: dict[str, Any], kind: PurseKind | None, expected: PurseRule | None
) -> None:
    """The purse that is named, or cash, or the programme of the asset; never one of another asset or kind."""
    assert expected is meant(request(KIND, 1, SHOP, **asked), SHOP, kind)


@pytest.mark.parametrize(("grade", "expected"), [(0, 0), (1, 500), (2, 0)])
def test_overdraft_by_grade(grade: int, expected: int) -> None:
    """A grade that its product no longer has is worth nothing."""
    assert expected == overdraft(SHOP, WalletState(grade=grade))


@pytest.mark.parametrize(
    ("purse", "rules", "room"),
    [
        ({}, {}, None),
        ({"ceiling_minor": 600}, {}, 100),
        ({"ceiling_minor": 400}, {}, 0),
        ({}, {"wallet_max_minor": 2000}, 600),
        ({"ceiling_minor": 600}, {"wallet_max_minor": 1450}, 50),
        ({"ceiling_minor": 600}, {"wallet_max_minor": 1600}, 100),
    ],
)
def test_room_below_the_ceilings(purse: dict[str, Any], rules: dict[str, Any], room: int | None) -> None:
    """A purse is filled to its ceiling and the wallet to its own: held money counts, lapsed doesn't."""
    rule = PurseRule(BONUS, PurseKind.BONUS, **purse)
    product = ProductRules(purses=(SPECIAL_PURSE, rule, CASH_PURSE, POINTS_PURSE), **rules)

    assert room == room_of(product, rule, LOTS, TODAY)
    assert not is_over_ceiling(product, rule, LOTS, TODAY, room or 0)
    assert (room is not None) == is_over_ceiling(product, rule, LOTS, TODAY, 10**9)


def test_points_are_no_money_of_the_wallet() -> None:
    """The ceiling of the wallet is of its money; points have their purse's alone."""
    rules = ProductRules(purses=(CASH_PURSE, POINTS_PURSE), wallet_max_minor=1)

    assert room_of(rules, POINTS_PURSE, LOTS, TODAY) is None
