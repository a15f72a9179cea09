"""The MAC of UnionPay style terminals, called "ECB" there: 32 bits over a whole message.

    R = XOR of all 8-byte blocks          the last one filled with zero bytes
    H = R as 16 upper case hexadecimal characters
    M = E(E(first half of H) XOR second half of H)
    MAC = the first 8 of the 16 hexadecimal characters of M, as ASCII

E is single DES under an 8-byte key, triple DES under a 16-byte one. The XOR makes the MAC blind to the
order of blocks and to added zero blocks: it is the dialect's, not a choice. The message goes from the MTI
to the last field before field 64, bitmap with bit 64 already set, without length prefix, TPDU, application
header and field 64.

It runs twice for each purchase, so the XOR is done on one large integer folded in half until 64 bits are
left.
"""

from functools import lru_cache

from hsm_soft.primitives import Keyed, compare_digest

__all__ = ["MacMismatch", "pos_mac", "verify_pos_mac"]


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
    expanded = b"%016X" % _xor_of_blocks(data)
    mixed = int.from_bytes(encrypt(expanded[:8]), "big") ^ int.from_bytes(expanded[8:], "big")
    return b"%08X" % int.from_bytes(encrypt(mixed.to_bytes(8, "big"))[:4], "big")


def verify_pos_mac(encrypt: Keyed, data: bytes, mac: bytes) -> None:
    """Returns only if `mac` is the MAC of `data`.

    Raises:
        MacMismatch: it is not.
    """
    if not compare_digest(pos_mac(encrypt, data), mac):
        raise MacMismatch


def _xor_of_blocks(data: bytes) -> int:
    folded = int.from_bytes(data, "big") << (-len(data) % 8 * 8)
    for bits, mask in _folding_steps(((len(data) - 1) >> 3).bit_length()):
        folded = (folded >> bits) ^ (folded & mask)
    return folded


@lru_cache(maxsize=32)
def _folding_steps(doublings: int) -> tuple[tuple[int, int], ...]:
    """Shift and mask of each halving, from 2 ** doublings blocks down to one."""
    return tuple((64 << step, (1 << (64 << step)) - 1) for step in reversed(range(doublings)))
