"""Is the audit what it was? Reads the records in order and names the first that isn't. Pure.

Three things are checked of each record: its number follows the one before, its text says that number, and its
hash is that of the chain. Heads that were signed and kept elsewhere are held against the same walk: what a
head of n records says of root and chain must be so after record n. A log with fewer records than a head says
has lost its tail, which the records alone could never show.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hsm_soft.audit.head import SignedHead, TreeHead
from hsm_soft.audit.log import StoredRecord
from hsm_soft.audit.merkle import TreeBuilder, leaf_hash
from hsm_soft.audit.record import GENESIS, chained

__all__ = ["AuditWalk", "Finding", "verify_records"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A record that is wrong, or a head that the records don't meet (`seq` is None then), and why."""

    seq: int | None
    reason: str

    def __str__(self) -> str:
        return self.reason if self.seq is None else f"record {self.seq}: {self.reason}"


@dataclass(slots=True)
class AuditWalk:
    """A walk over the records in order; `findings` has the first record that is wrong, and each such head.

    Args:
        heads: signed heads to hold against the records.
        public_key: who must have signed them.
        keep_leaves: keep every leaf's hash in `leaves`, for proofs.
    """

    heads: Sequence[SignedHead] = ()
    public_key: bytes = b""
    keep_leaves: bool = False
    chain: bytes = GENESIS
    tree: TreeBuilder = field(default_factory=TreeBuilder)
    leaves: list[bytes] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    _all_followed: bool = True

    def __post_init__(self) -> None:
        for signed in self.heads:
            if not signed.is_signed_by(self.public_key):
                reason = f"the head of {signed.head.size} records is not signed by this HSM's key"
                self.findings.append(Finding(None, reason))
        self._meet_heads()

    def step(self, stored: StoredRecord) -> None:
        """Look at the next record."""
        record, due = stored.record.encode("utf-8", "surrogatepass"), self.tree.size + 1
        self.chain = chained(self.chain, record)
        if stored.seq != due:
            self._wrong(due, f"missing; record {stored.seq} stands in its place")
        elif _number_in(stored.record) != due:
            self._wrong(due, "its text is of another record, or unreadable")
        elif stored.hash != self.chain:
            self._wrong(due, "changed, or put in: its hash doesn't follow from those before")
        leaf = leaf_hash(record)
        self.tree.add(leaf)
        if self.keep_leaves:
            self.leaves.append(leaf)
        self._meet_heads()

    def end(self, at_us: int) -> TreeHead:
        """The head of all that was walked over; heads of more records than that are not met."""
        most = max((signed.head.size for signed in self.heads), default=0)
        if most > self.tree.size:
            self._wrong(self.tree.size + 1, f"missing; a signed head says there were {most} records")
        return TreeHead(self.tree.size, at_us, self.tree.root, self.chain)

    def _meet_heads(self) -> None:
        for signed in self.heads:
            head = signed.head
            if head.size == self.tree.size and (head.root, head.chain) != (self.tree.root, self.chain):
                reason = f"the first {head.size} records are not those of the signed head"
                self.findings.append(Finding(None, reason))

    def _wrong(self, seq: int, reason: str) -> None:
        """Note the first record that is wrong: what follows it can't be told from right."""
        if self._all_followed:
            self._all_followed = False
            self.findings.insert(0, Finding(seq, reason))


def verify_records(
    records: Iterable[StoredRecord], heads: Sequence[SignedHead] = (), public_key: bytes = b""
) -> list[Finding]:
    """What is wrong with a whole log; empty if nothing is."""
    walk = AuditWalk(heads, public_key)
    for record in records:
        walk.step(record)
    walk.end(0)
    return walk.findings


def _number_in(record: str) -> int | None:
    try:
        content = json.loads(record)
    except (ValueError, RecursionError):
        return None
    seq = content.get("seq") if isinstance(content, dict) else None
    return seq if isinstance(seq, int) and not isinstance(seq, bool) else None
