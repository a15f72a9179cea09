"""The Merkle tree of RFC 6962 (section 2.1) over SHA-256: roots, and the two proofs made from it. Pure.

    leaf = SHA-256(00 ‖ entry)     node = SHA-256(01 ‖ left ‖ right)     no entries: SHA-256 of nothing

A tree of n leaves splits at the largest power of two below n, so it grows on its right side only, and a root
commits to the order and the number of what came before. An inclusion proof shows that a record is under a
root; a consistency proof shows that a later tree holds an earlier one whole. Both are a logarithm of hashes,
and whoever checks one needs nothing but the roots.

Functions that make proofs take all leaf hashes; those that check them take what travelled, and answer false
for whatever doesn't fit.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from hmac import compare_digest
from typing import Final

__all__ = [
    "EMPTY_ROOT",
    "TreeBuilder",
    "consistency_holds",
    "consistency_proof",
    "inclusion_holds",
    "inclusion_proof",
    "leaf_hash",
    "root_hash",
]

EMPTY_ROOT: Final = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry."""
    return sha256(b"\x00" + entry).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class TreeBuilder:
    """A tree that grows leaf by leaf in the memory of a logarithm of it."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Append a leaf's hash: each trailing one bit of the size is a whole subtree to join with."""
        joined, size = leaf, self.size
        while size & 1:
            joined = _node(self._peaks.pop(), joined)
            size >>= 1
        self._peaks.append(joined)
        self.size += 1

    @property
    def root(self) -> bytes:
        """The root of what was added so far."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = _node(peak, root)
        return root


def root_hash(leaves: Iterable[bytes]) -> bytes:
    """The root over these leaf hashes."""
    tree = TreeBuilder()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root


def _split(size: int) -> int:
    """The largest power of two below `size` (at least 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The siblings from a leaf up to the root (RFC 6962, 2.1.1).

    Args:
        leaves: all leaf hashes.
        index: the leaf's place, from 0.
    """
    assert 0 <= index < len(leaves)
    if len(leaves) == 1:
        return []
    middle = _split(len(leaves))
    if index < middle:
        return [*inclusion_proof(leaves[:middle], index), root_hash(leaves[middle:])]
    return [*inclusion_proof(leaves[middle:], index - middle), root_hash(leaves[:middle])]


def inclusion_holds(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof leads from a leaf at `index` of a tree of `size` to `root` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, joined = index, size - 1, leaf
    for sibling in proof:
        if not last:
            return False
        if place & 1 or place == last:
            joined = _node(sibling, joined)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            joined = _node(joined, sibling)
        place, last = place >> 1, last >> 1
    return not last and compare_digest(joined, root)


def consistency_proof(leaves: Sequence[bytes], first: int) -> list[bytes]:
    """What shows that the tree of the first `first` leaves is the beginning of the whole (RFC 6962, 2.1.2).

    Args:
        leaves: all leaf hashes.
        first: how many leaves the earlier tree had.
    """
    assert 0 <= first <= len(leaves)
    return [] if first in {0, len(leaves)} else _subproof(leaves, first, whole=True)


def _subproof(leaves: Sequence[bytes], first: int, *, whole: bool) -> list[bytes]:
    """`whole`: the earlier tree is known by its root, which then need not be told."""
    if first == len(leaves):
        return [] if whole else [root_hash(leaves)]
    middle = _split(len(leaves))
    if first <= middle:
        return [*_subproof(leaves[:middle], first, whole=whole), root_hash(leaves[middle:])]
    return [*_subproof(leaves[middle:], first - middle, whole=False), root_hash(leaves[:middle])]


def consistency_holds(
    first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the tree of `second` leaves is shown to begin with that of `first` (RFC 9162, 2.1.4.2)."""
    if not 0 <= first <= second:
        return False
    if first == 0:
        return not proof and compare_digest(first_root, EMPTY_ROOT)
    if first == second:
        return not proof and compare_digest(first_root, second_root)
    if not proof:
        return False
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    # A whole subtree at the left edge is the earlier root itself; else the proof begins with it.
    rest = iter(proof)
    earlier = later = next(rest) if place else first_root
    for sibling in rest:
        if not last:
            return False
        if place & 1 or place == last:
            earlier, later = _node(sibling, earlier), _node(sibling, later)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            later = _node(later, sibling)
        place, last = place >> 1, last >> 1
    return not last and compare_digest(earlier, first_root) and compare_digest(later, second_root)
