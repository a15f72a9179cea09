"""A product's terms as the ledger needs them.

The directory keeps products and the ledger decides by `ProductRules`; neither knows the other. Terms in force
are one object for as long as they are in memory, so their rules are made once (`ProductRulesOf`).
"""

from directory.product_terms import ProductTerms
from ledger.product import ProductRules

_MOST: int = 10_000


def product_rules(terms: ProductTerms) -> ProductRules:
    """What the ledger decides by, from the terms of a product's version."""
    limits = terms.limits
    return ProductRules(
        terms.currency,
        terms.pin_tries_max,
        limits.transaction_max_minor,
        limits.day_amount_max_minor,
        limits.day_count_max,
    )


class ProductRulesOf:
    """The rules of terms met before; what was met too much of is made again."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[ProductTerms, ProductRules]] = {}

    def of(self, terms: ProductTerms) -> ProductRules:
        """The rules of these terms, the same object each time."""
        # The terms are kept beside their rules, so that no other object gets their number meanwhile.
        known = self._made.get(id(terms))
        if known is None:
            if len(self._made) >= _MOST:
                self._made.clear()
            known = self._made[id(terms)] = terms, product_rules(terms)
        return known[1]
