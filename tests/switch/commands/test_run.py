"""`cardswitch run` as a process: what it prints, how signals end it, and with which exit codes."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from iso8583_specs.framing import FRAMINGS, write_frame
from tests.switch.shop import Node

COMMAND = Path(sys.executable).with_name("cardswitch")
FRAMING = FRAMINGS["length2_tpdu_header6"]
TPDU, HEADER = bytes.fromhex("6000030000"), bytes.fromhex("602200000000")


class Process:
    """A switch that runs as a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def until(self, last: str) -> None:
        """Read what it prints until it prints a line."""
        assert self.process.stdout is not None
        async with asyncio.timeout(60):
            while last not in self.lines:
                line = await self.process.stdout.readline()
                assert line, self.lines
                self.lines.append(line.decode().rstrip("\n"))

    @property
    def port(self) -> int:
        """Where terminals dial in."""
        return int(re.findall(r"^pos listening on \S+:(\d+) ", "\n".join(self.lines), re.MULTILINE)[0])

    def signal(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    async def ended(self) -> tuple[int, str]:
        """The exit code, and what it wrote to stderr."""
        async with asyncio.timeout(30):
            _, err = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, err.decode()


Start = Callable[..., Awaitable[Process]]


@pytest.fixture
async def start(settings_file: Path) -> AsyncIterator[Start]:
    """Starts switches on the world, with more variables; none outlives the test."""
    started: list[asyncio.subprocess.Process] = []

    async def run(**variables: str) -> Process:
        process = await asyncio.create_subprocess_exec(
            *(COMMAND, "run", "--config", settings_file),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | variables,
        )
        started.append(process)
        return Process(process)

    yield run
    for process in started:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


@asynccontextmanager
async def sent(body: bytes, port: int) -> AsyncIterator[asyncio.StreamReader]:
    """A connection on which one message was sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(write_frame(FRAMING, TPDU, HEADER, body))
    await writer.drain()
    yield reader
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def test_signal_ends_an_idle_switch_in_order(start: Start) -> None:
    """The lines that scripts wait for come in order, and a signal right behind them ends with 0."""
    switch = await start()
    await switch.until("ready")

    switch.signal(signal.SIGTERM)

    assert await switch.ended() == (0, "")
    patterns = (
        r"pos listening on 127\.0\.0\.1:\d+ \(unionpay_pos\)",
        r"observability on http://127\.0\.0\.1:\d+",
        r"ready",
    )
    for pattern, line in zip(patterns, switch.lines, strict=True):
        assert re.fullmatch(pattern, line)


@pytest.mark.parametrize(("signals", "expected"), [(1, (0, True)), (2, (130, False))])
async def test_request_that_takes_too_long_is_left(
    start: Start, node: Node, signals: int, expected: tuple[int, bool]
) -> None:
    """The first signal gives it its time and ends with 0, telling what was left; a second ends at once."""
    terminal, card = await node.terminal(), await node.card()
    switch = await start(CARDSWITCH_STOP__DRAIN_SECONDS="0.5")
    await switch.until("ready")

    async with node.connection.transaction():
        await node.execute("SELECT 1 FROM ledger.wallet WHERE id = $1 FOR UPDATE", card.wallet_id)
        async with sent(terminal.sealed(terminal.purchase(card)), switch.port) as reader:
            await asyncio.sleep(0.3)
            for _ in range(signals):
                switch.signal(signal.SIGTERM)
                await asyncio.sleep(0.05)
            status, err = await switch.ended()
            with suppress(ConnectionResetError):  # who ends at once doesn't read what has come
                assert await reader.read() == b""

    assert expected == (status, "requests left unanswered" in err)


async def test_address_in_use_is_one_line(start: Start) -> None:
    """A port that somebody has ends the start with 1, and says so in a line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        switch = await start(CARDSWITCH_LISTENERS__SHOP__PORT=str(port))

        status, err = await switch.ended()

    assert status == 1
    assert re.fullmatch(rf"cardswitch: can't listen: .*{port}.* already in use\n", err)
