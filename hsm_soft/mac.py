"""Message authentication with partner hosts: which MAC over which padding, made and checked.

    X9_9        ISO/IEC 9797-1 algorithm 1: CBC under single DES, the last block    ANSI X9.9
    X9_19       ISO/IEC 9797-1 algorithm 3: X9.9 under K, then D(K'), E(K)             ANSI X9.19, retail
    TDES_CBC    CBC under triple DES, the last block
    TDES_CMAC   ISO/IEC 9797-1 algorithm 5, NIST SP 800-38B
    AES_CMAC    the same over AES
    HMAC_SHA256 RFC 2104, FIPS 198-1

The first three need padding (ISO/IEC 9797-1, 6.3): METHOD_1 zeros, METHOD_2 one bit and zeros, METHOD_3 the
length in bits as a block in front and zeros. Method 1 can't tell a message from one with zeros after it, so
it is for messages whose length is known from elsewhere. The others have a padding of their own.

How many bytes of a MAC are sent is agreed with the partner, at least four. A received MAC of any other length
is a mismatch: whoever sends could otherwise choose one that is quickly guessed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from hsm_soft.pos_mac import MacMismatch
from hsm_soft.primitives import (
    DES_BLOCK_BYTES,
    Keyed,
    aes_cmac,
    compare_digest,
    des_cbc_encryptor,
    des_cmac,
    des_decryptor,
    des_encryptor,
    hmac_sha256,
)

__all__ = ["MacAlgorithm", "MacMethod", "Padding", "authenticator", "make_mac", "padded", "verify_mac"]

_MAC_BYTES_MIN: Final = 4


class MacAlgorithm(Enum):
    """A MAC, with the bytes it has before it is cut."""

    X9_9 = ("ISO 9797-1 algorithm 1", 8)
    X9_19 = ("ISO 9797-1 algorithm 3", 8)
    TDES_CBC = ("triple DES CBC", 8)
    TDES_CMAC = ("ISO 9797-1 algorithm 5", 8)
    AES_CMAC = ("AES CMAC", 16)
    HMAC_SHA256 = ("HMAC SHA-256", 32)

    def __init__(self, title: str, full_bytes: int) -> None:
        self.title = title
        self.full_bytes = full_bytes


class Padding(Enum):
    """ISO/IEC 9797-1 padding methods."""

    METHOD_1 = 1
    METHOD_2 = 2
    METHOD_3 = 3


@dataclass(frozen=True, slots=True)
class MacMethod:
    """What two partners agree on.

    Args:
        algorithm: the MAC.
        length: bytes that are sent, 4 up to the whole MAC.
        padding: for the CBC MACs; the others don't look at it.

    Raises:
        ValueError: a length outside these limits.
    """

    algorithm: MacAlgorithm
    length: int
    padding: Padding = Padding.METHOD_1

    def __post_init__(self) -> None:
        if not _MAC_BYTES_MIN <= self.length <= self.algorithm.full_bytes:
            raise ValueError(f"a MAC of this algorithm has 4 to {self.algorithm.full_bytes} bytes")


def make_mac(authenticate: Keyed, method: MacMethod, data: bytes) -> bytes:
    """The MAC of `data`, cut to the agreed length; `authenticate` comes from `authenticator`."""
    return authenticate(data)[: method.length]


def verify_mac(authenticate: Keyed, method: MacMethod, data: bytes, mac: bytes) -> None:
    """Returns only if `mac` is what `make_mac` gives.

    Raises:
        MacMismatch: it is not.
    """
    if not compare_digest(make_mac(authenticate, method, data), mac):
        raise MacMismatch


def authenticator(algorithm: MacAlgorithm, padding: Padding, key: bytes) -> Keyed:
    """The whole MAC as a function of the data.

    Args:
        algorithm: the MAC.
        padding: for the CBC MACs.
        key: X9_9: 8 bytes. X9_19: K and K', each 8 bytes, or each a double-length key of 16. TDES: 16 or 24
            bytes. AES: 16, 24 or 32. HMAC: any length.

    Raises:
        ValueError: a key of another length.
    """
    return _AUTHENTICATORS[algorithm](key, padding)


def padded(method: Padding, data: bytes) -> bytes:
    """`data` filled to a positive number of 8-byte blocks (ISO/IEC 9797-1:2011, 6.3)."""
    return _PADDINGS[method](data)


def _zero_filled(data: bytes) -> bytes:
    return data + bytes(-len(data) % DES_BLOCK_BYTES) or bytes(DES_BLOCK_BYTES)


def _cbc_mac(key: bytes, padding: Padding) -> Keyed:
    chain, fill = des_cbc_encryptor(key), _PADDINGS[padding]
    return lambda data: chain(fill(data))[-DES_BLOCK_BYTES:]


def _single_des_mac(key: bytes, padding: Padding) -> Keyed:
    if len(key) != DES_BLOCK_BYTES:
        raise ValueError("a single DES key has 8 bytes")
    return _cbc_mac(key, padding)


def _retail_mac(key: bytes, padding: Padding) -> Keyed:
    if len(key) not in (2 * DES_BLOCK_BYTES, 4 * DES_BLOCK_BYTES):
        raise ValueError("a retail MAC key has 16 or 32 bytes")
    first, second = key[: len(key) // 2], key[len(key) // 2 :]
    chain, fill = des_cbc_encryptor(first), _PADDINGS[padding]
    encrypt, decrypt = des_encryptor(first), des_decryptor(second)
    return lambda data: encrypt(decrypt(chain(fill(data))[-DES_BLOCK_BYTES:]))


_PADDINGS: Final[Mapping[Padding, Callable[[bytes], bytes]]] = MappingProxyType(
    {
        Padding.METHOD_1: _zero_filled,
        Padding.METHOD_2: lambda data: _zero_filled(data + b"\x80"),
        Padding.METHOD_3: lambda data: (len(data) * 8).to_bytes(DES_BLOCK_BYTES, "big") + _zero_filled(data),
    }
)
_AUTHENTICATORS: Final[Mapping[MacAlgorithm, Callable[[bytes, Padding], Keyed]]] = MappingProxyType(
    {
        MacAlgorithm.X9_9: _single_des_mac,
        MacAlgorithm.X9_19: _retail_mac,
        MacAlgorithm.TDES_CBC: _cbc_mac,
        MacAlgorithm.TDES_CMAC: lambda key, _: des_cmac(key),
        MacAlgorithm.AES_CMAC: lambda key, _: aes_cmac(key),
        MacAlgorithm.HMAC_SHA256: lambda key, _: hmac_sha256(key),
    }
)
