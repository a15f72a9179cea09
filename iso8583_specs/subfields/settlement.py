"""Field 48 of UnionPay's terminals: settlement totals (0500), details and end of a batch upload (0320)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

from iso8583_specs.defects import Defect
from iso8583_specs.subfields.structure import Part, Place, Reader, SubField
from iso8583_specs.values import Pan

RESULTS: Final[Mapping[str, str]] = MappingProxyType(
    {"0": "request", "1": "balanced", "2": "unbalanced", "3": "error"}
)
"""The result digit of a settlement's totals."""

CARD_CLASSES: Final[Mapping[str, str]] = MappingProxyType({"00": "domestic", "01": "foreign"})
"""The card class of a batch detail."""

DETAILS_MAX: Final = 8
"""Details in one message; field 48 has no place for more."""

_F48: Final = Place("unionpay_pos", 48)
_PAN_PLACE: Final = 20
_PAN_DIGITS_MAX: Final = 19


@dataclass(frozen=True, slots=True)
class Totals:
    """The totals of domestic or of foreign cards.

    Attributes:
        debit_minor, credit_minor: Amounts, at most twelve digits.
        debit_count, credit_count: Transactions, at most 999.
        result: One digit, see `RESULTS`.
    """

    debit_minor: int
    debit_count: int
    credit_minor: int
    credit_count: int
    result: str


@dataclass(frozen=True, slots=True, repr=False)
class SettlementTotals(SubField):
    """Field 48 of a settlement, 62 digits."""

    domestic: Totals
    foreign: Totals

    @classmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read the totals of both kinds of cards."""
        reader = _F48.reader(content)
        totals = cls(_totals(reader), _totals(reader))
        reader.end()
        return totals

    def build(self) -> str:
        """The 62 digits."""
        return "".join(map(_totals_digits, (self.domestic, self.foreign)))

    def parts(self) -> list[Part]:
        """48.1 to 48.10."""
        return _totals_parts(self.domestic, "domestic", 1) + _totals_parts(self.foreign, "foreign", 6)


def _totals(reader: Reader) -> Totals:
    debit = reader.number(12), reader.number(3)
    credit = reader.number(12), reader.number(3)
    return Totals(*debit, *credit, reader.digits(1))


def _totals_digits(totals: Totals) -> str:
    return (
        _F48.number(totals.debit_minor, 12)
        + _F48.number(totals.debit_count, 3)
        + _F48.number(totals.credit_minor, 12)
        + _F48.number(totals.credit_count, 3)
        + _F48.digits(totals.result, 1)
    )


def _totals_parts(totals: Totals, cards: str, first: int) -> list[Part]:
    return [
        Part(f"48.{first}", f"{cards} debit amount", f"{totals.debit_minor:012}"),
        Part(f"48.{first + 1}", f"{cards} debit count", f"{totals.debit_count:03}"),
        Part(f"48.{first + 2}", f"{cards} credit amount", f"{totals.credit_minor:012}"),
        Part(f"48.{first + 3}", f"{cards} credit count", f"{totals.credit_count:03}"),
        Part(f"48.{first + 4}", f"{cards} result", totals.result, RESULTS.get(totals.result, "")),
    ]


@dataclass(frozen=True, slots=True)
class BatchDetail:
    """One transaction of a batch upload.

    Attributes:
        card_class: Two digits, see `CARD_CLASSES`.
        stan: Six digits.
        pan: The card; on the wire with zeros in front up to twenty digits, none of which belong to it.
        amount_minor: At most twelve digits.
    """

    card_class: str
    stan: str
    pan: Pan
    amount_minor: int


@dataclass(frozen=True, slots=True, repr=False)
class BatchDetails(SubField):
    """Field 48 of a batch upload: a count of two digits, and at most eight details of forty."""

    details: tuple[BatchDetail, ...]

    @classmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read the details."""
        reader = _F48.reader(content)
        count = reader.number(2)
        if count > DETAILS_MAX:
            raise reader.defect(Defect.TOO_LONG, 0)
        details = tuple(_detail(reader) for _ in range(count))
        reader.end()
        return cls(details)

    def build(self) -> str:
        """Count and details as digits."""
        if len(self.details) > DETAILS_MAX:
            raise _F48.unencodable(Defect.TOO_LONG)
        return f"{len(self.details):02}" + "".join(map(_detail_digits, self.details))

    def parts(self) -> list[Part]:
        """Of each detail its card, STAN and amount."""
        numbered = enumerate(self.details, 1)
        return [part for number, detail in numbered for part in _detail_parts(number, detail)]


def _detail(reader: Reader) -> BatchDetail:
    card_class, stan = reader.digits(2), reader.digits(6)
    start = reader.position
    digits = reader.digits(_PAN_PLACE).lstrip("0") or "0"
    if len(digits) > _PAN_DIGITS_MAX:
        raise reader.defect(Defect.TOO_LONG, start)
    return BatchDetail(card_class, stan, Pan(digits), reader.number(12))


def _detail_digits(detail: BatchDetail) -> str:
    return (
        _F48.digits(detail.card_class, 2)
        + _F48.digits(detail.stan, 6)
        + detail.pan.clear.zfill(_PAN_PLACE)
        + _F48.number(detail.amount_minor, 12)
    )


def _detail_parts(number: int, detail: BatchDetail) -> list[Part]:
    card_class = CARD_CLASSES.get(detail.card_class, "")
    return [
        Part(f"48.{number}.1", "card class", detail.card_class, card_class),
        Part(f"48.{number}.2", "STAN", detail.stan),
        Part(f"48.{number}.3", "primary account number", detail.pan),
        Part(f"48.{number}.4", "amount", f"{detail.amount_minor:012}"),
    ]


@dataclass(frozen=True, slots=True, repr=False)
class BatchEnd(SubField):
    """Field 48 at the end of a batch upload: how many records were sent, at most four digits."""

    records: int

    @classmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read the number of records."""
        reader = _F48.reader(content)
        end = cls(reader.number(4))
        reader.end()
        return end

    def build(self) -> str:
        """Four digits."""
        return _F48.number(self.records, 4)

    def parts(self) -> list[Part]:
        """48.1."""
        return [Part("48.1", "records sent", self.build())]
