"""The processing code, field 3: what is done, from which account and to which.

The transaction types are those of ISO 8583:1987, table "Processing codes"; UnionPay's terminals use a few in
ways of their own (docs/dialects.md, message matrix).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from iso8583_specs.family import Family

TRANSACTION_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "00": "goods and services",
        "01": "cash withdrawal",
        "02": "debit adjustment",
        "03": "cheque guarantee",
        "04": "cheque verification",
        "09": "goods and services with cash",
        "20": "refund",
        "21": "deposit",
        "22": "credit adjustment",
        "30": "available funds inquiry",
        "31": "balance inquiry",
        "40": "transfer between accounts",
    }
)

_TYPES_OF: Final[Mapping[Family, Mapping[str, str]]] = MappingProxyType(
    {
        Family.UNIONPAY_POS: {
            "00": "sale, completion or advice",
            "03": "pre-authorisation",
            "17": "void of an e-cash load with cash",
            "20": "void or refund",
            "33": "cardholder verification",
            "40": "prepaid top-up from an account",
            "60": "e-cash load, designated account",
            "62": "e-cash load, non-designated account",
            "63": "load or prepaid top-up with cash",
        }
    }
)

ACCOUNT_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "00": "default account",
        "10": "savings account",
        "20": "cheque account",
        "30": "credit account",
        "40": "universal account",
        "50": "investment account",
    }
)
"""Also those of field 54."""


@dataclass(frozen=True, slots=True)
class ProcessingCode:
    """A processing code.

    Attributes:
        text: Six digits.

    Raises:
        ValueError: It isn't six digits.
    """

    text: str

    def __post_init__(self) -> None:
        if not (len(self.text) == 6 and self.text.isascii() and self.text.isdecimal()):
            raise ValueError("a processing code has six digits")

    @property
    def transaction_type(self) -> str:
        """What is done, two digits."""
        return self.text[:2]

    @property
    def from_account(self) -> str:
        """The type of the account debited or asked about, two digits."""
        return self.text[2:4]

    @property
    def to_account(self) -> str:
        """The type of the account credited, two digits."""
        return self.text[4:]

    def __str__(self) -> str:
        return self.text

    def meaning(self, family: Family | None = None) -> str:
        """What is done, in the words of a family; empty if it has none for it."""
        own = _TYPES_OF.get(family, {}) if family else {}
        return own.get(self.transaction_type, TRANSACTION_TYPES.get(self.transaction_type, ""))
