"""The chain of the audit: what one row says, its hash, and which row is not as it was written. Pure.

The hash of a row covers the hash of the row before and every other column, as one line of canonical JSON:

    hash = SHA-256(previous ‖ [seq, at_us, operator_id, …, proposal_id])      before the first: 32 zero bytes

`Examiner` is shown the rows in their order and the place where the log says it ends. It names

- a changed row: its hash is not that of its content, or it was hashed anew and its neighbours don't know it;
- a missing row: a number is skipped, or those behind it were renumbered (their hashes know their old ones);
- an inserted row: it stands behind the end, or those behind it were renumbered.

Who can write every row and the end may write the whole chain anew: against that a head (number and hash) is
kept elsewhere, and shown to the examiner later.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Final, NamedTuple

GENESIS: Final = bytes(32)
"""What stands before the first row."""


class AuditRow(NamedTuple):
    """A row as it is stored, in the order of the table's columns.

    Attributes:
        seq: Its number, from 1 without gaps.
        at_us: When, in microseconds since 1970 (UTC).
        operator_id: Who.
        operator: What they were called then.
        action: What was done.
        kind: What kind of record it was done to.
        subject: Which one.
        party_id: Whose it is.
        before: What it was, in canonical JSON.
        after: What it is since, in canonical JSON.
        why: The reason given.
        proposal_id: The proposal that was carried out, if it was one.
        previous: The hash of the row before.
        hash: Of this row.
    """

    seq: int
    at_us: int
    operator_id: int
    operator: str
    action: str
    kind: str
    subject: str
    party_id: int
    before: str
    after: str
    why: str
    proposal_id: int | None
    previous: bytes = GENESIS
    hash: bytes = GENESIS

    def chained(self, previous: bytes) -> "AuditRow":
        """The row behind the one with hash `previous`, hash included."""
        row = self._replace(previous=previous)
        return row._replace(hash=row.digest())

    def digest(self, seq: int | None = None) -> bytes:
        """The hash that the row should have, here or under another number."""
        content = [self.seq if seq is None else seq, *self[1:-2]]
        return sha256(self.previous + json.dumps(content, separators=(",", ":")).encode("ascii")).digest()


class Flaw(StrEnum):
    """What is wrong with a row."""

    CHANGED = "changed"
    MISSING = "missing"
    INSERTED = "inserted"


class Finding(NamedTuple):
    """A row, by its number, that is not as it was written."""

    seq: int
    flaw: Flaw


class Head(NamedTuple):
    """A place in the chain: the number of a row and its hash."""

    seq: int
    hash: bytes


@dataclass(slots=True)
class Examiner:
    """Is shown a log row by row, and tells which rows are wrong.

    Args:
        kept: Heads that were kept elsewhere, by their numbers.
    """

    kept: Mapping[int, bytes] = field(default_factory=dict)
    count: int = 0
    _last: Head = field(default_factory=lambda: Head(0, GENESIS))
    _last_sound: bool = True
    _broken_before: bool = False
    _shift: int = 0
    _flaws: dict[int, Flaw] = field(default_factory=dict)

    def see(self, row: AuditRow) -> None:
        """Take the next row in the order of numbers."""
        follows = row.seq == self._last.seq + 1
        for seq in range(self._last.seq + 1, row.seq):
            self._flaws[seq] = Flaw.MISSING
        shift = self._shift_of(row)
        if shift is None:
            self._flaws[row.seq] = Flaw.CHANGED
        elif shift > self._shift:
            is_copy = self._last_sound and row.hash == self._last.hash
            self._flaws[row.seq if is_copy else row.seq - 1] = Flaw.INSERTED
        elif shift < self._shift:
            self._flaws[row.seq] = Flaw.MISSING
        comparable = shift == self._shift and self._last_sound and follows
        self._link(row.seq, broken=comparable and row.previous != self._last.hash)
        if self.kept.get(row.seq, row.hash) != row.hash:
            self._flaws.setdefault(row.seq, Flaw.CHANGED)
        self._shift = self._shift if shift is None else shift
        self._last, self._last_sound = Head(row.seq, row.hash), shift is not None
        self.count += 1

    def finish(self, end: Head) -> list[Finding]:
        """What is wrong, after the last row; `end` is where the log says it ends."""
        last, expected = self._last.seq, end.seq + self._shift
        for seq in range(last + 1, max((expected, *self.kept)) + 1):
            self._flaws[seq] = Flaw.MISSING
        for seq in range(expected + 1, last + 1):
            self._flaws[seq] = Flaw.INSERTED
        at_end = last == expected and self._last_sound
        self._link(last + 1, broken=at_end and end.hash != self._last.hash)
        self._link(last + 2, broken=False)
        return [Finding(seq, flaw) for seq, flaw in sorted(self._flaws.items())]

    def _shift_of(self, row: AuditRow) -> int | None:
        """By how much the row's number has grown since it was hashed; None if its hash is wrong anyway."""
        candidates = (self._shift, self._shift + 1, self._shift - 1)
        return next((each for each in candidates if row.digest(row.seq - each) == row.hash), None)

    def _link(self, seq: int, *, broken: bool) -> None:
        """Note whether row `seq` knows another hash of the row before than that row has.

        A row whose links to both neighbours are broken was written anew; if only one is, the row before was.
        """
        if self._broken_before:
            blamed = seq - 1 if broken else max(seq - 2, 1)
            self._flaws.setdefault(blamed, Flaw.CHANGED)
        self._broken_before = broken and not self._broken_before
