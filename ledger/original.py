"""An original: what is known of a posted transaction that another one refers to, and how it stands now.

A transaction that nobody has changed is what the journal says of it. Each change (a refund in part, a void,
its reversal, a completion) leaves a new `Original`, which is kept with the change, so the newest change alone
tells how the original stands.

The legs of what was taken back, let go or completed are kept, too: they stand again when that is taken back
itself. What a refund leaves of the legs follows from how much was refunded in all: of the movement itself it
gives back what was taken last first, of each fee and earning a share, rounded so that it never favours the
cardholder. So the parts always sum to the whole, however a sum is refunded.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ledger.chart import POINTS_FROM, AccountKind, Layer, Leg, layer_of
from ledger.fees import part_of
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
        legs: as posted, or as posted again when its void was reversed; see `standing` for refunds.
        state: how it stands.
        changes: how many changes it has had.
        other_wallet_id: the second wallet that it moved.
        charges: of the pairs of legs at the end of `legs`, each a fee or an earning, whether a refund returns
            its share.
        added_minor: how much of the amount tips and increments added.
        refunded_minor: how much of the amount was refunded.
        issuer: whose books it is in.
        expires_day: of a pre-authorisation the last day of its hold.
        shares: what it counts in the wallet's windows.
        accounts: of a hold the kind of account of each purse that it holds of, if that isn't plain cash.
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
    issuer: int = 0
    expires_day: int = 0
    shares: tuple[Share, ...] = ()
    accounts: tuple[tuple[int, AccountKind], ...] = ()
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


def standing(original: Original) -> tuple[Leg, ...]:
    """What refunds have left of an original's legs, each in its place; some may be of nothing."""
    if not original.refunded_minor:
        return original.legs
    main = _without_last(original.main_legs, original.refunded_minor)
    charges = original.charge_legs
    for index, is_returned in enumerate(original.charges):
        pair = charges[2 * index : 2 * index + 2]
        main.extend(_part_left(pair, original) if is_returned else pair)
    return tuple(main)


def _without_last(legs: tuple[Leg, ...], amount_minor: int) -> list[Leg]:
    """The posted legs less an amount on either side, taken from the last ones."""
    debit = credit = amount_minor
    left: list[Leg] = []
    for leg in reversed(legs):
        amount = leg.amount_minor
        if layer_of(leg.account_kind) is Layer.HELD:
            left.append(leg)
        elif amount < 0:
            part = min(debit, -amount)
            debit -= part
            left.append(leg._replace(amount_minor=amount + part))
        else:
            part = min(credit, amount)
            credit -= part
            left.append(leg._replace(amount_minor=amount - part))
    left.reverse()
    return left


def _part_left(pair: tuple[Leg, ...], original: Original) -> list[Leg]:
    """What is left of a fee (what is returned is rounded down) or of points earned (what is left is)."""
    whole, total = pair[1].amount_minor, original.amount_minor
    if pair[1].asset >= POINTS_FROM:
        left = part_of(whole, original.left_minor, total)
    else:
        left = whole - part_of(whole, original.refunded_minor, total)
    return [pair[0]._replace(amount_minor=-left), pair[1]._replace(amount_minor=left)]


def in_layer(legs: Iterable[Leg], layer: Layer) -> tuple[Leg, ...]:
    """The legs of one layer."""
    return tuple(leg for leg in legs if layer_of(leg.account_kind) is layer)


def last_first(legs: Iterable[Leg], amount_minor: int) -> tuple[Leg, ...]:
    """Legs of positive amounts cut to what is taken of them if an amount is taken of the last ones first."""
    parts: list[Leg] = []
    for leg in reversed(tuple(legs)):
        part = min(leg.amount_minor, amount_minor)
        amount_minor -= part
        parts.append(leg._replace(amount_minor=part))
    return tuple(leg for leg in reversed(parts) if leg.amount_minor)


def merged(legs: Iterable[Leg]) -> tuple[Leg, ...]:
    """The legs with those on the same lot or account added up, in the order of the first of each."""
    sums: dict[Leg, int] = {}
    for leg in legs:
        place = leg._replace(amount_minor=0)
        sums[place] = sums.get(place, 0) + leg.amount_minor
    return tuple(place._replace(amount_minor=amount) for place, amount in sums.items() if amount)
