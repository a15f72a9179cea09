"""The journal of a run: what terminals sent and what they were answered, in a file that only grows.

It is written outside the switch: a line before a request goes out, a line when its answer has come. Whatever
dies, these lines are what cardholders and merchants know, and what the ledger is held to. There is nothing
secret in them; a card is its place in the demo world.

Several threads write. Each line is one write to a file opened for appending, so lines never mix.
"""

import json
import os
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TypeAlias


class Kind(StrEnum):
    """What a request asks for."""

    SALE = "sale"
    SALE_REVERSAL = "sale reversal"
    VOID = "void"
    VOID_REVERSAL = "void reversal"


REVERSAL_OF = {Kind.SALE: Kind.SALE_REVERSAL, Kind.VOID: Kind.VOID_REVERSAL}
"""What a terminal sends to take back a request that may have gone wrong."""


class Reference(NamedTuple):
    """How a terminal names a sale or a void; its reversal bears the same name."""

    terminal_id: str
    batch: str
    stan: str

    def __str__(self) -> str:
        return f"terminal {self.terminal_id}, batch {self.batch}, STAN {self.stan}"


class Sent(NamedTuple):
    """A request is about to leave, the first time or again; a void says which sale it is about."""

    kind: Kind
    reference: Reference
    card: int
    amount_minor: int
    voided: Reference | None = None


class Answered(NamedTuple):
    """An answer has come: field 39, and fields 37 and 38, which are the same each time."""

    kind: Kind
    reference: Reference
    code: str
    retrieval_reference: str
    approval_code: str | None


Record: TypeAlias = Sent | Answered


class Journal:
    """The file of one run, for its writers and its one reader."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._reader = path.open(encoding="utf-8")

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)
        self._reader.close()

    def write(self, record: Record) -> None:
        """Add a record."""
        tag = "sent" if isinstance(record, Sent) else "answered"
        os.write(self._descriptor, json.dumps([tag, *record]).encode() + b"\n")

    def read_on(self) -> Iterator[Record]:
        """The records that have not been read yet."""
        for line in self._reader:
            tag, kind, reference, *rest = json.loads(line)
            if tag == "sent":
                card, amount_minor, voided = rest
                sale = None if voided is None else Reference(*voided)
                yield Sent(Kind(kind), Reference(*reference), card, amount_minor, sale)
            else:
                yield Answered(Kind(kind), Reference(*reference), *rest)
