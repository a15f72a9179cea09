"""Peers that send and never read: the write deadline drops them, and without it they stay.

Each asks for echo tests until the switch reads no more of them, for its answers fill every buffer on the way.
"""

import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import pytest

from tests.end_to_end.plain_line import Line
from tests.end_to_end.plain_terminal import Identity, Terminal
from tests.end_to_end.switch_process import Installation, Switch, World

from .conftest import Install

PEERS: Final = 2
DEADLINE_SECONDS: Final = 1
BURST: Final = 100
PATIENCE_SECONDS: Final = 60
HELD_KIB_MAX: Final = 8 * 1024
"""What a peer may cost the switch, though it sends ever more: frames, answers, and what serves them."""


MakeScene: TypeAlias = "Callable[..., Scene]"


class DeafPeer:
    """A connection that takes nothing; what comes for it fills its small buffer, then the switch's."""

    def __init__(self, switch: Switch, device: Identity) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(switch.address)
        self.socket.setblocking(False)
        terminal = Terminal(device, Line(self.socket.dup()))
        self._echoes = terminal.frame(terminal.management("0820", "301")) * BURST
        terminal.line.close()
        self._rest = self._echoes

    def flood(self) -> int:
        """Send until nothing more is taken at once, or the connection is gone; how many bytes were taken."""
        taken = 0
        with suppress(BlockingIOError, ConnectionError):
            while True:
                sent = self.socket.send(self._rest)
                self._rest = self._rest[sent:] or self._echoes
                taken += sent
        return taken

    @property
    def is_dropped(self) -> bool:
        """Whether the switch has ended the connection."""
        poll = select.poll()
        poll.register(self.socket, 0)
        return bool(poll.poll(0))


def resident_kib(switch: Switch) -> int:
    """The memory of the switch."""
    status = Path(f"/proc/{switch.process.pid}/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1])


class Scene(NamedTuple):
    """A running switch, deaf peers on it that have not sent anything yet, and an honest terminal."""

    switch: Switch
    peers: list[DeafPeer]
    honest: Terminal


def stop(installation: Installation) -> None:
    """End the switch, if it still runs, and its database with it."""
    if installation.switches[-1].is_running:
        installation.stop()


@pytest.fixture
def scene(install: Install) -> Iterator[MakeScene]:
    """Starts a switch, patched or not, with everybody connected; they hang up when the test ends."""
    with ExitStack() as stack:

        def make(patch: str | None = None) -> Scene:
            settings = {"CARDSWITCH_LISTENERS__POS__WRITE_TIMEOUT_SECONDS": str(DEADLINE_SECONDS)}
            installation = install(patch, **settings)
            world, switch = World(installation.world_document()), installation.start()
            stack.callback(stop, installation)
            peers = [DeafPeer(switch, world.device()) for _ in range(PEERS)]
            for peer in peers:
                stack.enter_context(closing(peer.socket))
            line = stack.enter_context(closing(Line.connected(switch.address)))
            return Scene(switch, peers, Terminal.signed_on(world.device(), line))

        yield make


def test_peers_that_never_read_are_dropped(scene: MakeScene) -> None:
    """They are gone after their deadline, the switch serves others all along, and it stops in order."""
    at = scene()

    end = time.monotonic() + PATIENCE_SECONDS
    while not all(peer.is_dropped for peer in at.peers):
        assert time.monotonic() < end, "peers that don't read are still there"
        for peer in at.peers:
            peer.flood()
        assert at.honest.echo().code == "00"

    assert at.switch.stop() == 0


def test_without_the_deadline_they_stay(scene: MakeScene) -> None:
    """The control: many deadlines later they are there yet; what they hold has a bound, others are served."""
    at = scene("no_write_deadline")
    before_kib = resident_kib(at.switch)

    full_since = time.monotonic()
    while time.monotonic() - full_since < DEADLINE_SECONDS:
        if sum(peer.flood() for peer in at.peers):
            full_since = time.monotonic()
        assert at.honest.echo().code == "00"
    while time.monotonic() - full_since < 4 * DEADLINE_SECONDS:
        assert at.honest.echo().code == "00"

    assert not any(peer.is_dropped for peer in at.peers)
    assert resident_kib(at.switch) - before_kib < PEERS * HELD_KIB_MAX
