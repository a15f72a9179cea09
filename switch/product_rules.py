"""A product's terms as the ledger needs them.

The directory keeps products and the ledger decides by `ProductRules`; neither knows the other. Terms speak of
services, the ledger of movements: `MOVEMENTS` says which movements a service stands for, and a product allows
all movements but those of services that it doesn't offer, so what operators and the ledger itself do is never
forbidden by it. Terms in force are one object for as long as they are in memory, so their rules are made once
(`ProductRulesOf`).

Some terms aren't the ledger's: whether a PIN is asked for is checked before (`transaction.steps`), and
validity, replacement and to whom may be transferred are the directory's.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

from directory import product_terms
from directory.product_terms import CardService, ProductTerms
from ledger.identity import TransactionKind
from ledger.product import EarningRule, FeeRule, FeeTier, Party, ProductRules, PurseKind, PurseRule, Rounding

_MOST: Final = 10_000
_Kinds = frozenset[TransactionKind]

MOVEMENTS: Final[Mapping[CardService, _Kinds]] = MappingProxyType(
    {
        CardService.PURCHASE: frozenset(
            {TransactionKind.PURCHASE, TransactionKind.PURCHASE_VOID, TransactionKind.TIP_ADVICE}
        ),
        CardService.BALANCE_INQUIRY: frozenset({TransactionKind.BALANCE_INQUIRY}),
        CardService.REFUND: frozenset({TransactionKind.REFUND}),
        CardService.PREAUTHORIZATION: frozenset(
            {
                TransactionKind.PREAUTH,
                TransactionKind.PREAUTH_VOID,
                TransactionKind.PREAUTH_INCREMENT,
                TransactionKind.COMPLETION,
                TransactionKind.COMPLETION_VOID,
                TransactionKind.COMPLETION_ADVICE,
            }
        ),
        CardService.OFFLINE_SALE: frozenset({TransactionKind.OFFLINE_SALE}),
        CardService.TOP_UP: frozenset(
            {
                TransactionKind.TOP_UP,
                TransactionKind.TOP_UP_VOID,
                TransactionKind.TOP_UP_VERIFY,
                TransactionKind.TOP_UP_CONFIRM,
            }
        ),
        CardService.TRANSFER: frozenset({TransactionKind.TRANSFER}),
        CardService.POINTS_EARN: frozenset({TransactionKind.POINTS_EARN}),
        CardService.POINTS_SPEND: frozenset(
            {
                TransactionKind.POINTS_SPEND,
                TransactionKind.POINTS_SPEND_VOID,
                TransactionKind.POINTS_RETURN,
            }
        ),
        CardService.POINTS_INQUIRY: frozenset({TransactionKind.POINTS_INQUIRY}),
    }
)
"""The requests that a service stands for, with what takes them back at the terminal's request."""

CHARGED: Final[Mapping[CardService, _Kinds]] = MappingProxyType(
    {
        CardService.PURCHASE: frozenset({TransactionKind.PURCHASE, TransactionKind.TIP_ADVICE}),
        CardService.PREAUTHORIZATION: frozenset(
            {TransactionKind.COMPLETION, TransactionKind.COMPLETION_ADVICE}
        ),
        CardService.OFFLINE_SALE: frozenset({TransactionKind.OFFLINE_SALE}),
        CardService.TOP_UP: frozenset({TransactionKind.TOP_UP}),
        CardService.TRANSFER: frozenset({TransactionKind.TRANSFER}),
    }
)
"""The movements that cost and earn what a service does; services that aren't here do neither."""


def product_rules(terms: ProductTerms, issuer: int) -> ProductRules:
    """What the ledger decides by, from the terms of a product's version and the number of its issuer."""
    limits = terms.limits
    return ProductRules(
        asset=terms.currency,
        pin_tries_max=terms.pin_tries_max,
        transaction_max_minor=limits.transaction_max_minor,
        day_amount_max_minor=limits.day_amount_max_minor,
        day_count_max=limits.day_count_max,
        issuer=issuer,
        purses=tuple(_purse(purse, terms.currency) for purse in terms.purses),
        movements=_allowed(terms.services),
        month_amount_max_minor=limits.month_amount_max_minor,
        month_count_max=limits.month_count_max,
        burst_count_max=limits.burst_count_max,
        burst_seconds=limits.burst_seconds,
        wallet_max_minor=limits.wallet_max_minor,
        overdraft_by_grade=limits.overdraft_by_grade_minor,
        hold_days=terms.hold_days,
        completion_excess_percent=terms.completion_excess_percent,
        refund_days=terms.refund_days,
        fees=tuple(_fee(fee) for fee in terms.fees),
        earning=tuple(_earning(rule) for rule in terms.earning),
    )


def _allowed(services: frozenset[CardService]) -> _Kinds | None:
    """All movements but those of services that aren't offered; None for all."""
    refused = frozenset[TransactionKind]().union(
        *(kinds for service, kinds in MOVEMENTS.items() if service not in services)
    )
    return frozenset(TransactionKind) - refused if refused else None


def _kinds(of: Mapping[CardService, _Kinds], services: Iterable[CardService]) -> _Kinds:
    return frozenset(kind for service in services for kind in of.get(service, ()))


def _purse(purse: product_terms.Purse, currency: int) -> PurseRule:
    return PurseRule(
        purse.number,
        PurseKind(purse.kind.value),
        currency if purse.asset is None else purse.asset,
        merchants=None if purse.merchants is None else frozenset(purse.merchants),
        categories=None if purse.categories is None else frozenset(purse.categories),
        services=None if purse.services is None else frozenset(purse.services),
        inflows=None if purse.inflows is None else _kinds(MOVEMENTS, purse.inflows),
        outflows=None if purse.outflows is None else _kinds(MOVEMENTS, purse.outflows),
        validity_days=purse.validity_days,
        ceiling_minor=purse.ceiling_minor,
        grace_days=purse.grace_days,
    )


def _fee(fee: product_terms.Fee) -> FeeRule:
    return FeeRule(
        _kinds(CHARGED, fee.services),
        Party(fee.payer.value),
        Party(fee.payee.value),
        flat_minor=fee.flat_minor,
        percent_hundredths=fee.basis_points,
        tiers=tuple(FeeTier(tier.from_minor, tier.flat_minor, tier.basis_points) for tier in fee.tiers),
        min_minor=fee.min_minor,
        max_minor=fee.max_minor,
        rounding=_rounding(fee.rounding),
        returned_on_refund=fee.returned_on_refund,
    )


def _earning(rule: product_terms.Earning) -> EarningRule:
    return EarningRule(
        rule.purse,
        _kinds(CHARGED, rule.services),
        per_minor=rule.per_minor,
        points=rule.points,
        rounding=_rounding(rule.rounding),
        merchants=None if rule.merchants is None else frozenset(rule.merchants),
        categories=None if rule.categories is None else frozenset(rule.categories),
        from_minor=rule.from_minor,
        to_minor=rule.to_minor,
        from_day=0 if rule.from_day is None else rule.from_day.toordinal(),
        to_day=_ordinal(rule.to_day),
        validity_days=rule.validity_days,
    )


def _rounding(rounding: product_terms.Rounding) -> Rounding:
    return Rounding[rounding.name]


def _ordinal(day: date | None) -> int | None:
    return None if day is None else day.toordinal()


class ProductRulesOf:
    """The rules of terms met before; what was met too much of is made again."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[ProductTerms, ProductRules]] = {}

    def of(self, terms: ProductTerms, issuer: int) -> ProductRules:
        """The rules of these terms of an issuer's product, the same object each time."""
        # The terms are kept beside their rules, so that no other object gets their number meanwhile.
        known = self._made.get(id(terms))
        if known is None:
            if len(self._made) >= _MOST:
                self._made.clear()
            known = self._made[id(terms)] = terms, product_rules(terms, issuer)
        return known[1]
