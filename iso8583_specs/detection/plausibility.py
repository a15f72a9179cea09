"""How much of a message's content is what it ought to be, in bits.

A byte read as two decimal digits could have been one of 256 values and is one of 100: that it is, is worth
1.4 bits of belief in the reading. A date that is a date, a card number with its check digit, a currency that
exists, chip data that comes apart into tags are worth more; what contradicts its field counts against it. So
readings of the same bytes by different dialects can be compared by one number, in which encodings, lengths
and meanings all have their say.

What a field should hold is a table by number, for each family of dialects; nothing here looks at more than
one field, except the rows at the end, which hold fields of one message against each other.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final, NamedTuple

from iso8583_specs.defects import MalformedMessage
from iso8583_specs.detection.reading import Part, Reading, text_of
from iso8583_specs.family import Family, family_of
from iso8583_specs.mti import Mti
from iso8583_specs.processing_code import ProcessingCode
from iso8583_specs.subfields.tlv import BerTlv
from iso8583_specs.values import passes_luhn


class Evidence(NamedTuple):
    """Something that speaks for a candidate, or (with negative bits) against it.

    The words never hold data of the message but its type and the places and sizes of its parts.
    """

    bits: float
    words: str


Check = Callable[[str], bool]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DIGITS: Final = "0123456789"

# What one character or byte of a kind is worth among the 256 it could have been.
_PACKED_DIGIT: Final = math.log2(16 / 10)
_DIGIT: Final = math.log2(256 / 10)
_DIGIT_IN_TEXT: Final = math.log2(256 / 20)
_LETTER: Final = math.log2(256 / 64)
_OTHER_PRINTABLE: Final = math.log2(256 / 96)
_CONTRADICTION: Final = -6.0
_WORST_TEXT: Final = -15.0

_CURRENCIES: Final = _words(
    "008 012 032 036 044 048 050 052 060 064 068 072 084 090 096 104 108 116 124 132 136 144 152 156 170 174 "
    "188 192 203 208 214 222 230 232 238 242 262 270 292 320 324 328 332 340 344 348 352 356 360 364 368 376 "
    "388 392 398 400 404 408 410 414 417 418 422 426 430 434 446 454 458 462 480 484 496 498 504 512 516 524 "
    "532 533 548 554 558 566 578 586 590 598 600 604 608 634 643 646 654 682 690 702 704 706 710 728 748 752 "
    "756 760 764 776 780 784 788 800 807 810 818 826 834 840 858 860 882 886 894 901 925 927 928 929 930 931 "
    "932 933 934 936 938 940 941 943 944 946 947 949 950 951 952 953 960 967 968 969 971 972 973 975 976 977 "
    "978 980 981 985 986 990 994 997 999"
)
_TRACK: Final = re.compile(r"\d{12,19}[=D]\d\d(0[1-9]|1[0-2])\d{3}.*", re.ASCII)
_MONTH_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _is_month(text: str) -> bool:
    return 1 <= int(text) <= 12


def _is_day(text: str) -> bool:
    """A day of the year, MMDD."""
    return _is_month(text[:2]) and 1 <= int(text[2:]) <= _MONTH_DAYS[int(text[:2]) - 1]


def _is_time(text: str) -> bool:
    """A time of day, hhmmss."""
    return int(text[:2]) < 24 and int(text[2:4]) < 60 and int(text[4:]) < 60


def _is_moment(text: str) -> bool:
    """A moment, MMDDhhmmss, with or without a year in front."""
    return _is_day(text[-10:-6]) and _is_time(text[-6:])


def _is_card_number(text: str) -> bool:
    return 12 <= len(text) <= 19 and passes_luhn(text)


def _is_track(text: str) -> bool:
    """A card number, and behind the separator expiry and service code (ISO/IEC 7813)."""
    return _TRACK.fullmatch(text) is not None


def _is_known_service(text: str) -> bool:
    return bool(ProcessingCode(text).meaning(Family.UNIONPAY_POS))


def _is_moderate(text: str) -> bool:
    """An amount with leading zeros, as all that are paid have."""
    return text.startswith("00")


def _has_known_entry_mode(text: str) -> bool:
    return text[:2] in _ENTRY_MODES and text[2] in "0123456789"[:7]


_ENTRY_MODES: Final = _words("00 01 02 03 04 05 06 07 09 10 79 80 81 82 90 91 92 95 96 98")
_CONDITIONS: Final = _words("00 01 02 03 04 05 06 07 08 10 15 18 51 59 60 64 65 66 67 71 80 82 91")
_POS_TYPES: Final = _words(
    "00 01 03 10 11 20 21 22 23 24 25 27 30 32 34 36 40 41 42 45 46 47 48 49 51 53 54 96 99"
)


def _is_like(pattern: str) -> Check:
    return lambda text: re.fullmatch(pattern, text, re.ASCII | re.DOTALL) is not None


def _is_pos_field_60(text: str) -> bool:
    return len(text) in (8, 11, 12, 13, 14, 17) and text[:2] in _POS_TYPES


class Expectation(NamedTuple):
    """What a field should hold: bits if it does, bits (negative) if not, and what to call it.

    A check is made only of contents of the length it needs, digits unless it is told otherwise.
    """

    name: str
    check: Check
    kept: float
    broken: float
    digits: bool = True
    length: int | None = None


_DAY: Final = Expectation("a date", _is_day, 4.7, -3, length=4)
_TIME: Final = Expectation("a time", _is_time, 3.5, -3, length=6)
_MOMENT: Final = Expectation("a date and time", _is_moment, 8.2, -4, length=10)
_AMOUNT: Final = Expectation("an amount", _is_moderate, 6, -2, length=12)
_CURRENCY: Final = Expectation("a currency", _CURRENCIES.__contains__, 2.5, -4, digits=False, length=3)
_IDENTIFIER: Final = Expectation("an identifier", _is_like(r"[0-9A-Za-z .,/_-]*"), 3, -6, digits=False)
_ISO: Final[Mapping[int, Expectation]] = {
    2: Expectation("a card number", _is_card_number, 4, -2),
    3: Expectation("a known processing code", _is_known_service, 3, -1, length=6),
    4: _AMOUNT,
    5: _AMOUNT,
    6: _AMOUNT,
    7: _MOMENT,
    12: _TIME,
    13: _DAY,
    14: Expectation("an expiry date", lambda text: _is_month(text[2:]), 3, -3, length=4),
    15: _DAY,
    16: _DAY,
    17: _DAY,
    22: Expectation("an entry mode", _has_known_entry_mode, 3, -4, length=3),
    25: Expectation("a condition code", _CONDITIONS.__contains__, 2, -2, length=2),
    26: Expectation("a PIN length", lambda text: 4 <= int(text) <= 12, 3, -2, length=2),
    35: Expectation("a track", _is_track, 6, -1, digits=False),
    37: _IDENTIFIER,
    38: _IDENTIFIER,
    39: Expectation("a response code", _is_like(r"[0-9][0-9]|[A-Z][0-9]"), 4, -4, digits=False),
    41: _IDENTIFIER,
    42: _IDENTIFIER,
    49: _CURRENCY,
    50: _CURRENCY,
    51: _CURRENCY,
    54: Expectation("balances", _is_like(r"(\d{4}\w{3}[CD]\d{12})+"), 12, -2, digits=False),
    90: Expectation("an original's data", lambda text: _is_moment(text[10:20]), 6, -3, length=42),
}
_POS: Final[Mapping[int, Expectation]] = {
    **_ISO,
    53: Expectation("security control", lambda text: text.endswith("0000000000"), 8, -2, length=16),
    60: Expectation("type, batch and network code", _is_pos_field_60, 7, -5),
    61: Expectation("an original's place", lambda text: len(text) in (12, 16, 18, 29), 2, -2),
}
_ISO1993: Final[Mapping[int, Expectation]] = {
    **{number: row for number, row in _ISO.items() if number not in (13, 22, 25, 26, 90)},
    12: Expectation("a date and time", _is_moment, 8.2, -4, length=12),
    13: Expectation("an effective date", lambda text: _is_month(text[2:]), 3, -2, length=4),
    15: Expectation("a date", lambda text: _is_day(text[2:]), 4.7, -3, length=6),
    22: Expectation("POS data", _is_like(r"[0-9A-Z]{12}"), 6, -3, digits=False),
    39: Expectation("an action code", lambda text: int(text) < 1000, 0, -3, length=3),
}
_EXPECTED: Final[Mapping[Family | None, Mapping[int, Expectation]]] = MappingProxyType(
    {
        Family.UNIONPAY_POS: MappingProxyType(_POS),
        Family.ISO1987: MappingProxyType(_ISO),
        Family.ISO1993: MappingProxyType(_ISO1993),
        None: MappingProxyType(_ISO),
    }
)

# What must be in a message of a class (second digit of the MTI); any of a group will do.
_NEEDED: Final[Mapping[str, tuple[tuple[int, ...], ...]]] = MappingProxyType(
    {
        "1": ((3,), (11, 37), (2, 35, 34, 55), (4, 60, 54)),
        "2": ((3,), (11, 37), (4, 60, 54), (41, 42)),
        "4": ((11, 37), (90, 56, 61, 60, 37), (4, 95)),
        "5": ((11, 37), (48, 63, 66, 74, 86, 97)),
        "8": ((60, 70, 24, 63, 48), (11, 7)),
    }
)
_FAMILY_VERSIONS: Final[Mapping[Family | None, str]] = MappingProxyType(
    {Family.UNIONPAY_POS: "0", Family.ISO1987: "0", Family.ISO1993: "1", None: "0129"}
)
_CLASSES: Final = "12345678"
# UnionPay's electronic slips are 0920.
_POS_CLASSES: Final = _CLASSES + "9"
_MAC: Final = 64
_POS_TYPE: Final = 60
_POS_UNUSED: Final = frozenset(
    (*range(5, 11), *range(16, 22), 24, *range(27, 32), 33, 34, 40, 45, 46, 50, 51)
)


def is_plausible_mti(mti: str) -> bool:
    """Whether four digits may be an MTI at all."""
    return mti[0] in "01289" and mti[1] != "0" and mti[2] in "0123456" and mti[3] in "012345"


def message_evidence(dialect: str, reading: Reading) -> Iterator[Evidence]:
    """What speaks for and against a reading, field by field and as a whole."""
    family = family_of(dialect)
    yield from _mti_evidence(family, reading.mti)
    yield from _presence_evidence(reading)
    if family is Family.UNIONPAY_POS:
        yield from _pos_presence_evidence(frozenset(reading.numbers))
    texts = {part.number: text_of(part) for part in reading.parts}
    for part in reading.parts:
        yield from _alphabet_evidence(part, texts[part.number])
        yield from _meaning_evidence(family, part.number, texts[part.number])
    yield from _structure_evidence(family, reading.parts)
    yield from _agreement_evidence(texts)


def _mti_evidence(family: Family | None, mti: str) -> Iterator[Evidence]:
    classes = _POS_CLASSES if family is Family.UNIONPAY_POS else _CLASSES
    if mti[1] not in classes or mti[2] not in "01234567" or mti[3] not in "012345":
        yield Evidence(-12, f"MTI {mti} is of no known kind")
        return
    yield Evidence(6, f"MTI {mti}: {Mti(mti).meaning}")
    if mti[0] not in _FAMILY_VERSIONS[family]:
        yield Evidence(-60, f"MTI {mti} is of another version of the standard")


def _presence_evidence(reading: Reading) -> Iterator[Evidence]:
    numbers = frozenset(reading.numbers)
    if not numbers:
        yield Evidence(-8, "the bitmap announces no field")
        return
    needed = _NEEDED.get(reading.mti[1], ())
    missing = sum(not numbers.intersection(group) for group in needed)
    if needed and not missing:
        yield Evidence(4 * len(needed), "the fields such a message needs are there")
    elif missing:
        yield Evidence(-2 * missing, f"{missing} of the fields such a message needs are not announced")


def _pos_presence_evidence(numbers: frozenset[int]) -> Iterator[Evidence]:
    """UnionPay's terminals send field 60 always, and some fields of the standard never."""
    if _POS_TYPE not in numbers:
        yield Evidence(-4, "field 60, which UnionPay terminals always send, is not announced")
    unused = len(numbers & _POS_UNUSED)
    if unused:
        yield Evidence(-2 * unused, f"{unused} fields are announced that UnionPay terminals do not use")


@cache
def _all_but(characters: str) -> dict[int, None]:
    return dict.fromkeys(map(ord, characters))


def _count(text: str, characters: str) -> int:
    return len(text) - len(text.translate(_all_but(characters)))


_ALNUM: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz "
_PUNCTUATION: Final = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


def _alphabet_evidence(part: Part, text: str | None) -> Iterator[Evidence]:
    """Whether the characters are those of the content: what is silent here is as expected."""
    content = part.spec["content"]
    if content in ("n", "z", "xn") and text is not None:
        strange = len(text) - _count(text, _DIGITS + {"n": "", "z": "=D", "xn": "CD+- "}[content])
        worth = _PACKED_DIGIT if part.spec["len_count"] == "nibbles" else _DIGIT
        yield Evidence((len(text) - strange) * worth, "")
        if strange:
            yield Evidence(
                strange * _CONTRADICTION, f"field {part.number} holds {strange} that aren't digits"
            )
        yield from _filler_evidence(part)
    elif content == "ans" and text is not None:
        yield from _text_evidence(part, text)
    elif part.spec["len_type"]:
        yield Evidence(max(0.0, _text_bits(part.content.decode("latin-1"))[0]), "")


def _filler_evidence(part: Part) -> Iterator[Evidence]:
    """The spare nibble of an odd count of packed digits; tracks are filled in more than one way."""
    if part.spec["len_count"] != "nibbles" or part.units % 2 == 0:
        return
    digits = part.content.hex().upper()
    filler = digits[0] if "left_pad" in part.spec else digits[-1]
    if filler == "0":
        yield Evidence(3, "")
    elif part.spec["content"] == "n":
        yield Evidence(-6, f"field {part.number} is filled up with {filler}")


def _text_evidence(part: Part, text: str) -> Iterator[Evidence]:
    bits, strange = _text_bits(text)
    if strange and _is_national(part.content):
        bits, strange = 0.0, 0
    yield Evidence(bits, "")
    if strange:
        words = f"field {part.number} is text, and {strange} of its {len(text)} bytes aren't"
        yield Evidence(max(_WORST_TEXT, strange * _CONTRADICTION / 2), words)


def _text_bits(text: str) -> tuple[float, int]:
    """What a text is worth, and how many of its characters belong to none."""
    digits, letters, others = _count(text, _DIGITS), _count(text, _ALNUM), _count(text, _PUNCTUATION)
    strange = len(text) - digits - letters - others
    bits = digits * _DIGIT_IN_TEXT + letters * _LETTER + others * _OTHER_PRINTABLE
    return (bits if not strange else 0.0), strange


def _is_national(raw: bytes) -> bool:
    """Whether bytes are text of a national encoding, without control characters."""
    if min(raw) < 0x20:
        return False
    for encoding in ("utf-8", "gb18030"):
        try:
            raw.decode(encoding)
        except ValueError:
            continue
        return True
    return False


def _meaning_evidence(family: Family | None, number: int, text: str | None) -> Iterator[Evidence]:
    expected = _EXPECTED[family].get(number)
    if expected is None or not text or not text.strip("0 "):
        return
    unfit = expected.digits and not (text.isascii() and text.isdecimal())
    if unfit or expected.length not in (None, len(text)):
        return
    if expected.check(text):
        yield Evidence(expected.kept, f"field {number} is {expected.name}")
    else:
        yield Evidence(expected.broken, f"field {number} is not {expected.name}")


def _structure_evidence(family: Family | None, parts: tuple[Part, ...]) -> Iterator[Evidence]:
    for part in parts:
        if part.number == _MAC and family is Family.UNIONPAY_POS:
            if _HEX_MAC.fullmatch(part.content):
                yield Evidence(24, "field 64 is a MAC in characters, as UnionPay terminals send it")
        elif part.number == _CHIP and len(part.content) > 4:
            if _is_tlv(part.content):
                yield Evidence(16, "field 55 is chip data: tags, lengths and values to its end")
            elif part.spec["content"] == "b":
                yield Evidence(-6, "field 55 is not made of tags")


_CHIP: Final = 55
_HEX_MAC: Final = re.compile(rb"[0-9A-F]{8}")


def _is_tlv(raw: bytes) -> bool:
    try:
        BerTlv.parse(raw)
    except MalformedMessage:
        return False
    return True


def _agreement_evidence(texts: Mapping[int, str | None]) -> Iterator[Evidence]:
    pan, track = texts.get(2), texts.get(35)
    if pan and track and track.replace("D", "=").startswith(f"{pan}="):
        yield Evidence(16, "fields 2 and 35 name the same card")
    moment, day = texts.get(7), texts.get(13)
    if moment and day and moment[:4] == day:
        yield Evidence(6, "fields 7 and 13 name the same day")
