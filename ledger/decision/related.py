"""What a movement refers to, and what all movements that refer to something have in common. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from ledger.chart import AccountKind, Leg
from ledger.decision.checks import declined, failures_after, pin_refusal
from ledger.decision.model import Decision, Wallets
from ledger.decision.settling import Purses, Settled
from ledger.identity import REVERSED_KIND
from ledger.intent import Intent
from ledger.lifecycle import Action, OriginalState
from ledger.original import Original
from ledger.outcome import Outcome
from ledger.product import ProductRules
from ledger.purses import overdraft
from ledger.wallet import Lot, WalletState, WalletStatus


class Related(NamedTuple):
    """What a movement refers to, and what the lifecycle does with each.

    `parent` is what the original itself changed, and `root` what the parent changed, where they change too.
    """

    original: Original
    action: Action
    parent: Original | None = None
    parent_action: Action | None = None
    root: Original | None = None
    root_action: Action | None = None


def misfit(intent: Intent, original: Original) -> Outcome | None:
    """Why what takes an original back doesn't fit it: the amount or asset, or a card that it states.

    A reversal may have been on its way before something was added to its original, and the void of a hold is
    of all of it, whether it states that or the amount first asked for.
    """
    amounts = {original.amount_minor}
    if intent.kind in REVERSED_KIND or original.state is OriginalState.HELD:
        amounts.add(original.asked_minor)
    if intent.amount_minor not in amounts or intent.asset != original.asset:
        return Outcome.ORIGINAL_AMOUNT_DIFFERS
    return card_misfit(intent, original)


def card_misfit(intent: Intent, original: Original) -> Outcome | None:
    """Whether a movement states another card than its original's."""
    is_other = intent.wallet_id is not None and intent.wallet_id != original.wallet_id
    return Outcome.CARD_DIFFERS if is_other else None


def request_refusal(intent: Intent, state: WalletState) -> Decision | None:
    """Why a request that gives something back is refused; a frozen wallet is given back to.

    Where the card isn't read, there is no product to ask.
    """
    if state.status is WalletStatus.CLOSED:
        return Decision(Outcome.CARD_UNKNOWN)
    rules = intent.rules
    if rules is None:
        return None
    if rules.movements is not None and intent.kind not in rules.movements:
        return Decision(Outcome.SERVICE_NOT_ALLOWED)
    return pin_refusal(intent, intent.kind, rules, state)


def after_pin(intent: Intent, state: WalletState) -> WalletState:
    """The wallet of a request after its PIN; without a product no PIN was looked at."""
    if intent.rules is None:
        return state
    return state._replace(pin_failures=failures_after(intent, state))


def refused(outcome: Outcome, intent: Intent, state: WalletState) -> Decision:
    """A refusal of a request after its PIN."""
    return Decision(outcome) if intent.rules is None else declined(outcome, intent, state)


def purses_of(intent: Intent, related: Related, wallets: Wallets) -> dict[int, Purses]:
    """The wallets that an original's legs are on; a hold behind it knows its purses without the product."""
    original, own, rules = related.original, wallets.own, intent.rules
    behind = (each for each in (original, related.parent, related.root) if each is not None)
    accounts = dict(account for each in behind for account in each.accounts)
    floor = 0 if rules is None else overdraft(rules, own)
    purses = {original.wallet_id: Purses(own.lots, floor, rules, accounts)}
    if wallets.other is not None:
        assert original.other_wallet_id is not None
        purses[original.other_wallet_id] = Purses(wallets.other.lots, 0, intent.other_rules)
    return purses


def decided(
    original: Original, wallets: Wallets, settled: Settled, own: WalletState | None = None
) -> Decision:
    """An approval of what was settled.

    Args:
        original: whose wallets are moved.
        wallets: as they stand.
        settled: what is posted.
        own: the own wallet with what changes of it beside its lots.
    """
    after = (wallets.own if own is None else own)._replace(lots=settled.lots[original.wallet_id])
    return Decision(
        Outcome.APPROVED,
        settled.legs,
        after,
        other=_other(settled.lots, original, wallets),
        charges=settled.charges,
    )


def _other(lots: Mapping[int, tuple[Lot, ...]], original: Original, wallets: Wallets) -> WalletState | None:
    if wallets.other is None or original.other_wallet_id is None:
        return None
    changed = lots[original.other_wallet_id]
    return wallets.other._replace(lots=changed) if changed != wallets.other.lots else None


def accounts_of(rules: ProductRules, legs: Iterable[Leg]) -> tuple[tuple[int, AccountKind], ...]:
    """The kinds of account of the purses that are held of, where these aren't plain cash."""
    purses = sorted({leg.purse for leg in legs if leg.account_kind is AccountKind.HELD_WALLET})
    known = ((purse, rules.purse_rule(purse)) for purse in purses)
    return tuple(
        (purse, rule.account)
        for purse, rule in known
        if rule is not None and rule.account is not AccountKind.WALLET_CASH
    )


def changed(original: Original, state: OriginalState) -> Original:
    """An original after one more change."""
    return replace(original, state=state, changes=original.changes + 1)
