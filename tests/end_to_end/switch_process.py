"""The product as an operator has it: the command `cardswitch`, a home folder, and nothing else.

An `Installation` is one home with its environment: it runs commands and starts switches, each a process of
its own on free ports, told apart by what they print. A `World` is what `cardswitch world` printed: devices
that are handed out in turn, each with its own trace counter, and cards that are handed out once each, so
that a test knows the money on a card it was given. Nothing of the project is imported here.
"""

import http.client
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tests.leaks.heard import WATCH, overheard

from .plain_terminal import Card, Identity

COMMAND: Final = Path(sys.executable).with_name("cardswitch")
START_SECONDS: Final = 60
STOP_SECONDS: Final = 20
RECOVERY_SECONDS: Final = 30
TERMINALS: Final = 40
CARDS: Final = 200
BALANCE_MINOR: Final = 100_000
"""What a card of a new world holds."""

_POS: Final = re.compile(r"^pos listening on (\S+):(\d+) \(unionpay_pos\)$", re.MULTILINE)
_OBSERVABILITY: Final = re.compile(r"^observability on (http://\S+)$", re.MULTILINE)
_READY: Final = re.compile(r"^ready$", re.MULTILINE)


class Switch:
    """One running switch: its process, where it listens and what it has printed."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path, log: Path) -> None:
        self.process = process
        self._output = output
        self._log = log
        self._heard = 0
        printed = self._wait_for(_READY)
        host, port = self._found(_POS, printed).groups()
        self.address = (str(host), int(port))
        self.url = self._found(_OBSERVABILITY, printed)[1].rstrip("/")

    def ask_to_stop(self) -> None:
        """Send the signal on which the switch finishes what is under way and leaves."""
        self.process.terminate()

    def exit_status(self) -> int:
        """Wait until the switch has left; its exit status."""
        return self.process.wait(STOP_SECONDS)

    def stop(self) -> int:
        """Ask the switch to stop and wait until it has; its exit status."""
        self.ask_to_stop()
        return self.exit_status()

    def kill(self) -> None:
        """End the switch in the middle of whatever it is doing."""
        self.process.kill()
        self.exit_status()

    @property
    def is_running(self) -> bool:
        """Whether the process still lives."""
        return self.process.poll() is None

    @property
    def written(self) -> str:
        """All that the switch has printed and logged."""
        return self._output.read_text(encoding="utf-8") + self._log.read_text(encoding="utf-8")

    def overheard(self) -> None:
        """Have what was written since the last time searched for secrets."""
        written = self.written
        overheard("the log of a switch", written[self._heard :])
        self._heard = len(written)

    def _wait_for(self, line: re.Pattern[str]) -> str:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            printed = self._output.read_text(encoding="utf-8")
            if line.search(printed):
                return printed
            if not self.is_running:
                break
            time.sleep(0.02)
        self.process.kill()
        self.process.wait()
        raise AssertionError(f"the switch did not start:\n{self.written[-4000:]}")

    def _found(self, line: re.Pattern[str], printed: str) -> re.Match[str]:
        found = line.search(printed)
        assert found, f"no line {line.pattern!r} in:\n{printed}"
        return found


def is_ready(switch: Switch) -> bool:
    """What the page for machines says."""
    page = http.client.HTTPConnection(urlsplit(switch.url).netloc, timeout=10)
    try:
        page.request("GET", "/readyz")
        return page.getresponse().status == 200
    finally:
        page.close()


def wait_until(condition: Callable[[], bool]) -> None:
    """Return when something that must happen soon has happened."""
    deadline = time.monotonic() + RECOVERY_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"nothing happened in {RECOVERY_SECONDS} s"
        time.sleep(0.01)


def postmaster_of(home: Path) -> int:
    """The process id that the database server last wrote down; 0 while there is none."""
    with suppress(FileNotFoundError, ValueError, IndexError):
        for mark in home.rglob("postmaster.pid"):
            return int(mark.read_text(encoding="utf-8").splitlines()[0])
    return 0


def kill_postmaster(home: Path) -> int:
    """End the database server's first process by SIGKILL; the process id it had."""
    killed = postmaster_of(home)
    os.kill(killed, signal.SIGKILL)
    return killed


class World:
    """The devices and cards of a development world."""

    def __init__(self, document: dict[str, Any]) -> None:
        identities = [
            Identity(
                terminal["terminal_id"],
                terminal["merchant_id"],
                bytes.fromhex(terminal["tpdu"]),
                bytes.fromhex(terminal["header"]),
                bytes.fromhex(terminal["tmk"]),
            )
            for terminal in document["terminals"]
        ]
        self.document = document
        self._identities: Iterator[Identity] = itertools.cycle(identities)
        self._cards = iter(
            [Card(card["pan"], card["expiry"], card["track2"], card["pin"]) for card in document["cards"]]
        )

    def device(self) -> Identity:
        """The next device; after the last one comes the first again, with its traces counted on."""
        identity = next(self._identities)
        WATCH.learning.add_key(identity.master_key)
        return identity

    def devices(self, count: int) -> list[Identity]:
        """That many different devices."""
        assert count <= len(self.document["terminals"])
        return [self.device() for _ in range(count)]

    def card(self) -> Card:
        """A card that no test has had yet."""
        card = next(self._cards)
        WATCH.learning.add_card(card.pan, card.pin)
        return card

    def cards(self, count: int) -> list[Card]:
        """That many such cards."""
        return [self.card() for _ in range(count)]


INSTALLATIONS: Final[list["Installation"]] = []
"""Every home of this run, so that what its switches write is heard."""


class Installation:
    """A home folder, the commands run on it and the switches started on it.

    Args:
        home: The folder, made by the first command.
        switch_command: What starts a switch instead of `cardswitch`; every other command is the product's.
        settings: Environment variables for all of them.
    """

    def __init__(
        self, home: Path, *, switch_command: Sequence[str | Path] = (COMMAND,), **settings: str
    ) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CARDSWITCH_")}
        self.home = home
        self.switches: list[Switch] = []
        INSTALLATIONS.append(self)
        self._switch_command = switch_command
        self.environment = inherited | {
            "CARDSWITCH_HOME": str(home),
            "CARDSWITCH_LISTENERS__POS__PORT": "0",
            "CARDSWITCH_OBSERVABILITY__PORT": "0",
            "CARDSWITCH_OBSERVABILITY__LOG_LEVEL": "debug",
            **settings,
        }

    def run(self, *arguments: str, status: int = 0) -> str:
        """Run one command to its end; what it wrote to standard output."""
        return self.run_with({}, *arguments, status=status)

    def run_with(self, variables: Mapping[str, str], *arguments: str, status: int = 0) -> str:
        """Run one command with some more environment variables."""
        done = subprocess.run(
            [COMMAND, *arguments],
            env={**self.environment, **variables},
            cwd=self.home.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
        assert status == done.returncode, f"{arguments} gave {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def run_json(self, *arguments: str) -> dict[str, Any]:
        """Run one command with `--json`; the document it printed."""
        document = json.loads(self.run(*arguments, "--json"))
        assert isinstance(document, dict)
        return document

    def world_document(self) -> dict[str, Any]:
        """Make the development world, or find it made; what the command printed."""
        return self.run_json("world", "--terminals", str(TERMINALS), "--cards", str(CARDS))

    def balance_minor(self, card: Card) -> int:
        """What the ledger holds on a card now."""
        (balance,) = (
            printed["balance_minor"]
            for printed in self.world_document()["cards"]
            if printed["pan"] == card.pan
        )
        return int(balance)

    @contextmanager
    def paused_database(self) -> Iterator[None]:
        """The database server stands still meanwhile, so that whatever needs a commit stays under way."""
        (mark,) = self.home.rglob("postmaster.pid")
        postmaster = mark.read_text(encoding="utf-8").splitlines()[0]
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text(encoding="utf-8")
        servers = [int(postmaster), *map(int, children.split())]
        for server in servers:
            os.kill(server, signal.SIGSTOP)
        try:
            yield
        finally:
            for server in servers:
                os.kill(server, signal.SIGCONT)

    def start(self) -> Switch:
        """Start one more switch on this home and wait until it is ready."""
        number = len(self.switches)
        output, log = (self.home.parent / f"{self.home.name}-{number}.{kind}" for kind in ("out", "err"))
        with output.open("wb") as output_file, log.open("wb") as log_file:
            process = subprocess.Popen(
                [*self._switch_command, "run"],
                env=self.environment,
                cwd=self.home.parent,
                stdin=subprocess.DEVNULL,
                stdout=output_file,
                stderr=log_file,
            )
        switch = Switch(process, output, log)
        self.switches.append(switch)
        return switch

    def stop(self) -> None:
        """Stop every switch that still runs; each must leave with status 0."""
        running = [switch for switch in self.switches if switch.is_running]
        if not running:
            # A killed switch may have left its database server behind; one that stops takes it along.
            running = [self.start()] if self.switches else []
        statuses = [switch.stop() for switch in running]
        assert statuses == [0] * len(statuses)
