"""Goal: each field gets the structure that its dialect and its message give it, or none."""

import pytest

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
from iso8583_specs.subfields.selection import structure_of
from iso8583_specs.subfields.settlement import BatchDetails, BatchEnd, SettlementTotals
from iso8583_specs.subfields.structure import SubField
from iso8583_specs.subfields.texts import OperatorAndTexts
from iso8583_specs.subfields.tlv import AsciiTlv, BerTlv
from iso8583_specs.subfields.tracks import Track1, Track2, Track3
from iso8583_specs.subfields.transaction import TransactionDetails

UNIONPAY, ISO1987, ISO1993 = Family.UNIONPAY_POS, Family.ISO1987, Family.ISO1993
TRACK_2 = "9900010123456781234=2912"
CHIP = bytes.fromhex("9F36020047")


@pytest.mark.parametrize(
    ("family", "number", "content", "structure"),
    [
        (None, 35, TRACK_2, Track2),
        (ISO1993, 35, TRACK_2, Track2),
        (UNIONPAY, 36, "999900010123456781234=", Track3),
        (ISO1987, 45, "B9900010123456781234^DOE/JANE^", Track1),
        (ISO1987, 54, "1002156C000000002407", AdditionalAmounts),
        (ISO1987, 54, "000000001000000000002000", None),
        (None, 55, CHIP, None),
        (UNIONPAY, 55, CHIP, BerTlv),
        (ISO1987, 55, CHIP, BerTlv),
        (ISO1993, 55, CHIP, BerTlv),
        (ISO1987, 55, CHIP.decode("latin-1"), None),
        (UNIONPAY, 59, "A4001x", AsciiTlv),
        (UNIONPAY, 60, "22000007", TransactionDetails),
        (ISO1987, 60, "22000007", None),
        (UNIONPAY, 61, "000007000134", OriginalTransaction),
        (UNIONPAY, 61, "4100:2026-07-31:", None),
        (UNIONPAY, 63, b"CUP", OperatorAndTexts),
        (ISO1987, 90, "0" * 42, OriginalDataElements1987),
        (ISO1993, 90, "0" * 10, None),
        (ISO1987, 95, "0" * 24 + "C00000000D00000000", ReplacementAmounts),
        (ISO1993, 30, "0" * 24, OriginalAmounts),
        (ISO1993, 56, "0" * 24, OriginalDataElements1993),
        (UNIONPAY, 56, "0" * 24, None),
    ],
)
def test_structure_is_that_of_the_family(
    family: Family | None, number: int, content: str | bytes, structure: type[SubField] | None
) -> None:
    """The number and the family say what a field is; content that is something else has no structure."""
    found = structure_of(family, Message("0200"), number, content)

    assert structure is (found and type(found))


@pytest.mark.parametrize(
    ("mti", "fields", "number", "content", "structure"),
    [
        ("0500", {}, 48, "0" * 62, SettlementTotals),
        ("0510", {}, 48, "0" * 62, SettlementTotals),
        ("0320", {60: "00000007201"}, 48, "00", BatchDetails),
        ("0320", {60: "00000007207"}, 48, "0012", BatchEnd),
        ("0330", {60: "00000007202"}, 48, "0012", BatchEnd),
        ("0100", {60: "01000007000"}, 48, "11", None),
        ("0800", {60: "00000007003"}, 62, b"Sequence No043094", DeviceIdentity),
        ("0801", {60: "00000007003"}, 62, b"Sequence No043094", DeviceIdentity),
        ("0810", {60: "00000007001"}, 62, bytes(24), SessionKeys),
        ("0810", {60: "00000007004"}, 62, bytes(40), SessionKeys),
        ("0810", {60: "00000007005"}, 62, bytes(104), None),
        ("0810", {60: "00000007360"}, 62, b"1160", TerminalParameters),
        ("0820", {60: "00000007362"}, 62, b"011", TerminalStatus),
        ("0830", {60: "00000007382"}, 62, b"1" + CHIP, ChipList),
        ("0210", {25: "65"}, 62, b"0" * 32, PointsRedeemed),
        ("0210", {25: "00"}, 62, b"0" * 32, None),
        ("0200", {60: "22000007"}, 62, b"100", None),
        ("0810", {}, 62, bytes(24), None),
        ("0810", {60: b"00000007001"}, 62, bytes(24), None),
    ],
)
def test_private_fields_are_what_the_message_is_about(
    mti: str,
    fields: dict[int, str | bytes],
    number: int,
    content: str | bytes,
    structure: type[SubField] | None,
) -> None:
    """Message type, network code and condition say what fields 48 and 62 of UnionPay's terminals hold."""
    found = structure_of(UNIONPAY, Message(mti, fields), number, content)

    assert structure is (found and type(found))
    assert structure_of(ISO1987, Message(mti, fields), number, content) is None
