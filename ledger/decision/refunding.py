"""Refunds of sales and returns of points, in full or in part. Pure.

A refund gives back what was taken last first, to the lots that it was taken from, and of each fee and earning
the share that goes with it. Together the refunds of a sale never give back more than the sale. A refund is a
request, but one in the cardholder's favour: it reaches a replaced card, since that has the same wallet, and a
frozen one; and it gives back no part of a limit.
"""

from dataclasses import replace

from ledger.chart import Leg
from ledger.decision.model import Decision, Wallets
from ledger.decision.related import (
    Related,
    after_pin,
    card_misfit,
    changed,
    decided,
    purses_of,
    refused,
    request_refusal,
)
from ledger.decision.settling import settle
from ledger.intent import Intent
from ledger.lifecycle import OriginalState
from ledger.original import Original, standing
from ledger.outcome import Outcome


def refund(intent: Intent, related: Related, wallets: Wallets, day: int) -> Decision:
    """Give back a part of a sale, or all that is left of it."""
    original = related.original
    unfit = card_misfit(intent, original)
    if unfit is not None:
        return Decision(unfit)
    wrong = request_refusal(intent, wallets.own)
    if wrong is not None:
        return wrong
    outcome = _refusal(intent, original, day)
    if outcome is not None:
        return refused(outcome, intent, wallets.own)
    after = replace(original, refunded_minor=original.refunded_minor + intent.amount_minor)
    legs = _between(standing(original), standing(after))
    main = len(legs) - 2 * len(original.charges)
    purses = purses_of(intent, related, wallets)
    settled = settle(legs[:main], legs[main:], original.charges, purses, day, original.issuer)
    state = OriginalState.PARTLY_REFUNDED if after.left_minor else OriginalState.REFUNDED
    own = after_pin(intent, wallets.own)
    return decided(original, wallets, settled, own)._replace(original=changed(after, state))


def _refusal(intent: Intent, original: Original, day: int) -> Outcome | None:
    days = None if intent.rules is None else intent.rules.refund_days
    if days is not None and day > original.day + days:
        return Outcome.RELATED_TRANSACTION_INVALID
    if intent.amount_minor <= 0:
        return Outcome.AMOUNT_INVALID
    if intent.asset != original.asset or intent.amount_minor > original.left_minor:
        return Outcome.ORIGINAL_AMOUNT_DIFFERS
    return None


def _between(before: tuple[Leg, ...], after: tuple[Leg, ...]) -> list[Leg]:
    """The legs that lead from one to the other, place by place."""
    return [
        new._replace(amount_minor=new.amount_minor - old.amount_minor)
        for old, new in zip(before, after, strict=True)
    ]
