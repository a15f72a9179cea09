"""What can be acted upon: the kinds of record that the audit and the change log name. Pure."""

from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """A kind of record, as its noun in commands."""

    PARTY = "party"
    OPERATOR = "operator"
    PROPOSAL = "proposal"
    PRODUCT = "product"
    RANGE = "range"
    CARD = "card"
    CARD_BATCH = "card_batch"
    CUSTOMER = "customer"
    MERCHANT = "merchant"
    STORE = "store"
    SERVICE_ITEM = "service_item"
    CATEGORY = "category"
    FEE_PLAN = "fee_plan"
    TERMINAL = "terminal"
    BATCH = "batch"


REMEMBERED: Final = frozenset({Kind.PRODUCT, Kind.RANGE, Kind.CARD, Kind.MERCHANT, Kind.TERMINAL})
"""What the hot views hold in memory, and so have to be told of."""
