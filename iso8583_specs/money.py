"""Money as messages have it: a whole number of minor units, and what it is of.

What it is of, the asset, is an ISO 4217 number of three digits, or a number outside of that list which a
deployment gave to its points (999 in field 54 of UnionPay's terminals). How many decimals an asset has is
known for currencies only; everything else counts whole units.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple


class Currency(NamedTuple):
    """A currency of ISO 4217: its letters, and the decimals of its minor unit."""

    letters: str
    exponent: int


# ISO 4217 list one of January 2026 by minor unit, without metals and funds that have none; three numbers
# withdrawn since 2018 are kept, because messages are kept: 694 and 932 (replaced), 975 (joined the euro).
_BY_EXPONENT: Final = {
    0: """
108BIF 152CLP 174KMF 262DJF 324GNF 352ISK 392JPY 410KRW 548VUV 600PYG 646RWF 704VND 800UGX 940UYI
950XAF 952XOF 953XPF
""",
    2: """
008ALL 012DZD 032ARS 036AUD 044BSD 050BDT 051AMD 052BBD 060BMD 064BTN 068BOB 072BWP 084BZD 090SBD
096BND 104MMK 116KHR 124CAD 132CVE 136KYD 144LKR 156CNY 170COP 188CRC 192CUP 203CZK 208DKK 214DOP
222SVC 230ETB 232ERN 238FKP 242FJD 270GMD 292GIP 320GTQ 328GYD 332HTG 340HNL 344HKD 348HUF 356INR
360IDR 364IRR 376ILS 388JMD 396XAD 398KZT 404KES 408KPW 417KGS 418LAK 422LBP 426LSL 430LRD 446MOP
454MWK 458MYR 462MVR 480MUR 484MXN 496MNT 498MDL 504MAD 516NAD 524NPR 532XCG 533AWG 554NZD 558NIO
566NGN 578NOK 586PKR 590PAB 598PGK 604PEN 608PHP 634QAR 643RUB 654SHP 682SAR 690SCR 694SLL 702SGD
706SOS 710ZAR 728SSP 748SZL 752SEK 756CHF 760SYP 764THB 776TOP 780TTD 784AED 807MKD 818EGP 826GBP
834TZS 840USD 858UYU 860UZS 882WST 886YER 901TWD 924ZWG 925SLE 926VED 928VES 929MRU 930STN 932ZWL
933BYN 934TMT 936GHS 938SDG 941RSD 943MZN 944AZN 946RON 947CHE 948CHW 949TRY 951XCD 967ZMW 968SRD
969MGA 970COU 971AFN 972TJS 973AOA 975BGN 976CDF 977BAM 978EUR 979MXV 980UAH 981GEL 984BOV 985PLN
986BRL 997USN
""",
    3: "048BHD 368IQD 400JOD 414KWD 434LYD 512OMR 788TND",
    4: "927UYW 990CLF",
}

CURRENCIES: Final[Mapping[str, Currency]] = MappingProxyType(
    {
        entry[:3]: Currency(entry[3:], exponent)
        for exponent, entries in _BY_EXPONENT.items()
        for entry in entries.split()
    }
)
"""By ISO 4217 number."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one asset.

    Attributes:
        minor: In minor units; negative for a debit.
        asset: Three digits: an ISO 4217 number, or one of a points programme.

    Raises:
        ValueError: The asset isn't three digits.
    """

    minor: int
    asset: str

    def __post_init__(self) -> None:
        if not (len(self.asset) == 3 and self.asset.isascii() and self.asset.isdecimal()):
            raise ValueError("an asset is a number of three digits")

    @property
    def exponent(self) -> int:
        """Decimals of the minor unit; 0 for what is no currency."""
        currency = CURRENCIES.get(self.asset)
        return currency.exponent if currency else 0

    def __str__(self) -> str:
        """For people: `24.07 CNY`, `-5 JPY`, and `24 of 999` for what is no currency."""
        currency = CURRENCIES.get(self.asset)
        if currency is None:
            return f"{self.minor} of {self.asset}"
        letters, decimals = currency
        whole, part = divmod(abs(self.minor), 10**decimals)
        sign = "-" if self.minor < 0 else ""
        return f"{sign}{whole}" + (f".{part:0{decimals}}" if decimals else "") + f" {letters}"
