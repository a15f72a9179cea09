"""The composition root: what a workbench opens, and how a node starts, serves, stops and refuses to start.

Nodes run inside the test, on free ports, and are stopped by the signals an operator would send.
"""

import asyncio
import gc
import itertools
import os
import re
import resource
import signal
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from types import SimpleNamespace

import pytest

from hsm_soft.hsm import SoftHsm
from hsm_soft.key_store import WrongMasterKey
from hsm_soft.master_key import DEVELOPMENT_FILE_NAME, MasterKeyError
from iso8583_specs.framing import FRAMINGS, write_frame
from storage.database import DatabaseUnavailable
from storage.embedded import ServerSettings
from storage.migrations import Component, MigrationState, status
from switch.bootstrap import COMPONENTS, database_of, open_workbench, run_node
from switch.config import Settings, load_settings
from tests.switch.shop import BALANCE_MINOR, Node, World
from tests.switch.small_terminal import Terminal

FRAMING = FRAMINGS["length2_tpdu_header6"]
TPDU, HEADER = bytes.fromhex("6000030000"), bytes.fromhex("602200000000")
UNREACHABLE = "postgresql://nobody@127.0.0.1:9/nothing"


@pytest.fixture
def settings(settings_file: Path) -> Settings:
    """Settings of a node on the world."""
    return load_settings(settings_file)


def changed(settings: Settings, **tables: dict[str, object]) -> Settings:
    """The settings with some keys of some tables changed."""
    values = settings.model_dump()
    for table, keys in tables.items():
        values[table] |= keys
    return Settings.model_validate(values)


# The workbench


def test_components_are_those_of_the_tests(components: list[Component]) -> None:
    """What the product migrates, in its order, is what the tests' databases are made of."""
    assert list(components) == list(COMPONENTS)


def test_configured_database_is_taken_as_it_is(settings: Settings) -> None:
    """With a DSN nothing is started."""
    with database_of(settings) as dsn:
        assert settings.database.dsn == dsn


@pytest.mark.parametrize("shared_buffers_mb", [None, 64])
def test_without_a_dsn_the_embedded_server_is_up_meanwhile(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, shared_buffers_mb: int | None
) -> None:
    """The embedded server is started under `home` with the memory it may have, and released in the end."""
    events: list[object] = []

    @contextmanager
    def acquire(home: Path, sizes: ServerSettings | None) -> Iterator[SimpleNamespace]:
        events.extend((home, sizes and sizes.shared_buffers_mib))
        yield SimpleNamespace(dsn="postgresql:///embedded")
        events.append("released")

    monkeypatch.setattr("switch.bootstrap.EmbeddedPostgres.acquire", acquire)
    embedded = changed(settings, database={"dsn": "", "shared_buffers_mb": shared_buffers_mb})

    with database_of(embedded) as dsn:
        assert dsn == "postgresql:///embedded"
        assert [settings.home, shared_buffers_mb] == events
    assert events[-1] == "released"


async def test_workbench_migrates_and_opens_the_hsm(settings: Settings, empty_database_dsn: str) -> None:
    """An empty database is brought up to date; a second workbench opens the same keys."""
    async with open_workbench(settings, empty_database_dsn) as bench:
        sealed = await bench.hsm.ask(SoftHsm.seal_pan, "9900010000000000019")
        async with bench.connection() as connection:
            assert await connection.fetchval("SELECT count(*) FROM ledger.wallet") == 0

    states = {row.state for row in await status(empty_database_dsn, COMPONENTS)}
    assert {MigrationState.APPLIED} == states
    async with open_workbench(settings, empty_database_dsn) as bench:
        assert await bench.hsm.ask(SoftHsm.open_pan, sealed) == "9900010000000000019"


async def test_development_makes_its_own_master_key_and_says_so(
    settings: Settings, empty_database_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a key file a development node makes one in `home`, and every start warns of it."""
    own = changed(settings, hsm={"master_key_file": None})

    for _ in range(2):
        async with open_workbench(own, empty_database_dsn):
            assert (settings.home / DEVELOPMENT_FILE_NAME).exists()
        out, err = capsys.readouterr()
        assert "DEVELOPMENT MASTER KEY in use" in out + err


async def test_named_master_key_must_exist(settings: Settings, world: World) -> None:
    """A key file that is named is never made up, not even in development."""
    missing = changed(settings, hsm={"master_key_file": settings.home / "missing.hex"})

    with pytest.raises(MasterKeyError):
        async with open_workbench(missing, world.dsn):
            pass
    assert not (settings.home / "missing.hex").exists()


async def test_development_key_is_refused_in_production(settings: Settings, world: World) -> None:
    """A key file that says that it is for development opens nothing in production."""
    file = settings.home / "renamed.hex"
    file.write_text(f"# DEVELOPMENT MASTER KEY\n{'7e' * 32}\n")
    production = Settings.model_validate(
        {**settings.model_dump(), "environment": "production", "hsm": {"master_key_file": file}}
    )

    with pytest.raises(MasterKeyError):
        async with open_workbench(production, world.dsn):
            pass


async def test_other_master_key_does_not_open_the_database(settings: Settings, world: World) -> None:
    """A database that was made under another master key is told apart from a broken one."""
    file = settings.home / "other.hex"
    file.write_text("7e" * 32)

    with pytest.raises(WrongMasterKey):
        async with open_workbench(changed(settings, hsm={"master_key_file": file}), world.dsn):
            pass


# A node


class Running:
    """A node that runs, seen from outside."""

    def __init__(self, settings: Settings, revive: Callable[[], bool] | None) -> None:
        self.lines: list[str] = []
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        run = run_node(settings, settings.database.dsn, self.announce, revive=revive)
        self.ended = asyncio.create_task(run)

    def announce(self, line: str) -> None:
        """Keep a line."""
        self.lines.append(line)
        if line == "ready":
            self.ready.set_result(None)

    def found(self, pattern: str) -> str:
        """What an announced line says."""
        [found] = re.findall(pattern, "\n".join(self.lines), re.MULTILINE)
        return str(found)

    @property
    def port(self) -> int:
        """Where terminals dial in."""
        return int(self.found(r"^pos listening on 127\.0\.0\.1:(\d+) \(unionpay_pos\)$"))

    async def get(self, path: str) -> tuple[int, str]:
        """Status and text of a page for machines."""
        port = int(self.found(r"^observability on http://127\.0\.0\.1:(\d+)$"))

        def ask() -> tuple[int, str]:
            with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
                connection.request("GET", path)
                response = connection.getresponse()
                return response.status, response.read().decode()

        return await asyncio.to_thread(ask)

    async def shows(self, sample: str) -> None:
        """Wait until the page of metrics has a sample."""
        async with asyncio.timeout(20):
            for pause_seconds in itertools.repeat(0.01):
                if f"\n{sample}" in (await self.get("/metrics"))[1]:
                    return
                await asyncio.sleep(pause_seconds)


@pytest.fixture
async def collector() -> AsyncIterator[None]:
    """Nodes freeze what the collector knows, and make it patient; let it be as before afterwards."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@asynccontextmanager
async def running(settings: Settings, revive: Callable[[], bool] | None = None) -> AsyncIterator[Running]:
    """A node, from its line `ready` on; stopped in the end if it still runs."""
    node = Running(settings, revive)
    try:
        async with asyncio.timeout(20):
            await asyncio.wait([node.ended, node.ready], return_when=asyncio.FIRST_COMPLETED)
        yield node
    finally:
        if not node.ended.done():
            os.kill(os.getpid(), signal.SIGTERM)
        await node.ended


async def exchange(terminal: Terminal, body: bytes, port: int) -> bytes:
    """Send one message over a connection of its own; the answer's body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(write_frame(FRAMING, TPDU, HEADER, body))
    async with asyncio.timeout(20):
        answer = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
    writer.close()
    await writer.wait_closed()
    return answer[11:]


@asynccontextmanager
async def held_wallet(node: Node, wallet_id: int) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """A wallet that nobody can write until what is yielded is called."""
    transaction = node.connection.transaction()
    await transaction.start()
    await node.connection.execute("SELECT 1 FROM ledger.wallet WHERE id = $1 FOR UPDATE", wallet_id)
    released = False

    async def release() -> None:
        nonlocal released
        if not released:
            released = True
            await transaction.rollback()

    yield release
    await release()


@pytest.mark.usefixtures("collector")
async def test_node_says_where_it_listens_and_serves(settings: Settings, node: Node) -> None:
    """The announced lines come in order and end with `ready`; then terminals and machines are answered."""
    terminal, card = await node.terminal(), await node.card()

    async with running(settings) as switch:
        answer = await exchange(terminal, terminal.sealed(terminal.purchase(card)), switch.port)
        ready, _ = await switch.get("/readyz")
        await switch.shows('switch_transactions_total{kind="purchase",outcome="approved"} 1.0')
        await switch.shows("ledger_commit_groups_total{lane=")
        await switch.shows("switch_event_loop_lag_seconds_count 1.0")

    assert terminal.opened(answer).fields[39] == "00"
    assert BALANCE_MINOR - 100 == await node.balance_of(card)
    assert [line.split()[0] for line in switch.lines] == ["pos", "observability", "ready"]
    assert ready == 200


@pytest.mark.usefixtures("collector")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_stop_answers_what_is_under_way(settings: Settings, node: Node, number: int) -> None:
    """At the first signal the node isn't ready any more, answers what it has taken, and ends in order."""
    terminal, card = await node.terminal(), await node.card()

    async with running(settings) as switch, held_wallet(node, card.wallet_id) as release:
        body = terminal.sealed(terminal.purchase(card))
        asked = asyncio.create_task(exchange(terminal, body, switch.port))
        await switch.shows("switch_transactions_in_flight 1")
        os.kill(os.getpid(), number)
        await asyncio.sleep(0.1)
        status_code, text = await switch.get("/readyz")
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", switch.port)
        assert not switch.ended.done()
        await release()
        answer = await asked
        await asyncio.wait_for(switch.ended, 10)

    assert (status_code, "[-]accepting failed" in text) == (503, True)
    assert terminal.opened(answer).fields[39] == "00"
    assert BALANCE_MINOR - 100 == await node.balance_of(card)


@pytest.mark.usefixtures("collector")
async def test_second_signal_ends_the_process_at_once(
    settings: Settings, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who signals twice doesn't wait for what is under way."""
    terminal, card = await node.terminal(), await node.card()
    exits: list[int] = []
    monkeypatch.setattr("switch.bootstrap.os._exit", exits.append)

    async with running(settings) as switch, held_wallet(node, card.wallet_id) as release:
        asked = asyncio.create_task(exchange(terminal, terminal.sealed(terminal.purchase(card)), switch.port))
        await switch.shows("switch_transactions_in_flight 1")
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.05)
        assert exits == [130]
        await release()
        await asked


@pytest.mark.usefixtures("collector")
async def test_signal_before_ready_stops_too(settings: Settings) -> None:
    """A signal that comes while the node still starts is not lost, and ends it in order."""
    lines: list[str] = []

    def announce(line: str) -> None:
        lines.append(line)
        if line.startswith("pos"):
            os.kill(os.getpid(), signal.SIGTERM)

    await asyncio.wait_for(run_node(settings, settings.database.dsn, announce), 20)

    assert lines[-1] == "ready"


@pytest.mark.usefixtures("collector")
async def test_server_of_ours_is_looked_after(
    settings: Settings, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the ledger isn't ready a server of ours is revived; it is left alone as long as all is well."""
    revived: list[bool] = []
    looked_before = threading.Event()

    def revive() -> bool:
        looked_before.wait(10)
        revived.append(True)
        return True

    monkeypatch.setattr("switch.bootstrap.Ledger.is_ready", property(lambda _: bool(revived)))
    async with running(settings, revive) as switch:
        before, _ = await switch.get("/readyz")
        looked_before.set()
        async with asyncio.timeout(10):
            for pause_seconds in itertools.repeat(0.01):
                if revived:
                    break
                await asyncio.sleep(pause_seconds)
        after, _ = await switch.get("/readyz")

    assert (before, after) == (503, 200)
    assert len(revived) == 1


async def test_address_in_use_is_told(settings: Settings) -> None:
    """A listener's or the page's address that somebody has ends the start."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        listener = changed(settings, listeners={"pos": {"port": port}})
        page = changed(settings, observability={"port": port})

        for wrong in (listener, page):
            with pytest.raises(OSError, match="in use"):
                await run_node(wrong, settings.database.dsn, lambda _: None)


async def test_database_that_cannot_be_reached_is_told(settings: Settings) -> None:
    """Without its database a node doesn't start."""
    with pytest.raises(DatabaseUnavailable):
        await run_node(settings, UNREACHABLE, lambda _: None)


@pytest.fixture
def low_limit() -> Iterator[int]:
    """Few open files, as a shell gives them; what the system would allow is the value."""
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, most))
    yield most
    resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


@pytest.mark.usefixtures("collector")
async def test_node_takes_as_many_open_files_as_it_may(settings: Settings, low_limit: int) -> None:
    """Each connection is an open file, so the soft limit is lifted to the hard one."""
    async with running(settings):
        assert (low_limit, low_limit) == resource.getrlimit(resource.RLIMIT_NOFILE)


@contextmanager
def refusing_limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A system that says "no limit" and refuses it."""

    def refuse(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    with monkeypatch.context() as patch:
        patch.setattr(resource, "setrlimit", refuse)
        yield


@pytest.mark.usefixtures("collector")
async def test_limit_that_cannot_be_lifted_stops_nobody(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node starts with the limits it has where it may not have more."""
    with refusing_limits(monkeypatch):
        async with running(settings) as switch:
            assert "ready" in switch.lines
