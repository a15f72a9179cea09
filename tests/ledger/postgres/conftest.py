"""A database that the ledger's tests share, and nodes that are stopped when a test ends.

Wallets, tills and transaction numbers belong to one node and each test starts nodes of its own, so tests
don't meet in the shared database, and verifying it verifies what all of them left. Tests that break something
on purpose, or move the business day, have a database of their own (`database_dsn`).
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from ledger.sealer import Sealer
from storage.database import connect

from .line_cutter import LineCutter
from .nodes import Connection, MakeDatabase, Node, Pair, StartNode, session


@pytest.fixture(scope="session")
def make_database(postgres_dsn: str, template: str) -> MakeDatabase:
    """Makes migrated databases that outlive a test."""

    @contextmanager
    def make() -> Iterator[str]:
        name = f"cardswitch_ledger_{uuid.uuid4().hex}"
        asyncio.run(_execute(postgres_dsn, f"CREATE DATABASE {name} TEMPLATE {template}"))
        yield urlsplit(postgres_dsn)._replace(path=f"/{name}").geturl()
        asyncio.run(_execute(postgres_dsn, f"DROP DATABASE {name} WITH (FORCE)"))

    return make


@pytest.fixture(scope="session")
def ledger_dsn(make_database: MakeDatabase) -> Iterator[str]:
    """A migrated database that many tests share."""
    with make_database() as dsn:
        yield dsn


async def _execute(dsn: str, statement: str) -> None:
    connection = await connect(dsn)
    await connection.execute(statement)
    await connection.close()


@pytest.fixture
async def start_node(ledger_dsn: str, sealer: Sealer) -> AsyncIterator[StartNode]:
    """Starts nodes, on the shared database unless told otherwise."""
    nodes = []

    async def start(dsn: str = ledger_dsn) -> Node:
        nodes.append(await Node.started(dsn, sealer))
        return nodes[-1]

    yield start
    await asyncio.gather(*(node.ledger.stop() for node in nodes))


@pytest.fixture
async def node(start_node: StartNode) -> Node:
    """A node on the shared database."""
    return await start_node()


@pytest.fixture
async def pair(start_node: StartNode) -> AsyncIterator[Pair]:
    """Two nodes; afterwards the books must be clean, and no deadlock may have been seen."""
    nodes = await start_node(), await start_node()
    yield nodes
    assert await nodes[0].offences() == []
    assert not {"Conflict", "GroupFailed"} & {*nodes[0].watcher.results(), *nodes[1].watcher.results()}
    async with session(nodes[0].dsn) as connection:
        deadlocks = await connection.fetchval(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )
    assert deadlocks == 0


@pytest.fixture
async def connection(node: Node) -> AsyncIterator[Connection]:
    """A connection to the node's database."""
    async with session(node.dsn) as connection:
        yield connection


@pytest.fixture
async def line(ledger_dsn: str) -> AsyncIterator[LineCutter]:
    """A line to the shared database that can be cut."""
    async with LineCutter.to(ledger_dsn) as line:
        yield line
