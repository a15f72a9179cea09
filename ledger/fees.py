"""What a movement costs: fees and commissions by the product's rules, and shares of them. Pure.

A fee is a flat amount plus a percent of the amount, rounded once, then held between its least and its most.
Each rule that names the movement is charged by itself. A rule that concerns an agent or a merchant where
there is none charges nothing.
"""

from typing import NamedTuple, assert_never

from ledger.chart import AccountKind
from ledger.identity import TransactionKind
from ledger.intent import Intent
from ledger.product import FeeRule, Party, ProductRules, Rounding

_WHOLE = 10_000


class Fee(NamedTuple):
    """One fee: from an account (None: the cardholder's cash) to an account; whether a refund returns it."""

    source: tuple[AccountKind, int] | None
    target: tuple[AccountKind, int]
    amount_minor: int
    is_returned: bool


def rounded(numerator: int, denominator: int, rounding: Rounding) -> int:
    """A fraction of positive numbers as a whole number."""
    whole, rest = divmod(numerator, denominator)
    match rounding:
        case Rounding.DOWN:
            return whole
        case Rounding.UP:
            return whole + (rest > 0)
        case Rounding.HALF_UP:
            return whole + (2 * rest >= denominator)
        case Rounding.HALF_EVEN:
            return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))
        case _:
            assert_never(rounding)


def fee_of(rule: FeeRule, amount_minor: int) -> int:
    """What a rule charges for an amount."""
    flat, percent = rule.flat_minor, rule.percent_hundredths
    for tier in rule.tiers:
        if amount_minor < tier.from_minor:
            break
        flat, percent = tier.flat_minor, tier.percent_hundredths
    fee = max(rule.min_minor, rounded(flat * _WHOLE + amount_minor * percent, _WHOLE, rule.rounding))
    return fee if rule.max_minor is None else min(fee, rule.max_minor)


def fees_of(rules: ProductRules, kind: TransactionKind, intent: Intent, amount_minor: int) -> list[Fee]:
    """The fees for a movement of this kind, in the product's order, those of nothing left out."""
    fees: list[Fee] = []
    for rule in rules.fees:
        if kind not in rule.kinds:
            continue
        target = _account(rule.payee, intent, AccountKind.FEE_INCOME)
        source = _account(rule.payer, intent, AccountKind.COMMISSION)
        is_borne = rule.payer is Party.CARDHOLDER or source is not None
        fee = fee_of(rule, amount_minor)
        if fee and target is not None and is_borne:
            fees.append(Fee(source, target, fee, rule.returned_on_refund))
    return fees


def _account(party: Party, intent: Intent, of_issuer: AccountKind) -> tuple[AccountKind, int] | None:
    """The account of a party, if it takes part."""
    assert intent.rules is not None
    match party:
        case Party.CARDHOLDER:
            return None
        case Party.MERCHANT:
            merchant = intent.origin.merchant_account
            return (AccountKind.MERCHANT_PAYABLE, merchant) if merchant else None
        case Party.AGENT:
            return (AccountKind.AGENT_PAYABLE, intent.agent) if intent.agent else None
        case Party.ISSUER:
            return of_issuer, intent.rules.issuer
        case _:
            assert_never(party)


def part_of(whole: int, done: int, total: int) -> int:
    """The part of `whole` that goes with `done` of `total`, rounded towards zero.

    Of what is done step by step, each step's part is the difference of two such parts: whatever the steps,
    the parts sum to the whole, without drift.
    """
    part = abs(whole) * done // total
    return part if whole >= 0 else -part
