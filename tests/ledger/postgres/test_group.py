"""A commit group's own rules; what becomes of money in it is in the tables of `test_money`."""

from itertools import count

import pytest

from ledger.intent import PinVerdict
from ledger.lifecycle import LEADS_TO, LIFECYCLE, Action, Event, OriginalState, Step
from ledger.outcome import Outcome
from ledger.postgres import group as group_module
from ledger.postgres.dedup import (
    ROLE_OWN,
    ROLE_RESTORE,
    ROLE_TOMBSTONE,
    ROLE_UNDO,
    ROLE_VOID,
    Result,
    standing_of,
)
from ledger.postgres.group import Moved, Shortfall, refused
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


def test_reversal_goes_to_the_lane_of_its_original(ledger: MemoryLedger, till: Till) -> None:
    """A reversal of another lane's wallet is handed on, and leaves nothing here."""
    ledger.commit([till.purchase(FOREIGN, 400, stan="1")], DAY)
    ledger.foreign.add(FOREIGN)
    before = dict(ledger.transactions)

    assert [Moved(FOREIGN)] == ledger.commit([till.reversal("1", 400)], DAY)
    assert before == ledger.transactions


def test_voids_go_to_the_lane_of_their_original(ledger: MemoryLedger, till: Till) -> None:
    """A void of another lane's purchase is handed on, and so is its reversal."""
    purchase = till.purchase(FOREIGN, 400)
    void = till.void(purchase)
    ledger.commit([purchase], DAY)
    ledger.foreign.add(FOREIGN)
    assert [Moved(FOREIGN)] == ledger.commit([void], DAY)
    ledger.foreign.clear()
    ledger.commit([void], DAY)
    ledger.foreign.add(FOREIGN)
    before = dict(ledger.transactions)

    assert [Moved(FOREIGN)] == ledger.commit([till.void_reversal(void)], DAY)
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


def test_changes_of_an_original_take_its_keys_in_turn(ledger: MemoryLedger, till: Till) -> None:
    """A void takes its key and a change, its reversal its key, the void's first change and the next one."""
    purchase = till.purchase(MINE, 400)
    void = till.void(purchase)
    intents = [purchase, void, till.void_reversal(void), till.void(purchase)]
    group = ledger.group(intents, DAY)

    for intent in intents:
        group.settle(intent)

    assert [row.role for row in group.dedup] == [
        *(ROLE_OWN, ROLE_OWN, ROLE_VOID),
        *(ROLE_OWN, ROLE_UNDO, ROLE_RESTORE),
        *(ROLE_OWN, ROLE_VOID),
    ]
    assert len({row.key for row in group.dedup}) == len(group.dedup)


def test_shortfall_is_told(ledger: MemoryLedger, till: Till) -> None:
    """What a wallet lacked for the reversal of a void is told with its group; nothing else is."""
    purchase = till.purchase(MINE, 400)
    void = till.void(purchase)
    intents = [purchase, void, till.purchase(MINE, 900), till.void_reversal(void)]
    group = ledger.group(intents, DAY)

    for intent in intents:
        group.settle(intent)

    assert [Shortfall(MINE, 300)] == group.shortfalls


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
    """After each event the original is in a state that the diagram shows, and the outcome is the table's."""
    state, event = row
    request = till.purchase(MINE, 400, stan="1")
    undo, void = till.reversal("1", 400), till.void(request, stan="5")
    history = {
        OriginalState.ABSENT: [],
        OriginalState.TOMBSTONE: [undo],
        OriginalState.DECLINED: [till.purchase(MINE, 400, stan="1", refusal=Outcome.CARD_LOST)],
        OriginalState.POSTED: [request],
        OriginalState.VOIDED: [request, void],
        OriginalState.REVERSED: [request, void, undo],
    }
    ledger.commit(history[state], DAY)
    quoted = ledger.found[request.key].transaction_id if request.key in ledger.found else 1
    then = {
        Event.REQUEST: till.again(request),
        Event.REVERSAL: till.reversal("1", 400, stan="9"),
        Event.VOID: till.void(request, number=quoted),
        Event.VOID_REVERSAL: till.void_reversal(void),
    }[event]
    group = ledger.group([then], DAY)
    assert state is standing_of(request.key, group.knowledge.found).state

    result = group.settle(then)

    step = LIFECYCLE[row]
    assert isinstance(result, Result)
    assert step.outcome in (None, result.outcome)
    after = standing_of(request.key, group.knowledge.found).state
    # Without a void that stands, its reversal never gets as far as the purchase.
    buried = event is Event.VOID_REVERSAL and void.key not in ledger.found
    assert after in ((state,) if buried else LEADS_TO.get((event, step.action), (state,)))


POSSIBLE = {
    Event.REQUEST: {Action.DECIDE, Action.RECALL, Action.NOTE, Action.REFUSE},
    Event.REVERSAL: {Action.UNDO, Action.UPHOLD, Action.BURY, Action.NOTE},
    Event.VOID: {Action.UNDO, Action.NOTE},
    Event.VOID_REVERSAL: {Action.RESTORE, Action.NOTE},
}


@pytest.mark.parametrize("action", [*Action, "no action"])
@pytest.mark.parametrize("event", Event)
def test_impossible_rows_stop_the_group(
    ledger: MemoryLedger, till: Till, monkeypatch: pytest.MonkeyPatch, action: Action, event: Event
) -> None:
    """An action that makes no sense for its event is a defect of the table, not something to carry out."""
    if action in POSSIBLE[event]:
        return
    purchase = till.purchase(MINE, 1)
    void = till.void(purchase)
    ledger.commit([purchase, void], DAY)
    planted = {row: Step(action, Outcome.APPROVED) for row in LIFECYCLE if row[1] is event}
    monkeypatch.setattr(group_module, "LIFECYCLE", LIFECYCLE | planted)
    intent = {
        Event.REQUEST: till.purchase(MINE, 1),
        Event.REVERSAL: till.reversal("1", 1),
        Event.VOID: till.void(purchase),
        Event.VOID_REVERSAL: till.void_reversal(void),
    }[event]

    with pytest.raises(AssertionError):
        ledger.group([intent], DAY).settle(intent)


@pytest.mark.parametrize("event", [Event.VOID, Event.VOID_REVERSAL])
def test_void_that_does_not_quote_its_original_finds_none(
    ledger: MemoryLedger, till: Till, event: Event
) -> None:
    """Key and number must lead to the same purchase, of a void as of its reversal."""
    purchase, other = till.purchase(MINE, 400), till.purchase(MINE, 400)
    void = till.void(purchase)
    ledger.commit([purchase, other, void], DAY)
    then = {
        Event.VOID: till.void(other, number=purchase.transaction_id),
        Event.VOID_REVERSAL: till.void_reversal(void, voided_key=other.key),
    }[event]

    [result] = ledger.commit([then], DAY)

    assert isinstance(result, Result)
    assert result.outcome is Outcome.ORIGINAL_NOT_FOUND
    assert ledger.wallets[MINE][1].balance_minor == 600
