"""One store after the other, on which the contract's tests are played."""

from collections.abc import AsyncIterator

import pytest

from ledger.sealer import Sealer
from tests.ledger.postgres.nodes import Node

from .memory_store import MemoryStore
from .postgres_store import PostgresStore
from .stores import Store


@pytest.fixture(params=["memory", "postgres"])
def store_dsn(request: pytest.FixtureRequest) -> str | None:
    """A database of the test's own; None for the store in memory."""
    if request.param == "memory":
        return None
    dsn = request.getfixturevalue("database_dsn")
    assert isinstance(dsn, str)
    return dsn


@pytest.fixture
async def store(store_dsn: str | None, sealer: Sealer) -> AsyncIterator[Store]:
    """A store that nobody else uses; its books must be sound in the end."""
    store = MemoryStore() if store_dsn is None else PostgresStore(await Node.started(store_dsn, sealer))
    yield store
    assert await store.is_sound()
    await store.ledger.stop()
