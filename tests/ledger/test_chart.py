"""Legs: what a transfer is made of, taking it back, and the balance of the books."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chart import AccountKind, Leg, is_balanced, transfer, undone

ACCOUNTS = st.tuples(st.sampled_from(AccountKind), st.integers(1, 9))
AMOUNTS = st.integers(1, 1 << 62)
LEGS = st.lists(
    st.builds(
        Leg,
        st.sampled_from(AccountKind),
        st.integers(1, 3),
        st.sampled_from([156, 840]),
        st.integers(-99, 99),
    )
)


@given(ACCOUNTS, ACCOUNTS, AMOUNTS)
def test_transfer_debits_the_source_and_credits_the_target(
    source: tuple[AccountKind, int], target: tuple[AccountKind, int], amount: int
) -> None:
    """A transfer is balanced: what one account loses the other gets."""
    legs = transfer(source, target, 156, amount)

    assert (Leg(*source, 156, -amount), Leg(*target, 156, amount)) == legs
    assert is_balanced(legs)


@pytest.mark.parametrize("amount", [0, -1])
def test_transfer_moves_something(amount: int) -> None:
    """Nothing, or less than nothing, is no transfer."""
    account = (AccountKind.WALLET_CASH, 1)

    with pytest.raises(AssertionError):
        transfer(account, account, 156, amount)


@given(LEGS)
def test_undone_legs_cancel_what_they_undo(legs: list[Leg]) -> None:
    """Legs and their undoing sum to zero on each account, and undoing twice is where one began."""
    both = [*legs, *undone(legs)]

    for kind, account, asset, _ in legs:
        assert sum(leg.amount_minor for leg in both if (kind, account, asset) == leg[:3]) == 0
    assert tuple(legs) == undone(undone(legs))


@given(LEGS)
def test_balance_is_per_asset(legs: list[Leg]) -> None:
    """Legs balance if and only if each asset does by itself."""
    sums = [sum(leg.amount_minor for leg in legs if leg.asset == asset) for asset in (156, 840)]

    assert (sums == [0, 0]) == is_balanced(legs)
