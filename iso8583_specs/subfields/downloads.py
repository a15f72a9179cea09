"""Field 62 of UnionPay's terminals in management: who signs on, the keys it gets, parameters and status.

The same field means another thing in each transaction; `selection` says which. Keys are told apart by their
length, since deployments don't agree on 60.3. Source: docs/sub-fields.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

from iso8583_specs.defects import Defect
from iso8583_specs.subfields.structure import Part, Place, SubField, is_digits
from iso8583_specs.subfields.tlv import BerTlv

_F62: Final = Place("unionpay_pos", 62)
_CHECK_VALUE_BYTES: Final = 4

KEY_LAYOUTS: Final[Mapping[int, tuple[int, ...]]] = MappingProxyType(
    {
        24: (8, 8),
        32: (16, 8),
        40: (16, 16),
        56: (24, 24),
        60: (16, 16, 16),
        84: (24, 24, 24),
    }
)
"""Bytes of field 62: how long the PIN key, the MAC key and the track key are; four bytes more for each check
value. Where a MAC key of eight bytes has a place of sixteen, the second half is zeros."""

_PREFIX: Final = "Sequence No"

PARAMETERS: Final[Mapping[str, tuple[str, int]]] = MappingProxyType(
    {
        "11": ("application type", 2),
        "12": ("timeout in seconds", 2),
        "13": ("dial retries", 1),
        "14": ("phone of the centre", 14),
        "15": ("second phone of the centre", 14),
        "16": ("third phone of the centre", 14),
        "17": ("phone of the management", 14),
        "18": ("tip allowed", 1),
        "19": ("tip in percent", 2),
        "20": ("manual card entry allowed", 1),
        "21": ("automatic sign-off", 1),
        "22": ("merchant name", 40),
        "23": ("reversal resends", 1),
    }
)
"""Terminal parameters by tag: name and width. Tags from 24 on have no agreed width."""

DEVICES: Final[Mapping[str, str]] = MappingProxyType(
    {"01": "keyboard", "02": "PIN pad", "03": "card reader", "04": "printer", "05": "display"}
)
"""What a terminal status is about, by tag."""


@dataclass(frozen=True, slots=True, repr=False)
class WrappedKey:
    """A key under the terminal's master key, and its check value of four bytes."""

    cryptogram: bytes
    check_value: bytes

    def __repr__(self) -> str:
        return f"WrappedKey({len(self.cryptogram)} bytes)"


@dataclass(frozen=True, slots=True, repr=False)
class SessionKeys(SubField):
    """The answer to a sign-on.

    Attributes:
        pin_key, mac_key: Always there.
        track_key: Where the layout has one.
    """

    pin_key: WrappedKey
    mac_key: WrappedKey
    track_key: WrappedKey | None = None

    @classmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read keys in the layout that the length says."""
        octets = _F62.octets(content)
        layout = KEY_LAYOUTS.get(len(octets))
        if layout is None:
            raise _F62.malformed(len(octets), Defect.WRONG_LENGTH)
        return cls(*_keys(octets, layout))

    def build(self) -> bytes:
        """The keys with their check values."""
        keys = [key for key in (self.pin_key, self.mac_key, self.track_key) if key]
        content = b"".join(key.cryptogram + key.check_value for key in keys)
        layout = tuple(len(key.cryptogram) for key in keys)
        whole = all(len(key.check_value) == _CHECK_VALUE_BYTES for key in keys)
        if not whole or KEY_LAYOUTS.get(len(content)) != layout:
            raise _F62.unencodable(Defect.WRONG_LENGTH)
        return content

    def parts(self) -> list[Part]:
        """62.1 and on: of a key only its size, and the check value."""
        keys = {"PIN key": self.pin_key, "MAC key": self.mac_key, "track key": self.track_key}
        parts = []
        for number, (name, key) in enumerate(keys.items()):
            if key is not None:
                parts.append(Part(f"62.{2 * number + 1}", name, key.cryptogram, hidden=True))
                parts.append(Part(f"62.{2 * number + 2}", f"{name} check value", key.check_value))
        return parts


def _keys(octets: bytes, layout: tuple[int, ...]) -> Iterator[WrappedKey]:
    start = 0
    for size in layout:
        end = start + size
        yield WrappedKey(octets[start:end], octets[end : end + _CHECK_VALUE_BYTES])
        start = end + _CHECK_VALUE_BYTES


@dataclass(frozen=True, slots=True, repr=False)
class DeviceIdentity(SubField):
    """What some centres want in a sign-on: `Sequence No`, a length of two digits, licence and serial number.

    Attributes:
        licence: Of the vendor, four characters.
        serial: Of the device, at most 95 characters.
    """

    licence: str
    serial: str

    @classmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read who signs on."""
        reader = _F62.reader(_F62.octets(content))
        if reader.text(len(_PREFIX)) != _PREFIX:
            raise reader.defect(Defect.BAD_TAG, 0)
        start = reader.position
        length = reader.number(2)
        if length < 4:
            raise reader.defect(Defect.BAD_LENGTH, start)
        identity = cls(reader.text(4), reader.text(length - 4))
        reader.end()
        return identity

    def build(self) -> bytes:
        """The text as bytes."""
        length = 4 + len(self.serial)
        if length > 99:
            raise _F62.unencodable(Defect.TOO_LONG)
        text = f"{_PREFIX}{length:02}{_F62.text(self.licence, 4)}{self.serial}"
        return _latin_1(text)

    def parts(self) -> list[Part]:
        """62.1 and 62.2."""
        return [
            Part("62.1", "vendor licence", self.licence),
            Part("62.2", "device serial number", self.serial),
        ]


@dataclass(frozen=True, slots=True, repr=False)
class TerminalParameters(SubField):
    """Parameters for a terminal: tag of two digits and a value of the tag's width.

    Attributes:
        values: Tag and value, in order.
        unread: What begins with a tag of unknown width; there is no reading on behind it.
    """

    values: tuple[tuple[str, str], ...]
    unread: str = ""

    @classmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read parameters up to the first unknown one."""
        reader = _F62.reader(_F62.octets(content))
        values = []
        while (tag := reader.ahead(2)) in PARAMETERS:
            values.append((reader.text(2), reader.text(PARAMETERS[tag][1])))
        if not reader.at_end and not (len(tag) == 2 and is_digits(tag)):
            raise reader.defect(Defect.BAD_TAG)
        return cls(tuple(values), reader.rest())

    def build(self) -> bytes:
        """The parameters as bytes."""
        unread = self.unread[:2]
        if self.unread and (unread in PARAMETERS or len(unread) < 2 or not is_digits(unread)):
            raise _F62.unencodable(Defect.BAD_TAG)
        return _latin_1("".join(tag + self._checked(tag, value) for tag, value in self.values) + self.unread)

    @staticmethod
    def _checked(tag: str, value: str) -> str:
        if tag not in PARAMETERS:
            raise _F62.unencodable(Defect.BAD_TAG)
        return _F62.text(value, PARAMETERS[tag][1])

    def parts(self) -> list[Part]:
        """A parameter each, by its tag."""
        parts = [Part(tag, PARAMETERS[tag][0], value) for tag, value in self.values]
        return parts + ([Part("rest", "unread parameters", self.unread, hidden=True)] if self.unread else [])


@dataclass(frozen=True, slots=True, repr=False)
class TerminalStatus(SubField):
    """The state of a terminal's devices: tag of two digits, and one digit that is 1 where all is well."""

    states: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read states to the end of the content."""
        reader = _F62.reader(_F62.octets(content))
        states = []
        while not reader.at_end:
            states.append((reader.digits(2), reader.digits(1)))
        return cls(tuple(states))

    def build(self) -> bytes:
        """The states as bytes."""
        return b"".join(
            (_F62.digits(tag, 2) + _F62.digits(state, 1)).encode("latin-1") for tag, state in self.states
        )

    def parts(self) -> list[Part]:
        """A device each, by its tag."""
        meanings = {"1": "in order", "0": "out of order"}
        return [
            Part(tag, DEVICES.get(tag, "unknown device"), state, meanings.get(state, ""))
            for tag, state in self.states
        ]


@dataclass(frozen=True, slots=True, repr=False)
class ChipList(SubField):
    """The answer to a query of CA public keys or chip parameters: one digit, and a row of objects.

    Attributes:
        state: The digit: whether there is something to download, and whether more lists follow.
        entries: Identifiers of what there is.
    """

    state: str
    entries: BerTlv

    @classmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read the digit, and objects to the end of the content."""
        octets = _F62.octets(content)
        reader = _F62.reader(octets[:1])
        return cls(reader.digits(1), BerTlv.parse(octets[1:]))

    def build(self) -> bytes:
        """Digit and objects."""
        return _F62.digits(self.state, 1).encode("latin-1") + self.entries.build()

    def parts(self) -> list[Part]:
        """62.1, then the objects by their tags."""
        return [Part("62.1", "state of the list", self.state), *self.entries.parts()]


@dataclass(frozen=True, slots=True, repr=False)
class PointsRedeemed(SubField):
    """The answer to a points sale, 32 digits.

    Attributes:
        redeemed: Points, at most ten digits.
        paid_minor: What the cardholder paid besides, at most twelve digits.
        balance: Points left, at most ten digits.
    """

    redeemed: int
    paid_minor: int
    balance: int

    @classmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read the three numbers."""
        reader = _F62.reader(_F62.octets(content))
        points = cls(reader.number(10), reader.number(12), reader.number(10))
        reader.end()
        return points

    def build(self) -> bytes:
        """32 digits as bytes."""
        digits = _F62.number(self.redeemed, 10) + _F62.number(self.paid_minor, 12)
        return (digits + _F62.number(self.balance, 10)).encode("latin-1")

    def parts(self) -> list[Part]:
        """62.1 to 62.3."""
        return [
            Part("62.1", "points redeemed", str(self.redeemed)),
            Part("62.2", "amount paid besides", f"{self.paid_minor:012}"),
            Part("62.3", "points left", str(self.balance)),
        ]


def _latin_1(text: str) -> bytes:
    if not all(character <= "\xff" for character in text):
        raise _F62.unencodable(Defect.NOT_LATIN_1)
    return text.encode("latin-1")
