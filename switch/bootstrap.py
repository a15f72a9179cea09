"""The composition root: settings in, a running node or a workbench for commands out.

Only here are ledger, directory, routing and HSM joined. A node (`run_node`) is what `cardswitch run` runs; a
workbench (`open_workbench`) is what the other commands work with: the migrated database and the opened HSM,
beside a running switch or without one.
"""

import asyncio
import gc
import os
import resource
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

import directory
import hsm_soft
import ledger.postgres
from directory.refreshing import Refresher, keep_fresh
from directory.service import Directory
from hsm_soft.data_key_store import hand_over_data_keys
from hsm_soft.interface import Hsm
from hsm_soft.process.client import HsmObserver
from iso8583_specs.codec import codec_for
from ledger.postgres.committer import Ledger, enter
from storage.database import DatabaseUnavailable, connect, create_pool
from storage.embedded import EmbeddedPostgres, ServerSettings
from storage.migrations import Component, migrate
from switch.config import Settings
from switch.hsm_access import opened_hsm
from switch.master_keys import say_what_it_is
from switch.observability.health import start_health_server
from switch.observability.hsm_events import HsmEvents
from switch.observability.ledger_events import LedgerEvents
from switch.observability.logs import get
from switch.observability.metrics import Metrics
from switch.observability.transaction_log import TransactionLog
from switch.shell.clock import Clock
from switch.shell.database_keeper import keep_up
from switch.shell.gate import Gate
from switch.shell.listener import Listener
from switch.shell.own_ranges import OwnRanges
from switch.shell.resealer import keep_in_step
from switch.shell.wallet_sealer import WalletSealer
from switch.transaction.flow import Flow
from switch.transaction.management import Management
from switch.transaction.parts import Parts
from switch.transaction.turns import Turns

_POOL_SIZE: Final = 4
_LAG_PERIOD_SECONDS: Final = 0.25
_ENDED_AT_ONCE: Final = 130
_COLLECTOR_THRESHOLDS: Final = (20_000, 20, 50)
"""Thousands of requests are under way at once and end by themselves: to look every 700 is wasted."""

_log = get("switch")


def _migrations_of(package: object) -> Path:
    file = getattr(package, "__file__", None)
    assert isinstance(file, str)
    return Path(file).parent / "migrations"


COMPONENTS: Final = (
    Component("hsm", _migrations_of(hsm_soft)),
    Component("ledger", _migrations_of(ledger.postgres)),
    Component("directory", _migrations_of(directory)),
)
"""The packages with tables of their own, in the order of their migrations."""


@contextmanager
def embedded_server_of(settings: Settings) -> Iterator[EmbeddedPostgres | None]:
    """The embedded server, up meanwhile; None where another database is configured.

    Raises:
        EmbeddedPostgresError: the embedded server can't be had.
    """
    if settings.database.dsn:
        yield None
        return
    sizes = None
    if settings.database.shared_buffers_mb is not None:
        sizes = ServerSettings(settings.database.shared_buffers_mb)
    with EmbeddedPostgres.acquire(settings.home, sizes) as server:
        yield server


@contextmanager
def database_of(settings: Settings) -> Iterator[str]:
    """The DSN of the configured database; without one the embedded server is up meanwhile.

    Raises:
        EmbeddedPostgresError: the embedded server can't be had.
    """
    with embedded_server_of(settings) as server:
        yield settings.database.dsn if server is None else server.dsn


@dataclass(frozen=True, slots=True)
class Workbench:
    """What a command works with: settings, the database, the opened HSM, the clock."""

    settings: Settings
    dsn: str
    hsm: Hsm
    clock: Clock

    @asynccontextmanager
    async def connection(self) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        """A connection for the command's own use."""
        connection = await connect(self.dsn)
        try:
            yield connection
        finally:
            await connection.close()

    @property
    def sealer(self) -> WalletSealer:
        """The ledger's way to the HSM."""
        return WalletSealer(self.hsm, self._learn_data_keys)

    async def _learn_data_keys(self) -> None:
        async with self.connection() as connection:
            await hand_over_data_keys(connection, self.hsm)


@asynccontextmanager
async def open_workbench(
    settings: Settings, dsn: str, observer: HsmObserver | None = None
) -> AsyncIterator[Workbench]:
    """Migrate the database and open the HSM.

    Raises:
        DatabaseUnavailable: the database can't be reached.
        MigrationError: the database doesn't fit this program.
        HsmUnavailable: the HSM's own process isn't there.
        MasterKeyError: the master key can't be had.
        WrongMasterKey: the database was made under another master key.
    """
    await migrate(dsn, COMPONENTS)
    async with opened_hsm(settings, dsn, observer or HsmObserver()) as hsm:
        yield Workbench(settings, dsn, hsm, Clock(settings.clock.time_zone))


class Node:
    """A running switch: listeners, flow, ledger lanes, health page.

    Args:
        bench: The opened workbench.
        metrics: Of this node.
        revive: Starts the database's server again if it has died; None where that isn't ours to do.
    """

    def __init__(self, bench: Workbench, metrics: Metrics, revive: Callable[[], bool] | None = None) -> None:
        self._bench = bench
        self._revive = revive
        self._settings = bench.settings
        self._metrics = metrics
        self._stopping = asyncio.Event()
        self._log = TransactionLog(enabled=bench.settings.observability.log_level in ("debug", "info"))
        self._listeners: list[Listener] = []
        self._ranges = OwnRanges()
        self._ledger: Ledger

    async def run(self, announce: Callable[[str], None]) -> None:
        """Serve until told to stop; then answer what is under way and end in order.

        Raises:
            OSError: An address can't be had.
            DatabaseUnavailable: The database can't be reached at the start.
        """
        bench, settings = self._bench, self._settings.observability
        self._heed_signals()
        node = await enter(bench.dsn, bench.clock.today().date())
        self._ledger = Ledger(bench.dsn, bench.sealer, node, LedgerEvents(self._metrics))
        await self._ledger.start()
        pool = await create_pool(bench.dsn, size=_POOL_SIZE)
        known = Directory(pool)
        try:
            page = start_health_server(settings.host, settings.port, self._metrics, self.readiness)
            with closing(page):
                async with (
                    self._database_kept_up(),
                    self._data_keys_in_step(),
                    self._directory_kept_fresh(known),
                ):
                    await self._listen(known, announce)
                    announce(f"observability on http://{settings.host}:{page.port}")
                    announce("ready")
                    _log.info("node started", node=node)
                    await self._until_stopped()
                    await self._stop()
        finally:
            pool.terminate()

    @asynccontextmanager
    async def _database_kept_up(self) -> AsyncIterator[None]:
        if self._revive is None:
            yield
            return
        keeper = asyncio.create_task(
            keep_up(self._revive, lambda: self._ledger.is_ready), name="database keeper"
        )
        try:
            yield
        finally:
            await _cancelled(keeper)

    @asynccontextmanager
    async def _data_keys_in_step(self) -> AsyncIterator[None]:
        task = asyncio.create_task(keep_in_step(self._bench.connection, self._bench.hsm), name="data keys")
        try:
            yield
        finally:
            await _cancelled(task)

    @asynccontextmanager
    async def _directory_kept_fresh(self, known: Directory) -> AsyncIterator[None]:
        def failed(error: Exception) -> None:
            defect = None if isinstance(error, DatabaseUnavailable) else error
            _log.warning("directory not kept fresh", reason=str(error), exc_info=defect)

        refresher = Refresher(known, self._ranges.take)
        async with self._bench.connection() as connection:
            await refresher.refresh(connection)
        task = asyncio.create_task(keep_fresh(refresher, self._bench.connection, failed), name="directory")
        try:
            yield
        finally:
            await _cancelled(task)

    async def _listen(self, known: Directory, announce: Callable[[str], None]) -> None:
        gate = Gate(self._settings.limits.in_flight_max)
        parts = self._parts(known)
        for name, settings in self._settings.listeners.items():
            flow = Flow(codec_for(settings.dialect, strict=True), parts)
            listener = Listener(name, settings, flow.take, gate, self._metrics)
            await listener.open()
            self._listeners.append(listener)
            announce(f"{name} listening on {settings.host}:{listener.port} ({settings.dialect})")

    def _parts(self, known: Directory) -> Parts:
        bench = self._bench
        return Parts(
            directory=known,
            management=Management(bench.hsm, known, bench.clock, self._metrics),
            hsm=bench.hsm,
            ledger=self._ledger,
            turns=Turns(),
            table=self._ranges,
            clock=bench.clock,
            metrics=self._metrics,
            old_set_us=int(self._settings.keys.old_set_seconds * 1_000_000),
            log=self._log,
        )

    def readiness(self) -> Mapping[str, bool]:
        """What must hold for the node to take requests; read from another thread."""
        accepting = bool(self._listeners) and not self._stopping.is_set()
        return {"accepting": accepting, "ledger": self._ledger.is_ready, "hsm": self._bench.hsm.is_ready}

    def _heed_signals(self) -> None:
        """From now on the first SIGTERM or SIGINT stops the node, also one that comes before it is ready."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)

    async def _until_stopped(self) -> None:
        # What was built so far stays for good: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECTOR_THRESHOLDS)
        with self._metrics.garbage_collector_watched():
            lag = asyncio.create_task(self._watch_loop(), name="event loop lag")
            await self._stopping.wait()
            await _cancelled(lag)

    def _on_signal(self) -> None:
        """The second signal ends the process at once."""
        if self._stopping.is_set():
            os._exit(_ENDED_AT_ONCE)
        self._stopping.set()

    async def _watch_loop(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _LAG_PERIOD_SECONDS
            await asyncio.sleep(_LAG_PERIOD_SECONDS)
            self._metrics.event_loop_lagged(max(0.0, loop.time() - due))

    async def _stop(self) -> None:
        seconds = self._settings.stop.drain_seconds
        _log.info("node stopping", drain_seconds=seconds)
        for listener in self._listeners:
            listener.stop_accepting()
        unanswered = sum(await asyncio.gather(*(each.drain(seconds) for each in self._listeners)))
        await asyncio.gather(*(each.close(seconds) for each in self._listeners))
        self._log.flush()
        if unanswered:
            _log.warning("requests left unanswered", count=unanswered)
        else:
            await self._ledger.stop()
        _log.info("node stopped")


async def _cancelled(task: "asyncio.Task[None]") -> None:
    """Cancel a task that runs for as long as it is wanted, and wait until it has ended."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def run_node(
    settings: Settings,
    dsn: str,
    announce: Callable[[str], None],
    *,
    revive: Callable[[], bool] | None = None,
) -> None:
    """Run a node until it is told to stop.

    Args:
        settings: What is configured.
        dsn: Where the database is.
        announce: Given the lines that people and scripts wait for.
        revive: Starts the database's server again if it has died; None where that isn't ours to do.
    """
    _lift_limit_of_open_files()
    say_what_it_is()
    metrics = Metrics(enabled=settings.observability.metrics)
    async with open_workbench(settings, dsn, HsmEvents(metrics)) as bench:
        await Node(bench, metrics, revive).run(announce)


def _lift_limit_of_open_files() -> None:
    """Take as many as the system allows: each connection is one, and the usual 1,024 are soon used up."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # some systems say "no limit" and don't mean it
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
