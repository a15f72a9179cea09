"""Requests to the decision as short as a test can say them, and products to try them with."""

from typing import Any

from ledger.chart import Asset, Leg
from ledger.identity import TransactionKind, duplicate_key
from ledger.intent import Intent, Origin
from ledger.product import FeeRule, Party, ProductRules, PurseKind, PurseRule
from ledger.wallet import CASH, LOTS_MAX, Lot, WalletState

TODAY = 739_000
WALLET, OTHER, MERCHANT, ISSUER, AGENT = 5, 6, 7, 3, 9
SPECIAL, BONUS, POINTS = 2, 3, 4
STARS = 9001
"""The asset of the points."""

SHOP_ID, ELSEWHERE_ID = "990001000000001", "990001000000002"
"""Identifiers of the merchant, and of another."""

FIRST_US = 1_767_600_000_000_000
PLAIN = ProductRules(issuer=ISSUER)
CASH_PURSE = PurseRule(CASH, PurseKind.CASH)
SPECIAL_PURSE = PurseRule(SPECIAL, PurseKind.SPECIAL, categories=frozenset({"5411"}))
BONUS_PURSE = PurseRule(BONUS, PurseKind.BONUS, validity_days=30)
POINTS_PURSE = PurseRule(POINTS, PurseKind.POINTS, STARS, validity_days=365)
SHOP = ProductRules(
    issuer=ISSUER,
    purses=(SPECIAL_PURSE, BONUS_PURSE, CASH_PURSE, POINTS_PURSE),
    overdraft_by_grade=(0, 500),
)
"""A product with a purse of each kind, and credit for grade 1."""

FLOAT = ProductRules(issuer=ISSUER, purses=(PurseRule(CASH, PurseKind.FLOAT),), overdraft_by_grade=(0, 40))
"""The product of an agent's float, with a little credit for grade 1."""

FULL = tuple(Lot(BONUS, day, 1) for day in range(TODAY, TODAY + LOTS_MAX - 1))
"""With the cash lot, as many lots as a wallet may have."""


def fee(kind: TransactionKind) -> FeeRule:
    """A fee of 30 that the cardholder bears."""
    return FeeRule(frozenset({kind}), Party.CARDHOLDER, Party.ISSUER, flat_minor=30)


def request(kind: TransactionKind, amount_minor: int = 0, rules: ProductRules = PLAIN, **more: Any) -> Intent:
    """A request of the wallet at the merchant; `more` are fields of the intent."""
    fields: dict[str, Any] = {"wallet_id": WALLET, "rules": rules, "asset": Asset.CNY}
    fields |= {"origin": Origin(MERCHANT, SHOP_ID, "T0000001", "000001", "000001")}
    key = duplicate_key(SHOP_ID, "T0000001", "000001", "000001", kind)
    return Intent(
        transaction_id=1, kind=kind, key=key, fingerprint=key, received_at_us=FIRST_US,
        amount_minor=amount_minor, **(fields | more),
    )  # fmt: skip


def state(*lots: Lot, cash: int = 0, **more: Any) -> WalletState:
    """A wallet with this cash and these lots; `more` are fields of the state."""
    return WalletState((Lot(CASH, 0, cash), *lots), **more)


def moved(legs: tuple[Leg, ...]) -> dict[tuple[int, int, int, int], int]:
    """What the legs do to each account and lot: kind, number, purse and last good day give the sum."""
    sums: dict[tuple[int, int, int, int], int] = {}
    for kind, account, _, amount, purse, expires in legs:
        sums[kind, account, purse, expires] = sums.get((kind, account, purse, expires), 0) + amount
    return sums
