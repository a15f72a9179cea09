"""The vocabulary of UnionPay POS terminals: its messages read into requests, replies written into messages.

Everything a deployment might do differently is one of the tables: which codes name which service, which
fields a service needs, which fields an answer echoes, and the response code of each outcome. Sources:
docs/dialects.md, message matrix, field 60 and response codes.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple, cast

from iso8583_specs.message import Message
from iso8583_specs.spec import Spec
from iso8583_specs.values import Pan
from ledger.identity import approval_code
from ledger.outcome import Outcome
from switch.vocabulary.model import KeyLayout, Reply, Request, Service

FINANCIAL: Final[Mapping[tuple[str, str, str, str], Service]] = MappingProxyType(
    {
        # MTI, first two digits of field 3, field 25, 60.1
        ("0200", "00", "00", "22"): Service.PURCHASE,
        ("0200", "31", "00", "01"): Service.BALANCE_INQUIRY,
        ("0400", "00", "00", "22"): Service.PURCHASE_REVERSAL,
        ("0200", "20", "00", "23"): Service.PURCHASE_VOID,
        ("0400", "20", "00", "23"): Service.PURCHASE_VOID_REVERSAL,
    }
)
"""Which service a financial request asks for."""

MANAGEMENT: Final[Mapping[tuple[str, str], Service]] = MappingProxyType(
    {
        # MTI, 60.3
        ("0800", "001"): Service.SIGN_ON,
        ("0800", "003"): Service.SIGN_ON,
        ("0800", "004"): Service.SIGN_ON,
        ("0800", "005"): Service.SIGN_ON,
        ("0800", "006"): Service.SIGN_ON,
        ("0820", "002"): Service.SIGN_OFF,
        ("0820", "301"): Service.ECHO,
    }
)
"""Which service a network management request asks for; its 60.1 is 00."""


class Naming(NamedTuple):
    """What names the service of a message: these fields, and so many digits of field 60."""

    fields: frozenset[int]
    field_60_digits: int


NAMING: Final[Mapping[str, Naming]] = MappingProxyType(
    {
        "0200": Naming(frozenset({3, 25, 60}), 8),
        "0400": Naming(frozenset({3, 25, 60}), 8),
        "0800": Naming(frozenset({60}), 11),
        "0820": Naming(frozenset({60}), 11),
    }
)
"""A request without its name is malformed, not unsupported; one with another MTI is unsupported anyway."""

KEY_LAYOUTS: Final = MappingProxyType(
    {
        "001": KeyLayout.SINGLE,
        "003": KeyLayout.DOUBLE,
        "004": KeyLayout.DOUBLE_TRACK,
        "005": KeyLayout.SM4,
        "006": KeyLayout.SM4_TRACK,
    }
)
"""60.3 of a sign-on: the keys in field 62 of its answer."""

NEEDED: Final[Mapping[Service, frozenset[int]]] = MappingProxyType(
    {
        Service.SIGN_ON: frozenset({11, 41, 42, 60}),
        Service.SIGN_OFF: frozenset({41, 42, 60}),
        Service.ECHO: frozenset({41, 42, 60}),
        Service.PURCHASE: frozenset({3, 4, 11, 22, 25, 41, 42, 49, 60, 64}),
        Service.BALANCE_INQUIRY: frozenset({3, 11, 22, 25, 41, 42, 49, 60, 64}),
        # Terminals differ in whether a reversal or void carries 22, and 39; nothing is decided by them.
        Service.PURCHASE_REVERSAL: frozenset({3, 4, 11, 25, 41, 42, 49, 60, 64}),
        Service.PURCHASE_VOID: frozenset({3, 4, 11, 25, 37, 41, 42, 49, 60, 61, 64}),
        Service.PURCHASE_VOID_REVERSAL: frozenset({3, 4, 11, 25, 41, 42, 49, 60, 61, 64}),
        Service.UNSUPPORTED: frozenset({41, 42}),
    }
)
"""The fields without which a request is malformed."""

_CARD_BLOCK: Final = frozenset({2, 14, 22, 23, 26, 35, 36, 39, 52, 53, 55, 61})

OPTIONAL: Final[Mapping[Service, frozenset[int]]] = MappingProxyType(
    {
        Service.SIGN_ON: frozenset({62, 63}),
        Service.SIGN_OFF: frozenset({11, 63}),
        Service.ECHO: frozenset({11, 63}),
        Service.PURCHASE: _CARD_BLOCK,
        Service.BALANCE_INQUIRY: _CARD_BLOCK,
        Service.PURCHASE_REVERSAL: _CARD_BLOCK,
        Service.PURCHASE_VOID: _CARD_BLOCK - {61} | {38},
        Service.PURCHASE_VOID_REVERSAL: _CARD_BLOCK - {61} | {37, 38},
        # Nobody here knows what belongs to it.
        Service.UNSUPPORTED: frozenset(range(2, 65)),
    }
)
"""Fields that belong to a service beside the needed ones; others are accepted and counted."""

_SERVICES: Final[Mapping[tuple[str, ...], Service]] = dict([*FINANCIAL.items(), *MANAGEMENT.items()])
_MANAGEMENT_MTIS: Final = frozenset(mti for mti, _ in MANAGEMENT)
_EXPECTED: Final = {service: NEEDED[service] | OPTIONAL[service] for service in Service}

CARD_SERVICES: Final = frozenset({Service.PURCHASE, Service.BALANCE_INQUIRY})
"""Services that need a card, by field 2 or by track 2."""

_VOID_SERVICES: Final = frozenset({Service.PURCHASE_VOID, Service.PURCHASE_VOID_REVERSAL})
"""Services that name the purchase of a void in field 61."""

_FINANCIAL_SERVICES: Final = frozenset(FINANCIAL.values())

ECHOED: Final[tuple[int, ...]] = (2, 3, 4, 11, 14, 25, 41, 42, 49, 60)
"""Fields of the request that every answer repeats where they were present."""

FINGERPRINTED: Final = (3, 4, 25, 49, 61, 37)
"""The fields that make two requests the same, beside the PAN and the type in field 60."""

READ_AS_TEXT: Final = frozenset({2, 3, 4, 11, 14, 25, 35, 37, 41, 42, 49, 53, 60, 61})
READ_AS_BYTES: Final = frozenset({52, 62, 64})
"""The fields of which the text or the bytes count here; a profile that has one the other way can't be served.

The bytes are the PIN block, the keys in a sign-on's answer, and the MAC.
"""

RESPONSE_CODES: Final[Mapping[Outcome, str]] = MappingProxyType(
    {
        Outcome.APPROVED: "00",
        Outcome.TERMINAL_UNKNOWN: "97",
        Outcome.MALFORMED: "30",
        Outcome.MAC_WRONG: "A0",
        Outcome.MERCHANT_INVALID: "03",
        Outcome.TERMINAL_NOT_PERMITTED: "58",
        Outcome.BATCH_NOT_OPEN: "77",
        Outcome.FUNCTION_NOT_SUPPORTED: "40",
        Outcome.DUPLICATE_DIFFERS: "94",
        Outcome.RELATED_TRANSACTION_WRONG: "22",
        Outcome.ORIGINAL_NOT_FOUND: "25",
        Outcome.ORIGINAL_AMOUNT_DIFFERS: "64",
        Outcome.RELATED_TRANSACTION_INVALID: "12",
        Outcome.CARD_RANGE_UNKNOWN: "15",
        Outcome.NO_ROUTE: "92",
        Outcome.CARD_UNKNOWN: "14",
        Outcome.CARD_DIFFERS: "14",
        Outcome.CARD_INACTIVE: "21",
        Outcome.CARD_LOST: "41",
        Outcome.CARD_STOLEN: "43",
        Outcome.CARD_EXPIRED: "54",
        Outcome.CARD_RESTRICTED: "62",
        Outcome.SERVICE_NOT_ALLOWED: "57",
        Outcome.PIN_UNREADABLE: "99",
        Outcome.PIN_MISSING: "55",
        Outcome.PIN_TRIES_EXCEEDED: "75",
        Outcome.PIN_WRONG: "55",
        Outcome.AMOUNT_INVALID: "13",
        Outcome.AMOUNT_OVER_LIMIT: "61",
        Outcome.COUNT_OVER_LIMIT: "65",
        Outcome.INSUFFICIENT_FUNDS: "51",
        Outcome.SYSTEM_MALFUNCTION: "96",
        Outcome.WALLET_QUARANTINED: "96",
    }
)
"""Field 39 of the answer, for every outcome."""

MAC_FIELD: Final = 64
_MAC_PLACEHOLDER: Final = bytes(8)
PAN_DIGITS_MAX: Final = 19
_BATCH_AND_STAN: Final = 12
_NAMELESS: Final = Naming(frozenset(), 0)
_MANAGEMENT_TYPE: Final = "00"
_PIN_WITH_PAN: Final = "2"
_PIN_BLOCK_BYTES: Final = MappingProxyType({"0": 8, "6": 8, "3": 16})
"""Second digit of field 53: DES, triple DES or SM4, and the bytes of a block under it."""
_VERSION_1987, _NO_CLASS, _REPEAT = "0", "0", "1"
_ANSWERS: Final = MappingProxyType({"0": "1", "2": "3"})
"""The function digit of an MTI and that of its answer; other functions are no requests."""


@lru_cache(maxsize=1024)
def is_request(mti: str) -> bool:
    """Whether a message with this MTI wants an answer: a request or advice, first sending or repeat."""
    return mti[0] == _VERSION_1987 and mti[1] != _NO_CLASS and mti[2] in _ANSWERS and mti[3] in "01"


def can_read(spec: Spec) -> bool:
    """Whether messages of a dialect with this table can be served, and not only decoded."""
    in_bytes = {number for number, row in spec.items() if row["content"] == "b"}
    return in_bytes.issuperset(map(str, READ_AS_BYTES)) and in_bytes.isdisjoint(map(str, READ_AS_TEXT))


class Shape(NamedTuple):
    """What follows from the codes and the set of fields of a message alone, whatever the fields hold.

    Attributes:
        service: What is asked for.
        missing: The first field that is missing, in words.
        card_defect: What is wrong with how the card is named, in words.
        field_60_digits: How many digits field 60 has at least.
        unexpected: How many fields the service doesn't need.
    """

    service: Service
    missing: str | None
    card_defect: str | None
    field_60_digits: int
    unexpected: int


def read(message: Message) -> Request:
    """Read a message that `is_request` into the canonical request."""
    texts = _texts(message)
    mti, field_60 = message.mti[:3] + "0", texts.get(60, "")
    shape = _shape(mti, _codes(texts, mti, field_60), tuple(texts))
    service = shape.service
    request = Request(service, message, shape.missing, texts.get(41, ""), texts.get(42, ""))
    request.batch, request.stan = field_60[2:8], texts.get(11, "")
    if request.defect is None:
        request.defect = _defect(texts, shape, field_60)
    request.unexpected_fields = shape.unexpected
    request.is_repeat = message.mti[3] == _REPEAT
    mac = message.fields.get(MAC_FIELD)
    request.mac = mac if isinstance(mac, bytes) else None
    if service in _FINANCIAL_SERVICES:
        _read_financial(texts, request)
    elif service is Service.SIGN_ON:
        request.key_layout = KEY_LAYOUTS[field_60[8:11]]
    return request


def _texts(message: Message) -> Mapping[int, str]:
    """A message's fields for the numbers in `READ_AS_TEXT`, which `can_read` has seen to be text."""
    return cast("Mapping[int, str]", message.fields)


def _codes(texts: Mapping[int, str], mti: str, field_60: str) -> tuple[str, ...]:
    """What names the service beside the MTI."""
    if mti in _MANAGEMENT_MTIS:
        return (field_60[8:11],)
    return texts.get(3, "")[:2], texts.get(25, ""), field_60[:2]


@lru_cache(maxsize=4096)
def _shape(mti: str, codes: tuple[str, ...], numbers: tuple[int, ...]) -> Shape:
    """The shape of a message; peers send few, again and again, and one that plays pushes out only these."""
    service = _SERVICES.get((mti, *codes), Service.UNSUPPORTED)
    present = frozenset(numbers)
    naming = NAMING.get(mti, _NAMELESS)
    missing = (NEEDED[service] | naming.fields) - present
    return Shape(
        service,
        f"field {min(missing)} is missing" if missing else None,
        _card_shape_defect(present, service),
        naming.field_60_digits,
        len(present - _EXPECTED[service]),
    )


def _defect(texts: Mapping[int, str], shape: Shape, field_60: str) -> str | None:
    """The first rule of the dialect that what the fields hold breaks, in words."""
    if len(field_60) < shape.field_60_digits:
        return "field 60 is too short"
    service = shape.service
    if service in _FINANCIAL_SERVICES:
        return _financial_defect(texts, shape)
    if service is Service.UNSUPPORTED:
        return None
    return None if field_60[:2] == _MANAGEMENT_TYPE else "field 60 is not of management"


def _financial_defect(texts: Mapping[int, str], shape: Shape) -> str | None:
    if not texts[49].isdecimal():
        return "field 49 is no currency number"
    if shape.service in _VOID_SERVICES and len(texts[61]) < _BATCH_AND_STAN:
        return "field 61 is too short"
    return shape.card_defect or _card_defect(texts)


def _card_shape_defect(present: frozenset[int], service: Service) -> str | None:
    names_card = 2 in present or 35 in present
    if service in CARD_SERVICES and not names_card:
        return "field 2 or 35 is missing"
    if 52 in present and 53 not in present:
        return "field 53 is missing beside field 52"
    if 52 in present and not names_card and service is Service.PURCHASE_VOID:
        return "field 2 or 35 is missing beside field 52"
    return None


def _card_defect(texts: Mapping[int, str]) -> str | None:
    track_2 = texts.get(35)
    if track_2 is not None:
        on_track, separator, _ = track_2.partition("=")
        if not (separator and on_track.isdecimal() and len(on_track) <= PAN_DIGITS_MAX):
            return "field 35 is no track 2"
    return "field 2 is empty" if texts.get(2) == "" else None


def _read_financial(texts: Mapping[int, str], request: Request) -> None:
    request.amount_minor = int(texts.get(4) or 0)
    request.currency = texts.get(49, "")
    if request.service in _VOID_SERVICES:
        original = texts.get(61, "")
        request.original_batch, request.original_stan = original[:6], original[6:12]
        request.original_reference = texts.get(37, "")
    if request.defect is None:
        _read_card(texts, request)
    block = request.message.fields.get(52)
    if isinstance(block, bytes):
        request.pin_block = block
        security = texts.get(53, "")
        request.pin_block_usable = security[:1] == _PIN_WITH_PAN and len(block) == _PIN_BLOCK_BYTES.get(
            security[1:2]
        )


def _read_card(texts: Mapping[int, str], request: Request) -> None:
    """The card by field 2 and track 2; track 2 holds PAN, separator, expiry YYMM (ISO/IEC 7813)."""
    stated = texts.get(2, "")
    on_track, _, rest = texts.get(35, "").partition("=")
    number = stated or on_track
    if number:
        request.pan = Pan(number)
    request.cards_agree = not (stated and on_track) or stated == on_track
    request.expiry = texts.get(14) or rest[:4] or None


def fingerprinted(request: Request) -> bytes:
    """What makes two requests the same, to be hashed under a key as it names the card.

    It has no field that changes on a repeat (12, 13, 22, 52, 53, 55, 64).
    """
    texts = _texts(request.message)
    pan = request.pan.clear if request.pan is not None else ""
    told = (pan, texts[60][:2], *[texts.get(number, "") for number in FINGERPRINTED])
    return "\0".join(told).encode("latin-1")


def answer(request: Message, reply: Reply) -> Message:
    """Write the answer to a message.

    A MAC is only given its place; whoever holds the key fills it in. The echoed fields keep their fillers, so
    they come back exactly as they were sent.
    """
    told = request.fields
    fields: dict[int, str | bytes] = {number: told[number] for number in ECHOED if number in told}
    fillers = {number: digit for number, digit in request.fillers.items() if number in fields}
    fields[12] = reply.time
    fields[13] = reply.date
    fields[37] = reply.reference
    fields[39] = RESPONSE_CODES[reply.outcome]
    if reply.has_mac and reply.outcome is Outcome.APPROVED:
        fields[38] = approval_code(reply.reference)
    if reply.available_minor is not None:
        fields[54] = _balance(reply.available_minor)
    if reply.session_keys is not None:
        fields[62] = reply.session_keys
    if reply.batch is not None:
        stated = _texts(request).get(60, "")
        fields[60] = stated[:2] + reply.batch + stated[8:11]
    if reply.has_mac:
        fields[MAC_FIELD] = _MAC_PLACEHOLDER
    return Message(_answer_mti(request.mti), fields, fillers)


def _answer_mti(mti: str) -> str:
    return mti[:2] + _ANSWERS[mti[2]] + "0"


def _balance(available_minor: int) -> str:
    """One block of field 54: account type 10, amount type 02 (available), CNY, sign, 12 digits."""
    sign = "C" if available_minor >= 0 else "D"
    return f"1002156{sign}{abs(available_minor):012d}"
