"""A simulated terminal's line: one TCP connection that carries frames, and the wait for an answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final, NamedTuple

from iso8583_specs.framing import Frame, FrameReader, FramingError
from tools.terminal import FRAMING
from tools.trouble import Trouble

_READ_BYTES: Final = 65536


class LineError(Trouble):
    """The line does not carry; the text says how it failed."""


class Address(NamedTuple):
    """Where a switch listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class TerminalLine:
    """A connected line; `connected_line` makes one."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._frames = FrameReader(FRAMING)

    async def send(self, frame: bytes) -> None:
        """Write one frame.

        Raises:
            LineError: The connection is gone.
        """
        try:
            self._writer.write(frame)
            await self._writer.drain()
        except OSError:
            raise LineError("the switch closed the connection") from None

    async def receive(self) -> Frame:
        """The next frame that can hold a message.

        Raises:
            LineError: The connection is gone, or what comes is not frames.
        """
        while True:
            try:
                frame = self._frames.next_frame()
            except FramingError as error:
                raise LineError(f"what the switch sends is not frames: {error}") from None
            if isinstance(frame, Frame):
                return frame
            if frame is None:
                self._frames.receive(await self._read())

    async def _read(self) -> bytes:
        try:
            data = await self._reader.read(_READ_BYTES)
        except OSError:
            data = b""
        if not data:
            raise LineError("the switch closed the connection")
        return data


@asynccontextmanager
async def connected_line(address: Address) -> AsyncIterator[TerminalLine]:
    """A line to a switch, hung up at the end of the block.

    Raises:
        LineError: Nobody listens there.
    """
    try:
        reader, writer = await asyncio.open_connection(*address)
    except OSError as error:
        raise LineError(f"nobody answers at {address}: {error.strerror or error}") from None
    try:
        yield TerminalLine(reader, writer)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
