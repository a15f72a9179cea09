"""Fields made of amounts: 54 (additional), 95 (replacement, of 1987) and 30 (original, of 1993)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

from iso8583_specs.defects import Defect
from iso8583_specs.money import Money
from iso8583_specs.processing_code import ACCOUNT_TYPES
from iso8583_specs.subfields.structure import Part, Place, Reader, SubField

AMOUNT_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "01": "ledger balance",
        "02": "available balance",
        "03": "amount owing",
        "04": "amount due",
        "20": "remaining this cycle",
        "40": "cash",
        "41": "goods and services",
    }
)
"""Digits 3 and 4 of a block of field 54 (ISO 8583:1987, table "Amount types")."""

_F54: Final = Place("iso8583", 54)
_F95: Final = Place("iso1987", 95)
_F30: Final = Place("iso1993", 30)
_SIGNS: Final = ("C", "D")


@dataclass(frozen=True, slots=True)
class AdditionalAmount:
    """One block of field 54, 20 characters.

    Attributes:
        account_type: Two digits.
        amount_type: Two digits.
        currency: Three digits; 999 for points at UnionPay's terminals.
        sign: C for credit, D for debit.
        amount_minor: Without sign, at most twelve digits.
    """

    account_type: str
    amount_type: str
    currency: str
    sign: str
    amount_minor: int

    @property
    def money(self) -> Money:
        """The amount with its sign: a debit is negative."""
        return Money(-self.amount_minor if self.sign == "D" else self.amount_minor, self.currency)


@dataclass(frozen=True, slots=True, repr=False)
class AdditionalAmounts(SubField):
    """Field 54: any number of blocks."""

    blocks: tuple[AdditionalAmount, ...]

    @classmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read field 54."""
        reader = _F54.reader(content)
        blocks: list[AdditionalAmount] = []
        while not reader.at_end:
            kinds = reader.digits(2), reader.digits(2), reader.digits(3)
            blocks.append(AdditionalAmount(*kinds, _sign(reader), reader.number(12)))
        return cls(tuple(blocks))

    def build(self) -> str:
        """The blocks, one after the other."""
        return "".join(map(_block, self.blocks))

    def parts(self) -> list[Part]:
        """54.1 and on, a block each."""
        return [
            Part(f"54.{number}", _name(block), _block(block), str(block.money))
            for number, block in enumerate(self.blocks, 1)
        ]


def _name(block: AdditionalAmount) -> str:
    kind = AMOUNT_TYPES.get(block.amount_type, f"amount type {block.amount_type}")
    account = ACCOUNT_TYPES.get(block.account_type, f"account type {block.account_type}")
    return f"{kind}, {account}"


def _block(block: AdditionalAmount) -> str:
    return (
        _F54.digits(block.account_type, 2)
        + _F54.digits(block.amount_type, 2)
        + _F54.digits(block.currency, 3)
        + _checked_sign(_F54, block.sign)
        + _F54.number(block.amount_minor, 12)
    )


def _sign(reader: Reader) -> str:
    start = reader.position
    sign = reader.text(1)
    if sign not in _SIGNS:
        raise reader.defect(Defect.BAD_SIGN, start)
    return sign


def _checked_sign(place: Place, sign: str) -> str:
    if sign not in _SIGNS:
        raise place.unencodable(Defect.BAD_SIGN)
    return sign


@dataclass(frozen=True, slots=True)
class Fee:
    """A signed amount of field 95: C or D, and at most eight digits."""

    sign: str
    amount_minor: int


@dataclass(frozen=True, slots=True, repr=False)
class ReplacementAmounts(SubField):
    """Field 95 of ISO 8583:1987: what a partial reversal leaves standing.

    Attributes:
        transaction_minor: In the currency of the transaction, twelve digits.
        settlement_minor: In the currency of settlement, twelve digits.
        transaction_fee, settlement_fee: The fees, in the same currencies.
    """

    transaction_minor: int
    settlement_minor: int
    transaction_fee: Fee
    settlement_fee: Fee

    @classmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read field 95."""
        reader = _F95.reader(content)
        amounts = reader.number(12), reader.number(12)
        fees = Fee(_sign(reader), reader.number(8)), Fee(_sign(reader), reader.number(8))
        reader.end()
        return cls(*amounts, *fees)

    def build(self) -> str:
        """The 42 characters of field 95."""
        amounts = _F95.number(self.transaction_minor, 12) + _F95.number(self.settlement_minor, 12)
        return amounts + self._fee(self.transaction_fee) + self._fee(self.settlement_fee)

    @staticmethod
    def _fee(fee: Fee) -> str:
        return _checked_sign(_F95, fee.sign) + _F95.number(fee.amount_minor, 8)

    def parts(self) -> list[Part]:
        """95.1 to 95.4."""
        return [
            Part("95.1", "actual transaction amount", _F95.number(self.transaction_minor, 12)),
            Part("95.2", "actual settlement amount", _F95.number(self.settlement_minor, 12)),
            Part("95.3", "actual transaction fee", self._fee(self.transaction_fee)),
            Part("95.4", "actual settlement fee", self._fee(self.settlement_fee)),
        ]


@dataclass(frozen=True, slots=True, repr=False)
class OriginalAmounts(SubField):
    """Field 30 of ISO 8583:1993: the amounts of the original, for a partial reversal.

    Attributes:
        transaction_minor: In the currency of the transaction, twelve digits.
        reconciliation_minor: In the currency of reconciliation, twelve digits.
    """

    transaction_minor: int
    reconciliation_minor: int

    @classmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read field 30."""
        reader = _F30.reader(content)
        amounts = cls(reader.number(12), reader.number(12))
        reader.end()
        return amounts

    def build(self) -> str:
        """The 24 digits of field 30."""
        return _F30.number(self.transaction_minor, 12) + _F30.number(self.reconciliation_minor, 12)

    def parts(self) -> list[Part]:
        """30.1 and 30.2."""
        return [
            Part("30.1", "original transaction amount", _F30.number(self.transaction_minor, 12)),
            Part("30.2", "original reconciliation amount", _F30.number(self.reconciliation_minor, 12)),
        ]
