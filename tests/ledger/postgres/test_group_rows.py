"""Each row of the lifecycle, as a commit group carries it out on an original that stands so."""

from dataclasses import replace
from itertools import count
from typing import cast

import pytest

from ledger.identity import REVERSED_KIND, TransactionKind
from ledger.intent import Intent
from ledger.lifecycle import LEADS_TO, LIFECYCLE, Action, Event, OriginalState, Step
from ledger.outcome import Outcome
from ledger.postgres import group as group_module
from ledger.postgres.dedup import Result, state_of
from tests.ledger.intents import Till
from tests.ledger.memory_ledger import MemoryLedger

from .planted import CARD, DAY, FINGERPRINT, open_card, plant

KEYS = [b"original-key-0.", b"what-changed-it", b"what-changed-th"]
"""Keys of an original, of what changed it last, and of what changed that."""

_HOLD_STATES = {OriginalState.HELD, OriginalState.COMPLETED, OriginalState.RELEASED}
_KINDS = {
    Event.REQUEST: (TransactionKind.PURCHASE, TransactionKind.PREAUTH),
    Event.REVERSAL: (TransactionKind.PURCHASE_REVERSAL, TransactionKind.PREAUTH_REVERSAL),
    Event.VOID: (TransactionKind.PURCHASE_VOID, TransactionKind.PREAUTH_VOID),
    Event.VOID_REVERSAL: (TransactionKind.PURCHASE_VOID_REVERSAL, TransactionKind.PREAUTH_VOID_REVERSAL),
    Event.REFUND: (TransactionKind.REFUND, TransactionKind.REFUND),
    Event.TIP: (TransactionKind.TIP_ADVICE, TransactionKind.TIP_ADVICE),
    Event.CONFIRM: (TransactionKind.TOP_UP_CONFIRM, TransactionKind.TOP_UP_CONFIRM),
}
"""What the events that sales and pre-authorisations share are to each."""

_OF_HOLDS = {
    Event.INCREMENT: TransactionKind.PREAUTH_INCREMENT,
    Event.INCREMENT_REVERSAL: TransactionKind.PREAUTH_INCREMENT_REVERSAL,
    Event.COMPLETION: TransactionKind.COMPLETION,
    Event.COMPLETION_ADVICE: TransactionKind.COMPLETION_ADVICE,
    Event.COMPLETION_UNDONE: TransactionKind.COMPLETION_REVERSAL,
    Event.COMPLETION_REDONE: TransactionKind.COMPLETION_VOID_REVERSAL,
    Event.HOLD_EXPIRY: TransactionKind.HOLD_EXPIRY,
}
_OF_PARENTS = {Event.VOID_REVERSAL, Event.INCREMENT_REVERSAL, Event.COMPLETION_UNDONE}


@pytest.fixture
def till() -> Till:
    """A till."""
    return Till(count(1))


def planted_intent(ledger: MemoryLedger, till: Till, state: OriginalState, event: Event) -> Intent:
    """An intent that is this event of an original that stands so."""
    is_hold = state in _HOLD_STATES or event in _OF_HOLDS
    kind = _OF_HOLDS.get(event) or _KINDS[event][is_hold]
    first = TransactionKind.PREAUTH if is_hold else TransactionKind.PURCHASE
    kinds = [TransactionKind.TOP_UP if event is Event.CONFIRM else first]
    if event in _OF_PARENTS:
        kinds.append(REVERSED_KIND[kind])
    if event is Event.COMPLETION_REDONE:
        kinds += [TransactionKind.COMPLETION, TransactionKind.COMPLETION_VOID]
    open_card(ledger, 400 if state is OriginalState.HELD else 0)
    plant(ledger, KEYS[0], kinds[0], state)
    for number, changer in enumerate(kinds[1:], 1):
        stands = OriginalState.POSTED if changer is kinds[-1] else OriginalState.VOIDED
        plant(ledger, KEYS[number], changer, stands, original_key=KEYS[number - 1])
    amount = 0 if event is Event.HOLD_EXPIRY else 400
    if event is Event.REQUEST:
        return replace(till.purchase(CARD, amount), kind=kind, key=KEYS[0], fingerprint=FINGERPRINT)
    return replace(till.purchase(CARD, amount), kind=kind, original_key=KEYS[len(kinds) - 1])


@pytest.mark.parametrize("row", LIFECYCLE, ids=lambda row: f"{row[0].value} {row[1].value}")
def test_rows(till: Till, row: tuple[OriginalState, Event]) -> None:
    """After each event the original is in a state that the table gives, and the outcome is the table's."""
    (state, event), step, ledger = row, LIFECYCLE[row], MemoryLedger()
    intent = planted_intent(ledger, till, state, event)

    [result] = ledger.commit([intent], DAY)

    assert isinstance(result, Result)
    assert step.outcome in {None, result.outcome}
    assert state_of(KEYS[0], ledger.found) in LEADS_TO.get((event, step.action), (state,))
    is_recorded = step.action not in {Action.RECALL, Action.REFUSE}
    assert is_recorded == (intent.transaction_id in ledger.transactions)


@pytest.mark.parametrize(
    ("event", "actions"),
    [
        (Event.REQUEST, set(Action) - {Action.DECIDE, Action.RECALL, Action.NOTE, Action.REFUSE}),
        (Event.VOID, {Action.RECALL, Action.RESTORE, Action.SHORTEN}),
        (
            Event.VOID_REVERSAL,
            set(Action)
            - {Action.RESTORE, Action.SHORTEN, Action.COMPLETE, Action.FORCE, Action.UPHOLD, Action.NOTE},
        ),
    ],
)
def test_impossible_rows_stop_the_group(
    till: Till, monkeypatch: pytest.MonkeyPatch, event: Event, actions: set[Action]
) -> None:
    """An action that makes no sense where it stands is a defect of the table, not something to carry out."""
    for action in [*actions, "no action"]:
        ledger = MemoryLedger()
        intent = planted_intent(ledger, till, OriginalState.VOIDED, event)
        planted = {
            row: Step(cast("Action", action), Outcome.APPROVED) for row in LIFECYCLE if row[1] is event
        }
        monkeypatch.setattr(group_module, "LIFECYCLE", {**LIFECYCLE, **planted})

        with pytest.raises(AssertionError):
            ledger.group([intent], DAY).settle(intent)
