"""Contents of every structure, and what must hold for all of them.

The contents come from captured messages where there are some, else they are made after the tables of
docs/sub-fields.md. Card numbers are made up.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import pytest

from iso8583_specs.defects import Defect, UnencodableField
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
from iso8583_specs.subfields.structure import MalformedSubField, SubField
from iso8583_specs.subfields.texts import OperatorAndTexts
from iso8583_specs.subfields.tlv import AsciiTlv, BerTlv
from iso8583_specs.subfields.tracks import Track1, Track2, Track3
from iso8583_specs.subfields.transaction import TransactionDetails

KEYS_40 = (
    "CDF4F5FDFC4FB62E3533A16D1555B7DD342571BFA0F1F1B1213B2DE2000000000000000081D7E011"  # yuantu-signon-resp
)
CHIP = "9F260846FD62985CAAE7589F2701809F101307011703A00000010A0100000500001EF41C469F37049536C9B8"

CONTENTS: Mapping[type[SubField], tuple[str | bytes, ...]] = MappingProxyType(
    {
        SettlementTotals: (
            "00000000001101100000000000200210000000000000000000000000000001",
            "00000000000700700000000000000000000000000000000000000000000000",
        ),
        BatchDetails: (
            "0200000001099000101234567812340000000001000100000200009900010123456781000000000250",
            "00",
        ),
        BatchEnd: ("0012",),
        AdditionalAmounts: (
            "1002156C000000002407",
            "1002156C0000000024071002999D000000000000",
            "",
        ),
        ReplacementAmounts: ("000000001000000000000000C00000000D00000025",),
        OriginalAmounts: ("000000000100000000000100",),
        BerTlv: (
            bytes.fromhex(CHIP),
            bytes.fromhex("9F3602031E910A42FE066E2918B0883030"),
            bytes.fromhex("00DF81290101000000 8101AA 82000100".replace(" ", "")),
            bytes.fromhex("5A0A99000101234567812 34F".replace(" ", "")),
            b"",
        ),
        AsciiTlv: ("A4020" + "6" * 20, "SM016" + "\xcd" * 16 + "PI000", ""),
        Track1: (
            "B9900010123456781234^DOE/JANE^29121010000000000",
            "B9900010123456781234^DOE/JANE^^^",
            "B9900010123456781234^DOE/JANE^",
        ),
        Track2: (
            "9900010123456781234=29121010000012345",
            "9900010123456781234D2912101",
            "9900010123456781234==",
            "9900010123456781234=2912",
            "9900010123456781234=",
        ),
        Track3: (
            "999900010123456781234=1561560000000000000003000000114000049121=000000000000=00000000",
            "999900010123456781234===" + "0" * 16 + "=" + "0" * 7 + "=",
            "999900010123456781234D",
        ),
        TransactionDetails: (
            "22",
            "22000007",
            "00000007003",
            "000000010040",
            "2200000700050",
            "22000065000501",
            "22000001000601065",
        ),
        OriginalTransaction: (
            "000007",
            "000007000134",
            "0000000000000911",
            "000007000134091101",
            "00000700013409110112345678901",
        ),
        OriginalDataElements1987: ("020000001109111630170000000016500000000000",),
        OriginalDataElements1993: ("120000000126091116301706012345", "120000000126091116301700"),
        SessionKeys: (
            bytes.fromhex(KEYS_40),
            bytes(range(24)),
            bytes(range(32)),
            bytes(range(56)),
            bytes(range(60)),
            bytes(range(84)),
        ),
        DeviceIdentity: (
            b"Sequence No163094SXX-2K576552",
            b"Sequence No12306099999906",
            b"Sequence No04abcd",
        ),
        TerminalParameters: (
            b"1160126013314" + b"02161234567   " + b"181191522" + b"SHOP".ljust(40) + b"233",
            b"1160245",
            b"",
        ),
        TerminalStatus: (b"011020031040051", b""),
        ChipList: (b"1" + bytes.fromhex("9F0608A0000003330101069F0607A0000000651010"), b"0"),
        PointsRedeemed: (b"00000010000000000025000000009000",),
        OperatorAndTexts: (
            b"01 ",
            b"CUP",
            b"00",
            b"",
            b"CUP" + b" " * 40,
            b"CUP" + "开卡行".encode("gbk").ljust(20) + b" " * 100,
            b"CUP" + b" " * 130,
        ),
    }
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test with the arguments `structure` and `content` each content in turn."""
    if {"structure", "content"} <= set(metafunc.fixturenames) and metafunc.function.__name__.endswith(
        "_holds"
    ):
        pairs = [(structure, content) for structure, contents in CONTENTS.items() for content in contents]
        metafunc.parametrize(("structure", "content"), pairs)


@pytest.fixture(scope="session")
def contents() -> Mapping[type[SubField], tuple[str | bytes, ...]]:
    """Valid contents by structure."""
    return CONTENTS


@pytest.fixture(scope="session")
def refuses(
    no_data: Callable[[BaseException, tuple[object, ...]], None],
) -> Callable[[type[SubField], str | bytes, int, Defect], None]:
    """`refuses(structure, content, position, reason)`: parsing fails there, for that reason, without data."""

    def check(structure: type[SubField], content: str | bytes, position: int, reason: Defect) -> None:
        with pytest.raises(MalformedSubField) as caught:
            structure.parse(content)

        assert (position, reason) == (caught.value.position, caught.value.reason)
        no_data(caught.value, (caught.value.dialect, caught.value.field, position, reason))

    return check


@pytest.fixture(scope="session")
def cannot_be(
    no_data: Callable[[BaseException, tuple[object, ...]], None],
) -> Callable[[Callable[[], SubField], Defect], None]:
    """`cannot_be(make, reason)`: the structure can't be made, and the error has no data."""

    def check(make: Callable[[], SubField], reason: Defect) -> None:
        with pytest.raises(UnencodableField) as caught:
            make()

        no_data(caught.value, (caught.value.dialect, caught.value.field, reason))

    return check
