"""The hash chain over a writer's commit groups.

Each group's hash covers the hash before it and every journal row of the group in canonical bytes, so a row
that is changed, added or lost later breaks the chain from there on. What is hashed are the journal rows as
PostgreSQL holds them: the committer makes their bytes here, the verifier has PostgreSQL make the same bytes
(`TRANSACTION_BYTES`, `ENTRY_BYTES`), which is many times faster than fetching a million rows. A test holds
the two equal.

The day's seal is a hash over the hashes of the day's groups and the balances at its end.
"""

import struct
from collections.abc import Iterable
from datetime import date
from hashlib import sha256
from typing import NamedTuple

_NUMBERS = struct.Struct(">qhhhqiqqqqqiqqh")
_ENTRY = struct.Struct(">qhhqhqhiq")
_GROUP = struct.Struct(">qqiI")


class TransactionRow(NamedTuple):
    """One row of `ledger.transaction` without its group's columns.

    `hold_until` is the last good day of a hold that it made (a proleptic ordinal), 0 where it made none.
    `proposer` and `approver` are the operators of a manual movement, empty for all others.
    """

    id: int
    kind: int
    outcome: int
    asset: int
    amount_minor: int
    issuer: int
    wallet_id: int | None
    wallet_version: int | None
    other_wallet_id: int | None
    other_wallet_version: int | None
    original_id: int | None
    hold_until: int
    merchant_account: int
    merchant_id: str
    terminal_id: str
    batch: str
    stan: str
    proposer: str
    approver: str
    received_at_us: int


class EntryRow(NamedTuple):
    """One row of `ledger.entry` without its date; between `leg` and `wallet_version` stands a `Leg`."""

    transaction_id: int
    leg: int
    account_kind: int
    account_id: int
    asset: int
    amount_minor: int
    purse: int
    expires: int
    wallet_version: int | None


TRANSACTION_BYTES = """
int8send(t.id) || int2send(t.kind) || int2send(t.outcome) || int2send(t.asset) || int8send(t.amount_minor)
|| int4send(t.issuer) || int8send(coalesce(t.wallet_id, 0)) || int8send(coalesce(t.wallet_version, 0))
|| int8send(coalesce(t.other_wallet_id, 0)) || int8send(coalesce(t.other_wallet_version, 0))
|| int8send(coalesce(t.original_id, 0)) || int4send(t.hold_until) || int8send(t.merchant_account)
|| int8send(t.received_at_us)
|| int2send((octet_length(t.merchant_id) + octet_length(t.terminal_id) + octet_length(t.batch)
    + octet_length(t.stan) + octet_length(t.proposer) + octet_length(t.approver) + 5)::smallint)
|| convert_to(t.merchant_id, 'UTF8') || '\\x00'::bytea || convert_to(t.terminal_id, 'UTF8') || '\\x00'::bytea
|| convert_to(t.batch, 'UTF8') || '\\x00'::bytea || convert_to(t.stan, 'UTF8') || '\\x00'::bytea
|| convert_to(t.proposer, 'UTF8') || '\\x00'::bytea || convert_to(t.approver, 'UTF8')
"""
"""What `_transaction_bytes` makes, in SQL, of a row `t` of `ledger.transaction` in a database in UTF-8."""

ENTRY_BYTES = """
int8send(e.transaction_id) || int2send(e.leg) || int2send(e.account_kind) || int8send(e.account_id)
|| int2send(e.asset) || int8send(e.amount_minor) || int2send(e.purse) || int4send(e.expires)
|| int8send(coalesce(e.wallet_version, 0))
"""
"""What an entry's bytes are, in SQL, of a row `e` of `ledger.entry`."""


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
    legs = b"".join([
        _ENTRY.pack(t, leg, kind, account, asset, amount, purse, expires, version or 0)
        for t, leg, kind, account, asset, amount, purse, expires, version in entries
    ])  # fmt: skip
    return packed_hash(previous, writer, seq, day, len(rows), b"".join(rows), legs)


def packed_hash(
    previous: bytes, writer: int, seq: int, day: int, count: int, transactions: bytes, entries: bytes
) -> bytes:
    """The hash of a group of `count` transactions whose rows are bytes already."""
    digest = sha256(previous)
    digest.update(_GROUP.pack(writer, seq, day, count))
    digest.update(transactions)
    digest.update(entries)
    return digest.digest()


def _transaction_bytes(row: TransactionRow) -> bytes:
    (
        number, kind, outcome, asset, amount, issuer, wallet, version, other, other_version, original,
        hold_until, merchant_account, *texts, received,
    ) = row  # fmt: skip
    text = "\0".join(texts).encode()
    numbers = _NUMBERS.pack(
        number, kind, outcome, asset, amount, issuer, wallet or 0, version or 0, other or 0,
        other_version or 0, original or 0, hold_until, merchant_account, received, len(text),
    )  # fmt: skip
    return numbers + text


def day_seal(previous: bytes, day: date, groups: bytes, balances: bytes) -> bytes:
    """The seal of a business day.

    Args:
        previous: the seal of the day sealed before, empty for the first.
        day: the business date.
        groups: the digest of writer, sequence number and hash of each of the day's groups, in that order.
        balances: the digest of the balances at the end of the day.
    """
    return sha256(previous + day.isoformat().encode() + groups + balances).digest()
