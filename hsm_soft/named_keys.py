"""The keys an installation has one of each: what their ids are, how they are made, how they are opened.

An id never changes its meaning and is never used again. 1 and 2 were what sealed wallets and card numbers
before there were data keys by epoch (`data_keys`), which took them over.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from hsm_soft.check_values import shown
from hsm_soft.key_block import KeyBlock, KeyBlockProtection, KeyUsage
from hsm_soft.primitives import Random

__all__ = ["KEY_IDS", "NamedKey", "new_named_keys"]

KEY_IDS: Final[Mapping[KeyUsage, int]] = MappingProxyType(
    {
        KeyUsage.PAN_INDEX: 3,
        KeyUsage.PIN_REFERENCE: 4,
        KeyUsage.FINGERPRINT: 5,
        KeyUsage.DATA_KEY_WRAPPING: 6,
        KeyUsage.AUDIT_SIGNING: 7,
        KeyUsage.PERSONAL_INDEX: 8,
        KeyUsage.NUMBER_SCATTERING: 9,
    }
)

_KEY_BYTES: Final = 32


class NamedKey(NamedTuple):
    """A new key as it is stored; nothing in it is secret."""

    id: int
    name: str
    usage: str
    key_block: KeyBlock
    check_value: str


def new_named_keys(protection: KeyBlockProtection, random: Random) -> list[NamedKey]:
    """A fresh key for each entry of `KEY_IDS`, in the order of their ids."""
    return [_new_named_key(key_id, usage, protection, random) for usage, key_id in KEY_IDS.items()]


def _new_named_key(key_id: int, usage: KeyUsage, protection: KeyBlockProtection, random: Random) -> NamedKey:
    key = random(_KEY_BYTES)
    check_value = shown(usage.algorithm_of(_KEY_BYTES), key)
    return NamedKey(key_id, usage.label, usage.title, protection.wrap(usage, key, random), check_value)
