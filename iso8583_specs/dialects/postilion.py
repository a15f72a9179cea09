"""Postilion's hosts: ISO 8583:1987 in ASCII with a message of its own in field 127.

Field 127 has a length of six digits, a bitmap of 64 bits, and fields counted from 127.2 on, as public
implementations and Postilion's users describe them. Field 53 is 48 bytes.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from iso8583_specs.spec import Coding, FieldSpec, Row, Size, Spec

FIXED, LL, LLL, LLLL, LLLLL, LLLLLL = Size
_ASCII: Final = Coding()

ROWS: Final[Mapping[int, Row]] = MappingProxyType(
    {
        2: Row("ans", LL, 32, "Switch key"),
        3: Row("ans", FIXED, 48, "Routing information"),
        4: Row("ans", FIXED, 22, "POS data"),
        5: Row("ans", FIXED, 73, "Service station data"),
        6: Row("n", FIXED, 2, "Authorisation profile"),
        7: Row("ans", LL, 50, "Check data"),
        8: Row("ans", LLL, 999, "Retention data"),
        9: Row("ans", LLL, 255, "Additional node data"),
        10: Row("n", FIXED, 3, "Card verification value"),
        11: Row("ans", LL, 32, "Original key"),
        12: Row("ans", LL, 25, "Terminal owner"),
        13: Row("ans", FIXED, 17, "POS geographic data"),
        14: Row("ans", FIXED, 8, "Sponsor bank"),
        15: Row("ans", LL, 29, "Address verification data"),
        16: Row("ans", FIXED, 1, "Address verification result"),
        17: Row("ans", LL, 50, "Cardholder information"),
        18: Row("ans", LL, 50, "Validation data"),
        19: Row("ans", FIXED, 31, "Bank details"),
        20: Row("n", FIXED, 8, "Settlement date of the authoriser"),
        21: Row("ans", LL, 12, "Record identification"),
        22: Row("ans", LLLLL, 99999, "Structured data"),
        23: Row("ans", FIXED, 253, "Payee name and address"),
        24: Row("ans", LL, 28, "Payer account information"),
        25: Row("ans", LLLL, 8000, "Chip data"),
        26: Row("ans", LL, 20, "Original node"),
        27: Row("ans", FIXED, 1, "Card verification result"),
        28: Row("n", FIXED, 4, "American Express card identifier"),
        29: Row("b", FIXED, 40, "3-D Secure data"),
        30: Row("ans", FIXED, 1, "3-D Secure result"),
        31: Row("ans", LL, 11, "Issuer network"),
        32: Row("b", LL, 33, "Cardholder authentication data"),
        33: Row("n", FIXED, 4, "Extended transaction type"),
        34: Row("n", FIXED, 2, "Account type qualifiers"),
        35: Row("ans", LL, 11, "Acquirer network"),
        36: Row("ans", LL, 25, "Customer"),
        37: Row("ans", FIXED, 4, "Extended response code"),
        38: Row("ans", LL, 99, "Additional POS data code"),
        39: Row("ans", FIXED, 2, "Original response code"),
    }
)

FIELD_127: Final[Spec] = MappingProxyType({"p": _ASCII.bitmap("Bitmap"), **_ASCII.fields(ROWS)})

OVERRIDES: Final[Mapping[str, FieldSpec]] = MappingProxyType(
    {
        "53": _ASCII.b(FIXED, 48, "Security related control information"),
        "127": {**_ASCII.b(LLLLLL, 999_999, "Postilion private data"), "fields": FIELD_127},
    }
)
