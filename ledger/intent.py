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
    we don't know).

    A reversal or void names what it takes back by `original_key`. A void also quotes its number, as
    `original_id` (0: a reference that can't be ours). A reversal of a void names the void by `original_key`,
    and by `voided_key` the purchase that the void took back.
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
    voided_key: bytes | None = None
