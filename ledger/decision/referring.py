"""Movements that refer to an original, by what the lifecycle says is to be done. Pure.

The lifecycle has allowed the movement already; what is decided here is the money. How original, parent and
root stand afterwards is part of the decision, and is written with it.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from ledger.decision.holding import complete, extend, release
from ledger.decision.model import Decision, Wallets
from ledger.decision.refunding import refund
from ledger.decision.related import Related, changed
from ledger.decision.spending import decide_tip
from ledger.decision.undoing import undo, uphold
from ledger.intent import Intent
from ledger.lifecycle import Action

DecideOn: TypeAlias = Callable[[Intent, Related, Wallets, int], Decision]


def add(intent: Intent, related: Related, wallets: Wallets, day: int) -> Decision:
    """Add to a sale."""
    decision = decide_tip(intent, related.original, wallets, day)
    if decision.original is None:
        return decision
    return decision._replace(original=changed(decision.original, related.original.state))


ON_ORIGINAL: Final[Mapping[Action, DecideOn]] = MappingProxyType(
    {
        Action.UNDO: undo,
        Action.UPHOLD: uphold,
        Action.REFUND: refund,
        Action.ADD: add,
        Action.EXTEND: extend,
        Action.COMPLETE: complete,
        Action.FORCE: complete,
        Action.RELEASE: release,
    }
)
"""What decides a movement by what it does to its original."""


def decide_on(intent: Intent, related: Related, wallets: Wallets, day: int) -> Decision:
    """Decide a movement that refers to an original.

    Args:
        intent: without a refusal.
        related: the original, with what is to be done, and what changes with it.
        wallets: those of the original, as they stand.
        day: the ledger's open business date, as an ordinal.
    """
    return ON_ORIGINAL[related.action](intent, related, wallets, day)
