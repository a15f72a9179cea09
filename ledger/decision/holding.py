"""Pre-authorisations: holding an amount, more of it, posting what it was for, letting it go. Pure.

A hold keeps aside what a purchase would take, lot by lot and by the same waterfall, in the held layer; it is
limited, counted in the windows and declined like a purchase. A completion lets the hold go and takes its own
amount from the lots that were held, in their order; what it needs beyond them, up to a percent above what was
authorised, it takes as a purchase would if it is a request, and whatever the wallet holds if it is an advice.
It isn't counted in the windows again. An advice that comes after the hold is gone is posted without it.

A hold is let go after its last good day, never before. What was held in a lot that has lapsed meanwhile
lapses then.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from ledger import limits
from ledger import lots as lot_sums
from ledger.chart import AccountKind, Leg, undone
from ledger.decision.charging import charge
from ledger.decision.checks import declined, failures_after, refusal
from ledger.decision.model import Decision, Wallets
from ledger.decision.related import Related, accounts_of, after_pin, card_misfit, changed, decided, purses_of
from ledger.decision.settling import settle
from ledger.decision.spending import amount_refusal, lack, to_merchant
from ledger.identity import TransactionKind
from ledger.intent import Intent
from ledger.lifecycle import OriginalState
from ledger.original import Original, Share, merged
from ledger.outcome import Outcome
from ledger.product import ProductRules
from ledger.purses import overdraft, spend
from ledger.wallet import CASH, Lot, WalletState

Accounts: TypeAlias = tuple[tuple[int, AccountKind], ...]

_PERCENT = 100


def decide_preauth(intent: Intent, wallets: Wallets, day: int) -> Decision:
    """Hold an amount: all checks of a purchase, then all of it or nothing."""
    return _held(intent, wallets.own, day)


def extend(intent: Intent, related: Related, wallets: Wallets, day: int) -> Decision:
    """Hold more for the same pre-authorisation."""
    original = related.original
    refused = card_misfit(intent, original)
    if refused is not None:
        return Decision(refused)
    decision = _held(replace(intent, wallet_id=original.wallet_id), wallets.own, day)
    if decision.outcome is not Outcome.APPROVED:
        return decision
    grown = replace(
        changed(original, OriginalState.HELD),
        legs=merged((*original.legs, *decision.legs)),
        amount_minor=original.amount_minor + intent.amount_minor,
        added_minor=original.added_minor + intent.amount_minor,
        shares=(*original.shares, Share(day, intent.amount_minor)),
        accounts=_joined(original.accounts, intent, decision.legs),
    )
    return decision._replace(original=grown)


def _joined(known: Accounts, intent: Intent, legs: tuple[Leg, ...]) -> Accounts:
    """The accounts of the purses that are held of, with those of an increment."""
    assert intent.rules is not None
    return tuple(sorted({*known, *accounts_of(intent.rules, legs)}))


def _held(intent: Intent, state: WalletState, day: int) -> Decision:
    """Hold an amount, and count it."""
    rules, kind, amount = intent.rules, intent.kind, intent.amount_minor
    refused = _request_refusal(intent, state)
    if refused is not None:
        return refused
    assert rules is not None
    outcome = amount_refusal(intent, rules.asset)
    if outcome is None:
        outcome = limits.refusal(rules, state, amount, day, intent.received_at_us)
    if outcome is not None:
        return declined(outcome, intent, state)
    taken, _, missing = spend(intent, kind, state.lots, day, amount, overdraft(rules, state))
    if missing:
        return declined(lack(intent, kind, rules), intent, state)
    lots, failures = state.lots, failures_after(intent, state)
    for leg in taken:
        lots = lot_sums.add(lots, leg.purse, leg.expires, 0, -leg.amount_minor)
    held = Leg(AccountKind.HELD_MERCHANT, intent.origin.merchant_account, intent.asset, amount)
    legs = (*(leg._replace(account_kind=AccountKind.HELD_WALLET) for leg in taken), held)
    after = limits.counted(rules, state, lots, failures, amount, day, intent.received_at_us)
    return Decision(Outcome.APPROVED, legs, after)


def release(intent: Intent, related: Related, wallets: Wallets, day: int) -> Decision:
    """Let a hold go whose last good day is over."""
    original = related.original
    if day <= original.expires_day:
        return Decision(Outcome.RELATED_TRANSACTION_INVALID)
    purses = purses_of(intent, related, wallets)
    settled = settle(undone(original.legs), (), (), purses, day, original.issuer)
    after = changed(original, OriginalState.RELEASED)
    return decided(original, wallets, settled)._replace(original=after)


def complete(intent: Intent, related: Related, wallets: Wallets, day: int) -> Decision:
    """Post what was pre-authorised, with what is held of it or, when that is gone, without."""
    original, state = related.original, wallets.own
    is_forced = intent.kind is TransactionKind.COMPLETION_ADVICE
    refused = card_misfit(intent, original)
    if refused is not None:
        return Decision(refused)
    if is_forced and intent.rules is None:
        intent = replace(intent, rules=ProductRules(original.asset))
    wrong = None if is_forced else _request_refusal(intent, state)
    if wrong is not None:
        return wrong
    intent = replace(intent, wallet_id=original.wallet_id)
    assert intent.rules is not None
    outcome = _amount_refusal(intent, original, intent.rules)
    if outcome is not None:
        return Decision(outcome) if is_forced else declined(outcome, intent, state)
    posting = _posting(intent, intent.rules, related, state, day)
    if posting is None:
        return declined(lack(intent, intent.kind, intent.rules), intent, state)
    main, charges, flags = posting
    purses = purses_of(intent, related, wallets)
    settled = settle(main, charges, flags, purses, day, original.issuer)
    after = changed(original, OriginalState.COMPLETED)
    own = state if is_forced else after_pin(intent, state)
    return decided(original, wallets, settled, own)._replace(original=after)


def _request_refusal(intent: Intent, state: WalletState) -> Decision | None:
    """Why a request is refused before its amount is looked at; without a card there is no product to ask."""
    if intent.rules is None:
        return Decision(Outcome.CARD_UNKNOWN)
    return refusal(intent, intent.kind, state)


def _amount_refusal(intent: Intent, hold: Original, rules: ProductRules) -> Outcome | None:
    """Why the amount doesn't fit what was authorised."""
    excess = intent.amount_minor - hold.amount_minor
    if excess * _PERCENT > hold.amount_minor * rules.completion_excess_percent:
        return Outcome.AMOUNT_OVER_LIMIT
    return amount_refusal(intent, hold.asset)


def _posting(
    intent: Intent, rules: ProductRules, related: Related, state: WalletState, day: int
) -> tuple[tuple[Leg, ...], tuple[Leg, ...], tuple[bool, ...]] | None:
    """The legs of a completion, its fees and earnings with their flags; None if a request lacks funds."""
    is_forced = intent.kind is TransactionKind.COMPLETION_ADVICE
    floor = overdraft(rules, state)
    held = related.original.legs if related.original.state is OriginalState.HELD else ()
    accounts = {CASH: AccountKind.WALLET_CASH} | dict(related.original.accounts)
    captured, lots = _captured(held, accounts, state.lots, intent.amount_minor)
    charges, flags, lots, short = charge(intent, intent.kind, lots, day, floor, is_forced=is_forced)
    excess = intent.amount_minor + sum(leg.amount_minor for leg in captured)
    taken, _, missing = spend(intent, intent.kind, lots, day, excess, floor) if excess else ((), lots, 0)
    if (missing or short) and not is_forced:
        return None
    assert intent.wallet_id is not None
    owed = Leg(AccountKind.CARDHOLDER_RECEIVABLE, intent.wallet_id, intent.asset, -missing)
    main = (*undone(held), *merged((*captured, *taken, owed)), to_merchant(intent))
    return main, charges, flags


def _captured(
    held: tuple[Leg, ...], accounts: Mapping[int, AccountKind], lots: tuple[Lot, ...], amount_minor: int
) -> tuple[list[Leg], tuple[Lot, ...]]:
    """What is taken of the lots that were held, in their order, and the lots afterwards."""
    legs: list[Leg] = []
    for leg in held:
        if leg.account_kind is not AccountKind.HELD_WALLET:
            continue
        part = min(amount_minor, -leg.amount_minor)
        amount_minor -= part
        lots = lot_sums.add(lots, leg.purse, leg.expires, -part, leg.amount_minor)
        if part:
            legs.append(leg._replace(account_kind=accounts[leg.purse], amount_minor=-part))
    return legs, lots
