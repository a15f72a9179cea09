"""The keeper of the embedded database, with a server that is told what to do."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest

from storage.embedded import EmbeddedPostgresError
from switch.shell import database_keeper
from switch.shell.database_keeper import keep_up


@dataclass
class Server:
    """A server that is revived with these results, one a call; after the last the ledger is ready."""

    results: list[bool | EmbeddedPostgresError]
    is_ready: bool = False
    calls: int = 0
    revived: asyncio.Event = field(default_factory=asyncio.Event)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def revive(self) -> bool:
        """Do as told."""
        self.calls += 1
        result = self.results.pop(0)
        if not self.results:
            self.is_ready = True
            self.loop.call_soon_threadsafe(self.revived.set)
        if isinstance(result, EmbeddedPostgresError):
            raise result
        return result


@contextmanager
def kept(server: Server) -> Iterator[None]:
    """The keeper runs meanwhile."""
    keeper = asyncio.create_task(keep_up(server.revive, lambda: server.is_ready))
    with suppress(asyncio.CancelledError):
        yield
        keeper.cancel()


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A keeper that looks often and is not patient."""
    monkeypatch.setattr(database_keeper, "_GLANCE_SECONDS", 0.001)
    monkeypatch.setattr(database_keeper, "_PAUSE_SECONDS", 0.002)


async def test_nothing_is_done_while_the_ledger_is_ready() -> None:
    """A ready ledger needs no looking after."""
    server = Server([True], is_ready=True)

    with kept(server):
        await asyncio.sleep(0.05)

    assert server.calls == 0


async def test_server_is_revived_until_the_ledger_is_ready() -> None:
    """A server that fails to start is tried again, until the ledger is ready."""
    server = Server([EmbeddedPostgresError("no room"), True, False])

    with kept(server):
        await asyncio.wait_for(server.revived.wait(), 5)
        await asyncio.sleep(0.02)

    assert server.calls == 3


async def test_what_happens_is_logged(capfd: pytest.CaptureFixture[str]) -> None:
    """An operator reads that the server had died, and why it does not come up."""
    server = Server([EmbeddedPostgresError("no room"), True])

    with kept(server):
        await asyncio.wait_for(server.revived.wait(), 5)
        await asyncio.sleep(0.02)

    written = "".join(capfd.readouterr())
    assert "does not start" in written
    assert "no room" in written
    assert "was started again" in written
