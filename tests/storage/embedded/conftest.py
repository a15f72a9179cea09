"""Homes of embedded servers, and commands that hold them as processes of their own.

A home's fixture fails a test that leaves something running. Most tests share one home, stopped in between,
for making a cluster is what takes time.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from storage.embedded import EmbeddedPostgres, ServerSettings
from storage.embedded.postmaster import server_processes

COMMAND = """
import sys
from pathlib import Path
from storage.embedded import EmbeddedPostgres, ServerSettings
with EmbeddedPostgres.acquire(Path(sys.argv[1]), ServerSettings(32, 32, 128)):
    print("held", flush=True)
    sys.stdin.read()
"""


class Command:
    """A process that holds the server of `home` until it is told to end."""

    def __init__(self, home: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, home], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def wait_until_held(self) -> None:
        """Return once the command has its server."""
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "held\n"

    def end(self) -> int:
        """Let the command release its server; its exit status."""
        self._process.communicate()
        return self._process.returncode

    def kill(self) -> None:
        """End the command by SIGKILL, if it still runs."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def start_command() -> Iterator[Callable[[Path], Command]]:
    """Starts commands; those the test leaves are killed."""
    with ExitStack() as started:

        def start(home: Path) -> Command:
            command = Command(home)
            started.callback(command.kill)
            return command

        yield start


@pytest.fixture
def new_home(tmp_path: Path) -> Iterator[Path]:
    """A home that does not exist yet, below folders only we may enter."""
    with _nothing_left_in(tmp_path / "home") as home:
        yield home


@pytest.fixture(scope="session")
def home_with_cluster(tmp_path_factory: pytest.TempPathFactory, small_server: ServerSettings) -> Path:
    """A home whose server was run once."""
    home = tmp_path_factory.mktemp("shared") / "home"
    with EmbeddedPostgres.acquire(home, small_server):
        pass
    return home


@pytest.fixture
def home(home_with_cluster: Path) -> Iterator[Path]:
    """A home whose cluster is made and whose server is stopped."""
    with _nothing_left_in(home_with_cluster):
        yield home_with_cluster


@pytest.fixture
def data(home: Path) -> Path:
    """The data folder of `home`."""
    return home / "postgres" / "data"


@pytest.fixture
def acquire(small_server: ServerSettings) -> Callable[[Path], EmbeddedPostgres]:
    """Acquires the server of a home at a size for tests."""
    return lambda home: EmbeddedPostgres.acquire(home, small_server)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A temporary folder that every user may enter."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@contextmanager
def _nothing_left_in(home: Path) -> Iterator[Path]:
    yield home
    folder = home / "postgres" / "data"
    left = server_processes(folder) if folder.exists() else []
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []
