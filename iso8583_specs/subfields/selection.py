"""Which structure a field of a message has, by the family of its dialect and by what the message is about.

Fields 48 and 62 of UnionPay's terminals mean another thing in each transaction; the tables say which. A field
whose content doesn't parse has no structure: deployments put other things there, and a reader for people must
go on.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from iso8583_specs.defects import MalformedMessage
from iso8583_specs.family import Family
from iso8583_specs.message import Message
from iso8583_specs.subfields.amounts import AdditionalAmounts, OriginalAmounts, ReplacementAmounts
from iso8583_specs.subfields.downloads import (
    ChipList,
    DeviceIdentity,
    PointsRedeemed,
    SessionKeys,
    TerminalParameters,
    TerminalStatus,
)
from iso8583_specs.subfields.originals import (
    OriginalDataElements1987,
    OriginalDataElements1993,
    OriginalTransaction,
)
from iso8583_specs.subfields.settlement import BatchDetails, BatchEnd, SettlementTotals
from iso8583_specs.subfields.structure import SubField
from iso8583_specs.subfields.texts import OperatorAndTexts
from iso8583_specs.subfields.tlv import AsciiTlv, BerTlv
from iso8583_specs.subfields.tracks import Track1, Track2, Track3
from iso8583_specs.subfields.transaction import TransactionDetails

_EVERYWHERE: Final[Mapping[int, type[SubField]]] = {35: Track2, 36: Track3, 45: Track1, 54: AdditionalAmounts}

STRUCTURES: Final[Mapping[Family | None, Mapping[int, type[SubField]]]] = MappingProxyType(
    {
        None: _EVERYWHERE,
        Family.UNIONPAY_POS: {
            **_EVERYWHERE,
            55: BerTlv,
            59: AsciiTlv,
            60: TransactionDetails,
            61: OriginalTransaction,
            63: OperatorAndTexts,
        },
        Family.ISO1987: {
            **_EVERYWHERE,
            55: BerTlv,
            90: OriginalDataElements1987,
            95: ReplacementAmounts,
        },
        Family.ISO1993: {**_EVERYWHERE, 30: OriginalAmounts, 55: BerTlv, 56: OriginalDataElements1993},
    }
)
"""Structures that depend on the family alone."""

_SIGN_ON_CODES: Final = ("001", "003", "004", "005", "006", "011")

FIELD_62: Final[Mapping[tuple[str, str], type[SubField]]] = MappingProxyType(
    {("0800", code): DeviceIdentity for code in _SIGN_ON_CODES}
    | {("0810", code): SessionKeys for code in _SIGN_ON_CODES}
    | {("0830", code): ChipList for code in ("372", "373", "382")}
    | {("0810", "360"): TerminalParameters, ("0820", "362"): TerminalStatus}
)
"""Field 62 of UnionPay's terminals in management, by MTI and 60.3."""

_END_OF_UPLOAD: Final = ("202", "207")
_POINTS: Final = "65"


def structure_of(
    family: Family | None, message: Message, number: int, content: str | bytes
) -> SubField | None:
    """The parsed content of a field, None if it has no structure that is known.

    Args:
        family: Of the message's dialect.
        message: The message; its MTI and other fields say what some fields mean.
        number: Of the field.
        content: The field's value, as bytes where the dialect writes bytes as hex digits.
    """
    structure = _structure(family, message, number)
    # Text that is no chip data may look like it, and a tag is shown.
    if structure is None or (structure is BerTlv and isinstance(content, str)):
        return None
    try:
        return structure.parse(content)
    except MalformedMessage:
        return None


def _structure(family: Family | None, message: Message, number: int) -> type[SubField] | None:
    if family is Family.UNIONPAY_POS and number == 48:
        return _field_48(message)
    if family is Family.UNIONPAY_POS and number == 62:
        return _field_62(message)
    return STRUCTURES[family].get(number)


def _field_48(message: Message) -> type[SubField] | None:
    message_class = message.mti[1:2]
    if message_class == "5":
        return SettlementTotals
    if message_class != "3":
        return None
    return BatchEnd if _network_code(message) in _END_OF_UPLOAD else BatchDetails


def _field_62(message: Message) -> type[SubField] | None:
    if message.mti == "0210" and message.fields.get(25) == _POINTS:
        return PointsRedeemed
    return FIELD_62.get((message.mti[:3] + "0", _network_code(message)))


def _network_code(message: Message) -> str:
    field_60 = message.fields.get(60, "")
    return field_60[8:11] if isinstance(field_60, str) else ""
