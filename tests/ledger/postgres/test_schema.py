"""The schema: names for numbers, what may never change, and the partitions of a day."""

from enum import IntEnum

import asyncpg
import pytest

from ledger.chart import AccountKind, Asset
from ledger.identity import TransactionKind
from ledger.outcome import Outcome
from ledger.postgres.dedup import ROLE_CHANGE, ROLE_OWN, ROLE_TOMBSTONE

from .nodes import Connection, Node

APPEND_ONLY = [
    *[(table, verb) for table in ("transaction", "entry", "commit_group", "wallet_event") for verb in
      ("UPDATE", "DELETE", "TRUNCATE")],
    ("dedup", "UPDATE"), ("dedup", "TRUNCATE"), ("wallet", "DELETE"), ("wallet", "TRUNCATE"),
]  # fmt: skip
A_COLUMN = {"dedup": "role", "wallet_event": "version", "commit_group": "seq"}


@pytest.mark.parametrize(
    ("table", "column", "enumeration"),
    [
        ("outcome", "name", Outcome),
        ("transaction_kind", "name", TransactionKind),
        ("account_kind", "name", AccountKind),
        ("asset", "code", Asset),
    ],
)
async def test_names_in_sql_are_the_programs(
    connection: Connection, table: str, column: str, enumeration: type[IntEnum]
) -> None:
    """Whoever reads the journal with SQL finds the program's names for its numbers."""
    rows = await connection.fetch(f"SELECT id, {column} FROM ledger.{table}")

    assert {member.value: member.name for member in enumeration} == {row[0]: row[1] for row in rows}


@pytest.mark.parametrize(("table", "verb"), APPEND_ONLY)
async def test_what_is_written_stays(node: Node, connection: Connection, table: str, verb: str) -> None:
    """Journal, events, answers and wallets refuse what would change or remove them, partitions too."""
    (wallet,) = await node.open(100)
    await node.post(node.till.purchase(wallet, 1))
    column = A_COLUMN.get(table, "id" if table in ("transaction", "wallet") else "leg")
    statement = {
        "UPDATE": f"UPDATE ledger.{{}} SET {column} = {column}",
        "DELETE": "DELETE FROM ledger.{}",
        "TRUNCATE": "TRUNCATE ledger.{}",
    }[verb]
    partitioned = table in ("transaction", "entry", "commit_group")

    for name in [table, *([f"{table}_20260105"] if partitioned else [])]:
        with pytest.raises(asyncpg.RestrictViolationError, match=f"{verb} refused"):
            await connection.execute(statement.format(name))


async def test_truncating_everything_is_refused(connection: Connection) -> None:
    """Truncating many tables at once is no way round."""
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute("TRUNCATE ledger.business_day, ledger.wallet CASCADE")


async def test_answers_may_expire(node: Node, connection: Connection) -> None:
    """A row of `dedup` may be deleted once its batch is long closed."""
    await node.post(node.till.reversal("never", 1))
    key = node.till.key("never")

    assert await connection.execute("DELETE FROM ledger.dedup WHERE key = $1", key) == "DELETE 1"


async def test_keys_have_a_known_role(connection: Connection) -> None:
    """A role that the program doesn't know is refused."""
    insert = "INSERT INTO ledger.dedup VALUES ($1, $2, '2026-01-05', 1, '', 0, '')"
    async with connection.transaction():
        for role in (ROLE_OWN, ROLE_TOMBSTONE, ROLE_CHANGE):
            await connection.execute(insert, bytes([role]), role)
        with pytest.raises(asyncpg.CheckViolationError, match="dedup_role_check"):
            async with connection.transaction():
                await connection.execute(insert, bytes([4]), 4)
        await connection.execute("DELETE FROM ledger.dedup WHERE transaction_id = 1")


async def test_one_day_is_open(connection: Connection) -> None:
    """A second open day can't be."""
    with pytest.raises(asyncpg.UniqueViolationError, match="business_day_one_open"):
        await connection.execute("INSERT INTO ledger.business_day (business_date) VALUES ('2026-01-06')")


async def test_partitions_are_made_once(connection: Connection) -> None:
    """Making a day's partitions again does nothing; each day has its own."""
    transaction = connection.transaction()
    await transaction.start()
    for _ in range(2):
        await connection.execute("SELECT ledger.make_partitions('2031-12-31')")

    rows = await connection.fetch("SELECT relname FROM pg_class WHERE relname LIKE '%_20311231' ORDER BY 1")
    assert [row[0] for row in rows] == ["commit_group_20311231", "entry_20311231", "transaction_20311231"]
    await transaction.rollback()
