"""The hash over a group's rows: fixed for ever, and different for whatever could differ."""

from collections.abc import Iterator

import pytest

from ledger.postgres.chain import (
    ENTRY_BYTES,
    TRANSACTION_BYTES,
    EntryRow,
    TransactionRow,
    genesis,
    group_hash,
    packed_hash,
)

from .nodes import Connection

TRANSACTION = TransactionRow(
    id=1 << 40, kind=1, outcome=0, asset=156, amount_minor=400, issuer=3, wallet_id=5, wallet_version=2,
    other_wallet_id=6, other_wallet_version=4, original_id=9, hold_until=739_031, merchant_account=7,
    merchant_id="M", terminal_id="T", batch="1", stan="2", proposer="P", approver="A",
    received_at_us=1_767_600_000_000_000,
)  # fmt: skip
ENTRIES = [
    EntryRow(1 << 40, 0, 5, 5, 156, -400, 2, 739_999, 2),
    EntryRow(1 << 40, 1, 2, 7, 156, 400, 0, 0, None),
]


def digest(
    transactions: list[TransactionRow] | None = None,
    entries: list[EntryRow] | None = None,
    previous: bytes = b"p" * 32,
    writer: int = 8,
    seq: int = 3,
    day: int = 739_000,
) -> bytes:
    """The hash of the example group, with one thing changed."""
    return group_hash(
        previous, writer, seq, day,
        [TRANSACTION] if transactions is None else transactions, ENTRIES if entries is None else entries,
    )  # fmt: skip


def changes() -> Iterator[tuple[str, bytes]]:
    """The hash after each single change."""
    for name, value in zip(TransactionRow._fields, TRANSACTION, strict=True):
        changed = f"{value}x" if isinstance(value, str) else (value or 0) + 1
        yield f"transaction {name}", digest([TRANSACTION._replace(**{name: changed})])
    for name, value in zip(EntryRow._fields, ENTRIES[0], strict=True):
        yield f"entry {name}", digest(entries=[ENTRIES[0]._replace(**{name: (value or 0) + 1}), ENTRIES[1]])
    yield "an entry less", digest(entries=ENTRIES[:1])
    yield "entries turned round", digest(entries=ENTRIES[::-1])
    yield "no transaction", digest([])
    yield "a transaction more", digest([TRANSACTION, TRANSACTION])
    yield "text moved to the next field", digest([TRANSACTION._replace(merchant_id="", terminal_id="MT")])
    yield "previous", digest(previous=b"q" * 32)
    yield "writer", digest(writer=9)
    yield "seq", digest(seq=4)
    yield "day", digest(day=739_001)


def test_nothing_can_change_unnoticed() -> None:
    """Each field of each row, their order and number, and the group's place in its chain are covered."""
    hashes = dict(changes())

    assert len(hashes) + 1 == len({digest(), *hashes.values()})


def test_chains_never_change() -> None:
    """A chain written by an earlier program is verified by later ones."""
    assert genesis(8).hex() == "b200d8e2377e96ecb057382eec68e9f58b344b0605a811e2d8d0d1ddf20d60e8"
    assert digest().hex() == "a9bdfa3aab9a0e9771234b7f47a6018803329f6a93e936b4070c012c6a4de3c5"


@pytest.mark.parametrize(
    "field", ["wallet_id", "wallet_version", "other_wallet_id", "other_wallet_version", "original_id"]
)
def test_absent_numbers_are_hashed_as_zero(field: str) -> None:
    """What is absent is 0, which no wallet, version or transaction has."""
    assert digest([TRANSACTION._replace(**{field: 0})]) == digest([TRANSACTION._replace(**{field: None})])


@pytest.mark.parametrize(
    "transaction",
    [
        TRANSACTION,
        TRANSACTION._replace(wallet_id=None, wallet_version=None, other_wallet_id=None, original_id=None),
        TRANSACTION._replace(other_wallet_version=None, merchant_id="小店", stan="", proposer="Zoë"),
        TRANSACTION._replace(amount_minor=-5, hold_until=0, received_at_us=-1),
    ],
    ids=["full", "without a wallet", "texts beyond ASCII", "below zero"],
)
async def test_bytes_of_sql_are_the_same(connection: Connection, transaction: TransactionRow) -> None:
    """PostgreSQL makes the very bytes of a row that the committer hashed."""
    await connection.execute("BEGIN")
    await connection.execute("SET LOCAL session_replication_role = replica")
    numbers = ", ".join(f"${i}" for i in range(1, len(TransactionRow._fields) + 1))
    await connection.execute(
        f"INSERT INTO ledger.transaction (business_date, writer, seq, {', '.join(TransactionRow._fields)}) "
        f"VALUES ('2026-01-05', 8, 3, {numbers})",
        *transaction,
    )
    for entry in ENTRIES:
        places = ", ".join(f"${i}" for i in range(1, len(EntryRow._fields) + 1))
        await connection.execute(f"INSERT INTO ledger.entry VALUES ('2026-01-05', {places})", *entry)
    of_transaction = await connection.fetchval(
        f"SELECT {TRANSACTION_BYTES} FROM ledger.transaction t WHERE t.id = $1", transaction.id
    )
    of_entries = await connection.fetchval(
        f"SELECT string_agg({ENTRY_BYTES}, '' ORDER BY e.leg) FROM ledger.entry e "
        "WHERE e.transaction_id = $1",
        transaction.id,
    )
    await connection.execute("ROLLBACK")

    assert packed_hash(b"p" * 32, 8, 3, 739_000, 1, of_transaction, of_entries) == digest([transaction])
