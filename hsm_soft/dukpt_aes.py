"""AES DUKPT (ANSI X9.24-3:2017).

Every key is E(key above it, derivation data), in as many 16-byte blocks as it is long. The data says what is
derived, so that no key is derived twice in two meanings (6.3.2, 6.3.3):

    version 01 ‖ block number 01, 02 ‖ usage 2 ‖ algorithm 2 ‖ length in bits 2 ‖ context 8

The context is the initial key id for the initial key, and its last four bytes with the counter for all
others. A transaction key comes in one step for each one bit of the counter, from the left, each step with the
bits so far.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from hsm_soft.dukpt import (
    DukptRefusal,
    DukptRefused,
    InitialKey,
    KeySerialNumber,
    TransactionKey,
    one_bits,
)
from hsm_soft.primitives import AES_BLOCK_BYTES, aes_encryptor

__all__ = [
    "AES_OF_BYTES",
    "AesUsage",
    "AesWorkingKey",
    "WorkingAlgorithm",
    "initial_key",
    "transaction_key",
    "update_key",
    "working_key",
]

_COUNTER_BITS: Final = 32
_UPDATE_COUNTER: Final = 0xFFFFFFFF
_USAGE_DERIVATION: Final = 0x8000
_USAGE_INITIAL_KEY: Final = 0x8001


class AesUsage(Enum):
    """What a working key does (X9.24-3:2017 table 2); each may do its one direction, or both."""

    KEY_ENCRYPTION = 0x0002
    PIN = 0x1000
    MAC_GENERATION = 0x2000
    MAC_VERIFICATION = 0x2001
    MAC_BOTH_WAYS = 0x2002
    DATA_ENCRYPTION = 0x3000
    DATA_DECRYPTION = 0x3001
    DATA_BOTH_WAYS = 0x3002


class WorkingAlgorithm(Enum):
    """Algorithm code, key length and strength in bits of a derived key (X9.24-3:2017 table 3)."""

    TDES_2_KEY = (0, 128, 80)
    TDES_3_KEY = (1, 192, 112)
    AES_128 = (2, 128, 128)
    AES_192 = (3, 192, 192)
    AES_256 = (4, 256, 256)
    HMAC_128 = (5, 128, 128)
    HMAC_192 = (5, 192, 192)
    HMAC_256 = (5, 256, 256)

    def __init__(self, code: int, length_bits: int, strength_bits: int) -> None:
        self.code = code
        self.length_bits = length_bits
        self.strength_bits = strength_bits


AES_OF_BYTES: Final = {
    algorithm.length_bits // 8: algorithm
    for algorithm in (WorkingAlgorithm.AES_128, WorkingAlgorithm.AES_192, WorkingAlgorithm.AES_256)
}


@dataclass(frozen=True, slots=True)
class AesWorkingKey:
    """A key of one algorithm for one usage in one transaction."""

    usage: AesUsage
    algorithm: WorkingAlgorithm
    key: bytes = field(repr=False)


def initial_key(base_derivation_key: bytes, initial_key_id: bytes) -> InitialKey:
    """The key a device is loaded with, as long as the base derivation key.

    Args:
        base_derivation_key: 16, 24 or 32 bytes.
        initial_key_id: 8 bytes.
    """
    algorithm = AES_OF_BYTES[len(base_derivation_key)]
    return InitialKey(_derived(base_derivation_key, _USAGE_INITIAL_KEY, algorithm, initial_key_id))


def transaction_key(initial: InitialKey, serial_number: KeySerialNumber) -> TransactionKey:
    """The key of one transaction, as long as the initial key (the standard's intermediate derivation key)."""
    key, algorithm, counter = initial.key, AES_OF_BYTES[len(initial.key)], 0
    for bit in one_bits(serial_number.counter, _COUNTER_BITS):
        counter |= bit
        key = _derived(key, _USAGE_DERIVATION, algorithm, _context(serial_number.device, counter))
    return TransactionKey(key, serial_number)


def working_key(transaction: TransactionKey, usage: AesUsage, algorithm: WorkingAlgorithm) -> AesWorkingKey:
    """The key that does one thing in one transaction.

    Raises:
        DukptRefused: STRENGTH: it would look stronger than the keys above it.
    """
    if algorithm.strength_bits > len(transaction.key) * 8:
        raise DukptRefused(DukptRefusal.STRENGTH)
    context = _context(transaction.serial_number.device, transaction.serial_number.counter)
    return AesWorkingKey(usage, algorithm, _derived(transaction.key, usage.value, algorithm, context))


def update_key(initial: InitialKey, initial_key_id: bytes) -> AesWorkingKey:
    """The key a new initial key is sent under (X9.24-3:2017, 6.5.4): the counter with every bit set."""
    transaction = transaction_key(initial, KeySerialNumber(initial_key_id, _UPDATE_COUNTER))
    return working_key(transaction, AesUsage.KEY_ENCRYPTION, AES_OF_BYTES[len(initial.key)])


def _context(device: bytes, counter: int) -> bytes:
    return device[-4:] + counter.to_bytes(4, "big")


def _derived(key: bytes, usage: int, algorithm: WorkingAlgorithm, context: bytes) -> bytes:
    encrypt, length_bytes = aes_encryptor(key), algorithm.length_bits // 8
    rest = b"".join(number.to_bytes(2, "big") for number in (usage, algorithm.code, algorithm.length_bits))
    blocks = range(1, -(-length_bytes // AES_BLOCK_BYTES) + 1)
    return b"".join(encrypt(bytes((1, block)) + rest + context) for block in blocks)[:length_bytes]
