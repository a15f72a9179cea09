"""Check values: a few bytes by which two parties see that they hold the same key, without showing it.

| algorithm | check value | bytes |
|---|---|---|
| DES, triple DES | eight zero bytes encrypted | 3 |
| AES | CMAC of sixteen zero bytes (X9.24-1:2017 annex A) | 5 |
| SM4 | sixteen zero bytes encrypted | 8 |
| HMAC | HMAC of no data | 5 |
| Ed25519 | SHA-256 of the public key | 5 |

More bytes are never shown: each would help to search for a short key. The four bytes in a terminal's sign-on
are the dialect's own (`session_keys`). Some partners take fewer bytes, or of an AES key the first three of a
zero block encrypted; `agrees` understands both, nothing here makes them.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from hsm_soft.key_refused import KeyBlockRefused, Refusal
from hsm_soft.key_usage import Algorithm
from hsm_soft.primitives import (
    AES_BLOCK_BYTES,
    DES_BLOCK_BYTES,
    aes_cmac,
    aes_encryptor,
    compare_digest,
    des_cmac,
    des_encryptor,
    hmac_sha256,
    sm4_encryptor,
)
from hsm_soft.signing import public_key

__all__ = ["agrees", "check_value", "refuse_disagreement", "shown"]

_BYTES_MIN: Final = 2
_SHOWN_DIGITS_MAX: Final = 10


def _of_des(key: bytes) -> bytes:
    return des_encryptor(key)(bytes(DES_BLOCK_BYTES))


def _of_aes(key: bytes) -> bytes:
    return aes_cmac(key)(bytes(AES_BLOCK_BYTES))


def _of_sm4(key: bytes) -> bytes:
    return sm4_encryptor(key)(bytes(AES_BLOCK_BYTES))


_CHECK_VALUES: Final[Mapping[Algorithm, tuple[Callable[[bytes], bytes], int]]] = MappingProxyType(
    {
        Algorithm.DES: (_of_des, 3),
        Algorithm.TDES: (_of_des, 3),
        Algorithm.AES: (_of_aes, 5),
        Algorithm.SM4: (_of_sm4, 8),
        Algorithm.HMAC: (lambda key: hmac_sha256(key)(b""), 5),
        Algorithm.ELLIPTIC_CURVE: (lambda key: sha256(public_key(key)).digest(), 5),
    }
)

# Algorithm and method (X9.143 KC and KP blocks: 00 encrypted zeros, 01 CMAC of zeros) → the whole value.
_PARTNERS: Final[Mapping[tuple[Algorithm, str], Callable[[bytes], bytes]]] = MappingProxyType(
    {
        (Algorithm.DES, "00"): _of_des,
        (Algorithm.TDES, "00"): _of_des,
        (Algorithm.TDES, "01"): lambda key: des_cmac(key)(bytes(DES_BLOCK_BYTES)),
        (Algorithm.AES, "00"): lambda key: aes_encryptor(key)(bytes(AES_BLOCK_BYTES)),
        (Algorithm.AES, "01"): _of_aes,
    }
)


def check_value(algorithm: Algorithm, key: bytes) -> bytes:
    """The check value of a key, as long as the table says."""
    compute, length = _CHECK_VALUES[algorithm]
    return compute(key)[:length]


def shown(algorithm: Algorithm, key: bytes) -> str:
    """The check value for people: hexadecimal, at most ten digits."""
    return check_value(algorithm, key).hex().upper()[:_SHOWN_DIGITS_MAX]


def agrees(algorithm: Algorithm, key: bytes, said: bytes) -> bool:
    """Whether a check value that somebody read out is this key's: two bytes or more, of either method."""
    candidates = [_CHECK_VALUES[algorithm][0](key)]
    candidates += [compute(key) for (of, _), compute in _PARTNERS.items() if of is algorithm]
    found = [compare_digest(candidate[: len(said)], said) for candidate in candidates]
    return len(said) >= _BYTES_MIN and any(found)


def refuse_disagreement(algorithm: Algorithm, key: bytes, optional_data: str) -> None:
    """Returns only if the data of a KC or KP block is this key's; methods unknown for the algorithm pass.

    Raises:
        KeyBlockRefused: `CHECK_VALUE`.
    """
    compute = _PARTNERS.get((algorithm, optional_data[:2]))
    said = bytes.fromhex(optional_data[2:])
    if compute is not None and not compare_digest(compute(key)[: len(said)], said):
        raise KeyBlockRefused(Refusal.CHECK_VALUE)
