"""An HSM served on a socket in a temporary folder, and clients of it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import Hsm, InProcessHsm
from hsm_soft.process.client import HsmClient, HsmObserver
from hsm_soft.process.server import HsmServer
from hsm_soft.process.socket_file import listening_socket


class Seen:
    """What a server told its observer."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self.defective: list[str] = []

    def peer_refused(self, reason: str) -> None:
        """Keep the reason."""
        self.refused.append(reason)

    def operation_defective(self, operation: str) -> None:
        """Keep the operation's name."""
        self.defective.append(operation)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a name short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="hsm-") as name:
        yield Path(name) / "hsm"


@pytest.fixture
def made_folder(folder: Path) -> Path:
    """The same folder, made as the HSM makes it."""
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def seen() -> Seen:
    """What the server tells."""
    return Seen()


Dial = Callable[..., Awaitable[HsmClient]]


@asynccontextmanager
async def serving(core: SoftHsm, path: Path, seen: Seen) -> AsyncIterator[None]:
    """A server on `path` meanwhile."""
    stopping = asyncio.Event()
    with listening_socket(path) as listening:
        task = asyncio.create_task(HsmServer(core, seen).serve(listening, stopping))
        try:
            yield
        finally:
            stopping.set()
            await task


@pytest.fixture
async def path(folder: Path, hsm: SoftHsm, seen: Seen) -> AsyncIterator[Path]:
    """Where an HSM serves."""
    async with serving(hsm, folder / "hsm.sock", seen):
        yield folder / "hsm.sock"


@pytest.fixture
async def dial(folder: Path) -> AsyncIterator[Dial]:
    """Connects clients, closed when the test ends."""
    async with AsyncExitStack() as stack:

        async def connected(observer: HsmObserver | None = None, answer_seconds: float = 5.0) -> HsmClient:
            client = HsmClient(folder / "hsm.sock", observer, answer_seconds)
            await client.connect()
            stack.push_async_callback(client.close)
            return client

        yield connected


@pytest.fixture(params=["in_process", "process"])
async def asked(request: pytest.FixtureRequest, hsm: SoftHsm, folder: Path, seen: Seen) -> AsyncIterator[Hsm]:
    """The same HSM, in this process and behind its socket."""
    if request.param == "in_process":
        yield InProcessHsm(hsm)
        return
    async with serving(hsm, folder / "hsm.sock", seen):
        client = HsmClient(folder / "hsm.sock")
        await client.connect()
        yield client
        await client.close()
