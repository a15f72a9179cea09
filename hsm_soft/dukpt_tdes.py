"""TDES DUKPT (ANSI X9.24-1:2009 annex A; X9.24-3:2017 annex C).

A transaction key comes from the initial key in one step for each one bit of the counter, from the left: the
right half of the serial number, with the bits so far, goes through single DES between two XORs, under each
half of the key so far. A working key is the transaction key XOR the variant of its usage; data keys are
enciphered under themselves once more, half by half.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from hsm_soft.dukpt import InitialKey, KeySerialNumber, TransactionKey, one_bits
from hsm_soft.primitives import DES_BLOCK_BYTES, des_encryptor, xor

__all__ = ["TdesUsage", "TdesWorkingKey", "initial_key", "transaction_key", "working_key"]

_COUNTER_BITS: Final = 21
_MASK: Final = bytes.fromhex("C0C0C0C000000000" * 2)


class TdesUsage(Enum):
    """What a working key does: the byte of each half its variant inverts, and whether it is a data key."""

    PIN = (7, False)
    MAC_REQUEST = (6, False)
    MAC_RESPONSE = (4, False)
    DATA_REQUEST = (5, True)
    DATA_RESPONSE = (3, True)

    def __init__(self, position: int, for_data: bool) -> None:
        half = bytes(position) + b"\xff" + bytes(DES_BLOCK_BYTES - 1 - position)
        self.variant = half * 2
        self.for_data = for_data


@dataclass(frozen=True, slots=True)
class TdesWorkingKey:
    """A double-length key for one usage in one transaction."""

    usage: TdesUsage
    key: bytes = field(repr=False)


def initial_key(base_derivation_key: bytes, device: bytes) -> InitialKey:
    """The key a device is loaded with.

    Args:
        base_derivation_key: double length, 16 bytes.
        device: serial number with a zero counter, 10 bytes.
    """
    data = device[:DES_BLOCK_BYTES]
    left = des_encryptor(base_derivation_key)(data)
    return InitialKey(left + des_encryptor(xor(base_derivation_key, _MASK))(data))


def transaction_key(initial: InitialKey, serial_number: KeySerialNumber) -> TransactionKey:
    """The key of one transaction, at most ten steps from the initial key."""
    key, register = initial.key, int.from_bytes(serial_number.device[-DES_BLOCK_BYTES:], "big")
    for bit in one_bits(serial_number.counter, _COUNTER_BITS):
        register |= bit
        key = _next_key(key, register.to_bytes(DES_BLOCK_BYTES, "big"))
    return TransactionKey(key, serial_number)


def working_key(transaction: TransactionKey, usage: TdesUsage) -> TdesWorkingKey:
    """The key that does one thing in one transaction."""
    key = xor(transaction.key, usage.variant)
    return TdesWorkingKey(usage, des_encryptor(key)(key) if usage.for_data else key)


def _next_key(key: bytes, register: bytes) -> bytes:
    """The left half comes from the masked key, the right half from the key as it is."""
    return _next_half(xor(key, _MASK), register) + _next_half(key, register)


def _next_half(key: bytes, register: bytes) -> bytes:
    left, right = key[:DES_BLOCK_BYTES], key[DES_BLOCK_BYTES:]
    return xor(des_encryptor(left)(xor(register, right)), right)
