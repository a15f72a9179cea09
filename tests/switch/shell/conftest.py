"""Listeners on real sockets with a stand-in for the flow, and peers that behave or don't."""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import cast

import pytest

from iso8583_specs.framing import FRAMINGS, write_frame
from switch.config import Listener as ListenerSettings
from switch.observability.metrics import Metrics
from switch.shell.gate import Gate
from switch.shell.listener import Listener

FRAMING = FRAMINGS["length2_tpdu_header6"]
TPDU = bytes.fromhex("6000031234")
REPLY_TPDU = bytes.fromhex("6012340003")
HEADER = bytes.fromhex("602200000000")
BODY_BYTES = 16
LONG_ANSWER_BYTES = 8_000
WAIT_SECONDS = 10.0
PLACES = 256
"""How many requests of one connection may be under way, unless set otherwise."""


class Answerer:
    """Stands in for the flow: answers `=` and the body, when it may.

    Bodies that begin with `held` wait for `release`; `silent` ones get no answer, `broken` ones raise, `long`
    ones get a long answer.
    """

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.answered = 0
        self.answer_bytes = 0
        self._places = asyncio.Semaphore(0)
        self._held: set[asyncio.Task[None]] = set()

    def __call__(self, body: bytes, listener: str, respond: Callable[[bytes | None], None]) -> None:
        """Answer one body."""
        self.asked.append(body)
        if body.startswith(b"broken"):
            raise RuntimeError("a defect of the program")
        if body.startswith(b"silent"):
            respond(None)
        elif body.startswith(b"held"):
            self._held.add(asyncio.create_task(self._answer_later(body, respond)))
        else:
            self._answer(body, respond)

    async def _answer_later(self, body: bytes, respond: Callable[[bytes | None], None]) -> None:
        await self._places.acquire()
        self._answer(body, respond)

    def _answer(self, body: bytes, respond: Callable[[bytes | None], None]) -> None:
        self.answered += 1
        respond(b"=" + body.ljust(LONG_ANSWER_BYTES if body.startswith(b"long") else self.answer_bytes))

    def release(self, count: int = 1) -> None:
        """Let this many held requests be answered."""
        for _ in range(count):
            self._places.release()


@dataclass
class Peer:
    """The other end of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, *texts: str) -> None:
        """Write a frame for each text, all in one go."""
        self.send_bytes(b"".join(frame(text) for text in texts))

    def send_bytes(self, data: bytes) -> None:
        """Write anything."""
        self.writer.write(data)

    async def answer(self) -> str:
        """The text of the next answer, addresses and header checked."""
        async with asyncio.timeout(WAIT_SECONDS):
            size = int.from_bytes(await self.reader.readexactly(2), "big")
            content = await self.reader.readexactly(size)
        assert content[:11] == REPLY_TPDU + HEADER
        return content[11:].decode().strip()

    async def answers(self, count: int) -> list[str]:
        """The next answers, in their order."""
        return [await self.answer() for _ in range(count)]

    async def ask(self, text: str) -> str:
        """Send one frame and wait for its answer."""
        self.send(text)
        return await self.answer()

    async def closed(self) -> bytes:
        """What still came before the connection ended."""
        async with asyncio.timeout(WAIT_SECONDS):
            with suppress(ConnectionError):
                return await self.reader.read()
        return b""

    def stop_listening(self) -> None:
        """Leave what comes lying."""
        cast("asyncio.Transport", self.writer.transport).pause_reading()

    def listen_again(self) -> None:
        """Take what comes."""
        cast("asyncio.Transport", self.writer.transport).resume_reading()

    async def hang_up(self) -> None:
        """Close this end."""
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


@dataclass
class Service:
    """A listener, its stand-in for the flow, and what was counted."""

    listener: Listener
    answerer: Answerer
    metrics: Metrics
    port: int
    peers: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def connect(self, **options: int) -> Peer:
        """A new connection, hung up when the test ends."""
        made = socket.socket()
        for name, value in options.items():
            made.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
        made.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", self.port))
        except OSError:
            made.close()
            raise
        peer = Peer(*await asyncio.open_connection(sock=made))
        self.peers.push_async_callback(peer.hang_up)
        return peer

    @property
    def lies_waiting(self) -> int:
        """Bytes of answers that don't leave because nobody takes them."""
        return sum(each._transport.get_write_buffer_size() for each in self.listener.connections)

    def counted(self, name: str, **labels: str) -> float:
        """The value of one sample of the metrics."""
        return self.metrics.registry.get_sample_value(name, {"listener": "pos", **labels}) or 0.0


Serve = Callable[..., Awaitable[Service]]
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
Settled = Callable[[], Awaitable[None]]


def frame(text: str) -> bytes:
    """A frame around a text."""
    return write_frame(FRAMING, TPDU, HEADER, text.encode().ljust(BODY_BYTES))


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Opens listeners with a gate's limit and settings, and closes them in the end."""
    async with AsyncExitStack() as stack:

        async def open_listener(gate: int = 10_000, **settings: float | str) -> Service:
            answerer, metrics = Answerer(), Metrics()
            chosen = ListenerSettings.model_validate({"port": 0, **settings})
            listener = Listener("pos", chosen, answerer, Gate(gate), metrics)
            await listener.open()
            service = Service(listener, answerer, metrics, listener.port)
            stack.push_async_callback(listener.close, 1.0)
            stack.push_async_callback(listener.drain, 1.0)
            stack.callback(answerer.release, 1_000)
            stack.callback(listener.stop_accepting)
            await stack.enter_async_context(service.peers)
            return service

        yield open_listener


@pytest.fixture
def eventually() -> Eventually:
    """Waits until a condition holds, which it must before long."""

    async def wait(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            for pause_seconds in itertools.repeat(0.005):
                if condition():
                    return
                await asyncio.sleep(pause_seconds)

    return wait


@pytest.fixture
def settled() -> Settled:
    """Gives everything that is due on loopback the time to happen."""

    async def wait() -> None:
        await asyncio.sleep(0.05)

    return wait
