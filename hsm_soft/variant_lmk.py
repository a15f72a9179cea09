"""Keys under a variant LMK: how installations with key variants kept them, so that they can be read.

An LMK pair is a double-length DES key for one kind of keys. A key type's variant changes its first byte, a
scheme says how the halves of the key are enciphered, and a letter in front tells the scheme:

    (none), Z  single length, ECB under the pair
    X          double length, ECB under the pair (ANSI X9.17)
    U          double length, each half under the pair with a byte of its second half changed
    T          triple length, as U with three of these changes

Halves can be exchanged and key types are not bound to what they protect: nothing is stored in this form here.
Source: published vectors of two implementations under the well-known test LMKs.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from hsm_soft.key_refused import KeyBlockRefused, Refusal
from hsm_soft.primitives import DES_BLOCK_BYTES, des_decryptor, des_encryptor

__all__ = ["VARIANTS", "key_under_lmk", "open_variant_key"]

VARIANTS: Final = bytes.fromhex("00A65A6ADE2B50749C")
"""Variant number → what the first byte of an LMK pair is changed by."""

_SCHEMES: Final[Mapping[str, bytes]] = MappingProxyType(
    {"Z": b"\0", "X": b"\0\0", "U": b"\xa6\x5a", "T": b"\x6a\xde\x2b"}
)
"""Scheme → what the second half of the pair is changed by, for each eight bytes of the key."""


def key_under_lmk(lmk_pair: bytes, variant: int, scheme: str, clear: bytes) -> str:
    """Scheme letter and hexadecimal cryptogram of a clear key; a single-length one has no letter.

    Args:
        lmk_pair: 16 bytes.
        variant: 0 to 8.
        scheme: Z, X, U or T.
        clear: 8, 16 or 24 bytes, as the scheme says.

    Raises:
        KeyBlockRefused: the key's length is not the scheme's, or there is no such variant or scheme.
    """
    pairs = _pairs(lmk_pair, variant, scheme)
    if len(clear) != len(pairs) * DES_BLOCK_BYTES:
        raise KeyBlockRefused(Refusal.LENGTH)
    encrypted = b"".join(des_encryptor(pair)(part) for pair, part in zip(pairs, _parts(clear), strict=True))
    return scheme.replace("Z", "") + encrypted.hex().upper()


def open_variant_key(lmk_pair: bytes, variant: int, text: str) -> bytes:
    """The clear key of a scheme letter and a hexadecimal cryptogram.

    Raises:
        KeyBlockRefused: it has another form.
    """
    scheme, digits = (text[0], text[1:]) if text[:1] in _SCHEMES else ("Z", text)
    pairs = _pairs(lmk_pair, variant, scheme)
    try:
        encrypted = bytes.fromhex(digits)
    except ValueError:
        raise KeyBlockRefused(Refusal.MALFORMED) from None
    if len(encrypted) != len(pairs) * DES_BLOCK_BYTES:
        raise KeyBlockRefused(Refusal.LENGTH)
    return b"".join(des_decryptor(pair)(part) for pair, part in zip(pairs, _parts(encrypted), strict=True))


def _pairs(lmk_pair: bytes, variant: int, scheme: str) -> list[bytes]:
    """The changed LMK pair for each eight bytes of a key."""
    if not 0 <= variant < len(VARIANTS) or scheme not in _SCHEMES:
        raise KeyBlockRefused(Refusal.MALFORMED)
    if len(lmk_pair) != 2 * DES_BLOCK_BYTES:
        raise KeyBlockRefused(Refusal.LENGTH)
    first = bytes((lmk_pair[0] ^ VARIANTS[variant],)) + lmk_pair[1:DES_BLOCK_BYTES]
    second = lmk_pair[DES_BLOCK_BYTES:]
    return [first + bytes((second[0] ^ change,)) + second[1:] for change in _SCHEMES[scheme]]


def _parts(key: bytes) -> list[bytes]:
    return [key[start : start + DES_BLOCK_BYTES] for start in range(0, len(key), DES_BLOCK_BYTES)]
