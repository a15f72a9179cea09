"""The group's statement: its parts in one order, wallets by id, whatever PostgreSQL knows of the tables.

Sibling parts of one statement run in any order, and a join may be turned round; both would be deadlocks
between nodes. So the plan is looked at with empty, tiny and large tables, and what happens is watched.
"""

import json
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any, TypeAlias

import pytest

from ledger.postgres import statements

from .nodes import WALLETS_PER_NODE, Connection, Node, StartNode, session

Plan: TypeAlias = dict[str, Any]

DEPENDENCIES = {
    "fence": set(),
    "fenced": {"fence"},
    "swap": {"fenced"},
    "swapped": {"swap"},
    "grouped": {"fenced", "swapped"},
    "keyed": {"grouped"},
    "journal": {"keyed"},
    "events": {"journal"},
    "": {"events"},
}
"""What each part reads of the others, once PostgreSQL has drawn in those that only read; the last insert has
no name."""


async def plan_of(connection: Connection, statement: str) -> Plan:
    """The generic plan in a lane's session."""
    await connection.execute(statements.SESSION)
    parameters = max(map(int, re.findall(r"\$(\d+)", statement)))
    await connection.execute(f"PREPARE looked_at AS {statement}")
    text = await connection.fetchval(
        f"EXPLAIN (FORMAT JSON) EXECUTE looked_at ({', '.join(['NULL'] * parameters)})"
    )
    plan = json.loads(text)[0]["Plan"]
    assert isinstance(plan, dict)
    return plan


def nodes_of(plan: Plan) -> Iterator[Plan]:
    """The nodes of a plan, but not those of the other parts below it."""
    yield plan
    for below in plan.get("Plans", []):
        if not below.get("Subplan Name", "").startswith("CTE"):
            yield from nodes_of(below)


def parts_of(plan: Plan) -> dict[str, Plan]:
    """The parts of the statement by name."""
    named = {p["Subplan Name"].removeprefix("CTE "): p for p in plan["Plans"] if "Subplan Name" in p}
    return named | {"": plan}


@pytest.mark.parametrize("wallets", [0, 1, 5, 50, 20_000])
async def test_wallets_are_locked_by_id(connection: Connection, wallets: int) -> None:
    """What drives the update is in the order of the ids: what was sent, or all of a tiny table by index."""
    await connection.execute("BEGIN")
    await connection.execute("SET LOCAL session_replication_role = replica")
    await connection.execute("DELETE FROM ledger.wallet")
    await connection.execute(
        "INSERT INTO ledger.wallet SELECT i, 1, 1, '\\x00' FROM generate_series(1, $1::int) i", wallets
    )
    await connection.execute("ANALYZE ledger.wallet")
    part = parts_of(await plan_of(connection, statements.COMMIT_GROUP))["swap"]
    await connection.execute("ROLLBACK")

    scans = [node for node in nodes_of(part) if node["Node Type"] in {"Function Scan", "Index Scan"}]
    assert [scan["Alias"] for scan in scans] in (["w", "o"], ["o", "w"])
    by_index = next(scan for scan in scans if scan["Alias"] == "o")
    assert (by_index["Index Name"], by_index["Scan Direction"]) == ("wallet_pkey", "Forward")
    if wallets > 50:
        assert by_index is scans[1]
        assert "w.id" in by_index["Index Cond"]
    kinds = {node["Node Type"] for node in nodes_of(part)} - {"CTE Scan", "Function Scan", "Index Scan"}
    assert kinds <= {"ModifyTable", "Nested Loop", "Materialize"}


async def test_parts_are_forced_into_order(connection: Connection) -> None:
    """Each part reads a count of the one before it, so none can run earlier; nothing is sorted or hashed."""
    parts = parts_of(await plan_of(connection, statements.COMMIT_GROUP))

    assert {
        name: {node["CTE Name"] for node in nodes_of(part) if node["Node Type"] == "CTE Scan"}
        for name, part in parts.items()
    } == DEPENDENCIES
    assert {node["Node Type"] for part in parts.values() for node in nodes_of(part)} == {
        "Aggregate", "CTE Scan", "Function Scan", "Index Scan", "ModifyTable", "Nested Loop",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (statements.PROBE, "dedup_pkey"),
        (statements.LOAD_WALLETS, "wallet_pkey"),
        (statements.LOCK_WALLETS, "wallet_pkey"),
        (statements.READ_WRITER, "writer_pkey"),
    ],
)
async def test_reads_go_by_their_index(connection: Connection, statement: str, index: str) -> None:
    """What a group reads is found by index, also before PostgreSQL has seen a single row."""
    plan = await plan_of(connection, statement)

    scans = [node for node in nodes_of(plan) if "Scan" in node["Node Type"]]
    assert scans[0]["Index Name"] == index
    assert "Seq Scan" not in {node["Node Type"] for node in scans}


async def test_locks_are_taken_by_id(connection: Connection) -> None:
    """Row locks are taken in the order of the ids."""
    plan = await plan_of(connection, statements.LOCK_WALLETS)

    assert plan["Node Type"] == "LockRows"
    assert plan["Plans"][0]["Node Type"] in {"Sort", "Index Scan"}


@pytest.fixture
async def noted(database_dsn: str, start_node: StartNode) -> Node:
    """A node whose database notes each row that is written, in order."""
    async with session(database_dsn) as connection:
        await connection.execute("""
            CREATE TABLE public.note (n serial, relation text, row_key text);
            CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE
                is_keyed boolean := TG_TABLE_NAME IN ('wallet', 'dedup');
                key text;
            BEGIN
                key := CASE TG_TABLE_NAME WHEN 'wallet' THEN to_jsonb(NEW) ->> 'id'
                                          WHEN 'dedup' THEN to_jsonb(NEW) ->> 'key' END;
                INSERT INTO public.note (relation, row_key)
                VALUES (regexp_replace(TG_TABLE_NAME, '_[0-9]+$', ''), key);
                RETURN NEW;
            END $$""")
    node = await start_node(database_dsn)
    await node.open(*[100] * 12)
    async with session(database_dsn) as connection:
        for relation, event in (
            ("writer", "UPDATE"), ("wallet", "UPDATE"), ("commit_group", "INSERT"), ("dedup", "INSERT"),
            ("transaction", "INSERT"), ("wallet_event", "INSERT"), ("entry", "INSERT"),
        ):  # fmt: skip
            await connection.execute(
                f"CREATE TRIGGER note BEFORE {event} ON ledger.{relation} "
                "FOR EACH ROW EXECUTE FUNCTION public.note()"
            )
    return node


@pytest.mark.parametrize("under_locks", [False, True], ids=["cas", "locks"])
async def test_rows_are_written_in_order(noted: Node, *, under_locks: bool) -> None:
    """A group takes its writer, its wallets by id, and its keys in order, before it writes the journal."""
    noted.ledger._lanes[0]._groups_under_locks = 1 if under_locks else 0
    first = noted.number * WALLETS_PER_NODE
    mine = list(range(first, first + 12, 2))

    await noted.post_all(noted.till.purchase(wallet, 1) for wallet in (*mine[3:], *reversed(mine[:3])))

    async with session(noted.dsn) as connection:
        rows = await connection.fetch("SELECT relation, row_key FROM public.note ORDER BY n")
    assert [relation for relation, _ in groupby(rows, key=lambda row: row[0])] == [
        "writer", "wallet", "commit_group", "dedup", "transaction", "wallet_event", "entry",
    ]  # fmt: skip
    assert mine == [int(row[1]) for row in rows if row[0] == "wallet"]
    keys = [row[1] for row in rows if row[0] == "dedup"]
    assert keys == sorted(keys)
