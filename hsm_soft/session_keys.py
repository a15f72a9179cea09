"""A terminal's sign-on: a new PIN key (PIK) and MAC key (MAK), sent under its master key (TMK) in field 62.

Two layouts are in use, told apart by their length; a check value is the first four bytes of eight zero
bytes encrypted under the clear key:

    24 bytes: PIK 8 ‖ check 4 ‖ MAK 8 ‖ check 4
    40 bytes: PIK 16 ‖ check 4 ‖ MAK 8 ‖ eight zero bytes ‖ check 4      the MAC stays single DES

Four bytes of check value are the dialect's; outside it no more than three are shown. New keys have odd
parity, are not weak or semi-weak, and their halves differ.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from hsm_soft.key_block import KeyBlock, KeyBlockProtection, KeyBlockRefused, KeyUsage, Refusal
from hsm_soft.primitives import DES_BLOCK_BYTES, Keyed, Random, des_encryptor

__all__ = ["SessionKeys", "SignOnLayout", "check_value", "new_des_key", "new_session_keys", "refuse_weak"]

_CHECK_VALUE_BYTES: Final = 4
_ODD_PARITY: Final = bytes(byte ^ (byte.bit_count() + 1) % 2 for byte in range(256))

# NIST SP 800-67: the four weak keys, then the six pairs of semi-weak ones.
_WEAK: Final = frozenset(
    bytes.fromhex(key)
    for key in (
        *("0101010101010101", "FEFEFEFEFEFEFEFE", "E0E0E0E0F1F1F1F1", "1F1F1F1F0E0E0E0E"),
        *("011F011F010E010E", "1F011F010E010E01"),
        *("01E001E001F101F1", "E001E001F101F101"),
        *("01FE01FE01FE01FE", "FE01FE01FE01FE01"),
        *("1FE01FE00EF10EF1", "E01FE01FF10EF10E"),
        *("1FFE1FFE0EFE0EFE", "FE1FFE1FFE0EFE0E"),
        *("E0FEE0FEF1FEF1FE", "FEE0FEE0FEF1FEF1"),
    )
)


class SignOnLayout(Enum):
    """Layout of field 62 in a sign-on response: bytes of the PIN key, bytes of the MAC key's place."""

    SINGLE_24 = (8, 8)
    DOUBLE_40 = (16, 16)

    def __init__(self, pin_key_bytes: int, mac_place_bytes: int) -> None:
        self.pin_key_bytes = pin_key_bytes
        self.mac_place_bytes = mac_place_bytes


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """Field 62 for the terminal, and the same keys as key blocks for the switch."""

    field_62: bytes = field(repr=False)
    pin_key: KeyBlock = field(repr=False)
    mac_key: KeyBlock = field(repr=False)


def new_session_keys(
    protection: KeyBlockProtection, terminal_master: KeyBlock, layout: SignOnLayout, random: Random
) -> SessionKeys:
    """New keys for one terminal.

    Raises:
        KeyBlockRefused: `terminal_master` is not a terminal master key.
    """
    encrypt = des_encryptor(protection.unwrap(terminal_master, KeyUsage.TERMINAL_MASTER))
    pin_key = new_des_key(layout.pin_key_bytes, random)
    mac_key = new_des_key(DES_BLOCK_BYTES, random)
    return SessionKeys(
        _encrypted(encrypt, pin_key, layout.pin_key_bytes)
        + _encrypted(encrypt, mac_key, layout.mac_place_bytes),
        protection.wrap(KeyUsage.PIN_ENCRYPTION, pin_key, random),
        protection.wrap(KeyUsage.POS_MAC, mac_key, random),
    )


def check_value(key: bytes) -> bytes:
    """The first four bytes of eight zero bytes encrypted under an 8- or 16-byte DES key."""
    return des_encryptor(key)(bytes(DES_BLOCK_BYTES))[:_CHECK_VALUE_BYTES]


def new_des_key(length_bytes: int, random: Random) -> bytes:
    """A key of 8 or 16 bytes with odd parity that is neither weak nor made of equal halves."""
    while True:
        key = random(length_bytes).translate(_ODD_PARITY)
        if not _is_weak(key):
            return key


def refuse_weak(key: bytes) -> None:
    """Returns only if the key is not weak, whatever its parity bits.

    Raises:
        KeyBlockRefused: a weak or semi-weak half, or equal halves, which are single DES in disguise.
    """
    if _is_weak(key.translate(_ODD_PARITY)):
        raise KeyBlockRefused(Refusal.WEAK)


def _is_weak(key: bytes) -> bool:
    halves = [key[start : start + DES_BLOCK_BYTES] for start in range(0, len(key), DES_BLOCK_BYTES)]
    return not _WEAK.isdisjoint(halves) or len(set(halves)) < len(halves)


def _encrypted(encrypt: Keyed, key: bytes, place_bytes: int) -> bytes:
    return encrypt(key).ljust(place_bytes, b"\0") + check_value(key)
