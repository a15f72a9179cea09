"""What a movement costs: fees and commissions by the product's rules, and shares of them. Pure.

A fee is a flat amount plus a percent of the amount, rounded once, then held between its least and its most.
Each rule that names the movement is charged by itself. A rule that concerns an agent or a merchant where
there is none charges nothing.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

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


_GOES_UP: Final[Mapping[Rounding, Callable[[int, int, int], bool]]] = MappingProxyType(
    {
        Rounding.DOWN: lambda _whole, _rest, _denominator: False,
        Rounding.UP: lambda _whole, rest, _denominator: rest > 0,
        Rounding.HALF_UP: lambda _whole, rest, denominator: 2 * rest >= denominator,
        Rounding.HALF_EVEN: lambda whole, rest, denominator: 2 * rest + whole % 2 > denominator,
    }
)
"""Whether what is left of a division makes one more."""


def rounded(numerator: int, denominator: int, rounding: Rounding) -> int:
    """A fraction, of a numerator from zero and a denominator above it, as a whole number."""
    whole, rest = divmod(numerator, denominator)
    return whole + _GOES_UP[rounding](whole, rest, denominator)


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
    """The account of a party; None of a cardholder, and of who doesn't take part."""
    assert intent.rules is not None
    accounts = {
        Party.CARDHOLDER: None,
        Party.MERCHANT: (AccountKind.MERCHANT_PAYABLE, intent.origin.merchant_account),
        Party.ISSUER: (of_issuer, intent.rules.issuer),
        Party.AGENT: (AccountKind.AGENT_PAYABLE, intent.agent),
    }
    account = accounts[party]
    return account if account is not None and (account[1] or party is Party.ISSUER) else None


def part_of(whole: int, done: int, total: int) -> int:
    """The part of `whole` that goes with `done` of `total`, rounded towards zero.

    Of what is done step by step, each step's part is the difference of two such parts: whatever the steps,
    the parts sum to the whole, without drift.
    """
    part = abs(whole) * done // total
    return part if whole >= 0 else -part
