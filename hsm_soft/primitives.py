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
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV
from cryptography.hazmat.primitives.ciphers.algorithms import AES, SM4
from cryptography.hazmat.primitives.ciphers.modes import CBC, CTR, ECB, GCM
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.hashes import SHA256, SM3, Hash
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

__all__ = [
    "AESGCM",
    "AESGCMSIV",
    "AES_BLOCK_BYTES",
    "DES_BLOCK_BYTES",
    "InvalidTag",
    "InvalidUnwrap",
    "Keyed",
    "Random",
    "aes_cbc_decrypt",
    "aes_cbc_encrypt",
    "aes_cmac",
    "aes_ctr",
    "aes_decryptor",
    "aes_encryptor",
    "aes_key_unwrap",
    "aes_key_wrap",
    "compare_digest",
    "des_cbc_decrypt",
    "des_cbc_encrypt",
    "des_cbc_encryptor",
    "des_cmac",
    "des_decryptor",
    "des_encryptor",
    "hmac_sha256",
    "odd_parity",
    "sm3",
    "sm4_cbc_encrypt",
    "sm4_ctr",
    "sm4_decryptor",
    "sm4_encryptor",
    "sm4_gcm_seal",
    "xor",
]

DES_BLOCK_BYTES: Final = 8
AES_BLOCK_BYTES: Final = 16
"""Of AES and of SM4."""

_ODD_PARITY: Final = bytes(byte ^ (byte.bit_count() + 1) % 2 for byte in range(256))

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
        case 24:
            return TripleDES(key)
        case _:
            raise ValueError("a DES key has 8, 16 or 24 bytes")


def odd_parity(key: bytes) -> bytes:
    """A DES key with the lowest bit of each byte set so that the byte's ones are odd in number."""
    return key.translate(_ODD_PARITY)


def xor(left: bytes, right: bytes) -> bytes:
    """The XOR of two byte strings, as long as `left`; `right` is not longer."""
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")


def des_encryptor(key: bytes) -> Keyed:
    """ECB encryption under a DES key of single, double or triple length (8, 16, 24 bytes), reusable for ever.

    The caller passes whole blocks of 8 bytes only (NIST SP 800-67, SP 800-38A).
    """
    return Cipher(_triple(key), ECB()).encryptor().update  # noqa: S305 - the dialect's mode


def des_decryptor(key: bytes) -> Keyed:
    """ECB decryption, the inverse of `des_encryptor` with the same rule about whole blocks."""
    return Cipher(_triple(key), ECB()).decryptor().update  # noqa: S305 - the dialect's mode


def des_cbc_encryptor(key: bytes) -> Keyed:
    """CBC encryption from a zero initial vector, a new chain at each call; whole blocks only."""
    cipher = Cipher(_triple(key), CBC(bytes(DES_BLOCK_BYTES)))

    def encrypt(data: bytes) -> bytes:
        return cipher.encryptor().update(data)

    return encrypt


def des_cbc_encrypt(key: bytes, initial_vector: bytes, data: bytes) -> bytes:
    """DES-CBC without padding; `data` is a multiple of 8 bytes (NIST SP 800-38A)."""
    return Cipher(_triple(key), CBC(initial_vector)).encryptor().update(data)


def des_cbc_decrypt(key: bytes, initial_vector: bytes, data: bytes) -> bytes:
    """The inverse of `des_cbc_encrypt`."""
    return Cipher(_triple(key), CBC(initial_vector)).decryptor().update(data)


def aes_encryptor(key: bytes) -> Keyed:
    """ECB encryption of whole blocks under an AES key of 16, 24 or 32 bytes, reusable for ever."""
    return Cipher(AES(key), ECB()).encryptor().update  # noqa: S305 - PIN blocks are single blocks


def aes_decryptor(key: bytes) -> Keyed:
    """ECB decryption, the inverse of `aes_encryptor`."""
    return Cipher(AES(key), ECB()).decryptor().update  # noqa: S305 - PIN blocks are single blocks


def aes_cbc_encrypt(key: bytes, initial_vector: bytes, data: bytes) -> bytes:
    """AES-CBC without padding; `data` is a multiple of 16 bytes (NIST SP 800-38A)."""
    context = Cipher(AES(key), CBC(initial_vector)).encryptor()
    return context.update(data) + context.finalize()


def aes_cbc_decrypt(key: bytes, initial_vector: bytes, data: bytes) -> bytes:
    """The inverse of `aes_cbc_encrypt`."""
    context = Cipher(AES(key), CBC(initial_vector)).decryptor()
    return context.update(data) + context.finalize()


def aes_ctr(key: bytes, initial_counter: bytes, data: bytes) -> bytes:
    """AES-CTR, which is its own inverse; the counter block has 16 bytes (NIST SP 800-38A)."""
    return Cipher(AES(key), CTR(initial_counter)).encryptor().update(data)


def sm4_encryptor(key: bytes) -> Keyed:
    """ECB encryption of whole blocks of 16 bytes under a 16-byte SM4 key (GB/T 32907), reusable for ever."""
    return Cipher(SM4(key), ECB()).encryptor().update  # noqa: S305 - the dialect's mode


def sm4_decryptor(key: bytes) -> Keyed:
    """ECB decryption, the inverse of `sm4_encryptor`."""
    return Cipher(SM4(key), ECB()).decryptor().update  # noqa: S305 - the dialect's mode


def sm4_cbc_encrypt(key: bytes, initial_vector: bytes, data: bytes) -> bytes:
    """SM4-CBC without padding; `data` is a multiple of 16 bytes."""
    return Cipher(SM4(key), CBC(initial_vector)).encryptor().update(data)


def sm4_ctr(key: bytes, initial_counter: bytes, data: bytes) -> bytes:
    """SM4-CTR, which is its own inverse; the counter block has 16 bytes."""
    return Cipher(SM4(key), CTR(initial_counter)).encryptor().update(data)


def sm4_gcm_seal(key: bytes, nonce: bytes, data: bytes, binding: bytes) -> bytes:
    """SM4-GCM: ciphertext ‖ tag of 16 bytes (RFC 8998)."""
    context = Cipher(SM4(key), GCM(nonce)).encryptor()
    context.authenticate_additional_data(binding)
    return context.update(data) + context.finalize() + context.tag


def aes_cmac(key: bytes) -> Keyed:
    """AES-CMAC, 16 bytes (NIST SP 800-38B, RFC 4493), copied from one keyed context at each call."""
    return _cmac(AES(key))


def des_cmac(key: bytes) -> Keyed:
    """CMAC over triple DES, 8 bytes (NIST SP 800-38B, ISO/IEC 9797-1 algorithm 5)."""
    return _cmac(_triple(key))


def _cmac(algorithm: BlockCipherAlgorithm) -> Keyed:
    keyed = CMAC(algorithm)

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


def sm3(data: bytes) -> bytes:
    """SM3, 32 bytes (GB/T 32905)."""
    digest = Hash(SM3())
    digest.update(data)
    return digest.finalize()
