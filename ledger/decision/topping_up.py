"""Top-ups: in one step, verified beforehand, and sold from an agent's float. Pure.

A top-up is sold from the agent's float, where there is one: then the float is the second wallet of the
movement and goes down by as much, and what the float doesn't have isn't sold. Without a float the merchant
who took the cash owes it. What fees the cardholder bears comes from cash once the top-up is there.

A verification goes the same way and moves nothing; it tells how much room there is below the ceilings.
"""

from typing import NamedTuple

from ledger.chart import AccountKind, Leg
from ledger.decision.charging import charge
from ledger.decision.checks import approved, card_of, declined, failures_after, refusal
from ledger.decision.giving import Place, fill_refusal, place_of, to_place
from ledger.decision.model import Decision, Wallets
from ledger.identity import TransactionKind
from ledger.intent import Intent
from ledger.lots import add
from ledger.outcome import Outcome
from ledger.product import ProductRules, PurseKind
from ledger.purses import may_fill, meant, overdraft, room_of
from ledger.wallet import CASH, NEVER, WalletState, WalletStatus

_KIND = TransactionKind.TOP_UP
"""What a confirm that finds no top-up counts as, too."""


class _Float(NamedTuple):
    """The second wallet of a top-up: what it is sold from."""

    wallet_id: int
    rules: ProductRules
    state: WalletState

    def has(self, amount_minor: int) -> bool:
        """Whether it has an amount, by its own cash and credit."""
        cash = self.state.lots[0]
        return amount_minor <= cash.balance_minor - cash.held_minor + overdraft(self.rules, self.state)

    def after(self, amount_minor: int) -> WalletState:
        """What is left of it once an amount is sold."""
        return self.state._replace(lots=add(self.state.lots, CASH, NEVER, -amount_minor))


def decide_top_up(intent: Intent, wallets: Wallets, day: int) -> Decision:
    """Decide a top-up, whether in one step or by a confirm that finds none."""
    (rules, wallet_id), state, amount = card_of(intent), wallets.own, intent.amount_minor
    place = _place(intent, wallets, day, least_minor=1)
    if isinstance(place, Decision):
        return place
    filled = add(state.lots, place.rule.purse, place.expires, amount)
    charges, flags, lots, short = charge(intent, _KIND, filled, day, overdraft(rules, state))
    if short:
        return declined(Outcome.INSUFFICIENT_FUNDS, intent, state)
    sold_from = _float(intent, wallets.other)
    return Decision(
        Outcome.APPROVED,
        (_source(intent, sold_from), to_place(place, wallet_id, amount), *charges),
        state._replace(lots=lots, pin_failures=failures_after(intent, state)),
        other=None if sold_from is None else sold_from.after(amount),
        charges=flags,
    )


def decide_top_up_verify(intent: Intent, wallets: Wallets, day: int) -> Decision:
    """Tell whether a top-up would go through, and how much may be topped up at most; nothing moves.

    An amount of zero asks for the limit alone.
    """
    rules, _ = card_of(intent)
    place = _place(intent, wallets, day, least_minor=0)
    if isinstance(place, Decision):
        return place
    return approved(intent, wallets.own, room_of(rules, place.rule, wallets.own.lots, day))


def _place(intent: Intent, wallets: Wallets, day: int, least_minor: int) -> Place | Decision:
    """Where a top-up goes, or how it is refused; its amount is at least `least_minor`."""
    refused = refusal(intent, _KIND, wallets.own)
    if refused is not None:
        return refused
    place = _allowed(intent, wallets, day, least_minor)
    return declined(place, intent, wallets.own) if isinstance(place, Outcome) else place


def _allowed(intent: Intent, wallets: Wallets, day: int, least_minor: int) -> Place | Outcome:
    (rules, _), amount, sold_from = card_of(intent), intent.amount_minor, _float(intent, wallets.other)
    rule = meant(intent, rules)
    if rule is None or rule.kind is PurseKind.POINTS or not may_fill(rule, _KIND):
        return Outcome.SERVICE_NOT_ALLOWED
    if intent.other_wallet_id is not None and sold_from is None:
        return Outcome.SERVICE_NOT_ALLOWED
    if amount < least_minor:
        return Outcome.AMOUNT_INVALID
    place = place_of(rule, day)
    outcome = fill_refusal(rules, place, wallets.own.lots, day, amount)
    if outcome is not None:
        return outcome
    return place if sold_from is None or sold_from.has(amount) else Outcome.INSUFFICIENT_FUNDS


def _float(intent: Intent, state: WalletState | None) -> _Float | None:
    """The float, if the second wallet may be one: another wallet, open, of the same issuer and money."""
    (rules, wallet_id), other_id, other = card_of(intent), intent.other_wallet_id, intent.other_rules
    if other_id is None or other is None or state is None or other_id == wallet_id:
        return None
    is_alike = (other.issuer, other.asset) == (rules.issuer, rules.asset)
    return _Float(other_id, other, state) if is_alike and state.status is WalletStatus.OPEN else None


def _source(intent: Intent, sold_from: _Float | None) -> Leg:
    """Where a top-up comes from: the float it is sold from, or the merchant who took the cash."""
    if sold_from is None:
        merchant = intent.origin.merchant_account
        return Leg(AccountKind.MERCHANT_PAYABLE, merchant, intent.asset, -intent.amount_minor)
    return Leg(AccountKind.AGENT_FLOAT, sold_from.wallet_id, intent.asset, -intent.amount_minor, CASH, NEVER)
