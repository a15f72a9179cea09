"""What every test may ask for: a PostgreSQL server, a database of its own, and the event loop of the run.

The server is the embedded one, in the session's temporary folder and shared by all xdist workers; or the one
named by CARDSWITCH_TEST_DSN, whose user must be allowed to create databases. Each worker migrates one
template, and each test gets a copy of it.

CARDSWITCH_TEST_LOOP chooses the loop of asynchronous tests: `uvloop` (the default, as in production) or
`asyncio`, which runs in debug mode.
"""

import asyncio
import os
import uuid
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import hypothesis
import pytest
import uvloop

from iso8583_specs import dialects
from storage.database import connect
from storage.embedded import EmbeddedPostgres, ServerSettings
from storage.migrations import Component, migrate
from tests.leaks.database import everything_in
from tests.leaks.heard import overheard

pytest_plugins = ("tests.leaks.plugin",)

LOOPS: Mapping[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "uvloop": uvloop.new_event_loop,
    "asyncio": asyncio.new_event_loop,
}
T = TypeVar("T")

LOOP = os.environ.get("CARDSWITCH_TEST_LOOP", "uvloop")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse an unknown loop; turn on debug mode, which pytest-asyncio sets on the loops it makes."""
    if LOOP not in LOOPS:
        raise pytest.UsageError(f"CARDSWITCH_TEST_LOOP is {LOOP!r}, not one of {', '.join(LOOPS)}")
    if LOOP == "asyncio":
        config.option.asyncio_debug = True
    # How long an example takes says more of the machine than of the code: benchmarks measure, tests don't.
    hypothesis.settings.register_profile("project", deadline=None)
    hypothesis.settings.load_profile("project")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run every asynchronous test once, on the loop of the run."""
    return {LOOP: LOOPS[LOOP]}


@pytest.fixture(scope="session")
def small_server() -> ServerSettings:
    """Sizes for a server that lives for a few tests."""
    return ServerSettings(shared_buffers_mib=32, min_wal_mib=32, max_wal_mib=128)


@pytest.fixture(scope="session")
def postgres_dsn(tmp_path_factory: pytest.TempPathFactory, small_server: ServerSettings) -> Iterator[str]:
    """The server of the session, as a DSN of a database that tests leave alone."""
    if dsn := os.environ.get("CARDSWITCH_TEST_DSN"):
        yield dsn
        return
    folder = tmp_path_factory.getbasetemp()
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with EmbeddedPostgres.acquire(shared / "cardswitch", small_server) as server:
        yield server.dsn


@pytest.fixture(scope="session")
def components() -> Sequence[Component]:
    """The product's components that have tables, in the order in which they are migrated."""
    # Imported here, so that tests that need no database do not depend on the whole switch.
    from switch.bootstrap import COMPONENTS

    return COMPONENTS


@pytest.fixture(scope="session")
def template(postgres_dsn: str, components: Sequence[Component]) -> Iterator[str]:
    """The name of a migrated database; a database with sessions cannot be copied, so none is opened in it."""
    with _database(postgres_dsn, "template0") as dsn:
        _run(migrate(dsn, components))
        yield _name(dsn)


@pytest.fixture
def database_dsn(postgres_dsn: str, template: str) -> Iterator[str]:
    """A migrated database of the test's own."""
    with _database(postgres_dsn, template) as dsn:
        yield dsn


@pytest.fixture
def empty_database_dsn(postgres_dsn: str) -> Iterator[str]:
    """A database of the test's own without any table."""
    with _database(postgres_dsn, "template0") as dsn:
        yield dsn


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """SoftHSM's library, with a new token; it reads its configuration once in a process."""
    from tests.softhsm import make_softhsm_token, softhsm_library

    library = softhsm_library()
    environment = pytest.MonkeyPatch()
    environment.setenv("SOFTHSM2_CONF", str(make_softhsm_token(tmp_path_factory.mktemp("softhsm"))))
    yield library
    environment.undo()


@contextmanager
def _database(server_dsn: str, template: str) -> Iterator[str]:
    """A new copy of `template`, dropped in the end even if sessions were left open."""
    name = f"cardswitch_{uuid.uuid4().hex}"
    dsn = urlsplit(server_dsn)._replace(path=f"/{name}").geturl()
    _run(_execute(server_dsn, f"CREATE DATABASE {name} TEMPLATE {template}"))
    try:
        yield dsn
        overheard("the database", _run(everything_in(dsn)))
    finally:
        _run(_execute(server_dsn, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(dsn: str, statement: str) -> None:
    connection = await connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _name(dsn: str) -> str:
    return urlsplit(dsn).path.removeprefix("/")


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` on a loop of its own, without touching the loop of the test that asked."""
    with asyncio.Runner(loop_factory=LOOPS[LOOP]) as runner:
        return runner.run(work)


@pytest.fixture
def own_dialects() -> Iterator[None]:
    """Forgets the dialects that a test makes known."""
    before = set(dialects.DIALECTS)
    yield
    for name in set(dialects.DIALECTS) - before:
        del dialects._known[name]
