"""What is checked of the card, the product and the PIN before any movement. Pure.

In this order: the wallet's state, the movements of the product, the PIN. A wrong PIN is counted in the
wallet; whoever goes on declines with the count of tries that the PIN left (`declined`), since a right PIN
clears it even if the funds are short.
"""

from ledger.decision.model import Decision
from ledger.identity import TransactionKind
from ledger.intent import Intent, PinVerdict
from ledger.outcome import Outcome
from ledger.product import ProductRules
from ledger.wallet import WalletState, WalletStatus

_OPEN, _FROZEN = WalletStatus.OPEN, WalletStatus.FROZEN
_ABSENT, _MATCH = PinVerdict.ABSENT, PinVerdict.MATCH


def card_of(intent: Intent) -> tuple[ProductRules, int]:
    """The product and the wallet of the card; whatever is decided on a wallet has both."""
    assert intent.rules is not None
    assert intent.wallet_id is not None
    return intent.rules, intent.wallet_id


def refusal(intent: Intent, kind: TransactionKind, state: WalletState) -> Decision | None:
    """Why a cardholder's request for a movement of this kind is refused, if it is."""
    rules = intent.rules
    assert rules is not None
    if state.status is not _OPEN:
        return Decision(status_refusal(state) or Outcome.CARD_RESTRICTED)
    if rules.movements is not None and kind not in rules.movements:
        return Decision(Outcome.SERVICE_NOT_ALLOWED)
    if intent.pin is _ABSENT and kind not in rules.pin_kinds:
        return None
    return pin_refusal(intent, kind, rules, state)


def status_refusal(state: WalletState) -> Outcome | None:
    """Why an operator may not touch a wallet: only because it is closed."""
    return Outcome.CARD_UNKNOWN if state.status is WalletStatus.CLOSED else None


def pin_refusal(
    intent: Intent, kind: TransactionKind, rules: ProductRules, state: WalletState
) -> Decision | None:
    """How a PIN ends a request: it is missing, no further try is allowed, or it was one and failed."""
    if intent.pin is _ABSENT:
        is_needed = kind in rules.pin_kinds and not 0 < intent.amount_minor <= rules.pin_free_max_minor
        return Decision(Outcome.PIN_MISSING) if is_needed else None
    if state.pin_failures >= rules.pin_tries_max:
        return Decision(Outcome.PIN_TRIES_EXCEEDED)
    if intent.pin is _MATCH:
        return None
    return Decision(Outcome.PIN_WRONG, state=state._replace(pin_failures=state.pin_failures + 1))


def failures_after(intent: Intent, state: WalletState) -> int:
    """The PIN failures in a row once a request has passed its check."""
    return 0 if intent.pin is _MATCH else state.pin_failures


def declined(outcome: Outcome, intent: Intent, state: WalletState) -> Decision:
    """A refusal after the PIN: what the PIN said stays said."""
    failures = failures_after(intent, state)
    return Decision(outcome, state=_cleared(state, failures))


def approved(intent: Intent, state: WalletState, available_minor: int | None) -> Decision:
    """An approval that moves nothing; what the PIN said stays said."""
    failures = failures_after(intent, state)
    return Decision(Outcome.APPROVED, state=_cleared(state, failures), available_minor=available_minor)


def _cleared(state: WalletState, failures: int) -> WalletState | None:
    return state._replace(pin_failures=failures) if failures != state.pin_failures else None


def has_two_operators(intent: Intent) -> bool:
    """Whether somebody proposed it and somebody else agreed."""
    return bool(intent.proposer and intent.approver) and intent.proposer != intent.approver
