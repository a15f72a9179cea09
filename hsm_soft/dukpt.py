"""DUKPT: a new key for each transaction of a terminal, derived here from one key for all terminals.

    base derivation key ── initial key of a device ── transaction key of a counter ── working key of a usage

The terminal sends a key serial number (KSN), device and counter, and nothing of the keys. Only a working key
may touch data: a transaction key that enciphers a PIN is the mistake several libraries ship. The two are
different types, and only a working key shows its bytes to the rest of the HSM.

Counters have few one bits by design (ten in TDES DUKPT, sixteen in AES DUKPT): terminals skip the others, so
a counter with more is refused, as is zero, which belongs to the initial key. A counter that is not above the
last one seen of its device is a replay. The last one is a value that the caller keeps (`single_use`) and
passes in; whoever stores the new one first has used it.

Layouts, both with the counter at the right end (X9.24-1:2009 A.1, X9.24-3:2017 6.2):

    TDES  10 bytes: device 59 bits ‖ counter 21 bits; shorter ones are filled with F to the left
    AES   12 bytes: initial key id 8 ‖ counter 4
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

__all__ = [
    "DukptRefusal",
    "DukptRefused",
    "InitialKey",
    "KeySerialNumber",
    "TransactionKey",
    "accept_counter",
    "aes_device",
    "aes_serial_number",
    "one_bits",
    "tdes_device",
    "tdes_serial_number",
]

_TDES_BYTES: Final = 10
_TDES_BYTES_MIN: Final = 8
_TDES_COUNTER_BITS: Final = 21
_TDES_ONE_BITS_MAX: Final = 10
_AES_BYTES: Final = 12
_AES_DEVICE_BYTES: Final = 8
_AES_ONE_BITS_MAX: Final = 16


class DukptRefusal(Enum):
    """Why a key serial number or a derivation is refused."""

    MALFORMED = "it is not a key serial number"
    COUNTER = "no terminal uses this counter"
    REPLAYED = "its counter was used before"
    DATA = "its data is not whole blocks"
    STRENGTH = "the key asked for is stronger than the one it is derived from"


class DukptRefused(Exception):
    """A key serial number that gets no key; says why and nothing else."""

    def __init__(self, reason: DukptRefusal) -> None:
        super().__init__(f"key serial number refused: {reason.value}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class KeySerialNumber:
    """Which device, and which of its transactions.

    `device` is the serial number with a zero counter: 10 bytes of TDES DUKPT, 8 bytes of initial key id of
    AES DUKPT. Neither is secret.
    """

    device: bytes
    counter: int


@dataclass(frozen=True, slots=True)
class InitialKey:
    """The key a device was loaded with."""

    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class TransactionKey:
    """The key of one transaction: derives working keys and does nothing else. AES calls it derivation key."""

    key: bytes = field(repr=False)
    serial_number: KeySerialNumber


def tdes_serial_number(ksn: bytes) -> KeySerialNumber:
    """A TDES DUKPT serial number of 8 to 10 bytes.

    Raises:
        DukptRefused: MALFORMED, or COUNTER: zero or more than ten one bits.
    """
    counter = _tdes_number(ksn) & (1 << _TDES_COUNTER_BITS) - 1
    _refuse_counter(counter, _TDES_ONE_BITS_MAX)
    return KeySerialNumber(tdes_device(ksn), counter)


def tdes_device(ksn: bytes) -> bytes:
    """The device in a TDES DUKPT serial number, 10 bytes with a zero counter, whatever its counter is.

    Raises:
        DukptRefused: MALFORMED.
    """
    number = _tdes_number(ksn) >> _TDES_COUNTER_BITS << _TDES_COUNTER_BITS
    return number.to_bytes(_TDES_BYTES, "big")


def aes_serial_number(ksn: bytes) -> KeySerialNumber:
    """An AES DUKPT serial number of 12 bytes.

    Raises:
        DukptRefused: MALFORMED, or COUNTER: zero or more than sixteen one bits.
    """
    if len(ksn) != _AES_BYTES:
        raise DukptRefused(DukptRefusal.MALFORMED)
    counter = int.from_bytes(ksn[_AES_DEVICE_BYTES:], "big")
    _refuse_counter(counter, _AES_ONE_BITS_MAX)
    return KeySerialNumber(ksn[:_AES_DEVICE_BYTES], counter)


def aes_device(serial_number: bytes) -> bytes:
    """The initial key id in an AES DUKPT serial number of 12 bytes, or that id itself, 8 bytes.

    Raises:
        DukptRefused: MALFORMED.
    """
    if len(serial_number) not in (_AES_DEVICE_BYTES, _AES_BYTES):
        raise DukptRefused(DukptRefusal.MALFORMED)
    return serial_number[:_AES_DEVICE_BYTES]


def accept_counter(serial_number: KeySerialNumber, last_counter: int) -> int:
    """The counter to store as the device's last one.

    Args:
        serial_number: of the transaction at hand.
        last_counter: the highest one accepted of this device, 0 before its first transaction.

    Raises:
        DukptRefused: REPLAYED.
    """
    if serial_number.counter <= last_counter:
        raise DukptRefused(DukptRefusal.REPLAYED)
    return serial_number.counter


def one_bits(counter: int, width: int) -> list[int]:
    """The one bits of a counter as numbers, the highest first: the steps of a derivation."""
    return [1 << bit for bit in reversed(range(width)) if counter >> bit & 1]


def _tdes_number(ksn: bytes) -> int:
    if not _TDES_BYTES_MIN <= len(ksn) <= _TDES_BYTES:
        raise DukptRefused(DukptRefusal.MALFORMED)
    return int.from_bytes(ksn.rjust(_TDES_BYTES, b"\xff"), "big")


def _refuse_counter(counter: int, one_bits_max: int) -> None:
    if not 0 < counter.bit_count() <= one_bits_max:
        raise DukptRefused(DukptRefusal.COUNTER)
