"""The vocabulary of UnionPay POS terminals: its messages read into requests, replies written into messages.

Everything a deployment might do differently is one of the tables: which codes name which service, which
fields a service needs, which fields an answer echoes, and the response code of each outcome. Sources:
docs/dialects.md, message matrix, field 60 and response codes.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from iso8583_specs.message import Message
from iso8583_specs.values import Pan
from ledger.identity import approval_code, retrieval_reference
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


class Shape(NamedTuple):
    """What follows from the codes and the set of fields of a message alone, whatever the fields hold.

    Attributes:
        service: What is asked for.
        missing: The first field that is missing, in words.
        card_defect: What is wrong with how the card is named, in words.
        unexpected: How many fields the service doesn't need.
    """

    service: Service
    missing: str | None
    card_defect: str | None
    unexpected: int


def read(message: Message) -> Request:
    """Read a message that `is_request` into the canonical request."""
    mti, field_60 = message.mti[:3] + "0", _text(message, 60)
    shape = _shape(mti, _codes(message, mti, field_60), tuple(message.fields))
    service = shape.service
    request = Request(service, message, terminal_id=_text(message, 41), merchant_id=_text(message, 42))
    request.stan = _text(message, 11)
    request.batch = field_60[2:8]
    request.defect = shape.missing or _defect(message, mti, shape, field_60)
    request.unexpected_fields = shape.unexpected
    request.is_repeat = message.mti[3] == _REPEAT
    mac = message.fields.get(MAC_FIELD)
    request.mac = mac if isinstance(mac, bytes) else None
    if service is Service.SIGN_ON:
        request.key_layout = KEY_LAYOUTS[field_60[8:11]]
    elif service in _FINANCIAL_SERVICES:
        _read_financial(message, request)
    return request


def _codes(message: Message, mti: str, field_60: str) -> tuple[str, ...]:
    """What names the service beside the MTI."""
    if mti in _MANAGEMENT_MTIS:
        return (field_60[8:11],)
    return _text(message, 3)[:2], _text(message, 25), field_60[:2]


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
        len(present - _EXPECTED[service]),
    )


def _text(message: Message, number: int) -> str:
    value = message.fields.get(number, "")
    return value if isinstance(value, str) else ""


def _defect(message: Message, mti: str, shape: Shape, field_60: str) -> str | None:
    """The first rule of the dialect that what the fields hold breaks, in words."""
    if len(field_60) < NAMING.get(mti, _NAMELESS).field_60_digits:
        return "field 60 is too short"
    service = shape.service
    if service is Service.UNSUPPORTED:
        return None
    if service in _FINANCIAL_SERVICES:
        return _financial_defect(message, shape)
    return None if field_60[:2] == _MANAGEMENT_TYPE else "field 60 is not of management"


def _financial_defect(message: Message, shape: Shape) -> str | None:
    if not _text(message, 49).isdecimal():
        return "field 49 is no currency number"
    if shape.service in _VOID_SERVICES and len(_text(message, 61)) < _BATCH_AND_STAN:
        return "field 61 is too short"
    return shape.card_defect or _card_defect(message)


def _card_shape_defect(present: frozenset[int], service: Service) -> str | None:
    names_card = 2 in present or 35 in present
    if service in CARD_SERVICES and not names_card:
        return "field 2 or 35 is missing"
    if 52 in present and 53 not in present:
        return "field 53 is missing beside field 52"
    if 52 in present and not names_card and service is Service.PURCHASE_VOID:
        return "field 2 or 35 is missing beside field 52"
    return None


def _card_defect(message: Message) -> str | None:
    fields = message.fields
    if 35 in fields:
        on_track, separator, _ = _text(message, 35).partition("=")
        if not (separator and on_track.isdecimal() and len(on_track) <= PAN_DIGITS_MAX):
            return "field 35 is no track 2"
    return "field 2 is empty" if fields.get(2) == "" else None


def _read_financial(message: Message, request: Request) -> None:
    fields = message.fields
    request.amount_minor = int(_text(message, 4) or 0)
    request.currency = _text(message, 49)
    if request.service in _VOID_SERVICES:
        original = _text(message, 61)
        request.original_batch, request.original_stan = original[:6], original[6:12]
        request.original_reference = _text(message, 37)
    if request.defect is None:
        _read_card(message, request)
    block = fields.get(52)
    if isinstance(block, bytes):
        request.pin_block = block
        security = _text(message, 53)
        request.pin_block_usable = security[:1] == _PIN_WITH_PAN and len(block) == _PIN_BLOCK_BYTES.get(
            security[1:2]
        )


def _read_card(message: Message, request: Request) -> None:
    """The card by field 2 and track 2; track 2 holds PAN, separator, expiry YYMM (ISO/IEC 7813)."""
    stated = _text(message, 2)
    on_track, _, rest = _text(message, 35).partition("=")
    number = stated or on_track
    if number:
        request.pan = Pan(number)
    request.cards_agree = not (stated and on_track) or stated == on_track
    request.expiry = _text(message, 14) or rest[:4] or None


def answer(request: Message, reply: Reply) -> Message:
    """Write the answer to a message.

    A MAC is only given its place; whoever holds the key fills it in. The echoed fields keep their fillers, so
    they come back exactly as they were sent.
    """
    told, reference = request.fields, retrieval_reference(reply.transaction_id)
    fields: dict[int, str | bytes] = {number: told[number] for number in ECHOED if number in told}
    fillers = {number: digit for number, digit in request.fillers.items() if number in fields}
    fields[12] = reply.time
    fields[13] = reply.date
    fields[37] = reference
    fields[39] = RESPONSE_CODES[reply.outcome]
    if reply.has_mac and reply.outcome is Outcome.APPROVED:
        fields[38] = approval_code(reference)
    if reply.available_minor is not None:
        fields[54] = _balance(reply.available_minor)
    if reply.session_keys is not None:
        fields[62] = reply.session_keys
    if reply.batch is not None:
        stated = _text(request, 60)
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
