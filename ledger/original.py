"""An original: what is known of a posted transaction that another one refers to, and how it stands now.

A transaction that nobody has changed is what the journal says of it. Each change (a refund in part, a void,
its reversal, a completion) leaves a new `Original`, which is kept with the change, so the newest change alone
tells how the original stands.

Its legs are those that stand. Of what was taken back, let go or completed they are those that stood before:
they stand again when that is taken back itself.
"""

from dataclasses import dataclass
from typing import NamedTuple

from ledger.chart import Layer, Leg, layer_of
from ledger.identity import TransactionKind
from ledger.lifecycle import OriginalState


class Share(NamedTuple):
    """What a transaction counts in the windows of its business date: once, and this amount."""

    day: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Original:
    """A posted transaction.

    Attributes:
        transaction_id: its number.
        kind: what it did.
        wallet_id: whose money it moved.
        amount_minor: what it is about now: as asked, with what was added since.
        asset: of the amount.
        day: its business date, as an ordinal.
        merchant_account: where it happened.
        legs: those that stand, or stood when it was taken back.
        state: how it stands.
        changes: how many changes it has had.
        other_wallet_id: the second wallet that it moved.
        charges: of the pairs of legs at the end of `legs`, each a fee or an earning, whether a refund returns
            its share.
        added_minor: how much of the amount tips and increments added.
        refunded_minor: how much of the amount was refunded.
        expires_day: of a pre-authorisation the last day of its hold.
        shares: what it counts in the wallet's windows.
        original_id: the transaction that it changed, itself.
        original_key: the key of that.
    """

    transaction_id: int
    kind: TransactionKind
    wallet_id: int
    amount_minor: int
    asset: int
    day: int
    merchant_account: int
    legs: tuple[Leg, ...]
    state: OriginalState = OriginalState.POSTED
    changes: int = 0
    other_wallet_id: int | None = None
    charges: tuple[bool, ...] = ()
    added_minor: int = 0
    refunded_minor: int = 0
    expires_day: int = 0
    shares: tuple[Share, ...] = ()
    original_id: int | None = None
    original_key: bytes | None = None

    @property
    def asked_minor(self) -> int:
        """The amount as it was asked for at first."""
        return self.amount_minor - self.added_minor

    @property
    def left_minor(self) -> int:
        """How much may still be refunded."""
        return self.amount_minor - self.refunded_minor

    @property
    def main_legs(self) -> tuple[Leg, ...]:
        """The legs of the movement itself."""
        return self.legs[: len(self.legs) - 2 * len(self.charges)]

    @property
    def charge_legs(self) -> tuple[Leg, ...]:
        """The legs of fees and earnings, in pairs of source and target."""
        return self.legs[len(self.legs) - 2 * len(self.charges) :]


def in_layer(legs: tuple[Leg, ...], layer: Layer) -> tuple[Leg, ...]:
    """The legs of one layer."""
    return tuple(leg for leg in legs if layer_of(leg.account_kind) is layer)
