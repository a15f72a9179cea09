"""What a card product allows, as the ledger needs it.

The directory keeps products; the switch builds this value from them and hands it to each decision, so that
the ledger never asks anybody what a product says. `None` means no limit.
"""

from dataclasses import dataclass

from ledger.chart import Asset


@dataclass(frozen=True, slots=True)
class ProductRules:
    """Limits of one product; amounts in minor units of `asset`, days are business dates."""

    asset: int = Asset.CNY
    pin_tries_max: int = 3
    transaction_max_minor: int | None = None
    day_amount_max_minor: int | None = None
    day_count_max: int | None = None
