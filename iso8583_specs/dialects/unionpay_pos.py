"""The UnionPay POS dialect: ISO 8583:1987 in BCD, with the UnionPay terminals' fields and fillers.

The wire, as public implementations and captured messages agree on it: MTI in 2 bytes BCD, one bitmap of 8
bytes, never a secondary one (so there is no field 1, and bit 1 is a defect); length indicators in BCD.
Digits are left-aligned with the filler at the end, except F23. The fields UnionPay's terminals don't use (5
to 10, 16 to 21, 24, 27 to 31, 33, 34, 40, 45 to 47, 50, 51) have the form that ISO 8583:1987 and the usual
BCD coding give them: odd fixed numbers right-aligned; the signed amounts 28 to 31 as sign character and
eight BCD digits.

F62 to F64 are bytes: keys, parameters, texts in GBK, and the eight characters of the MAC.

A profile holds what one deployment does otherwise, and nothing else. What a field contains and who sends it
when is the vocabulary's business; here stands only how it is written.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from iso8583_specs.spec import FieldSpec, Size, Spec, ans, b, n, x, xn, z

FIXED, LL, LLL = Size.FIXED, Size.LL, Size.LLL

SPEC: Final[Spec] = MappingProxyType(
    {
        "h": b(FIXED, 0, "Header"),
        "t": n(FIXED, 4, "Message type"),
        "p": b(FIXED, 8, "Bitmap"),
        "2": n(LL, 19, "Primary account number"),
        "3": n(FIXED, 6, "Processing code"),
        "4": n(FIXED, 12, "Amount"),
        "5": n(FIXED, 12, "Amount, settlement"),
        "6": n(FIXED, 12, "Amount, cardholder billing"),
        "7": n(FIXED, 10, "Transmission date and time"),
        "8": n(FIXED, 8, "Amount, cardholder billing fee"),
        "9": n(FIXED, 8, "Conversion rate, settlement"),
        "10": n(FIXED, 8, "Conversion rate, cardholder billing"),
        "11": n(FIXED, 6, "System trace audit number"),
        "12": n(FIXED, 6, "Local time"),
        "13": n(FIXED, 4, "Local date"),
        "14": n(FIXED, 4, "Expiry date"),
        "15": n(FIXED, 4, "Settlement date"),
        "16": n(FIXED, 4, "Conversion date"),
        "17": n(FIXED, 4, "Capture date"),
        "18": n(FIXED, 4, "Merchant type"),
        "19": n(FIXED, 3, "Acquirer's country", filler="left"),
        "20": n(FIXED, 3, "Card's country", filler="left"),
        "21": n(FIXED, 3, "Forwarder's country", filler="left"),
        "22": n(FIXED, 3, "POS entry mode"),
        "23": n(FIXED, 3, "Card sequence number", filler="left"),
        "24": n(FIXED, 3, "Network international identifier", filler="left"),
        "25": n(FIXED, 2, "POS condition code"),
        "26": n(FIXED, 2, "PIN capture code"),
        "27": n(FIXED, 1, "Authorisation code length", filler="left"),
        "28": xn(FIXED, 8, "Transaction fee"),
        "29": xn(FIXED, 8, "Settlement fee"),
        "30": xn(FIXED, 8, "Transaction processing fee"),
        "31": xn(FIXED, 8, "Settlement processing fee"),
        "32": n(LL, 11, "Acquirer"),
        "33": n(LL, 11, "Forwarder"),
        "34": ans(LL, 28, "Primary account number, extended"),
        "35": z(LL, 37, "Track 2"),
        "36": z(LLL, 104, "Track 3"),
        "37": ans(FIXED, 12, "Retrieval reference number"),
        "38": ans(FIXED, 6, "Authorisation code"),
        "39": ans(FIXED, 2, "Response code"),
        "40": ans(FIXED, 3, "Service restriction code"),
        "41": ans(FIXED, 8, "Terminal"),
        "42": ans(FIXED, 15, "Merchant"),
        "43": ans(FIXED, 40, "Merchant name and location"),
        "44": ans(LL, 25, "Additional response data"),
        "45": ans(LL, 76, "Track 1"),
        "46": ans(LLL, 999, "Additional data, ISO"),
        "47": ans(LLL, 999, "Additional data, national"),
        "48": n(LLL, 322, "Additional data, private"),
        "49": ans(FIXED, 3, "Currency"),
        "50": ans(FIXED, 3, "Currency, settlement"),
        "51": ans(FIXED, 3, "Currency, cardholder billing"),
        "52": b(FIXED, 8, "PIN block"),
        "53": n(FIXED, 16, "Security control"),
        "54": ans(LLL, 40, "Balance"),
        "55": b(LLL, 255, "Chip data"),
        "56": ans(LLL, 999, "Response text"),
        "57": ans(LLL, 999, "Private data"),
        "58": ans(LLL, 100, "E-purse data"),
        "59": ans(LLL, 999, "Detail data"),
        "60": n(LLL, 17, "Transaction type, batch and network code"),
        "61": n(LLL, 29, "Original transaction"),
        "62": b(LLL, 512, "Keys, parameters or private data"),
        "63": b(LLL, 163, "Operator, card organisation and texts"),
        "64": b(FIXED, 8, "Message authentication code"),
    }
)

PROFILES: Final[Mapping[str, Mapping[str, FieldSpec]]] = MappingProxyType(
    {
        # A bank's link: merchant data in F47, in UTF-8.
        "cmbc": {"47": b(LLL, 999, "Merchant data")},
        # F62 is hex digits and its indicator counts them.
        "hex_62": {
            "62": x(LLL, 999, "Private data"),
            "63": ans(LLL, 163, "Operator, card organisation and texts"),
        },
        # Loyalty terminals behind an access concentrator: points as delimited text.
        "nac_points": {
            "61": ans(LLL, 999, "Points and their expiry"),
            "62": ans(LLL, 999, "Points balances"),
        },
        # Binary TLV in the private fields, track 2 with an indicator of two bytes.
        "vfwz": {
            "35": z(LLL, 104, "Track 2"),
            "43": b(FIXED, 40, "Merchant name and location"),
            "46": b(LLL, 999, "Device data"),
            "48": b(LLL, 999, "Additional data, private"),
            "56": b(LLL, 999, "Response text"),
            "57": b(LLL, 999, "Private data"),
            "59": b(LLL, 999, "Detail data"),
            "62": b(LLL, 999, "Private data or signature image"),
        },
    }
)
