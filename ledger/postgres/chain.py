"""The hash chain over a writer's commit groups.

Each group's hash covers the hash before it and every journal row of the group in canonical bytes, so a row
that is changed, added or lost later breaks the chain from there on. Committer and verifier use these same
functions: what they hash are the journal rows as PostgreSQL holds them.
"""

import struct
from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

_NUMBERS = struct.Struct(">qhhhqqqqqqH")
_ENTRY = struct.Struct(">qhhqhqq")
_GROUP = struct.Struct(">qqiI")


class TransactionRow(NamedTuple):
    """One row of `ledger.transaction` without its group's columns."""

    id: int
    kind: int
    outcome: int
    asset: int
    amount_minor: int
    wallet_id: int | None
    wallet_version: int | None
    original_id: int | None
    merchant_account: int
    merchant_id: str
    terminal_id: str
    batch: str
    stan: str
    received_at_us: int


class EntryRow(NamedTuple):
    """One row of `ledger.entry` without its date."""

    transaction_id: int
    leg: int
    account_kind: int
    account_id: int
    asset: int
    amount_minor: int
    wallet_version: int | None


def genesis(writer: int) -> bytes:
    """The head of a writer that has not written yet."""
    return sha256(b"writer %d" % writer).digest()


def group_hash(
    previous: bytes,
    writer: int,
    seq: int,
    day: int,
    transactions: Iterable[TransactionRow],
    entries: Iterable[EntryRow],
) -> bytes:
    """The hash of a group; rows in the order of (transaction, leg), `day` as a proleptic ordinal."""
    rows = [_transaction_bytes(row) for row in transactions]
    parts = [previous, _GROUP.pack(writer, seq, day, len(rows)), *rows]
    parts.extend(_ENTRY.pack(t, leg, kind, account, asset, amount, version or 0)
                 for t, leg, kind, account, asset, amount, version in entries)  # fmt: skip
    return sha256(b"".join(parts)).digest()


def _transaction_bytes(row: TransactionRow) -> bytes:
    (number, kind, outcome, asset, amount, wallet, version, original, merchant_account, *texts, received) = (
        row
    )
    text = "\0".join(texts).encode()
    numbers = _NUMBERS.pack(
        number, kind, outcome, asset, amount, wallet or 0, version or 0, original or 0, merchant_account,
        received, len(text),
    )  # fmt: skip
    return numbers + text
