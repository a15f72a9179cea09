"""Legs: taking them back, the balance of the books, and which accounts are whose."""

from hypothesis import given
from hypothesis import strategies as st

from ledger.chart import (
    OF_CARDHOLDER,
    OF_WALLET,
    AccountKind,
    Layer,
    Leg,
    is_balanced,
    layer_of,
    undone,
)

LEGS = st.lists(
    st.builds(
        Leg,
        st.sampled_from(AccountKind),
        st.integers(1, 3),
        st.sampled_from([156, 840]),
        st.integers(-99, 99),
        st.integers(0, 2),
        st.sampled_from([0, 739_000]),
    )
)


@given(LEGS)
def test_undone_legs_cancel_what_they_undo(legs: list[Leg]) -> None:
    """Legs and their undoing sum to zero on each account, and undoing twice is where one began."""
    both = [*legs, *undone(legs)]

    for kind, account, asset, _, *lot in legs:
        named = (kind, account, asset), tuple(lot)
        assert sum(leg.amount_minor for leg in both if (leg[:3], leg[4:]) == named) == 0
    assert tuple(legs) == undone(undone(legs))


@given(LEGS)
def test_balance_is_per_asset_and_layer(legs: list[Leg]) -> None:
    """Legs balance if and only if each asset does by itself, in each of the two books."""
    sums = [
        sum(leg.amount_minor for leg in legs if leg.asset == asset and layer_of(leg.account_kind) is layer)
        for asset in (156, 840)
        for layer in Layer
    ]

    assert (not any(sums)) == is_balanced(legs)


def test_what_is_held_is_a_book_of_its_own() -> None:
    """What a hold keeps aside never mixes with what has moved."""
    held = {kind for kind in AccountKind if layer_of(kind) is Layer.HELD}

    assert {AccountKind.HELD_WALLET, AccountKind.HELD_MERCHANT} == held
    assert not is_balanced(
        [Leg(AccountKind.HELD_WALLET, 1, 156, -5), Leg(AccountKind.MERCHANT_PAYABLE, 2, 156, 5)]
    )


def test_accounts_of_wallets() -> None:
    """A wallet's row has its purses and what is held; what its cardholder owes is a sum of entries."""
    assert AccountKind.HELD_WALLET in OF_WALLET - OF_CARDHOLDER
    assert {AccountKind.CARDHOLDER_RECEIVABLE} == OF_CARDHOLDER - OF_WALLET


def test_kinds_are_equal_to_their_numbers() -> None:
    """A number that was read from the journal finds what is kept by kind."""
    assert {kind: kind.name for kind in AccountKind}[2] == "MERCHANT_PAYABLE"
