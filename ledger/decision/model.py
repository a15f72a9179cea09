"""What a decision takes and gives: the wallets that take part, and what is to be posted."""

from typing import NamedTuple

from ledger.chart import Leg
from ledger.original import Original
from ledger.outcome import Outcome
from ledger.wallet import WalletState


class Wallets(NamedTuple):
    """The wallets of a movement as they stand: the card's, and a second one where two take part."""

    own: WalletState
    other: WalletState | None = None


class Decision(NamedTuple):
    """What was decided.

    Attributes:
        outcome: how it ends.
        legs: what is posted. The last `2 * len(charges)` of them are pairs, a source and a target for each
            fee and each earning of points, in the order of `charges`.
        state: the own wallet's next state, None where it stays as it is.
        available_minor: what an inquiry tells.
        other: the second wallet's next state, None where it stays as it is.
        original: how the original stands afterwards, None where nothing changes about it.
        parent: how what the original had changed stands afterwards.
        charges: for each pair of legs, whether a refund gives back its share.
        root: how what the parent had changed stands afterwards.
    """

    outcome: Outcome
    legs: tuple[Leg, ...] = ()
    state: WalletState | None = None
    available_minor: int | None = None
    other: WalletState | None = None
    original: Original | None = None
    parent: Original | None = None
    charges: tuple[bool, ...] = ()
    root: Original | None = None
