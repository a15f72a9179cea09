"""A wallet that has as many lots as requests may give it."""

from ledger.decision.giving import fill_refusal, place_of
from ledger.outcome import Outcome
from ledger.product import ProductRules, PurseKind, PurseRule
from ledger.wallet import CASH, LOTS_MAX, Lot

BONUS = 2
DAY = 739_617
RULES = ProductRules(
    purses=(PurseRule(BONUS, PurseKind.BONUS, validity_days=LOTS_MAX - 2), PurseRule(CASH, PurseKind.CASH))
)


def test_a_full_wallet_is_given_to_where_it_has_a_lot() -> None:
    """A lot that is there may grow; one lot more is one too many."""
    lots = (Lot(CASH), *(Lot(BONUS, DAY + number, 1) for number in range(LOTS_MAX - 1)))
    rule = RULES.purse_rule(BONUS)
    assert rule is not None

    assert fill_refusal(RULES, place_of(rule, DAY), lots, DAY, 1) is None
    assert Outcome.COUNT_OVER_LIMIT == fill_refusal(RULES, place_of(rule, DAY + 1), lots, DAY, 1)
