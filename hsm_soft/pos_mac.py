"""The MAC of UnionPay style terminals, called "ECB" there: 32 bits over a whole message.

    R = XOR of all 8-byte blocks          the last one filled with zero bytes
    H = R as 16 upper case hexadecimal characters
    M = E(E(first half of H) XOR second half of H)
    MAC = the first 8 of the 16 hexadecimal characters of M, as ASCII

E is single DES under an 8-byte key, triple DES under a 16-byte one. The XOR makes the MAC blind to the
order of blocks and to added zero blocks: it is the dialect's, not a choice. The message goes from the MTI
to the last field before field 64, bitmap with bit 64 already set, without length prefix, TPDU, application
header and field 64.

Terminals of SM deployments (field 60.3 = 005, 006) are said to do the same over blocks of 16 bytes and 32
characters, with SM4 for E. `sm4_pos_mac` is that description, and no more: no message with its key has been
published, so nothing shows that it is right, and the HSM computes it only where it is told to.

It runs twice for each purchase, so the XOR is done on one large integer folded in half until 64 bits are
left.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from hsm_soft.primitives import AES_BLOCK_BYTES, Keyed, compare_digest, xor

__all__ = [
    "MacMismatch",
    "pos_mac",
    "sm4_pos_mac",
    "verify_pos_mac",
    "whole_pos_mac",
    "xor_of_blocks",
]


PosMac: TypeAlias = Callable[[Keyed, bytes], bytes]


class MacMismatch(Exception):
    """A message's MAC is not the one its key gives."""

    def __init__(self) -> None:
        super().__init__("the MAC does not fit the message")


def pos_mac(encrypt: Keyed, data: bytes) -> bytes:
    """The 8 ASCII characters for field 64.

    Args:
        encrypt: ECB encryption under the MAC key.
        data: MTI up to the field before 64, as on the wire.
    """
    return b"%08X" % int.from_bytes(whole_pos_mac(encrypt, xor_of_blocks(data))[:4], "big")


def whole_pos_mac(encrypt: Keyed, folded: int) -> bytes:
    """M of the definition, 8 bytes, from the XOR of a message's blocks."""
    expanded = b"%016X" % folded
    mixed = int.from_bytes(encrypt(expanded[:8]), "big") ^ int.from_bytes(expanded[8:], "big")
    return encrypt(mixed.to_bytes(8, "big"))


def sm4_pos_mac(encrypt: Keyed, data: bytes) -> bytes:
    """The same with SM4: 8 ASCII characters. Unverified, see the module's text.

    Args:
        encrypt: SM4 ECB encryption under the MAC key.
        data: MTI up to the field before 64, as on the wire.
    """
    blocks = data + bytes(-len(data) % AES_BLOCK_BYTES)
    folded = 0
    for start in range(0, len(blocks), AES_BLOCK_BYTES):
        folded ^= int.from_bytes(blocks[start : start + AES_BLOCK_BYTES], "big")
    expanded = b"%032X" % folded
    mixed = xor(encrypt(expanded[:AES_BLOCK_BYTES]), expanded[AES_BLOCK_BYTES:])
    return b"%08X" % int.from_bytes(encrypt(mixed)[:4], "big")


def verify_pos_mac(encrypt: Keyed, data: bytes, mac: bytes, compute: PosMac = pos_mac) -> None:
    """Returns only if `mac` is the MAC of `data`; `compute` is `pos_mac` or `sm4_pos_mac`.

    Raises:
        MacMismatch: it is not.
    """
    if not compare_digest(compute(encrypt, data), mac):
        raise MacMismatch


def xor_of_blocks(data: bytes) -> int:
    """R of the definition: the XOR of all 8-byte blocks, the last one filled with zero bytes."""
    folded = int.from_bytes(data, "big") << (-len(data) % 8 * 8)
    for bits, mask in _folding_steps(((len(data) - 1) >> 3).bit_length()):
        folded = (folded >> bits) ^ (folded & mask)
    return folded


@lru_cache(maxsize=32)
def _folding_steps(doublings: int) -> tuple[tuple[int, int], ...]:
    """Shift and mask of each halving, from 2 ** doublings blocks down to one."""
    return tuple((64 << step, (1 << (64 << step)) - 1) for step in reversed(range(doublings)))
