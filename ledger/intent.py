"""What somebody wants of the ledger, complete: nothing else is asked when it is decided.

The switch builds an intent once a request is authenticated. A refusal found on the way (an unknown card, say)
is carried along rather than answered at once, because a repeat must get the answer of the first time whatever
the card's state is now: only the ledger knows whether it is a repeat.
"""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from ledger.identity import TransactionKind
from ledger.outcome import Outcome
from ledger.product import ProductRules


class PinVerdict(Enum):
    """What the HSM said of the PIN that came with a request."""

    ABSENT = "absent"
    MATCH = "match"
    MISMATCH = "mismatch"


class Origin(NamedTuple):
    """Where a request comes from, as the journal keeps it."""

    merchant_account: int
    merchant_id: str
    terminal_id: str
    batch: str
    stan: str


@dataclass(slots=True)
class Intent:
    """One request to the ledger.

    `received_at_us` is microseconds since the epoch, UTC. `wallet_id` is None where the card is unknown, and
    for a reversal or void it is the wallet of the card that the message states, if it states one (0: a card
    we don't know). `amount_minor` is above zero for what moves money; only an adjustment may be below, which
    takes money away.

    Whatever refers to an original names it by `original_key`. A request also quotes its number, as
    `original_id` (0: a reference that can't be ours). `parent_key` names what the original itself changed: of
    the reversal of a void the purchase; of the reversal or void of a completion, and of the reversal of that
    void, the pre-authorisation; of the reversal of an increment the pre-authorisation.

    Attributes:
        parent_key: the key of what the original itself changed.
        category: the merchant's category code (ISO 18245).
        service: the service that is paid for, where a purse or product asks.
        channel: where the request came in, for the node's totals.
        other_wallet_id: the second wallet: whom a transfer credits, or the float that a top-up is sold from.
        other_rules: the product of the second wallet.
        agent: the agent who gets or bears a fee; 0: none.
        purse: the one purse that is meant; None: as the product says.
        expires: the last good day of the one lot that is meant, or of the value that an adjustment gives.
        grade: the new credit grade.
        is_written_off: whether closing keeps the residue instead of paying it out.
        proposer: the operator who wants it.
        approver: the operator who agreed, who must be another.
        original_fingerprint: the fingerprint of a top-up that a confirm may have to post in its place.
        expected_original_day: the business date that the message states for the original, as an ordinal.
    """

    transaction_id: int
    kind: TransactionKind
    key: bytes
    fingerprint: bytes
    received_at_us: int
    asset: int
    amount_minor: int
    origin: Origin
    wallet_id: int | None = None
    rules: ProductRules | None = None
    pin: PinVerdict = PinVerdict.ABSENT
    refusal: Outcome | None = None
    original_key: bytes | None = None
    original_id: int | None = None
    parent_key: bytes | None = None
    category: str = ""
    service: str = ""
    channel: str = ""
    other_wallet_id: int | None = None
    other_rules: ProductRules | None = None
    agent: int = 0
    purse: int | None = None
    expires: int = 0
    grade: int = 0
    is_written_off: bool = False
    proposer: str = ""
    approver: str = ""
    original_fingerprint: bytes | None = None
    expected_original_day: int | None = None
