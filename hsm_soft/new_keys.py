"""New keys, and which keys are no good: odd parity, weak keys, halves that are equal.

A DES key carries a parity bit in each byte (odd parity, FIPS 46-3), which ciphers ignore and partners check.
Sixteen DES keys are weak or semi-weak: encrypting twice undoes itself. A double key with equal halves is
single DES in disguise, and a triple one with equal parts is a shorter one. Keys made here are none of these;
keys that come are refused for them, whatever their parity bits say.
"""

from typing import Final

from hsm_soft.key_refused import KeyBlockRefused, Refusal
from hsm_soft.key_usage import Algorithm
from hsm_soft.primitives import DES_BLOCK_BYTES, Random

__all__ = ["has_odd_parity", "new_des_key", "new_key", "refuse_weak", "with_odd_parity"]

_ODD_PARITY: Final = bytes(byte ^ (byte.bit_count() + 1) % 2 for byte in range(256))
_DES: Final = frozenset({Algorithm.DES, Algorithm.TDES})

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


def new_key(algorithm: Algorithm, length_bytes: int, random: Random) -> bytes:
    """A random key; for DES with odd parity and not weak."""
    return new_des_key(length_bytes, random) if algorithm in _DES else random(length_bytes)


def new_des_key(length_bytes: int, random: Random) -> bytes:
    """A key of 8, 16 or 24 bytes with odd parity that is neither weak nor made of equal parts."""
    while True:
        key = with_odd_parity(random(length_bytes))
        if not _is_weak(key):
            return key


def with_odd_parity(key: bytes) -> bytes:
    """The same DES key with its parity bits set right."""
    return key.translate(_ODD_PARITY)


def has_odd_parity(key: bytes) -> bool:
    """Whether every byte has an odd number of ones."""
    return with_odd_parity(key) == key


def refuse_weak(algorithm: Algorithm, key: bytes) -> None:
    """Returns only if the key is not weak, whatever its parity bits; of other ciphers: not constant.

    Raises:
        KeyBlockRefused: a weak or semi-weak part, or equal parts; all bytes equal.
    """
    weak = _is_weak(with_odd_parity(key)) if algorithm in _DES else len(set(key)) < 2
    if weak:
        raise KeyBlockRefused(Refusal.WEAK)


def _is_weak(key: bytes) -> bool:
    parts = [key[start : start + DES_BLOCK_BYTES] for start in range(0, len(key), DES_BLOCK_BYTES)]
    return not _WEAK.isdisjoint(parts) or len(set(parts)) < len(parts)
