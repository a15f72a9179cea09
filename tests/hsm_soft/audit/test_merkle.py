"""The Merkle tree of RFC 6962: published roots, and proofs that hold for what they prove and nothing else."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft.audit.merkle import (
    EMPTY_ROOT,
    consistency_holds,
    consistency_proof,
    inclusion_holds,
    inclusion_proof,
    leaf_hash,
    root_hash,
)

# github.com/transparency-dev/merkle testonly/constants.go @417fb0c31475 (RFC 6962 hashing)
ENTRIES = (
    *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
    "606162636465666768696a6b6c6d6e6f",
)
LEAVES = [leaf_hash(bytes.fromhex(entry)) for entry in ENTRIES]
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}

sizes = st.integers(0, 40)


def leaves_of(size: int) -> list[bytes]:
    """So many different leaves."""
    return [leaf_hash(number.to_bytes(2, "big")) for number in range(size)]


@pytest.mark.parametrize(
    ("size", "root"), ROOTS.items(), ids=[f"transparency-dev-merkle-root-{size}" for size in ROOTS]
)
def test_published_roots(size: int, root: str) -> None:
    """The root over the first entries is the published one."""
    assert root == root_hash(LEAVES[:size]).hex()


def test_no_entries_have_the_hash_of_nothing() -> None:
    """RFC 6962, 2.1: the hash of an empty list is the hash of an empty string."""
    assert sha256(b"").digest() == EMPTY_ROOT


@given(size=sizes, data=st.data())
def test_inclusion_proof_holds_for_its_leaf_and_place_only(size: int, data: st.DataObject) -> None:
    """A proof leads from its leaf at its place to the root, and from no other leaf, place, size or root."""
    leaves, index = leaves_of(size + 1), data.draw(st.integers(0, size))
    root, proof = root_hash(leaves), inclusion_proof(leaves, index)
    other = data.draw(st.integers(0, size + 3).filter(lambda place: place != index))

    assert inclusion_holds(leaves[index], index, size + 1, proof, root)
    assert not inclusion_holds(leaf_hash(b"another"), index, size + 1, proof, root)
    assert not inclusion_holds(leaves[index], other, size + 1, proof, root)
    assert not inclusion_holds(leaves[index], index, size + 1, [*proof, EMPTY_ROOT], root)
    assert not inclusion_holds(leaves[index], index, size + 1, proof, EMPTY_ROOT)
    assert not proof or not inclusion_holds(leaves[index], index, size + 1, proof[:-1], root)


@given(first=sizes, more=sizes, data=st.data())
def test_consistency_proof_holds_for_its_trees_only(first: int, more: int, data: st.DataObject) -> None:
    """A proof shows that a tree begins with an earlier one, and no other root passes for the earlier one."""
    leaves = leaves_of(first + more)
    first_root, second_root = root_hash(leaves[:first]), root_hash(leaves)
    proof = consistency_proof(leaves, first)
    changed = [leaf_hash(b"changed"), *leaves[1:first]]

    assert consistency_holds(first, first_root, first + more, second_root, proof)
    assert not consistency_holds(first, first_root, first + more, second_root, [*proof, EMPTY_ROOT])
    assert not first or not consistency_holds(first, root_hash(changed), first + more, second_root, proof)
    assert not proof or not consistency_holds(first, first_root, first + more, second_root, proof[:-1])
    assert not consistency_holds(first + more + 1, first_root, first + more, second_root, proof)


def test_proofs_of_a_tree_with_itself_are_empty() -> None:
    """Nothing need be shown of a tree that didn't grow, or that was empty; another root still is refused."""
    root = root_hash(LEAVES)

    assert consistency_proof(LEAVES, 8) == []
    assert not consistency_holds(8, EMPTY_ROOT, 8, root, [])
    assert not consistency_holds(3, EMPTY_ROOT, 8, root, [])
    assert not consistency_holds(-1, EMPTY_ROOT, 8, root, [])
