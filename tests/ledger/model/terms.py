"""What the model's product says, and its agent's float, in words of the model's own.

One product has a bit of everything: value for listed places, coupons that only a purchase spends, gifts with
days of grace, cash with an overdraft by grade, points; fees of all parties, two earning rules, all limits.
What is known where no card was read is `BARE`: cash, and no rule at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import Final

CASH, SPECIAL, COUPON, GIFT, POINTS = 1, 2, 3, 4, 5
MONEY, MILES = 156, 9001
ISSUER: Final = 3
GROCER: Final = "5411"
FUEL: Final = "fuel"


@dataclass(frozen=True)
class Fee:
    """A fee for movements of some kinds; `steps` are other rates from an amount on."""

    kinds: frozenset[str]
    payer: str
    payee: str
    returned: bool
    flat: int = 0
    percent: Fraction = Fraction(0)
    steps: tuple[tuple[int, int, Fraction], ...] = ()
    least: int = 0
    most: int | None = None
    rounding: str = "half up"

    def of(self, amount: int) -> int:
        """What it comes to."""
        flat, percent = self.flat, self.percent
        for from_amount, its_flat, its_percent in self.steps:
            if amount >= from_amount:
                flat, percent = its_flat, its_percent
        fee = max(self.least, whole(flat + percent * amount / 100, self.rounding))
        return fee if self.most is None else min(self.most, fee)


@dataclass(frozen=True)
class Earning:
    """Points for movements of some kinds, good for so many days."""

    kinds: frozenset[str]
    rate: Fraction
    days: int
    rounding: str
    category: str | None = None
    least: int = 0

    def of(self, amount: int) -> int:
        """How many points."""
        return whole(self.rate * amount, self.rounding)


def whole(fraction: Fraction, rounding: str) -> int:
    """A fraction as a whole number."""
    match rounding:
        case "down":
            return floor(fraction)
        case "up":
            return ceil(fraction)
        case "half up":
            return floor(fraction + Fraction(1, 2))
        case _:
            return round(fraction)


@dataclass(frozen=True)
class Terms:
    """What a product says."""

    accounts: Mapping[int, str]
    waterfall: tuple[int, ...] = (CASH,)
    days: Mapping[int, int] = field(default_factory=dict)
    grace: Mapping[int, int] = field(default_factory=dict)
    most: Mapping[int, int] = field(default_factory=dict)
    most_money: int | None = None
    only_from: Mapping[int, frozenset[str]] = field(default_factory=dict)
    only_for: Mapping[int, frozenset[str]] = field(default_factory=dict)
    overdrafts: tuple[int, ...] = (0,)
    pin_for: frozenset[str] = frozenset()
    pin_free: int = 0
    pin_tries: int = 3
    once_most: int | None = None
    day_most: int | None = None
    day_times: int | None = None
    month_most: int | None = None
    month_times: int | None = None
    burst_times: int | None = None
    burst_seconds: int = 0
    hold_days: int = 30
    excess_percent: int = 15
    refund_days: int | None = None
    fees: tuple[Fee, ...] = ()
    earnings: tuple[Earning, ...] = ()

    def asset_of(self, purse: int) -> int:
        """What a purse counts."""
        return MILES if self.accounts[purse] == "WALLET_POINTS" else MONEY


PRODUCT: Final = Terms(
    accounts={
        CASH: "WALLET_CASH",
        SPECIAL: "WALLET_SPECIAL",
        COUPON: "WALLET_BONUS",
        GIFT: "WALLET_BONUS",
        POINTS: "WALLET_POINTS",
    },
    waterfall=(SPECIAL, COUPON, GIFT, CASH),
    days={COUPON: 10, GIFT: 4, POINTS: 40},
    grace={GIFT: 5},
    most={GIFT: 4000, POINTS: 120},
    most_money=30_000,
    only_from={COUPON: frozenset({"POINTS_EARN"})},
    only_for={COUPON: frozenset({"PURCHASE"})},
    overdrafts=(0, 1500),
    pin_for=frozenset({"PURCHASE", "PREAUTH", "TRANSFER", "POINTS_SPEND"}),
    pin_free=3000,
    pin_tries=3,
    once_most=6000,
    day_most=12_000,
    day_times=9,
    month_most=30_000,
    month_times=25,
    burst_times=6,
    burst_seconds=30,
    hold_days=7,
    excess_percent=15,
    refund_days=45,
    fees=(
        Fee(frozenset({"PURCHASE", "OFFLINE_SALE"}), "CARDHOLDER", "ISSUER", returned=True, flat=20),
        Fee(
            frozenset({"PURCHASE", "COMPLETION", "COMPLETION_ADVICE", "TIP_ADVICE"}),
            *("MERCHANT", "ISSUER"),
            returned=False,
            percent=Fraction(60, 100),
            least=1,
            most=30,
            rounding="half even",
        ),
        Fee(
            frozenset({"TOP_UP"}), "ISSUER", "AGENT", returned=True, percent=Fraction(1), rounding="up"
        ),
        Fee(
            frozenset({"TOP_UP"}),
            *("CARDHOLDER", "ISSUER"),
            returned=True,
            percent=Fraction(1, 2),
            steps=((3000, 5, Fraction(0)),),
        ),
        Fee(frozenset({"TRANSFER"}), "CARDHOLDER", "ISSUER", returned=False, flat=10),
        Fee(
            frozenset({"COMPLETION", "COMPLETION_ADVICE"}),
            *("CARDHOLDER", "ISSUER"),
            returned=True,
            percent=Fraction(1),
            rounding="down",
        ),
    ),
    earnings=(
        Earning(
            frozenset({"PURCHASE", "COMPLETION", "COMPLETION_ADVICE"}), Fraction(1, 100), 40, "down"
        ),
        Earning(frozenset({"PURCHASE"}), Fraction(3, 250), 10, "half up", GROCER, 1000),
    ),
)  # fmt: skip

FLOAT: Final = Terms(accounts={CASH: "AGENT_FLOAT"})

BARE: Final = Terms(accounts={CASH: "WALLET_CASH"})
