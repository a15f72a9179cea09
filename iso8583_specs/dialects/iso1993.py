"""ISO 8583:1993: its fields, and the dialects that differ in how they write them.

| dialect | MTI, digits, lengths | bitmap | fixed-length bytes |
|---|---|---|---|
| `iso1993_ascii` | characters | 16 hex digits | hex digits |
| `iso1993_binary` | BCD | 8 bytes | bytes |
| `iso1993_ebcdic` | EBCDIC characters | 8 bytes | bytes |

Bytes with a length (fields 53, 55 and 96) are sent as they are in all of them. Text is latin-1, EBCDIC code
page 500, as in the dialects of 1987. In BCD an odd count of digits is left-aligned, and track 2 stays text.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from iso8583_specs.spec import Coding, FieldSpec, Row, Size, Spec

FIXED, LL, LLL = Size.FIXED, Size.LL, Size.LLL

ROWS: Final[Mapping[int, Row]] = MappingProxyType(
    {
        2: Row("n", LL, 19, "Primary account number"),
        3: Row("n", FIXED, 6, "Processing code"),
        4: Row("n", FIXED, 12, "Amount, transaction"),
        5: Row("n", FIXED, 12, "Amount, reconciliation"),
        6: Row("n", FIXED, 12, "Amount, cardholder billing"),
        7: Row("n", FIXED, 10, "Date and time, transmission"),
        8: Row("n", FIXED, 8, "Amount, cardholder billing fee"),
        9: Row("n", FIXED, 8, "Conversion rate, reconciliation"),
        10: Row("n", FIXED, 8, "Conversion rate, cardholder billing"),
        11: Row("n", FIXED, 6, "Systems trace audit number"),
        12: Row("n", FIXED, 12, "Date and time, local transaction"),
        13: Row("n", FIXED, 4, "Date, effective"),
        14: Row("n", FIXED, 4, "Date, expiration"),
        15: Row("n", FIXED, 6, "Date, settlement"),
        16: Row("n", FIXED, 4, "Date, conversion"),
        17: Row("n", FIXED, 4, "Date, capture"),
        18: Row("n", FIXED, 4, "Merchant type"),
        19: Row("n", FIXED, 3, "Country code, acquiring institution"),
        20: Row("n", FIXED, 3, "Country code, primary account number"),
        21: Row("n", FIXED, 3, "Country code, forwarding institution"),
        22: Row("ans", FIXED, 12, "Point of service data code"),
        23: Row("n", FIXED, 3, "Card sequence number"),
        24: Row("n", FIXED, 3, "Function code"),
        25: Row("n", FIXED, 4, "Message reason code"),
        26: Row("n", FIXED, 4, "Card acceptor business code"),
        27: Row("n", FIXED, 1, "Approval code length"),
        28: Row("n", FIXED, 6, "Date, reconciliation"),
        29: Row("n", FIXED, 3, "Reconciliation indicator"),
        30: Row("n", FIXED, 24, "Amounts, original"),
        31: Row("ans", LL, 99, "Acquirer reference data"),
        32: Row("n", LL, 11, "Acquirer institution identification code"),
        33: Row("n", LL, 11, "Forwarding institution identification code"),
        34: Row("ans", LL, 28, "Primary account number, extended"),
        35: Row("ans", LL, 37, "Track 2 data"),
        36: Row("ans", LLL, 104, "Track 3 data"),
        37: Row("ans", FIXED, 12, "Retrieval reference number"),
        38: Row("ans", FIXED, 6, "Approval code"),
        39: Row("n", FIXED, 3, "Action code"),
        40: Row("n", FIXED, 3, "Service code"),
        41: Row("ans", FIXED, 8, "Card acceptor terminal identification"),
        42: Row("ans", FIXED, 15, "Card acceptor identification code"),
        43: Row("ans", LL, 99, "Card acceptor name/location"),
        44: Row("ans", LL, 99, "Additional response data"),
        45: Row("ans", LL, 76, "Track 1 data"),
        46: Row("ans", LLL, 204, "Amounts, fees"),
        47: Row("ans", LLL, 999, "Additional data - national"),
        48: Row("ans", LLL, 999, "Additional data - private"),
        49: Row("ans", FIXED, 3, "Currency code, transaction"),
        50: Row("ans", FIXED, 3, "Currency code, reconciliation"),
        51: Row("ans", FIXED, 3, "Currency code, cardholder billing"),
        52: Row("b", FIXED, 8, "Personal identification number data"),
        53: Row("b", LL, 48, "Security related control information"),
        54: Row("ans", LLL, 120, "Amounts, additional"),
        55: Row("b", LLL, 255, "IC card system related data"),
        56: Row("n", LL, 35, "Original data elements"),
        57: Row("n", FIXED, 3, "Authorization life cycle code"),
        58: Row("n", LL, 11, "Authorizing agent institution identification code"),
        59: Row("ans", LLL, 999, "Transport data"),
        60: Row("ans", LLL, 999, "Reserved for national use"),
        61: Row("ans", LLL, 999, "Reserved for national use"),
        62: Row("ans", LLL, 999, "Reserved for private use"),
        63: Row("ans", LLL, 999, "Reserved for private use"),
        64: Row("b", FIXED, 8, "Message authentication code field"),
        66: Row("ans", LLL, 204, "Amounts, original fees"),
        67: Row("n", FIXED, 2, "Extended payment data"),
        68: Row("n", FIXED, 3, "Country code, receiving institution"),
        69: Row("n", FIXED, 3, "Country code, settlement institution"),
        70: Row("n", FIXED, 3, "Country code, authorizing agent institution"),
        71: Row("n", FIXED, 8, "Message number"),
        72: Row("ans", LLL, 999, "Data record"),
        73: Row("n", FIXED, 6, "Date, action"),
        74: Row("n", FIXED, 10, "Credits, number"),
        75: Row("n", FIXED, 10, "Credits, reversal number"),
        76: Row("n", FIXED, 10, "Debits, number"),
        77: Row("n", FIXED, 10, "Debits, reversal number"),
        78: Row("n", FIXED, 10, "Transfer, number"),
        79: Row("n", FIXED, 10, "Transfer, reversal number"),
        80: Row("n", FIXED, 10, "Inquiries, number"),
        81: Row("n", FIXED, 10, "Authorizations, number"),
        82: Row("n", FIXED, 10, "Inquiries, reversal number"),
        83: Row("n", FIXED, 10, "Payments, number"),
        84: Row("n", FIXED, 10, "Payments, reversal number"),
        85: Row("n", FIXED, 10, "Fee collections, number"),
        86: Row("n", FIXED, 16, "Credits, amount"),
        87: Row("n", FIXED, 16, "Credits, reversal amount"),
        88: Row("n", FIXED, 16, "Debits, amount"),
        89: Row("n", FIXED, 16, "Debits, reversal amount"),
        90: Row("n", FIXED, 10, "Authorizations, reversal number"),
        91: Row("n", FIXED, 3, "Country code, transaction destination institution"),
        92: Row("n", FIXED, 3, "Country code, transaction origin institution"),
        93: Row("n", LL, 11, "Transaction destination institution identification code"),
        94: Row("n", LL, 11, "Transaction origin institution identification code"),
        95: Row("ans", LL, 99, "Card issuer reference data"),
        96: Row("b", LLL, 999, "Key management data"),
        97: Row("xn", FIXED, 16, "Amount, net reconciliation"),
        98: Row("ans", FIXED, 25, "Payee"),
        99: Row("ans", LL, 11, "Settlement institution identification code"),
        100: Row("n", LL, 11, "Receiving institution identification code"),
        101: Row("ans", LL, 17, "File name"),
        102: Row("ans", LL, 28, "Account identification 1"),
        103: Row("ans", LL, 28, "Account identification 2"),
        104: Row("ans", LLL, 100, "Transaction description"),
        105: Row("n", FIXED, 16, "Credits, chargeback amount"),
        106: Row("n", FIXED, 16, "Debits, chargeback amount"),
        107: Row("n", FIXED, 10, "Credits, chargeback number"),
        108: Row("n", FIXED, 10, "Debits, chargeback number"),
        109: Row("ans", LL, 84, "Credits, fee amounts"),
        110: Row("ans", LL, 84, "Debits, fee amounts"),
        111: Row("ans", LLL, 999, "Reserved for ISO use"),
        112: Row("ans", LLL, 999, "Reserved for ISO use"),
        113: Row("ans", LLL, 999, "Reserved for ISO use"),
        114: Row("ans", LLL, 999, "Reserved for ISO use"),
        115: Row("ans", LLL, 999, "Reserved for ISO use"),
        116: Row("ans", LLL, 999, "Reserved for national use"),
        117: Row("ans", LLL, 999, "Reserved for national use"),
        118: Row("ans", LLL, 999, "Reserved for national use"),
        119: Row("ans", LLL, 999, "Reserved for national use"),
        120: Row("ans", LLL, 999, "Reserved for national use"),
        121: Row("ans", LLL, 999, "Reserved for national use"),
        122: Row("ans", LLL, 999, "Reserved for national use"),
        123: Row("ans", LLL, 999, "Reserved for private use"),
        124: Row("ans", LLL, 999, "Reserved for private use"),
        125: Row("ans", LLL, 999, "Reserved for private use"),
        126: Row("ans", LLL, 999, "Reserved for private use"),
        127: Row("ans", LLL, 999, "Reserved for private use"),
        128: Row("b", FIXED, 8, "Message authentication code field"),
    }
)

ASCII: Final = Coding(hex_binary=True)
BINARY: Final = Coding(packed=True, filler="right")
EBCDIC: Final = Coding(text="cp500")

SPECS: Final[Mapping[str, Spec]] = MappingProxyType(
    {
        "iso1993_ascii": MappingProxyType(ASCII.table(ROWS)),
        "iso1993_binary": MappingProxyType(BINARY.table(ROWS)),
        "iso1993_ebcdic": MappingProxyType(EBCDIC.table(ROWS)),
    }
)

_HEX: Final = Coding(text="cp500", hex_binary=True)
_PACKED: Final = Coding(text="cp500", packed=True)

# Chip data as a message of its own: a header of one character, a bitmap of 32 bits, and a field for each tag.
_CHIP: Final[Mapping[str, FieldSpec]] = MappingProxyType(
    {
        "h": EBCDIC.ans(FIXED, 1, "Format"),
        "p": _HEX.bitmap("Bitmap", 4),
        "1": EBCDIC.b(FIXED, 8, "Application cryptogram"),
        "2": EBCDIC.b(FIXED, 3, "Terminal capabilities"),
        "3": EBCDIC.b(FIXED, 1, "Cryptogram information data"),
        "4": EBCDIC.b(FIXED, 4, "Unpredictable number"),
        "5": _PACKED.n(FIXED, 4, "Application transaction counter"),
        "6": _PACKED.x(FIXED, 10, "Terminal verification results"),
        "8": EBCDIC.b(FIXED, 4, "Cardholder verification results"),
        "9": EBCDIC.n(FIXED, 2, "Transaction type"),
        "10": EBCDIC.n(FIXED, 3, "Terminal country code"),
        "12": EBCDIC.n(FIXED, 3, "Transaction currency code"),
        "13": EBCDIC.n(FIXED, 12, "Amount, authorised"),
        "14": EBCDIC.b(FIXED, 8, "Interface device serial number"),
        "17": EBCDIC.n(FIXED, 6, "Transaction date"),
        "18": EBCDIC.n(FIXED, 12, "Amount, other"),
        "20": EBCDIC.n(FIXED, 1, "Terminal type"),
        "22": EBCDIC.b(LL, 32, "Issuer application data"),
    }
)

PROFILES: Final[Mapping[str, Mapping[str, FieldSpec]]] = MappingProxyType(
    {
        # A routing header of nine characters, bitmaps as hex digits, chip data in parts.
        "iso1993_ebcdic.routed": {
            "h": EBCDIC.ans(FIXED, 9, "Routing header"),
            "p": _HEX.bitmap("Bitmap, primary"),
            "1": _HEX.bitmap("Bitmap, secondary and tertiary"),
            "55": {**EBCDIC.b(LLL, 255, "IC card system related data"), "fields": _CHIP},
        },
    }
)
