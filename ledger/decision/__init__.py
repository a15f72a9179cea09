"""The decision: intent × wallets → outcome, legs and the wallets' next states. Pure.

`decide` answers a new request, by the table `NEW`; `decide_on` answers what refers to an original, by what
the lifecycle says is to be done with it. Each movement is a function of its own, of the intent, the wallets
as they stand and the open business date; nothing else decides, and none asks anybody.

The order of checks is that of `Outcome`: the card (closed, frozen), the product's movements and purses, the
PIN, the amount and the limits, then the funds. What must post is checked for nothing but the amount; what the
wallet lacks of it the cardholder owes.

The caller has already looked for a repeat (`lifecycle`), owns the wallets' versions while it decides, and
makes the result durable before anybody hears of it. A decline that looked at a wallet is as binding as an
approval: its group asserts the version that was seen.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from ledger.decision import giving, holding, inquiring, spending, topping_up, transferring, upkeep
from ledger.decision.model import Decision, Wallets
from ledger.decision.referring import decide_on
from ledger.decision.related import Related
from ledger.identity import TransactionKind
from ledger.intent import Intent

__all__ = ["NEW", "Decide", "Decision", "Related", "Wallets", "decide", "decide_on"]

Decide: TypeAlias = Callable[[Intent, Wallets, int], Decision]

NEW: Final[Mapping[TransactionKind, Decide]] = MappingProxyType(
    {
        TransactionKind.PURCHASE: spending.decide_purchase,
        TransactionKind.BALANCE_INQUIRY: inquiring.decide_balance_inquiry,
        TransactionKind.PREAUTH: holding.decide_preauth,
        TransactionKind.OFFLINE_SALE: spending.decide_offline_sale,
        TransactionKind.TOP_UP: topping_up.decide_top_up,
        TransactionKind.TOP_UP_VERIFY: topping_up.decide_top_up_verify,
        TransactionKind.TOP_UP_CONFIRM: topping_up.decide_top_up,
        TransactionKind.TRANSFER: transferring.decide_transfer,
        TransactionKind.POINTS_EARN: giving.decide_points_earn,
        TransactionKind.POINTS_SPEND: spending.decide_points_spend,
        TransactionKind.POINTS_ADJUSTMENT: giving.decide_points_adjustment,
        TransactionKind.POINTS_INQUIRY: inquiring.decide_points_inquiry,
        TransactionKind.SERVICE_FEE: spending.decide_service_fee,
        TransactionKind.OPERATOR_DEBIT: spending.decide_operator_debit,
        TransactionKind.ADJUSTMENT: giving.decide_adjustment,
        TransactionKind.WALLET_FREEZE: upkeep.decide_freeze,
        TransactionKind.WALLET_UNFREEZE: upkeep.decide_unfreeze,
        TransactionKind.CARD_REPLACEMENT: upkeep.decide_replacement,
        TransactionKind.WALLET_CLOSING: upkeep.decide_closing,
        TransactionKind.LOT_EXPIRY: upkeep.decide_lot_expiry,
        TransactionKind.GRADE_CHANGE: upkeep.decide_grade_change,
    }
)
"""What decides each new request."""


def decide(intent: Intent, wallets: Wallets, day: int) -> Decision:
    """Decide a new request.

    Args:
        intent: without a refusal, and with its product's rules.
        wallets: as they stand; the second one where two take part.
        day: the ledger's open business date, as an ordinal.
    """
    return NEW[intent.kind](intent, wallets, day)
