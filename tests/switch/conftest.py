"""A database for all tests of the switch in this worker, and nodes on it that live for one test."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from storage.database import connect
from tests.switch.shop import MASTER_KEY, Node, World


@pytest.fixture(scope="session")
def world(postgres_dsn: str, template: str) -> Iterator[World]:
    """The worker's world; tests add parties of their own to it and leave the others alone."""
    name = f"cardswitch_{uuid.uuid4().hex}"
    _run(_execute(postgres_dsn, f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield _run(World.make(urlsplit(postgres_dsn)._replace(path=f"/{name}").geturl()))
    _run(_execute(postgres_dsn, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def nodes(world: World) -> AsyncIterator[AsyncExitStack]:
    """What the nodes of a test end with."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def node(world: World, nodes: AsyncExitStack) -> Node:
    """A node of the test's own."""
    return await Node.start(world, nodes)


@pytest.fixture
async def other_node(world: World, nodes: AsyncExitStack) -> Node:
    """A second node on the same database."""
    return await Node.start(world, nodes)


@pytest.fixture
def settings_file(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings of a node on the world, on free ports; no variable of ours stands above them."""
    for name in os.environ:
        if name.startswith("CARDSWITCH_"):
            monkeypatch.delenv(name)
    key_file = tmp_path / "master-key.hex"
    key_file.write_text(MASTER_KEY.hex())
    file = tmp_path / "settings.toml"
    file.write_text(
        f"""
        home = "{tmp_path}"
        database.dsn = "{world.dsn}"
        hsm.master_key_file = "{key_file}"
        listeners.pos.port = 0
        observability = {{ port = 0, log_level = "warning", log_format = "json" }}
        """
    )
    return file


async def _execute(dsn: str, statement: str) -> None:
    connection = await connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run `work` on a loop of its own."""
    with asyncio.Runner() as runner:
        return runner.run(work)
