"""What can be acted upon: the kinds of record that the audit and the change log name. Pure."""

from enum import StrEnum


class Kind(StrEnum):
    """A kind of record, as its noun in commands."""

    PARTY = "party"
    OPERATOR = "operator"
    PROPOSAL = "proposal"
    PRODUCT = "product"
    RANGE = "range"
    CARD = "card"
    CUSTOMER = "customer"
    MERCHANT = "merchant"
    TERMINAL = "terminal"
    BATCH = "batch"
