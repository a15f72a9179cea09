"""What a movement earns: points by the product's rules. Pure.

Each rule that fits the movement, the place, the amount and the date earns by itself; what goes to one lot is
one sum. The points of a sum are rounded rule by rule, once.
"""

from ledger.fees import rounded
from ledger.identity import TransactionKind
from ledger.intent import Intent
from ledger.lots import expiry
from ledger.product import EarningRule, ProductRules


def fits(rule: EarningRule, kind: TransactionKind, intent: Intent, amount_minor: int, day: int) -> bool:
    """Whether a rule is for this movement."""
    return (
        kind in rule.kinds
        and (rule.merchants is None or intent.origin.merchant_id in rule.merchants)
        and (rule.categories is None or intent.category in rule.categories)
        and rule.from_minor <= amount_minor
        and (rule.to_minor is None or amount_minor <= rule.to_minor)
        and rule.from_day <= day
        and (rule.to_day is None or day <= rule.to_day)
    )


def earned(
    rules: ProductRules, kind: TransactionKind, intent: Intent, amount_minor: int, day: int
) -> dict[tuple[int, int], int]:
    """The points that a movement earns, by purse and last good day."""
    points: dict[tuple[int, int], int] = {}
    for rule in rules.earning:
        if not fits(rule, kind, intent, amount_minor, day):
            continue
        purse = rules.purse_rule(rule.purse)
        assert purse is not None
        valid = purse.validity_days if rule.validity_days is None else rule.validity_days
        lot = rule.purse, expiry(day, valid)
        number = rounded(amount_minor * rule.points, rule.per_minor, rule.rounding)
        if number:
            points[lot] = points.get(lot, 0) + number
    return points
