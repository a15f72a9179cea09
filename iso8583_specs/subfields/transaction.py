"""Field 60 of UnionPay's terminals: transaction type, batch, network management code, and what may follow.

The tables say what the codes mean; which of them a switch offers is its vocabulary's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

from iso8583_specs.subfields.structure import Part, Place, SubField

TRANSACTION_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "00": "management, settlement or upload",
        "01": "balance inquiry or cardholder verification",
        "03": "points inquiry",
        "10": "pre-authorisation",
        "11": "pre-authorisation void",
        "20": "completion, request",
        "21": "completion void",
        "22": "sale",
        "23": "sale void",
        "24": "completion, advice",
        "25": "refund",
        "27": "e-cash offline refund",
        "30": "offline settlement",
        "32": "adjustment",
        "34": "tip adjustment",
        "36": "offline e-cash sale",
        "40": "e-purse load, designated account",
        "41": "e-purse load, cash",
        "42": "e-purse load, non-designated account",
        "45": "e-cash load, designated account",
        "46": "e-cash load, cash",
        "47": "e-cash load, non-designated account",
        "48": "prepaid top-up, cash",
        "49": "prepaid top-up, account",
        "51": "e-cash cash load void",
        "53": "reservation sale void",
        "54": "reservation sale",
    }
)
"""60.1."""

NETWORK_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "000": "none",
        "001": "sign-on, single-length keys",
        "002": "sign-off",
        "003": "sign-on, double-length keys",
        "004": "sign-on, double-length keys and track key",
        "005": "sign-on, national algorithms",
        "006": "sign-on, national algorithms",
        "201": "settlement and magnetic batch upload",
        "202": "end of upload, unbalanced",
        "203": "chip online upload, balanced",
        "204": "chip advice upload, balanced",
        "205": "chip online upload, unbalanced",
        "206": "chip advice upload, unbalanced",
        "207": "end of upload, balanced",
        "301": "echo test",
        "360": "terminal parameter download",
        "361": "end of terminal parameter download",
        "362": "terminal status upload",
        "370": "CA public key download",
        "371": "end of CA public key download",
        "372": "CA public key query",
        "373": "CA public key query, national algorithms",
        "380": "chip parameter download",
        "381": "end of chip parameter download",
        "382": "chip parameter query",
        "390": "blacklist download",
        "391": "end of blacklist download",
        "394": "download",
        "395": "end of download",
        "401": "points sign-on of a cashier",
        "570": "offline authentication blacklist",
        "951": "result of an issuer script",
    }
)
"""60.3."""

READING_ABILITIES: Final[Mapping[str, str]] = MappingProxyType(
    {"0": "unknown", "2": "magnetic stripe", "5": "contact chip", "6": "contactless chip"}
)
"""60.4."""

CHIP_CONDITIONS: Final[Mapping[str, str]] = MappingProxyType(
    {"0": "not used, or fine", "1": "last card had none, or was read", "2": "last chip could not be read"}
)
"""60.5."""

ACCOUNT_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {"048": "issuer's points", "065": "alliance points"}
)
"""60.7."""

_F60: Final = Place("unionpay_pos", 60)


@dataclass(frozen=True, slots=True, repr=False)
class TransactionDetails(SubField):
    """Field 60; any prefix of the parts, an absent part is empty.

    Attributes:
        transaction_type: Two digits, see `TRANSACTION_TYPES`.
        batch: Six digits.
        network_code: Three digits, see `NETWORK_CODES`.
        reading_ability: One digit, see `READING_ABILITIES`.
        chip_condition: One digit, see `CHIP_CONDITIONS`.
        partial_approval: One digit: whether partial approvals and returned balances are understood.
        account_type: Three digits, see `ACCOUNT_TYPES`.
    """

    transaction_type: str
    batch: str = ""
    network_code: str = ""
    reading_ability: str = ""
    chip_condition: str = ""
    partial_approval: str = ""
    account_type: str = ""

    @classmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read field 60."""
        reader = _F60.reader(content)
        transaction_type = reader.digits(2)
        details = cls(transaction_type, *map(reader.optional_digits, (6, 3, 1, 1, 1, 3)))
        reader.end()
        return details

    def build(self) -> str:
        """The digits of field 60."""
        later = [
            (self.batch, 6),
            (self.network_code, 3),
            (self.reading_ability, 1),
            (self.chip_condition, 1),
            (self.partial_approval, 1),
            (self.account_type, 3),
        ]
        return _F60.digits(self.transaction_type, 2) + _F60.optional_digits(later)

    def parts(self) -> list[Part]:
        """60.1 to 60.7."""
        meaning = TRANSACTION_TYPES.get(self.transaction_type, "")
        reading = READING_ABILITIES.get(self.reading_ability, "")
        chip = CHIP_CONDITIONS.get(self.chip_condition, "")
        account = ACCOUNT_TYPES.get(self.account_type, "")
        parts = [
            Part("60.1", "transaction type", self.transaction_type, meaning),
            Part("60.2", "batch", self.batch),
            Part("60.3", "network management code", self.network_code, _network_meaning(self.network_code)),
            Part("60.4", "terminal's reading ability", self.reading_ability, reading),
            Part("60.5", "chip condition", self.chip_condition, chip),
            Part("60.6", "partial approval and balance", self.partial_approval),
            Part("60.7", "account type", self.account_type, account),
        ]
        return [part for part in parts if part.value]


def _network_meaning(code: str) -> str:
    # From 800 on, the codes are those of electronic slips.
    return "electronic signature upload" if "800" <= code < "951" else NETWORK_CODES.get(code, "")
