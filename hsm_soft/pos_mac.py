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
left, and all of it in one function that has what it needs at hand (`pos_mac_under`).
"""

from binascii import hexlify
from collections.abc import Callable
from struct import Struct
from typing import Final, TypeAlias

from hsm_soft.primitives import AES_BLOCK_BYTES, Keyed, compare_digest, xor

__all__ = [
    "MacMismatch",
    "pos_mac",
    "pos_mac_under",
    "sm4_pos_mac",
    "verify_pos_mac",
    "whole_pos_mac",
    "xor_of_blocks",
]


_block: Final = Struct(">Q")
_pack, _unpack, _unpack_from = _block.pack, _block.unpack, _block.unpack_from
_BLOCK_MASK: Final = (1 << 64) - 1

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
    return pos_mac_under(encrypt)(data)


def pos_mac_under(encrypt: Keyed) -> Keyed:
    """Field 64 as a function of the message, for a key that is used again and again."""
    pack, unpack, unpack_from, folds, number = _pack, _unpack, _unpack_from, _FOLDS, int.from_bytes

    def mac(data: bytes) -> bytes:
        length = len(data)
        folded = number(data)
        if length & 7:
            folded <<= (-length & 7) * 8
        for bits in folds[(length - 1 >> 3).bit_length()]:
            folded ^= folded >> bits
        expanded = hexlify(pack(folded & _BLOCK_MASK)).upper()
        mixed = unpack(encrypt(expanded[:8]))[0] ^ unpack_from(expanded, 8)[0]
        return hexlify(encrypt(pack(mixed))[:4]).upper()

    return mac


def whole_pos_mac(encrypt: Keyed, folded: int) -> bytes:
    """M of the definition, 8 bytes, from the XOR of a message's blocks."""
    expanded = hexlify(_pack(folded)).upper()
    return encrypt(_pack(_unpack(encrypt(expanded[:8]))[0] ^ _unpack_from(expanded, 8)[0]))


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
    length = len(data)
    folded = int.from_bytes(data, "big")
    if length & 7:
        folded <<= (-length & 7) * 8
    for bits in _FOLDS[(length - 1 >> 3).bit_length()]:
        folded ^= folded >> bits
    return folded & _BLOCK_MASK


# The shift of each halving, from 2 ** index blocks down to one; what stands above a half no longer counts.
_FOLDS: Final = [tuple(64 << step for step in reversed(range(doublings))) for doublings in range(32)]
