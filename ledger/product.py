"""What a card product allows, as data: movements, purses and their order, PIN rules, limits, fees, earning.

The directory keeps products; the switch builds this value from them and hands it to each decision, so that
the ledger never asks anybody what a product says. `None` means no limit, or everything. Whatever a decision
would have to work out anew each time (which purses are money, whether anything is earned) is worked out once,
when the value is built; a product that contradicts itself is refused there, with `InvalidProduct`.

Amounts are in minor units of the asset that they are of; days are business dates as proleptic ordinals;
percent is in hundredths of a percent (basis points). A fraction of a minor unit or of a point is rounded as
the rule says, once, at the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Final, TypeAlias

from ledger.chart import AccountKind, Asset
from ledger.identity import TransactionKind
from ledger.wallet import CASH, GRADES_MAX, PURSE_MAX

Kinds: TypeAlias = frozenset[TransactionKind]


class InvalidProduct(ValueError):
    """The rules of a product contradict themselves."""


class PurseKind(Enum):
    """What the value in a purse is."""

    CASH = "cash"
    """The cardholder's own money: spent anywhere, paid out on closing."""
    FLOAT = "float"
    """In place of cash in an agent's wallet: what the agent sells top-ups from."""
    SPECIAL = "special"
    """The cardholder's money for listed merchants, categories or services."""
    BONUS = "bonus"
    """A gift: spent like money, never paid out."""
    POINTS = "points"
    """A points programme, with an asset of its own."""


_BASIC = frozenset({PurseKind.CASH, PurseKind.FLOAT})

ACCOUNT_OF: Final = MappingProxyType(
    {
        PurseKind.CASH: AccountKind.WALLET_CASH,
        PurseKind.FLOAT: AccountKind.AGENT_FLOAT,
        PurseKind.SPECIAL: AccountKind.WALLET_SPECIAL,
        PurseKind.BONUS: AccountKind.WALLET_BONUS,
        PurseKind.POINTS: AccountKind.WALLET_POINTS,
    }
)
"""The account of each kind of purse."""


@dataclass(frozen=True, slots=True)
class PurseRule:
    """One purse of a product.

    Attributes:
        purse: its number in the wallet; the cash purse has `wallet.CASH`, others have higher ones.
        kind: what its value is.
        asset: what is counted in it: the product's, or a points programme's own.
        merchants: merchants that take it, by their identifier (field 42).
        categories: merchant category codes (ISO 18245) that take it.
        services: services that take it. A purse that lists any of the three is taken wherever one of the
            lists names the place, and nowhere else; one that lists none is taken everywhere.
        inflows: movements that may fill it.
        outflows: movements that may spend it.
        validity_days: how many days value is good after the day on which it came; None: for ever.
        ceiling_minor: the most it may be filled to.
        grace_days: what becomes of a refund into a lot that has lapsed: None, it lapses at once; n, it is
            good for n more days from the day of the refund.
    """

    purse: int
    kind: PurseKind
    asset: int = Asset.CNY
    merchants: frozenset[str] | None = None
    categories: frozenset[str] | None = None
    services: frozenset[str] | None = None
    inflows: Kinds | None = None
    outflows: Kinds | None = None
    validity_days: int | None = None
    ceiling_minor: int | None = None
    grace_days: int | None = None
    account: AccountKind = field(init=False)
    """The kind of account that its lots are."""
    is_listed: bool = field(init=False)
    """Whether it is taken at listed places only."""
    is_free: bool = field(init=False)
    """Whether it may be spent by every movement at every place."""

    def __post_init__(self) -> None:
        if (self.purse == CASH) != (self.kind in _BASIC) or not CASH <= self.purse <= PURSE_MAX:
            raise InvalidProduct("the cash purse has number 1, and no other has")
        if self.purse == CASH and self.validity_days is not None:
            raise InvalidProduct("cash doesn't lapse")
        is_listed = any(each is not None for each in (self.merchants, self.categories, self.services))
        object.__setattr__(self, "account", ACCOUNT_OF[self.kind])
        object.__setattr__(self, "is_listed", is_listed)
        object.__setattr__(self, "is_free", not is_listed and self.outflows is None)


class Party(Enum):
    """Who bears a fee, or gets it."""

    CARDHOLDER = "cardholder"
    MERCHANT = "merchant"
    ISSUER = "issuer"
    AGENT = "agent"


class Rounding(Enum):
    """What becomes of the fraction of a minor unit or point."""

    DOWN = "down"
    UP = "up"
    HALF_UP = "half up"
    HALF_EVEN = "half even"


@dataclass(frozen=True, slots=True)
class FeeTier:
    """From this amount on, the fee is this, in place of the rule's own flat amount and percent."""

    from_minor: int
    flat_minor: int = 0
    percent_hundredths: int = 0


@dataclass(frozen=True, slots=True)
class FeeRule:
    """A fee on a movement: flat amount plus percent, by the amount's tier, then bounded.

    Attributes:
        kinds: the movements that it is charged for.
        payer: who bears it. A cardholder pays from the cash purse, before the amount itself is taken.
        payee: who gets it; never the cardholder, nor the payer.
        flat_minor: the flat part.
        percent_hundredths: the part of the amount, in hundredths of a percent.
        tiers: other parts for higher amounts, by rising `from_minor`.
        min_minor: the least.
        max_minor: the most.
        rounding: what becomes of the fraction of a minor unit.
        returned_on_refund: whether a refund gives back its share. A void or reversal always gives back all.
    """

    kinds: Kinds
    payer: Party
    payee: Party
    flat_minor: int = 0
    percent_hundredths: int = 0
    tiers: tuple[FeeTier, ...] = ()
    min_minor: int = 0
    max_minor: int | None = None
    rounding: Rounding = Rounding.HALF_UP
    returned_on_refund: bool = False

    def __post_init__(self) -> None:
        if self.payee in (self.payer, Party.CARDHOLDER):
            raise InvalidProduct("a fee goes from one party to another, and never to the cardholder")
        steps = [tier.from_minor for tier in self.tiers]
        if steps != sorted(set(steps)):
            raise InvalidProduct("the tiers of a fee rise")
        parts = [self.flat_minor, self.percent_hundredths, self.min_minor]
        parts += [part for tier in self.tiers for part in (tier.flat_minor, tier.percent_hundredths)]
        if min(parts) < 0 or (self.max_minor is not None and self.max_minor < self.min_minor):
            raise InvalidProduct("a fee is zero or more, and its most is no less than its least")


@dataclass(frozen=True, slots=True)
class EarningRule:
    """Points for a movement: so many `points` for each `per_minor` of its amount. Rules that fit add up.

    Attributes:
        purse: the points purse that gets them.
        kinds: the movements that earn.
        per_minor: the amount that earns `points`.
        points: how many.
        rounding: what becomes of the fraction of a point.
        merchants: merchants where it is earned, by their identifier (field 42).
        categories: merchant category codes where it is earned. With `merchants` too, both must fit.
        from_minor: the least amount that earns.
        to_minor: the highest amount that earns.
        from_day: the first day.
        to_day: the last day.
        validity_days: how many days the points are good; None: as the purse says.
    """

    purse: int
    kinds: Kinds
    per_minor: int
    points: int
    rounding: Rounding = Rounding.DOWN
    merchants: frozenset[str] | None = None
    categories: frozenset[str] | None = None
    from_minor: int = 0
    to_minor: int | None = None
    from_day: int = 0
    to_day: int | None = None
    validity_days: int | None = None

    def __post_init__(self) -> None:
        if self.per_minor <= 0 or self.points <= 0:
            raise InvalidProduct("a rate is of positive numbers")


@dataclass(frozen=True, slots=True)
class ProductRules:
    """The rules of one product; amounts in minor units of `asset`, days are business dates.

    Attributes:
        asset: the money of the product.
        pin_tries_max: wrong PINs in a row after which no further one is looked at.
        transaction_max_minor: the most that one movement may spend.
        day_amount_max_minor: the most that may be spent on a business date.
        day_count_max: how often may be spent on a business date.
        issuer: the issuer's number, which the accounts that an issuer has once have too.
        purses: in the order in which a purchase spends them; none given: one cash purse.
        movements: the kinds that are allowed; None: all.
        pin_kinds: the movements that need a PIN.
        pin_free_max_minor: amounts up to which they don't.
        month_amount_max_minor: the most that may be spent in a calendar month.
        month_count_max: how often may be spent in a calendar month.
        burst_count_max: how often may be spent within `burst_seconds` of the first time.
        burst_seconds: how long a burst is.
        wallet_max_minor: the most money that the wallet may be filled to, all purses together.
        overdraft_by_grade: how far below zero cash may go, for each credit grade.
        hold_days: how many days a pre-authorisation holds.
        completion_excess_percent: how far a completion may exceed its pre-authorisation.
        refund_days: how many days after its original a refund may come; None: for ever.
        fees: what is charged for movements.
        earning: what movements earn.
    """

    asset: int = Asset.CNY
    pin_tries_max: int = 3
    transaction_max_minor: int | None = None
    day_amount_max_minor: int | None = None
    day_count_max: int | None = None
    issuer: int = 0
    purses: tuple[PurseRule, ...] = ()
    movements: Kinds | None = None
    pin_kinds: Kinds = frozenset()
    pin_free_max_minor: int = 0
    month_amount_max_minor: int | None = None
    month_count_max: int | None = None
    burst_count_max: int | None = None
    burst_seconds: int = 0
    wallet_max_minor: int | None = None
    overdraft_by_grade: tuple[int, ...] = (0,)
    hold_days: int = 30
    completion_excess_percent: int = 15
    refund_days: int | None = None
    fees: tuple[FeeRule, ...] = ()
    earning: tuple[EarningRule, ...] = ()
    money_purses: tuple[PurseRule, ...] = field(init=False, repr=False)
    """The purses of `asset`, in the order in which they are spent."""
    plain_purse: PurseRule | None = field(init=False, repr=False)
    """The cash purse, if it is the only money and may be spent anywhere."""
    is_limited: bool = field(init=False, repr=False)
    """Whether there is a limit on what is spent."""
    burdens: Kinds = field(init=False, repr=False)
    """The movements that cost a fee or earn something."""

    def __post_init__(self) -> None:
        purses = self.purses or (PurseRule(CASH, PurseKind.CASH, self.asset),)
        object.__setattr__(self, "purses", purses)
        money = tuple(rule for rule in purses if rule.kind is not PurseKind.POINTS)
        is_plain = len(money) == 1 and money[0].purse == CASH and money[0].is_free
        object.__setattr__(self, "money_purses", money)
        object.__setattr__(self, "plain_purse", money[0] if is_plain else None)
        limits = (
            self.transaction_max_minor, self.day_amount_max_minor, self.day_count_max,
            self.month_amount_max_minor, self.month_count_max, self.burst_count_max,
        )  # fmt: skip
        object.__setattr__(self, "is_limited", any(limit is not None for limit in limits))
        charged: Sequence[FeeRule | EarningRule] = (*self.fees, *self.earning)
        object.__setattr__(self, "burdens", frozenset(kind for rule in charged for kind in rule.kinds))
        self._check()

    def _check(self) -> None:
        points = {rule.purse for rule in self.purses if rule.kind is PurseKind.POINTS}
        if len({rule.purse for rule in self.purses}) != len(self.purses):
            raise InvalidProduct("a purse has one rule")
        if any((rule.asset == self.asset) == (rule.purse in points) for rule in self.purses):
            raise InvalidProduct("money is the product's asset, and points are not")
        if any(rule.purse not in points for rule in self.earning):
            raise InvalidProduct("what is earned goes to a points purse")
        if not 0 < len(self.overdraft_by_grade) <= GRADES_MAX or min(self.overdraft_by_grade) < 0:
            raise InvalidProduct("there are 1 to 256 credit grades, each with an overdraft of zero or more")
        if self.burst_count_max is not None and self.burst_seconds <= 0:
            raise InvalidProduct("a burst that is limited lasts for some seconds")

    def purse_rule(self, purse: int) -> PurseRule | None:
        """The rule of a purse, or None if the product has no such purse."""
        return next((rule for rule in self.purses if rule.purse == purse), None)
