"""A commit group's own rules; what becomes of money in it is in the tables of `test_money`."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.intent import PinVerdict
from ledger.lifecycle import LEADS_TO, LIFECYCLE, Action, Event, OriginalState, Step
from ledger.outcome import Outcome
from ledger.postgres import group as group_module
from ledger.postgres.group import (
    ROLE_OWN,
    ROLE_TOMBSTONE,
    ROLE_UNDO,
    Moved,
    Result,
    pack_result,
    refused,
    unpack_result,
)
from tests.ledger.intents import Till
from tests.ledger.memory_ledger import MemoryLedger

DAY = 739_000
MINE, FOREIGN = 2, 3


@pytest.fixture
def ledger() -> MemoryLedger:
    """A lane's ledger with one wallet of its own and one of another lane."""
    ledger = MemoryLedger()
    ledger.open(MINE, 1000)
    ledger.open(FOREIGN, 1000)
    return ledger


@pytest.fixture
def till() -> Till:
    """A till."""
    return Till(count(1))


@given(
    st.sampled_from(Outcome),
    st.integers(0, 1 << 62),
    st.integers(0, 1 << 62),
    st.none() | st.integers(-(1 << 62), 1 << 62),
)
def test_results_survive(outcome: Outcome, number: int, received: int, available: int | None) -> None:
    """A repeat gets what was stored, field by field."""
    result = Result(outcome, number, received, available)

    assert result == unpack_result(int(outcome), number, pack_result(result))


def test_stored_results_never_change() -> None:
    """Results of earlier programs are read by later ones."""
    stored = bytes.fromhex("00064aa8d5ef4000 8000000000000000")

    assert Result(Outcome.APPROVED, 7, 0x00064AA8D5EF4000) == unpack_result(0, 7, stored)
    assert stored == pack_result(Result(Outcome.APPROVED, 7, 0x00064AA8D5EF4000))


def test_reversal_goes_to_the_lane_of_its_original(ledger: MemoryLedger, till: Till) -> None:
    """A reversal of another lane's wallet is handed on, and leaves nothing here."""
    ledger.commit([till.purchase(FOREIGN, 400, stan="1")], DAY)
    ledger.foreign.add(FOREIGN)
    before = dict(ledger.transactions)

    assert [Moved(FOREIGN)] == ledger.commit([till.reversal("1", 400)], DAY)
    assert before == ledger.transactions


def test_quarantined_wallet_leaves_no_trace(ledger: MemoryLedger, till: Till) -> None:
    """Purchases from and reversals to a wallet that can't be trusted are refused and may be sent again."""
    ledger.commit([till.purchase(MINE, 400, stan="1")], DAY)
    ledger.quarantined.add(MINE)
    purchase, reversal = till.purchase(MINE, 100), till.reversal("1", 400)

    results = ledger.commit([purchase, reversal, till.purchase(FOREIGN, 1)], DAY)

    quarantined, approved = Outcome.WALLET_QUARANTINED, Outcome.APPROVED
    assert [quarantined, quarantined, approved] == [r.outcome for r in results if isinstance(r, Result)]
    ledger.quarantined.clear()
    results = ledger.commit([till.again(purchase), till.again(reversal)], DAY)
    assert [approved, approved] == [result.outcome for result in results if isinstance(result, Result)]


def test_declines_assert_the_version_they_saw(ledger: MemoryLedger, till: Till) -> None:
    """Wallets that were looked at and stay are asserted, those that change are swapped, both by id."""
    for wallet_id in (9, 7):
        ledger.open(wallet_id, 1000)
    intents = [
        till.purchase(9, 5000),
        till.purchase(7, 5000),
        till.purchase(7, 1, refusal=Outcome.CARD_EXPIRED),
        till.purchase(FOREIGN, 1, pin=PinVerdict.MISMATCH),
        till.purchase(MINE, 1),
        till.purchase(MINE, 5000),
    ]
    group = ledger.group(intents, DAY)

    for intent in intents:
        group.settle(intent)

    assert group.assertions() == [(7, 1), (9, 1)]
    assert [wallet_id for wallet_id, _ in group.swaps()] == [MINE, FOREIGN]
    assert [row.wallet_version for row in group.transactions] == [1, 1, None, 2, 2, 2]


def test_loaded_wallet_that_nobody_looked_at_is_not_asserted(ledger: MemoryLedger, till: Till) -> None:
    """A repeat's wallet may change meanwhile: its answer doesn't depend on it."""
    purchase = till.purchase(MINE, 400)
    ledger.commit([purchase], DAY)
    group = ledger.group([till.again(purchase)], DAY)

    group.settle(till.again(purchase))

    assert (group.assertions(), group.swaps(), group.transactions) == ([], [], [])


def test_keys_and_their_roles(ledger: MemoryLedger, till: Till) -> None:
    """A purchase takes its key, its reversal its own and the undo key, a tombstone the original's."""
    intents = [till.purchase(MINE, 400, stan="1"), till.reversal("1", 400), till.reversal("2", 400)]
    group = ledger.group(intents, DAY)

    for intent in intents:
        group.settle(intent)

    assert [row.role for row in group.dedup] == [ROLE_OWN, ROLE_OWN, ROLE_UNDO, ROLE_OWN, ROLE_TOMBSTONE]


def test_legs_of_the_wallet_name_its_event(ledger: MemoryLedger, till: Till) -> None:
    """An entry of a wallet has the version it made; entries of other accounts have none."""
    ledger.commit([till.purchase(MINE, 400)], DAY)

    assert [(e.leg, e.account_id, e.wallet_version) for e in ledger.entries] == [(0, MINE, 2), (1, 7, None)]


def test_refused_intent_may_be_sent_again(till: Till) -> None:
    """What was certainly not committed is answered as the switch's own trouble."""
    intent = till.purchase(MINE, 1)

    expected = Result(Outcome.SYSTEM_MALFUNCTION, intent.transaction_id, intent.received_at_us)
    assert expected == refused(intent)


@pytest.mark.parametrize("row", LIFECYCLE, ids=lambda row: f"{row[0].value} {row[1].value}")
def test_actions_lead_where_the_table_says(
    ledger: MemoryLedger, till: Till, row: tuple[OriginalState, Event]
) -> None:
    """After each event the original is in a state that the diagram shows."""
    state, event = row
    request, undo = till.purchase(MINE, 400, stan="1"), till.reversal("1", 400)
    history = {
        OriginalState.ABSENT: [],
        OriginalState.TOMBSTONE: [undo],
        OriginalState.DECLINED: [till.purchase(MINE, 400, stan="1", refusal=Outcome.CARD_LOST)],
        OriginalState.POSTED: [request],
        OriginalState.REVERSED: [request, undo],
    }
    ledger.commit(history[state], DAY)
    then = till.again(request) if event is Event.REQUEST else till.reversal("1", 400, stan="9")
    group = ledger.group([then], DAY)
    assert state is group._state_of(request.key)

    group.settle(then)

    assert group._state_of(request.key) in LEADS_TO.get(LIFECYCLE[row].action, (state,))


@pytest.mark.parametrize("action", [*Action, "no action"])
@pytest.mark.parametrize("event", Event)
def test_impossible_rows_stop_the_group(
    ledger: MemoryLedger, till: Till, monkeypatch: pytest.MonkeyPatch, action: Action, event: Event
) -> None:
    """An action that makes no sense for its event is a defect of the table, not something to carry out."""
    possible = {
        Event.REQUEST: {Action.DECIDE, Action.RECALL, Action.NOTE, Action.REFUSE},
        Event.REVERSAL: {Action.UNDO, Action.BURY, Action.NOTE},
    }
    if action in possible[event]:
        return
    planted = {(state, event): Step(action, Outcome.APPROVED) for state, event in LIFECYCLE}
    monkeypatch.setattr(group_module, "LIFECYCLE", planted)
    intent = till.purchase(MINE, 1) if event is Event.REQUEST else till.reversal("1", 1)

    with pytest.raises(AssertionError):
        ledger.group([intent], DAY).settle(intent)
