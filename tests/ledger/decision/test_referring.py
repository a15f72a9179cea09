"""Which function decides what is done to an original."""

import pytest

from ledger.decision import decide_on
from ledger.decision.model import Wallets
from ledger.decision.referring import ON_ORIGINAL
from ledger.decision.related import Related
from ledger.identity import TransactionKind
from ledger.lifecycle import LIFECYCLE, Action, OriginalState
from ledger.outcome import Outcome

from .cases import TODAY, request, state
from .originals import cash, held, hoped, merchant, original

SALE = original(cash(-1000), merchant(1000))
HOLD = original(
    held(-1000), hoped(1000), kind=TransactionKind.PREAUTH, state=OriginalState.HELD, expires_day=TODAY - 1
)
ONLY_OF_PARENTS = {Action.RESTORE, Action.SHORTEN}
WITHOUT_A_DECISION = {
    *(Action.DECIDE, Action.RECALL, Action.ECHO, Action.BURY, Action.NOTE, Action.REFUSE),
}


def test_every_action_on_an_original_is_decided() -> None:
    """The table has what the lifecycle has, but for what isn't decided on an original."""
    actions = {step.action for step in LIFECYCLE.values()}

    assert actions - WITHOUT_A_DECISION - ONLY_OF_PARENTS == set(ON_ORIGINAL)


@pytest.mark.parametrize(
    ("action", "kind", "amount", "state_"),
    [
        (Action.UNDO, TransactionKind.PURCHASE_VOID, 1000, OriginalState.VOIDED),
        (Action.UPHOLD, TransactionKind.PURCHASE_REVERSAL, 1000, OriginalState.REVERSED),
        (Action.REFUND, TransactionKind.REFUND, 1, OriginalState.PARTLY_REFUNDED),
        (Action.ADD, TransactionKind.TIP_ADVICE, 1, OriginalState.POSTED),
        (Action.EXTEND, TransactionKind.PREAUTH_INCREMENT, 1, OriginalState.HELD),
        (Action.COMPLETE, TransactionKind.COMPLETION, 1000, OriginalState.COMPLETED),
        (Action.FORCE, TransactionKind.COMPLETION_ADVICE, 1000, OriginalState.COMPLETED),
        (Action.RELEASE, TransactionKind.HOLD_EXPIRY, 0, OriginalState.RELEASED),
    ],
)
def test_actions(action: Action, kind: TransactionKind, amount: int, state_: OriginalState) -> None:
    """Each is one change of the original."""
    is_of_hold = action in {Action.EXTEND, Action.COMPLETE, Action.FORCE, Action.RELEASE}
    related = Related(HOLD if is_of_hold else SALE, action)

    decision = decide_on(request(kind, amount), related, Wallets(state(cash=5000)), TODAY)

    assert decision.outcome is Outcome.APPROVED
    assert decision.original is not None
    assert (state_, 1) == (decision.original.state, decision.original.changes)


def test_tip_that_is_refused_changes_nothing() -> None:
    """A sale stays as it is."""
    decision = decide_on(
        request(TransactionKind.TIP_ADVICE, 0), Related(SALE, Action.ADD), Wallets(state()), TODAY
    )

    assert (Outcome.AMOUNT_INVALID, None) == (decision.outcome, decision.original)
