"""Movements that take an original back: reversals, voids, reversals of voids. Pure.

They undo exactly the split that was posted: its legs negated, lot by lot, with its fees and points, and its
share of the windows of its own day. A void is a request: it is declined if the money of a top-up is gone, and
its PIN, if one came, must be right. A reversal posts whatever the wallet holds, and so does the reversal of a
void, which puts in force again what the void had taken back: what the wallet lacks of it the cardholder owes.

Taking a completion back restores the hold that it was made from, and taking an increment back makes the hold
smaller. A hold whose last good day is over is not restored: the money is simply free.
"""

from dataclasses import replace

from ledger import limits
from ledger.chart import AccountKind, Layer, Leg, layer_of, undone
from ledger.decision.model import Decision, Wallets
from ledger.decision.related import (
    Related,
    after_pin,
    changed,
    decided,
    misfit,
    purses_of,
    refused,
    request_refusal,
)
from ledger.decision.settling import Settled, settle
from ledger.identity import VOIDED_KIND, TransactionKind
from ledger.intent import Intent
from ledger.lifecycle import Action, OriginalState
from ledger.original import Original, Share, in_layer, last_first, merged, standing
from ledger.outcome import Outcome
from ledger.wallet import WalletState

_TAKEN_BACK = frozenset({OriginalState.VOIDED, OriginalState.REVERSED})


def uphold(intent: Intent, related: Related, _wallets: Wallets, _day: int) -> Decision:
    """A reversal of what is taken back already, or over: nothing moves, and it stays so for good."""
    unfit = misfit(intent, related.original)
    if unfit is not None:
        return Decision(unfit)
    return Decision(Outcome.APPROVED, original=changed(related.original, OriginalState.REVERSED))


def undo(intent: Intent, related: Related, wallets: Wallets, day: int) -> Decision:
    """Take an original back, and bring what it had changed to where it was."""
    original, is_void = related.original, intent.kind in VOIDED_KIND
    if original.kind in VOIDED_KIND and related.parent_action is Action.UPHOLD:
        return uphold(intent, related, wallets, day)
    unfit = misfit(intent, original)
    if unfit is not None:
        return Decision(unfit)
    wrong = request_refusal(intent, wallets.own) if is_void else None
    if wrong is not None:
        return wrong
    settled = _settled(intent, related, wallets, day)
    if is_void and settled.owed_minor:
        return refused(Outcome.INSUFFICIENT_FUNDS, intent, wallets.own)
    own = _windows_after(related, wallets.own)
    state = OriginalState.VOIDED if is_void else OriginalState.REVERSED
    return decided(original, wallets, settled, after_pin(intent, own) if is_void else own)._replace(
        original=changed(original, state),
        parent=_parent_after(related, settled, day),
        root=_root_after(related),
    )


def _settled(intent: Intent, related: Related, wallets: Wallets, day: int) -> Settled:
    original = related.original
    legs = undone(standing(original))
    count = len(legs) - 2 * len(original.charges)
    posted = tuple(leg for leg in legs[:count] if layer_of(leg.account_kind) is Layer.POSTED)
    purses = purses_of(intent, related, wallets)
    main = (*_hold_legs(related, day), *posted)
    return settle(main, legs[count:], original.charges, purses, day, original.issuer)


def _hold_legs(related: Related, day: int) -> tuple[Leg, ...]:
    """What the hold behind it, if there is one, lets go or holds again."""
    original, parent, root = related.original, related.parent, related.root
    if parent is None:
        return undone(original.legs) if original.state is OriginalState.HELD else ()
    if related.root_action is Action.COMPLETE:
        assert root is not None
        return undone(root.legs)
    if related.parent_action is Action.RESTORE and parent.expires_day >= day:
        return parent.legs
    if related.parent_action is Action.SHORTEN and parent.state is OriginalState.HELD:
        return undone(_common(original.legs, parent.legs))
    return ()


def _common(legs: tuple[Leg, ...], of: tuple[Leg, ...]) -> tuple[Leg, ...]:
    """What of the legs of an increment is still part of the hold."""
    there = {leg._replace(amount_minor=0): leg.amount_minor for leg in of}
    parts = [
        leg._replace(amount_minor=max(leg.amount_minor, there.get(leg._replace(amount_minor=0), 0)))
        for leg in legs
        if leg.account_kind is AccountKind.HELD_WALLET
    ]
    held = -sum(part.amount_minor for part in parts)
    merchants = {leg.account_id for leg in legs if leg.account_kind is AccountKind.HELD_MERCHANT}
    hoped = [leg for leg in of if leg.account_kind is AccountKind.HELD_MERCHANT]
    hoped.sort(key=lambda leg: leg.account_id in merchants)  # others only where a hold that shrank has less
    return tuple(leg for leg in (*parts, *last_first(hoped, held)) if leg.amount_minor)


def _windows_after(related: Related, own: WalletState) -> WalletState:
    """The wallet without the share of what is taken back, and with that of what is in force again."""
    original, parent = related.original, related.parent
    is_given_back = parent is not None and parent.state in _TAKEN_BACK
    own = own if is_given_back else _with_shares(own, original.shares, -1)
    is_voided = parent is not None and parent.state is OriginalState.VOIDED
    if parent is not None and is_voided and related.parent_action is Action.RESTORE:
        own = _with_shares(own, parent.shares, 1)
    return own


def _with_shares(own: WalletState, shares: tuple[Share, ...], times: int) -> WalletState:
    for day, amount_minor in shares:
        own = limits.shared(own, day, amount_minor, times)
    return own


def _parent_after(related: Related, settled: Settled, day: int) -> Original | None:
    """How stands what the original had changed."""
    original, parent = related.original, related.parent
    if parent is None or related.parent_action is Action.UPHOLD:
        return None
    if related.parent_action is Action.SHORTEN:
        return _without(parent, original)
    if parent.kind is not TransactionKind.PREAUTH:
        restored = changed(parent, OriginalState.POSTED)
        return replace(restored, legs=settled.legs, charges=settled.charges)
    if parent.expires_day < day:
        return changed(parent, OriginalState.RELEASED)
    return replace(changed(parent, OriginalState.HELD), legs=in_layer(settled.legs, Layer.HELD))


def _without(hold: Original, increment: Original) -> Original:
    """A hold without one of its increments."""
    shares = list(hold.shares)
    for share in increment.shares:
        shares.remove(share)
    return replace(
        changed(hold, hold.state),
        legs=merged((*hold.legs, *undone(_common(increment.legs, hold.legs)))),
        amount_minor=hold.amount_minor - increment.amount_minor,
        added_minor=hold.added_minor - increment.amount_minor,
        shares=tuple(shares),
    )


def _root_after(related: Related) -> Original | None:
    """How stands the pre-authorisation whose completion is in force again."""
    root = related.root
    is_completed = related.root_action in {Action.COMPLETE, Action.FORCE}
    return changed(root, OriginalState.COMPLETED) if root is not None and is_completed else None
