"""The products that the tables name; purses are called by what they are.

Each is a small composition of what products may say, so that a table shows one rule at a time.
"""

from types import MappingProxyType
from typing import Final

from ledger.chart import POINTS_FROM
from ledger.identity import TransactionKind
from ledger.product import (
    EarningRule,
    FeeRule,
    Party,
    ProductRules,
    PurseKind,
    PurseRule,
    Rounding,
)
from ledger.wallet import CASH

SPECIAL, BONUS, POINTS = 2, 3, 4
POINTS_ASSET: Final = POINTS_FROM
"""The programme of the tables' points: an asset of its own, the first there can be, without minor units."""

PURSES: Final = MappingProxyType({"cash": CASH, "special": SPECIAL, "bonus": BONUS, "points": POINTS})
"""The number of each purse a table names."""

CNY: Final = 156
_CASH_PURSE: Final = PurseRule(CASH, PurseKind.CASH, CNY)
_SPECIAL_PURSE: Final = PurseRule(SPECIAL, PurseKind.SPECIAL, CNY, categories=frozenset({"5411"}))
_POINTS_PURSE: Final = PurseRule(POINTS, PurseKind.POINTS, POINTS_ASSET, validity_days=365)
_SPENDING: Final = frozenset({TransactionKind.PURCHASE})


def _bonus(grace_days: int | None = None) -> PurseRule:
    return PurseRule(BONUS, PurseKind.BONUS, CNY, validity_days=30, grace_days=grace_days)


_LISTED: Final = frozenset(
    {
        *(TransactionKind.PURCHASE, TransactionKind.OFFLINE_SALE, TransactionKind.TIP_ADVICE),
        *(TransactionKind.PREAUTH, TransactionKind.PREAUTH_INCREMENT, TransactionKind.COMPLETION),
        *(TransactionKind.COMPLETION_ADVICE, TransactionKind.TOP_UP, TransactionKind.TRANSFER),
        *(TransactionKind.POINTS_EARN, TransactionKind.POINTS_SPEND),
        *(TransactionKind.BALANCE_INQUIRY, TransactionKind.POINTS_INQUIRY),
    }
)


def _listed(purse: int, kind: PurseKind, validity_days: int | None = None) -> PurseRule:
    is_points = kind is PurseKind.POINTS
    return PurseRule(
        purse,
        kind,
        POINTS_ASSET if is_points else CNY,
        categories=frozenset({"5411"}) if is_points else None,
        inflows=_LISTED,
        outflows=_LISTED,
        validity_days=validity_days,
        ceiling_minor=5000,
    )


def _fee(*fees: FeeRule) -> ProductRules:
    return ProductRules(fees=fees)


PRODUCTS: Final = MappingProxyType(
    {
        "plain": ProductRules(),
        "float": ProductRules(purses=(PurseRule(CASH, PurseKind.FLOAT),)),
        "signed": ProductRules(pin_kinds=_SPENDING, pin_free_max_minor=1000),
        "purchases only": ProductRules(
            movements=frozenset({TransactionKind.PURCHASE, TransactionKind.PURCHASE_VOID})
        ),
        "shop": ProductRules(purses=(_SPECIAL_PURSE, _bonus(), _CASH_PURSE), overdraft_by_grade=(0, 5000)),
        "grace": ProductRules(purses=(_bonus(grace_days=7), _CASH_PURSE)),
        "holds": ProductRules(hold_days=10),
        "limited": ProductRules(
            transaction_max_minor=5000,
            day_amount_max_minor=8000,
            day_count_max=3,
            month_amount_max_minor=20000,
            wallet_max_minor=50000,
        ),
        "listed": ProductRules(
            purses=(
                _listed(BONUS, PurseKind.BONUS, 30),
                _listed(CASH, PurseKind.CASH),
                _listed(POINTS, PurseKind.POINTS, 365),
            ),
            movements=_LISTED,
            earning=(
                EarningRule(
                    POINTS,
                    frozenset({TransactionKind.TOP_UP, TransactionKind.TRANSFER}),
                    per_minor=1,
                    points=1,
                    categories=frozenset({"5411"}),
                ),
            ),
            wallet_max_minor=9000,
        ),
        "fee of all that posts": _fee(
            FeeRule(
                frozenset({TransactionKind.OFFLINE_SALE, TransactionKind.TIP_ADVICE}),
                Party.CARDHOLDER,
                Party.ISSUER,
                flat_minor=50,
                returned_on_refund=True,
            ),
            FeeRule(frozenset({TransactionKind.OFFLINE_SALE}), Party.CARDHOLDER, Party.ISSUER, flat_minor=20),
        ),
        "hasty": ProductRules(burst_count_max=2, burst_seconds=60),
        "points": ProductRules(
            purses=(_CASH_PURSE, _POINTS_PURSE),
            earning=(EarningRule(POINTS, _SPENDING, per_minor=100, points=1, validity_days=365),),
        ),
        "fee of cardholder": _fee(
            FeeRule(_SPENDING, Party.CARDHOLDER, Party.ISSUER, flat_minor=50, returned_on_refund=True)
        ),
        "fee of merchant": _fee(
            FeeRule(
                _SPENDING,
                Party.MERCHANT,
                Party.ISSUER,
                percent_hundredths=60,
                min_minor=10,
                max_minor=200,
                rounding=Rounding.HALF_UP,
                returned_on_refund=False,
            )
        ),
        "commission": _fee(
            FeeRule(
                frozenset({TransactionKind.TOP_UP}),
                Party.ISSUER,
                Party.AGENT,
                percent_hundredths=100,
                returned_on_refund=True,
            )
        ),
    }
)
"""The tables' products by name."""
