"""The life of a card, each state with each event."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.card_life import LIFE, REMEMBERING, CardEvent, NotPossible, Standing, after
from directory.records import CardState

STOCK, INACTIVE, ACTIVE, FROZEN, LOST, STOLEN, REPLACED, EXPIRED, CLOSED = CardState

# Which events each state takes, and where they lead; what is not here is refused.
TABLE = {
    STOCK: {"issue": INACTIVE, "close": CLOSED},
    INACTIVE: {
        "activate": ACTIVE,
        "report_lost": LOST,
        "report_stolen": STOLEN,
        "replace": REPLACED,
        "expire": EXPIRED,
        "extend": INACTIVE,
        "close": CLOSED,
    },
    ACTIVE: {
        "freeze": FROZEN,
        "report_lost": LOST,
        "report_stolen": STOLEN,
        "replace": REPLACED,
        "expire": EXPIRED,
        "extend": ACTIVE,
        "close": CLOSED,
    },
    FROZEN: {
        "unfreeze": ACTIVE,
        "report_lost": LOST,
        "report_stolen": STOLEN,
        "expire": EXPIRED,
        "extend": FROZEN,
        "close": CLOSED,
    },
    LOST: {
        "recover": ACTIVE,
        "report_stolen": STOLEN,
        "replace": REPLACED,
        "close": CLOSED,
        "freeze": LOST,
    },
    STOLEN: {"replace": REPLACED, "close": CLOSED, "freeze": STOLEN},
    EXPIRED: {"extend": ACTIVE, "replace": REPLACED, "close": CLOSED, "freeze": EXPIRED},
    REPLACED: {},
    CLOSED: {},
}


@pytest.mark.parametrize("state", CardState)
@pytest.mark.parametrize("event", CardEvent)
def test_every_state_with_every_event(state: CardState, event: CardEvent) -> None:
    """An event takes a card where the table says, or is refused."""
    expected = TABLE[state].get(event)
    if expected is None:
        with pytest.raises(NotPossible):
            after(Standing(state), event)
    else:
        assert expected is after(Standing(state), event).state


def test_tables_know_every_state() -> None:
    """The life is total over the states."""
    assert set(LIFE) == set(TABLE) == set(CardState)


@pytest.mark.parametrize("before", [INACTIVE, ACTIVE, FROZEN])
@pytest.mark.parametrize(
    ("going", "back"),
    [(CardEvent.REPORT_LOST, CardEvent.RECOVER), (CardEvent.EXPIRE, CardEvent.EXTEND)],
)
def test_a_card_comes_back_to_where_it_was(before: CardState, going: CardEvent, back: CardEvent) -> None:
    """Recovery and extension undo loss and expiry, and nothing else."""
    away = after(Standing(before), going)

    assert before is away.before
    assert Standing(before) == after(away, back)


@pytest.mark.parametrize("away", [CardEvent.REPORT_LOST, CardEvent.REPORT_STOLEN, CardEvent.EXPIRE])
def test_a_frozen_card_is_not_replaced_by_way_of_another_state(away: CardEvent) -> None:
    """Whoever reports a frozen card lost or stolen gets no new one until it is unfrozen."""
    gone = after(Standing(FROZEN), away)
    with pytest.raises(NotPossible):
        after(gone, CardEvent.REPLACE)

    assert REPLACED is after(after(gone, CardEvent.UNFREEZE), CardEvent.REPLACE).state


def test_a_lost_card_can_be_frozen() -> None:
    """What is frozen while it is lost is frozen when it is found; stolen meanwhile, it stays so."""
    frozen = after(after(Standing(ACTIVE), CardEvent.REPORT_LOST), CardEvent.FREEZE)

    assert Standing(LOST, FROZEN) == frozen
    assert Standing(FROZEN) == after(frozen, CardEvent.RECOVER)
    assert Standing(STOLEN, FROZEN) == after(frozen, CardEvent.REPORT_STOLEN)


def test_a_card_that_was_inactive_is_not_frozen_behind() -> None:
    """What can't be frozen in hand can't be frozen while it is lost."""
    lost = after(Standing(INACTIVE), CardEvent.REPORT_LOST)
    with pytest.raises(NotPossible):
        after(lost, CardEvent.FREEZE)


@given(st.sampled_from(CardState), st.lists(st.sampled_from(CardEvent), max_size=30))
def test_whatever_happens_only_remembering_states_remember(state: CardState, events: list[CardEvent]) -> None:
    """Along any life the state behind is one of a card in hand, and replaced or closed is the end."""
    standing = Standing(state)
    for event in events:
        try:
            following = after(standing, event)
        except NotPossible:
            continue
        assert standing.state not in (REPLACED, CLOSED)
        assert following.before in (None, INACTIVE, ACTIVE, FROZEN)
        assert following.before is None or following.state in REMEMBERING
        standing = following
