"""The one door to `cryptography`: ciphers, MACs and hashes with their keys already inside.

The rest of the package sees functions that take bytes and return bytes; a key goes in once and stays in the
library's own memory. Three rules live here, and only here:

* DES and triple DES come from the library's `decrepit` module and always get 24 bytes of key: shorter ones
  are deprecated since version 47, so a single DES key is repeated (E-D-E with equal keys is single DES) and
  a double one gets its first half again as the third.
* An ECB context keeps no state between whole blocks, so one context serves for ever; making a context costs
  about ten times its use. A context that is fed part of a block would keep it and shift everything after,
  hence the length checks.
* What a peer sent is compared in constant time.

Contexts are not safe across threads: an HSM belongs to one thread.
"""

from collections.abc import Callable
from hmac import compare_digest
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

__all__ = [
    "AESGCMSIV",
    "DES_BLOCK_BYTES",
    "InvalidTag",
    "Keyed",
    "Random",
    "aes_cbc_decrypt",
    "aes_cbc_encrypt",
    "aes_cmac",
    "compare_digest",
    "des_decryptor",
    "des_encryptor",
    "hmac_sha256",
]

DES_BLOCK_BYTES: Final = 8

Keyed: TypeAlias = Callable[[bytes], bytes]
"""A function of data only; its key is inside."""

Random: TypeAlias = Callable[[int], bytes]
"""So many random bytes, `os.urandom` or a test's own."""


def _triple(key: bytes) -> TripleDES:
    match len(key):
        case 8:
            return TripleDES(key * 3)
        case 16:
            return TripleDES(key + key[:8])
        case _:
            raise ValueError("a DES key has 8 or 16 bytes")


def des_encryptor(key: bytes) -> Keyed:
    """ECB encryption under a single (8 bytes) or double length (16 bytes) DES key, reusable for ever.

    The caller passes whole blocks of 8 bytes only (NIST SP 800-67, SP 800-38A).
    """
    return Cipher(_triple(key), ECB()).encryptor().update  # noqa: S305 - the dialect's mode


def des_decryptor(key: bytes) -> Keyed:
    """ECB decryption, the inverse of `des_encryptor` with the same rule about whole blocks."""
    return Cipher(_triple(key), ECB()).decryptor().update  # noqa: S305 - the dialect's mode


def aes_cbc_encrypt(key: bytes, initial_vector: bytes, data: bytes) -> bytes:
    """AES-CBC without padding; `data` is a multiple of 16 bytes (NIST SP 800-38A)."""
    context = Cipher(AES(key), CBC(initial_vector)).encryptor()
    return context.update(data) + context.finalize()


def aes_cbc_decrypt(key: bytes, initial_vector: bytes, data: bytes) -> bytes:
    """The inverse of `aes_cbc_encrypt`."""
    context = Cipher(AES(key), CBC(initial_vector)).decryptor()
    return context.update(data) + context.finalize()


def aes_cmac(key: bytes) -> Keyed:
    """AES-CMAC, 16 bytes (NIST SP 800-38B, RFC 4493), copied from one keyed context at each call."""
    keyed = CMAC(AES(key))

    def authenticate(data: bytes) -> bytes:
        context = keyed.copy()
        context.update(data)
        return context.finalize()

    return authenticate


def hmac_sha256(key: bytes) -> Keyed:
    """HMAC-SHA256, 32 bytes (RFC 2104, FIPS 198-1), copied from one keyed context at each call."""
    keyed = HMAC(key, SHA256())

    def authenticate(data: bytes) -> bytes:
        context = keyed.copy()
        context.update(data)
        return context.finalize()

    return authenticate
