"""Goal: what field 62 carries in management is read by its use, and keys are never shown."""

from collections.abc import Callable

import pytest

from iso8583_specs.defects import Defect
from iso8583_specs.subfields.downloads import (
    KEY_LAYOUTS,
    ChipList,
    DeviceIdentity,
    PointsRedeemed,
    SessionKeys,
    TerminalParameters,
    TerminalStatus,
    WrappedKey,
)
from iso8583_specs.subfields.structure import Part, SubField
from iso8583_specs.subfields.tlv import BerObject, BerTlv

Refuses = Callable[[type[SubField], str | bytes, int, Defect], None]
CannotBe = Callable[[Callable[[], SubField], Defect], None]
SIGN_ON = bytes.fromhex("46F161A743497B32EAC760DF5EA57DF5900ECCE3977731A7EA402DDF0000000000000000CFF1592A")


def test_keys_of_a_sign_on_have_check_values() -> None:
    """The captured answer whose keys are published has the check values that its source states."""
    keys = SessionKeys.parse(SIGN_ON)

    assert keys.pin_key == WrappedKey(SIGN_ON[:16], bytes.fromhex("900ECCE3"))
    assert keys.mac_key == WrappedKey(SIGN_ON[20:36], bytes.fromhex("CFF1592A"))
    assert keys.track_key is None


@pytest.mark.parametrize(
    ("size", "lengths"),
    [
        (24, [8, 8]),
        (32, [16, 8]),
        (40, [16, 16]),
        (56, [24, 24]),
        (60, [16, 16, 16]),
        (84, [24, 24, 24]),
    ],
)
def test_length_says_the_layout_of_keys(size: int, lengths: list[int]) -> None:
    """Each size that centres send is a row of keys; every key's check value follows it."""
    keys = SessionKeys.parse(bytes(range(size)))

    assert lengths == [len(key.cryptogram) for key in (keys.pin_key, keys.mac_key, keys.track_key) if key]
    assert KEY_LAYOUTS[size] == tuple(lengths)
    assert size == sum(lengths) + 4 * len(lengths)


def test_keys_are_not_shown() -> None:
    """Of a key its size and its check value are seen."""
    keys = SessionKeys.parse(SIGN_ON)

    assert "SessionKeys(62.1: '<16 bytes>', 62.2: '900ECCE3', 62.3: '<16 bytes>', 62.4: 'CFF1592A')" == repr(
        keys
    )
    assert "WrappedKey(16 bytes)" == repr(keys.pin_key)
    assert (
        Part("62.6", "track key check value", b"tttt")
        == (SessionKeys(keys.pin_key, keys.mac_key, WrappedKey(bytes(16), b"tttt")).parts()[-1])
    )


def test_device_says_licence_and_serial_number() -> None:
    """Captured requests have a vendor's licence and the device's number behind a length."""
    identity = DeviceIdentity.parse(b"Sequence No163094SXX-2K576552")

    assert DeviceIdentity("3094", "SXX-2K576552") == identity
    assert ["3094", "SXX-2K576552"] == [part.value for part in identity.parts()]


def test_parameters_are_read_up_to_an_unknown_one() -> None:
    """Widths are the tag's; where a tag has none, the rest stays as it is."""
    parameters = TerminalParameters.parse(b"1160" + b"22" + b"SHOP".ljust(40) + b"261234")

    assert TerminalParameters((("11", "60"), ("22", "SHOP".ljust(40))), "261234") == parameters
    assert [
        Part("11", "application type", "60"),
        Part("22", "merchant name", "SHOP".ljust(40)),
        Part("rest", "unread parameters", "261234", hidden=True),
    ] == parameters.parts()
    assert b"" == TerminalParameters(()).build()


def test_status_is_a_digit_for_each_device() -> None:
    """One is in order, zero is not, and devices that nobody knows are kept."""
    status = TerminalStatus.parse(b"011030771")

    assert TerminalStatus((("01", "1"), ("03", "0"), ("77", "1"))) == status
    assert [
        Part("01", "keyboard", "1", "in order"),
        Part("03", "card reader", "0", "out of order"),
        Part("77", "unknown device", "1", "in order"),
    ] == status.parts()


def test_list_of_chip_parameters_is_a_digit_and_objects() -> None:
    """A captured answer lists the applications that there are parameters for."""
    chip_list = ChipList.parse(bytes.fromhex("319F0608A000000333010106"))

    assert ChipList("1", BerTlv((BerObject("9F06", bytes.fromhex("A000000333010106")),))) == chip_list
    assert ["62.1", "9F06"] == [part.label for part in chip_list.parts()]


def test_points_are_redeemed_paid_and_left() -> None:
    """The answer to a points sale is three numbers."""
    points = PointsRedeemed.parse(b"00000010000000000025000000009000")

    assert PointsRedeemed(1000, 2500, 9000) == points
    assert ["1000", "000000002500", "9000"] == [part.value for part in points.parts()]


@pytest.mark.parametrize(
    ("structure", "content", "position", "reason"),
    [
        (SessionKeys, bytes(39), 39, Defect.WRONG_LENGTH),
        (SessionKeys, b"", 0, Defect.WRONG_LENGTH),
        (DeviceIdentity, b"Sequence", 0, Defect.TRUNCATED),
        (DeviceIdentity, b"Sequence no163094", 0, Defect.BAD_TAG),
        (DeviceIdentity, b"Sequence No03309", 11, Defect.BAD_LENGTH),
        (DeviceIdentity, b"Sequence No163094", 17, Defect.TRUNCATED),
        (DeviceIdentity, b"Sequence No043094x", 17, Defect.TRAILING_BYTES),
        (DeviceIdentity, "Sequence No053094中", 17, Defect.NOT_LATIN_1),
        (TerminalParameters, "26中", 2, Defect.NOT_LATIN_1),
        (TerminalParameters, b"116", 2, Defect.TRUNCATED),
        (TerminalParameters, b"1160x1", 4, Defect.BAD_TAG),
        (TerminalParameters, b"11603", 4, Defect.BAD_TAG),
        (TerminalStatus, b"01", 2, Defect.TRUNCATED),
        (TerminalStatus, b"01x", 2, Defect.NOT_DIGITS),
        (ChipList, b"", 0, Defect.TRUNCATED),
        (ChipList, b"x", 0, Defect.NOT_DIGITS),
        (PointsRedeemed, b"0" * 33, 32, Defect.TRAILING_BYTES),
    ],
)
def test_wrong_content_is_refused(
    refuses: Refuses, structure: type[SubField], content: str | bytes, position: int, reason: Defect
) -> None:
    """Sizes, tags and digits must fit."""
    refuses(structure, content, position, reason)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (
            lambda: SessionKeys(WrappedKey(bytes(8), b"1234"), WrappedKey(bytes(16), b"1234")),
            Defect.WRONG_LENGTH,
        ),
        (
            lambda: SessionKeys(WrappedKey(bytes(16), b"123"), WrappedKey(bytes(16), b"12345")),
            Defect.WRONG_LENGTH,
        ),
        (lambda: DeviceIdentity("309", "1"), Defect.WRONG_LENGTH),
        (lambda: DeviceIdentity("3094", "1" * 96), Defect.TOO_LONG),
        (lambda: DeviceIdentity("3094", "中"), Defect.NOT_LATIN_1),
        (lambda: TerminalParameters((("11", "6"),)), Defect.WRONG_LENGTH),
        (lambda: TerminalParameters((("26", "1"),)), Defect.BAD_TAG),
        (lambda: TerminalParameters((), "1160"), Defect.BAD_TAG),
        (lambda: TerminalParameters((), "2"), Defect.BAD_TAG),
        (lambda: TerminalParameters((), "xy"), Defect.BAD_TAG),
        (lambda: TerminalStatus((("1", "1"),)), Defect.WRONG_LENGTH),
        (lambda: ChipList("10", BerTlv(())), Defect.WRONG_LENGTH),
        (lambda: PointsRedeemed(10**10, 0, 0), Defect.TOO_LONG),
    ],
)
def test_what_does_not_fit_cannot_be(
    cannot_be: CannotBe, make: Callable[[], SubField], reason: Defect
) -> None:
    """What would be read as something else, or not at all, isn't made."""
    cannot_be(make, reason)
