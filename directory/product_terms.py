"""What a card product promises: its terms, as one validated value. Pure.

A product (a card class, 卡类) is data. Its terms say what a card may be used for, when a PIN is asked for,
which purses it has and in which order they pay, what is limited, charged and earned, how long it is good, and
under which conditions it is reloaded, replaced, extended and transferred from. Terms come in as JSON, are
checked as a whole (`terms_of`), and never change afterwards: a product changes by a further version.

Amounts are in minor units of the currency; `null` or absence of a limit is no limit. A service stands for a
movement and everything that takes it back: who may pay may also have it voided and reversed.

Field by field the same words stand in the documentation of products. A new field has a default that means
what was so before, so that terms stored earlier keep their meaning.
"""

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from directory.refusals import InvalidValue

_MINOR_MAX: Final = 10**15 - 1
Minor: TypeAlias = Annotated[int, Field(ge=0, le=_MINOR_MAX)]
PositiveMinor: TypeAlias = Annotated[int, Field(gt=0, le=_MINOR_MAX)]
Count: TypeAlias = Annotated[int, Field(gt=0, le=1_000_000)]
Days: TypeAlias = Annotated[int, Field(gt=0, le=36_500)]
PurseNumber: TypeAlias = Annotated[int, Field(ge=1, le=99)]
Merchants: TypeAlias = tuple[Annotated[str, Field(pattern=r"^[\x20-\x7e]{15}$")], ...]
Categories: TypeAlias = tuple[Annotated[str, Field(pattern=r"^\d{4}$")], ...]
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=60)]

CASH_PURSE: Final = 1
"""The number of the cash purse."""
POINTS_FROM: Final = 1_000
"""Programmes are numbered from here on; below are the currencies of ISO 4217."""


class CardClass(StrEnum):
    """What kind of card a product is."""

    WELFARE = "welfare"
    CONSUMPTION = "consumption"
    MEMBERSHIP = "membership"
    POINTS = "points"
    GIFT = "gift"
    MEAL = "meal"


class CardService(StrEnum):
    """What a card may be used for."""

    PURCHASE = "purchase"
    BALANCE_INQUIRY = "balance_inquiry"
    REFUND = "refund"
    PREAUTHORIZATION = "preauthorization"
    OFFLINE_SALE = "offline_sale"
    TOP_UP = "top_up"
    TRANSFER = "transfer"
    POINTS_EARN = "points_earn"
    POINTS_SPEND = "points_spend"
    POINTS_INQUIRY = "points_inquiry"


class PurseKind(StrEnum):
    """What a purse holds."""

    CASH = "cash"
    SPECIAL = "special"
    BONUS = "bonus"
    POINTS = "points"


class Rounding(StrEnum):
    """Which way a fraction of a minor unit goes."""

    DOWN = "down"
    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    UP = "up"


class FeePayer(StrEnum):
    """Who bears a fee, or gets it."""

    CARDHOLDER = "cardholder"
    MERCHANT = "merchant"
    ISSUER = "issuer"
    AGENT = "agent"


class IdentityRule(StrEnum):
    """When the holder of a card must be known, and their identity checked."""

    ANONYMOUS = "anonymous"
    NAMED = "named"
    VERIFIED = "verified"


def _ascending(*bounds: int | None) -> None:
    given = [bound for bound in bounds if bound is not None]
    if given != sorted(given):
        raise ValueError("a narrower limit is above a wider one")


def _within(name: str, used: Iterable[CardService], allowed: frozenset[CardService]) -> None:
    if not allowed.issuperset(used):
        raise ValueError(f"{name} names a service that the product does not allow")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class PinRule(_Part):
    """When a service wants a PIN.

    Attributes:
        when: Always, never, or for amounts above the ceiling.
        free_up_to_minor: The highest amount that needs none; with `above` only.
    """

    when: Literal["always", "never", "above"] = "always"
    free_up_to_minor: Minor | None = None

    @model_validator(mode="after")
    def _ceiling_belongs_to_above(self) -> "PinRule":
        if (self.when == "above") is (self.free_up_to_minor is None):
            raise ValueError("free_up_to_minor goes with above, and only with it")
        return self

    def wants(self, amount_minor: int) -> bool:
        """Whether an amount needs a PIN."""
        if self.free_up_to_minor is not None:
            return amount_minor > self.free_up_to_minor
        return self.when == "always"


class Purse(_Part):
    """Money or points of one kind, kept apart from the rest of the wallet.

    Attributes:
        number: Names it for good; 1 is the cash purse.
        name: For people.
        kind: What it holds.
        asset: Number of the points programme; of money the product's currency counts.
        merchants: Fields 42 where it may be spent.
        categories: Merchant categories where it may be spent.
        services: Codes of service items that it may be spent on. A purse that lists any of the three is taken
            where one of the lists says so, and nowhere else; one that lists none is taken everywhere.
        inflows: What may fill it; None whatever the product allows.
        outflows: What may spend it; None whatever the product allows.
        validity_days: How long what is put in stays good; None for good.
        ceiling_minor: The most it may hold.
        grace_days: How long a refund is good that comes after what was spent had lapsed; None: it lapses too.
    """

    number: PurseNumber
    name: Name
    kind: PurseKind
    asset: Annotated[int, Field(ge=POINTS_FROM, le=32_767)] | None = None
    merchants: Merchants | None = None
    categories: Categories | None = None
    services: tuple[Name, ...] | None = None
    inflows: tuple[CardService, ...] | None = None
    outflows: tuple[CardService, ...] | None = None
    validity_days: Days | None = None
    ceiling_minor: PositiveMinor | None = None
    grace_days: Days | None = None

    @model_validator(mode="after")
    def _kind_fits(self) -> "Purse":
        if (self.kind is PurseKind.CASH) is not (self.number == CASH_PURSE):
            raise ValueError(f"the cash purse, and no other, is number {CASH_PURSE}")
        if (self.kind is PurseKind.POINTS) is (self.asset is None):
            raise ValueError("a points purse names its programme in asset, and no other does")
        if self.kind is PurseKind.CASH and (self.validity_days or self.grace_days):
            raise ValueError("cash does not lapse")
        return self


class Limits(_Part):
    """What a card may spend. Days and months are business dates; a burst is so many in so many seconds."""

    transaction_max_minor: PositiveMinor | None = None
    day_amount_max_minor: PositiveMinor | None = None
    day_count_max: Count | None = None
    month_amount_max_minor: PositiveMinor | None = None
    month_count_max: Count | None = None
    burst_count_max: Count | None = None
    burst_seconds: Annotated[int, Field(gt=0, le=86_400)] = 60
    wallet_max_minor: PositiveMinor | None = None
    overdraft_by_grade_minor: Annotated[tuple[Minor, ...], Field(min_length=1, max_length=10)] = (0,)

    @model_validator(mode="after")
    def _wider_is_not_narrower(self) -> "Limits":
        _ascending(self.transaction_max_minor, self.day_amount_max_minor, self.month_amount_max_minor)
        _ascending(self.day_count_max, self.month_count_max)
        return self


class FeeTier(_Part):
    """From an amount on, a fee is this in place of its own flat amount and share."""

    from_minor: PositiveMinor
    flat_minor: Minor = 0
    basis_points: Annotated[int, Field(ge=0, le=10_000)] = 0


class Fee(_Part):
    """What a service costs: a flat amount and hundredths of a per cent of the amount, within bounds.

    Attributes:
        services: What is charged.
        payer: Who bears it.
        payee: Who gets it: somebody else, and never the cardholder.
        flat_minor: Whatever the amount.
        basis_points: Hundredths of a per cent of the amount.
        tiers: What is charged instead for higher amounts, the lowest first.
        min_minor: At least so much.
        max_minor: At most so much.
        rounding: Of the part in proportion.
        returned_on_refund: Whether a refund gives it back, in proportion.
    """

    services: Annotated[tuple[CardService, ...], Field(min_length=1)]
    payer: FeePayer = FeePayer.CARDHOLDER
    payee: FeePayer = FeePayer.ISSUER
    flat_minor: Minor = 0
    basis_points: Annotated[int, Field(ge=0, le=10_000)] = 0
    tiers: Annotated[tuple[FeeTier, ...], Field(max_length=20)] = ()
    min_minor: Minor = 0
    max_minor: PositiveMinor | None = None
    rounding: Rounding = Rounding.HALF_UP
    returned_on_refund: bool = True

    @model_validator(mode="after")
    def _bounds_in_order(self) -> "Fee":
        _ascending(self.min_minor, self.max_minor)
        if not (self.flat_minor or self.basis_points or self.min_minor or self.tiers):
            raise ValueError("a fee charges something")
        if self.payee in (self.payer, FeePayer.CARDHOLDER):
            raise ValueError("a fee goes from one party to another, and never to the cardholder")
        steps = [tier.from_minor for tier in self.tiers]
        if steps != sorted(set(steps)):
            raise ValueError("the tiers of a fee rise")
        return self


class Earning(_Part):
    """What spending earns: so many points for each so many minor units.

    Attributes:
        purse: The points purse that receives them.
        services: What earns.
        per_minor: The amount that earns `points` once.
        points: How many.
        rounding: Of the last part of the amount.
        merchants: Where it is earned; None anywhere.
        categories: In which merchant categories; None in any.
        from_minor: The least amount that earns.
        to_minor: The highest amount that earns; None without end.
        from_day: The first day.
        to_day: The last day; None without end.
        validity_days: How long the points are good; None: as the purse says.
    """

    purse: PurseNumber
    services: Annotated[tuple[CardService, ...], Field(min_length=1)]
    per_minor: PositiveMinor
    points: Annotated[int, Field(gt=0, le=1_000_000)]
    rounding: Rounding = Rounding.DOWN
    merchants: Merchants | None = None
    categories: Categories | None = None
    from_minor: Minor = 0
    to_minor: PositiveMinor | None = None
    from_day: date | None = None
    to_day: date | None = None
    validity_days: Days | None = None

    @model_validator(mode="after")
    def _bands_in_order(self) -> "Earning":
        _ascending(self.from_minor, self.to_minor)
        if self.from_day is not None and self.to_day is not None and self.to_day < self.from_day:
            raise ValueError("to_day is before from_day")
        return self


class Validity(_Part):
    """How long a card is good, from the month of its opening, and by how much it may be prolonged."""

    months: Annotated[int, Field(ge=1, le=240)] = 36
    extension_months: Annotated[int, Field(ge=0, le=240)] = 12


class Reload(_Part):
    """Which top-ups are taken; those that aren't allowed at all are missing from the services."""

    min_minor: PositiveMinor = 1
    max_minor: PositiveMinor | None = None
    multiple_minor: PositiveMinor = 1

    @model_validator(mode="after")
    def _bounds_in_order(self) -> "Reload":
        _ascending(self.min_minor, self.max_minor)
        return self


class Replacement(_Part):
    """Whether a lost, stolen or worn card is replaced, for which fee, and by a card good for how long."""

    allowed: bool = True
    fee_minor: Minor = 0
    renews_validity: bool = False


class Transfer(_Part):
    """To whom money may be transferred; where nothing may be, the service is missing."""

    same_customer_only: bool = True
    same_product_only: bool = True


class ProductTerms(_Part):
    """The terms of one version of a product; see the module's docstring and the parts."""

    card_class: CardClass
    currency: Annotated[int, Field(ge=1, le=999)]
    services: Annotated[frozenset[CardService], Field(min_length=1)]
    pin: dict[CardService, PinRule] = {}
    pin_length: Annotated[int, Field(ge=4, le=12)] = 6
    pin_tries_max: Annotated[int, Field(ge=1, le=15)] = 3
    purses: Annotated[tuple[Purse, ...], Field(min_length=1, max_length=20)] = (
        Purse(number=CASH_PURSE, name="cash", kind=PurseKind.CASH),
    )
    limits: Limits = Limits()
    fees: Annotated[tuple[Fee, ...], Field(max_length=50)] = ()
    earning: Annotated[tuple[Earning, ...], Field(max_length=50)] = ()
    validity: Validity = Validity()
    reload: Reload = Reload()
    replacement: Replacement = Replacement()
    transfer: Transfer = Transfer()
    hold_days: Annotated[int, Field(ge=1, le=365)] = 30
    completion_excess_percent: Annotated[int, Field(ge=0, le=100)] = 15
    refund_days: Annotated[int, Field(ge=0, le=3_650)] | None = None
    identity: IdentityRule = IdentityRule.ANONYMOUS
    service_code: Annotated[str, Field(pattern=r"^\d{3}$")] = "220"

    @model_validator(mode="after")
    def _parts_fit(self) -> "ProductTerms":
        _within("pin", self.pin, self.services)
        for purse in self.purses:
            _within("inflows", purse.inflows or (), self.services)
            _within("outflows", purse.outflows or (), self.services)
        for fee in self.fees:
            _within("fees", fee.services, self.services)
        numbers = [purse.number for purse in self.purses]
        if len(set(numbers)) < len(numbers):
            raise ValueError("two purses have one number")
        points = {purse.number for purse in self.purses if purse.kind is PurseKind.POINTS}
        if any(rule.purse not in points for rule in self.earning):
            raise ValueError("an earning rule names a purse that is no points purse of the product")
        for rule in self.earning:
            _within("earning", rule.services, self.services)
        return self

    def wants_pin(self, service: CardService, amount_minor: int) -> bool:
        """Whether a service needs a PIN for an amount; a service without a rule needs none."""
        rule = self.pin.get(service)
        return rule is not None and rule.wants(amount_minor)


class BadTerms(InvalidValue):
    """Terms that make no product; names the fields and the rules they break."""


def terms_of(document: str | bytes) -> ProductTerms:
    """The terms in a JSON document.

    Raises:
        BadTerms: It is no JSON, or not the terms of a product.
    """
    try:
        return ProductTerms.model_validate_json(document)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        told = [f"{'.'.join(map(str, each['loc'])) or 'terms'}: {each['msg']}" for each in faults]
        raise BadTerms(field="terms", reason="; ".join(told)) from None


def document_of(terms: ProductTerms) -> str:
    """Terms as the JSON document they are stored as: every field, always in one order.

    The inverse of `terms_of`.
    """
    document = terms.model_copy(update={"services": sorted(terms.services)})
    return document.model_dump_json(warnings=False)
