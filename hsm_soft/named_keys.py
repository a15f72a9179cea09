"""The keys an installation has one of each: what their ids are, how they are made, how they are opened.

An id is stored beside what a key sealed, so an id never changes its meaning and is never used again.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from hsm_soft.key_block import KeyBlock, KeyBlockProtection, KeyUsage
from hsm_soft.primitives import Random, aes_cmac, hmac_sha256

__all__ = ["KEY_IDS", "NamedKey", "new_named_keys"]

KEY_IDS: Final[Mapping[KeyUsage, int]] = MappingProxyType(
    {
        KeyUsage.WALLET_SEALING: 1,
        KeyUsage.PAN_ENCRYPTION: 2,
        KeyUsage.PAN_INDEX: 3,
        KeyUsage.PIN_REFERENCE: 4,
        KeyUsage.FINGERPRINT: 5,
        KeyUsage.DATA_KEY_WRAPPING: 6,
        KeyUsage.AUDIT_SIGNING: 7,
    }
)

_KEY_BYTES: Final = 32
_CHECK_VALUE_BYTES: Final = 5


class NamedKey(NamedTuple):
    """A new key as it is stored; nothing in it is secret."""

    id: int
    name: str
    key_block: KeyBlock
    check_value: str


def new_named_keys(protection: KeyBlockProtection, random: Random) -> list[NamedKey]:
    """A fresh key for each entry of `KEY_IDS`, in the order of their ids."""
    return [_new_named_key(key_id, usage, protection, random) for usage, key_id in KEY_IDS.items()]


def _new_named_key(key_id: int, usage: KeyUsage, protection: KeyBlockProtection, random: Random) -> NamedKey:
    key = random(_KEY_BYTES)
    return NamedKey(key_id, usage.label, protection.wrap(usage, key, random), _check_value(usage, key))


def _check_value(usage: KeyUsage, key: bytes) -> str:
    """Five bytes in hexadecimal: AES-CMAC of a zero block (X9.24-1:2017 annex A), HMAC of no data."""
    is_hmac = "H" in usage.algorithms.values()
    authenticated = hmac_sha256(key)(b"") if is_hmac else aes_cmac(key)(bytes(16))
    return authenticated[:_CHECK_VALUE_BYTES].hex().upper()
