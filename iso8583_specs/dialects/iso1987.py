"""ISO 8583:1987: its fields, and the dialects that differ in how they write them.

| dialect | MTI, digits, lengths | bitmap | fixed-length bytes |
|---|---|---|---|
| `iso1987_ascii` | characters | 16 hex digits | hex digits |
| `iso1987_ascii_binary_bitmap` | characters | 8 bytes | bytes |
| `iso1987_binary` | BCD | 8 bytes | bytes |
| `iso1987_ebcdic` | EBCDIC characters | 8 bytes | bytes |

Text is latin-1, so that a byte beyond ASCII is kept and not refused. EBCDIC is code page 500; the pages 037
and 1047 differ from it in punctuation only, and a dialect file may name 037. In BCD a fixed, odd count of
digits is right-aligned, one with a length left-aligned. Lengths of digits and tracks count digits.

The standard gives field 96 eight bytes; sixteen are what is in use. It leaves field 55 to be defined; the
card schemes use it for chip data, which is an override for a dialect file.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from iso8583_specs.dialects import postilion
from iso8583_specs.spec import Coding, FieldSpec, Row, Size, Spec

FIXED, LL, LLL = Size.FIXED, Size.LL, Size.LLL

ROWS: Final[Mapping[int, Row]] = MappingProxyType(
    {
        2: Row("n", LL, 19, "Primary account number"),
        3: Row("n", FIXED, 6, "Processing code"),
        4: Row("n", FIXED, 12, "Amount, transaction"),
        5: Row("n", FIXED, 12, "Amount, settlement"),
        6: Row("n", FIXED, 12, "Amount, cardholder billing"),
        7: Row("n", FIXED, 10, "Transmission date and time"),
        8: Row("n", FIXED, 8, "Amount, cardholder billing fee"),
        9: Row("n", FIXED, 8, "Conversion rate, settlement"),
        10: Row("n", FIXED, 8, "Conversion rate, cardholder billing"),
        11: Row("n", FIXED, 6, "System trace audit number"),
        12: Row("n", FIXED, 6, "Time, local transaction"),
        13: Row("n", FIXED, 4, "Date, local transaction"),
        14: Row("n", FIXED, 4, "Date, expiration"),
        15: Row("n", FIXED, 4, "Date, settlement"),
        16: Row("n", FIXED, 4, "Date, conversion"),
        17: Row("n", FIXED, 4, "Date, capture"),
        18: Row("n", FIXED, 4, "Merchant type"),
        19: Row("n", FIXED, 3, "Acquiring institution country code"),
        20: Row("n", FIXED, 3, "Primary account number, country code"),
        21: Row("n", FIXED, 3, "Forwarding institution country code"),
        22: Row("n", FIXED, 3, "Point of service entry mode"),
        23: Row("n", FIXED, 3, "Card sequence number"),
        24: Row("n", FIXED, 3, "Network international identifier"),
        25: Row("n", FIXED, 2, "Point of service condition code"),
        26: Row("n", FIXED, 2, "Point of service PIN capture code"),
        27: Row("n", FIXED, 1, "Authorization identification response length"),
        28: Row("xn", FIXED, 8, "Amount, transaction fee"),
        29: Row("xn", FIXED, 8, "Amount, settlement fee"),
        30: Row("xn", FIXED, 8, "Amount, transaction processing fee"),
        31: Row("xn", FIXED, 8, "Amount, settlement processing fee"),
        32: Row("n", LL, 11, "Acquiring institution identification code"),
        33: Row("n", LL, 11, "Forwarding institution identification code"),
        34: Row("ans", LL, 28, "Primary account number, extended"),
        35: Row("z", LL, 37, "Track 2 data"),
        36: Row("ans", LLL, 104, "Track 3 data"),
        37: Row("ans", FIXED, 12, "Retrieval reference number"),
        38: Row("ans", FIXED, 6, "Authorization identification response"),
        39: Row("ans", FIXED, 2, "Response code"),
        40: Row("ans", FIXED, 3, "Service restriction code"),
        41: Row("ans", FIXED, 8, "Card acceptor terminal identification"),
        42: Row("ans", FIXED, 15, "Card acceptor identification code"),
        43: Row("ans", FIXED, 40, "Card acceptor name/location"),
        44: Row("ans", LL, 25, "Additional response data"),
        45: Row("ans", LL, 76, "Track 1 data"),
        46: Row("ans", LLL, 999, "Additional data - ISO"),
        47: Row("ans", LLL, 999, "Additional data - national"),
        48: Row("ans", LLL, 999, "Additional data - private"),
        49: Row("ans", FIXED, 3, "Currency code, transaction"),
        50: Row("ans", FIXED, 3, "Currency code, settlement"),
        51: Row("ans", FIXED, 3, "Currency code, cardholder billing"),
        52: Row("b", FIXED, 8, "PIN data"),
        53: Row("n", FIXED, 16, "Security related control information"),
        54: Row("ans", LLL, 120, "Additional amounts"),
        55: Row("ans", LLL, 999, "Reserved ISO"),
        56: Row("ans", LLL, 999, "Reserved ISO"),
        57: Row("ans", LLL, 999, "Reserved national"),
        58: Row("ans", LLL, 999, "Reserved national"),
        59: Row("ans", LLL, 999, "Reserved national"),
        60: Row("ans", LLL, 999, "Reserved private"),
        61: Row("ans", LLL, 999, "Reserved private"),
        62: Row("ans", LLL, 999, "Reserved private"),
        63: Row("ans", LLL, 999, "Reserved private"),
        64: Row("b", FIXED, 8, "Message authentication code field"),
        66: Row("n", FIXED, 1, "Settlement code"),
        67: Row("n", FIXED, 2, "Extended payment code"),
        68: Row("n", FIXED, 3, "Receiving institution country code"),
        69: Row("n", FIXED, 3, "Settlement institution country code"),
        70: Row("n", FIXED, 3, "Network management information code"),
        71: Row("n", FIXED, 4, "Message number"),
        72: Row("n", FIXED, 4, "Message number last"),
        73: Row("n", FIXED, 6, "Date action"),
        74: Row("n", FIXED, 10, "Credits number"),
        75: Row("n", FIXED, 10, "Credits reversal number"),
        76: Row("n", FIXED, 10, "Debits number"),
        77: Row("n", FIXED, 10, "Debits reversal number"),
        78: Row("n", FIXED, 10, "Transfer number"),
        79: Row("n", FIXED, 10, "Transfer reversal number"),
        80: Row("n", FIXED, 10, "Inquiries number"),
        81: Row("n", FIXED, 10, "Authorization number"),
        82: Row("n", FIXED, 12, "Credits, processing fee amount"),
        83: Row("n", FIXED, 12, "Credits, transaction fee amount"),
        84: Row("n", FIXED, 12, "Debits, processing fee amount"),
        85: Row("n", FIXED, 12, "Debits, transaction fee amount"),
        86: Row("n", FIXED, 16, "Credits, amount"),
        87: Row("n", FIXED, 16, "Credits, reversal amount"),
        88: Row("n", FIXED, 16, "Debits, amount"),
        89: Row("n", FIXED, 16, "Debits, reversal amount"),
        90: Row("n", FIXED, 42, "Original data elements"),
        91: Row("ans", FIXED, 1, "File update code"),
        92: Row("ans", FIXED, 2, "File security code"),
        93: Row("ans", FIXED, 6, "Response indicator"),
        94: Row("ans", FIXED, 7, "Service indicator"),
        95: Row("ans", FIXED, 42, "Replacement amounts"),
        96: Row("b", FIXED, 16, "Message security code"),
        97: Row("xn", FIXED, 16, "Amount, net settlement"),
        98: Row("ans", FIXED, 25, "Payee"),
        99: Row("n", LL, 11, "Settlement institution identification code"),
        100: Row("n", LL, 11, "Receiving institution identification code"),
        101: Row("ans", LL, 17, "File name"),
        102: Row("ans", LL, 28, "Account identification 1"),
        103: Row("ans", LL, 28, "Account identification 2"),
        104: Row("ans", LLL, 100, "Transaction description"),
        105: Row("ans", LLL, 999, "Reserved ISO use"),
        106: Row("ans", LLL, 999, "Reserved ISO use"),
        107: Row("ans", LLL, 999, "Reserved ISO use"),
        108: Row("ans", LLL, 999, "Reserved ISO use"),
        109: Row("ans", LLL, 999, "Reserved ISO use"),
        110: Row("ans", LLL, 999, "Reserved ISO use"),
        111: Row("ans", LLL, 999, "Reserved ISO use"),
        112: Row("ans", LLL, 999, "Reserved national use"),
        113: Row("ans", LLL, 999, "Reserved national use"),
        114: Row("ans", LLL, 999, "Reserved national use"),
        115: Row("ans", LLL, 999, "Reserved national use"),
        116: Row("ans", LLL, 999, "Reserved national use"),
        117: Row("ans", LLL, 999, "Reserved national use"),
        118: Row("ans", LLL, 999, "Reserved national use"),
        119: Row("ans", LLL, 999, "Reserved national use"),
        120: Row("ans", LLL, 999, "Reserved private use"),
        121: Row("ans", LLL, 999, "Reserved private use"),
        122: Row("ans", LLL, 999, "Reserved private use"),
        123: Row("ans", LLL, 999, "Reserved private use"),
        124: Row("ans", LLL, 999, "Reserved private use"),
        125: Row("ans", LLL, 999, "Reserved private use"),
        126: Row("ans", LLL, 999, "Reserved private use"),
        127: Row("ans", LLL, 999, "Reserved private use"),
        128: Row("b", FIXED, 8, "MAC 2"),
    }
)

ASCII: Final = Coding(hex_binary=True)
ASCII_BINARY_BITMAP: Final = Coding()
BINARY: Final = Coding(packed=True, filler="left")
EBCDIC: Final = Coding(text="cp500")

SPECS: Final[Mapping[str, Spec]] = MappingProxyType(
    {
        "iso1987_ascii": MappingProxyType(ASCII.table(ROWS)),
        "iso1987_ascii_binary_bitmap": MappingProxyType(ASCII_BINARY_BITMAP.table(ROWS)),
        "iso1987_binary": MappingProxyType(BINARY.table(ROWS)),
        "iso1987_ebcdic": MappingProxyType(EBCDIC.table(ROWS)),
    }
)

_HEX_EBCDIC: Final = Coding(text="cp500", hex_binary=True)

PROFILES: Final[Mapping[str, Mapping[str, FieldSpec]]] = MappingProxyType(
    {
        "iso1987_ascii_binary_bitmap.postilion": postilion.OVERRIDES,
        # Bitmaps as EBCDIC hex digits.
        "iso1987_ebcdic.hex_bitmap": {
            "p": _HEX_EBCDIC.bitmap("Bitmap, primary"),
            "1": _HEX_EBCDIC.bitmap("Bitmap, secondary and tertiary"),
        },
    }
)
