"""A line between the ledger and PostgreSQL that can be cut at the worst moments.

It listens on TCP and passes bytes on to the server. A fault is armed for one statement, the next group's or
the next COMMIT. A group's statement is prepared once under a name, which the line learns from Parse, and is
then executed by Bind, Execute and Sync; a COMMIT is a simple Query. The server's answer is complete with
ReadyForQuery, which comes after the commit (PostgreSQL documentation, "Frontend/Backend Protocol").
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto
from typing import NamedTuple
from urllib.parse import parse_qs, quote, urlsplit

_SOCKET = ".s.PGSQL.5432"
_READY = b"Z\0\0\0\x05"
_ENDS = (b"S\0\0\0\x04", b"COMMIT\0")
_CHUNK_BYTES = 1 << 16
_PARSED_GROUP = re.compile(rb"P....(\w+)\0[^\0]*INSERT INTO ledger\.commit_group", re.DOTALL)


class Fault(Enum):
    """What happens to the statement."""

    LOSE_REQUEST = auto()
    """It never reaches the server; the line is cut."""
    LOSE_ANSWER = auto()
    """The server finishes it; the line is cut instead of the answer."""
    DELAY = auto()
    """The line is cut for the ledger; the server gets the statement only at `deliver_late`."""
    HOLD = auto()
    """It is kept back until `release`."""


class Ends(NamedTuple):
    """The streams of one line."""

    from_ledger: asyncio.StreamReader
    to_ledger: asyncio.StreamWriter
    from_server: asyncio.StreamReader
    to_server: asyncio.StreamWriter


class LineCutter:
    """See the module's docstring."""

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream)
        self._server: asyncio.Server
        self._lines: set[asyncio.Task[None]] = set()
        self._down = False
        self._armed: Fault | None = None
        self._at_commit = False
        self._deliver = asyncio.Event()
        self._release = asyncio.Event()
        self.struck = asyncio.Event()
        """The armed fault has happened."""
        self.late_answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        """What the server said to a delayed statement."""

    @classmethod
    @asynccontextmanager
    async def to(cls, dsn: str) -> "AsyncIterator[LineCutter]":
        """A line to the database at `dsn`."""
        line = cls(dsn)
        line._server = await asyncio.start_server(line._connected, "127.0.0.1", 0)
        try:
            yield line
        finally:
            line._server.close()
            line.cut()
            await asyncio.gather(*line._lines, return_exceptions=True)

    @property
    def dsn(self) -> str:
        """What the ledger connects to."""
        port = self._server.sockets[0].getsockname()[1]
        user, password = self._upstream.username or "", self._upstream.password
        who = quote(user) + (f":{password}" if password else "")
        return f"postgresql://{who}@127.0.0.1:{port}{self._upstream.path}?sslmode=disable"

    def arm(self, fault: Fault, *, at_commit: bool = False) -> None:
        """Let a fault happen to the next group's statement, or to the next COMMIT."""
        self._armed, self._at_commit = fault, at_commit
        self.struck.clear()

    def deliver_late(self) -> None:
        """Hand the delayed statement to the server."""
        self._deliver.set()

    def release(self) -> None:
        """Hand the held statement to the server."""
        self._release.set()

    def cut(self) -> None:
        """Cut every line."""
        for line in self._lines:
            line.cancel()

    def go_down(self) -> None:
        """Cut every line and take no new one."""
        self._down = True
        self.cut()

    def come_up(self) -> None:
        """Take lines again."""
        self._down = False

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._lines.add(task)
        with suppress(OSError, asyncio.CancelledError):
            if not self._down:
                await self._serve(Ends(reader, writer, *await self._connect()))
        writer.transport.abort()
        self._lines.discard(task)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        folder = parse_qs(self._upstream.query).get("host")
        if folder:
            return await asyncio.open_unix_connection(f"{folder[0]}/{_SOCKET}")
        return await asyncio.open_connection(self._upstream.hostname, self._upstream.port or 5432)

    async def _serve(self, ends: Ends) -> None:
        answers = asyncio.create_task(_pass_on(ends.from_server, ends.to_ledger))
        group_name = b"?"
        try:
            while data := await ends.from_ledger.read(_CHUNK_BYTES):
                if parsed := _PARSED_GROUP.match(data):
                    group_name = parsed[1]
                fault = self._strike(data, group_name)
                if fault is Fault.HOLD:
                    await self._release.wait()
                elif fault is not None:
                    answers.cancel()
                    await self._fail(fault, data, ends)
                    return
                ends.to_server.write(data)
        finally:
            answers.cancel()
            ends.to_server.transport.abort()

    def _strike(self, data: bytes, group_name: bytes) -> Fault | None:
        hit = data.startswith(b"Q") if self._at_commit else data.startswith(b"B") and group_name in data[:64]
        if self._armed is None or not hit or (self._at_commit and not data.endswith(b"COMMIT\0")):
            return None
        fault, self._armed = self._armed, None
        self.struck.set()
        return fault

    async def _fail(self, fault: Fault, data: bytes, ends: Ends) -> None:
        while not data.endswith(_ENDS):
            data += await ends.from_ledger.read(_CHUNK_BYTES)
        if fault is Fault.LOSE_REQUEST:
            return
        if fault is Fault.DELAY:
            ends.to_ledger.transport.abort()
            await self._deliver.wait()
        ends.to_server.write(data)
        answer = b""
        while answer[-6:-1] != _READY:
            answer += await ends.from_server.read(_CHUNK_BYTES)
        if fault is Fault.DELAY:
            self.late_answer.set_result(answer)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK_BYTES):
            writer.write(data)
        writer.close()
