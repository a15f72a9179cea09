"""The HSM's side of the socket: frames in, the operations performed in order, frames out.

One thread does everything, so operations never overlap, and a frame's operations are performed at once: that
is what makes a batch cheap. Limits: connections, a frame's size and count (`codec`), and answers that a peer
leaves unread, which stop reading from it. A peer of another user, one too many, or one that sends what is no
frame is cut off without an answer.

Nothing that comes over the socket is ever logged or quoted, in whole or in part: only an operation's name and
an error's type leave.
"""

import asyncio
import socket
from typing import Final, Protocol, cast

from hsm_soft.hsm import SoftHsm
from hsm_soft.process.codec import (
    SIGNATURE,
    Frame,
    FrameMalformed,
    decode_questions,
    encode_answer,
    encode_frame,
    frames_of,
    is_defect,
)
from hsm_soft.process.socket_file import peer_is_ours

__all__ = ["CONNECTIONS_MAX", "HsmServer", "ServerObserver"]

CONNECTIONS_MAX: Final = 64


class ServerObserver(Protocol):
    """Told of what an operator may want to know; nothing in it is secret."""

    def peer_refused(self, reason: str) -> None:
        """A connection was cut off."""
        ...

    def operation_defective(self, operation: str) -> None:
        """An operation failed in a way that it doesn't declare."""
        ...


class HsmServer:
    """Serves one HSM to many connections.

    Args:
        core: performs the operations.
        observer: told of what happens.
    """

    def __init__(self, core: SoftHsm, observer: ServerObserver) -> None:
        self.core = core
        self.observer = observer
        self.connections: set[_Connection] = set()

    async def serve(self, listening: socket.socket, stopping: asyncio.Event) -> None:
        """Serve until told to stop.

        Args:
            listening: a listening Unix socket.
            stopping: set from outside to end.
        """
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(lambda: _Connection(self), sock=listening)
        try:
            await stopping.wait()
        finally:
            server.close()
            for connection in tuple(self.connections):
                connection.cut()
            await server.wait_closed()


class _Connection(asyncio.Protocol):
    """One peer."""

    def __init__(self, server: HsmServer) -> None:
        self._server = server
        self._buffer = bytearray()
        self._unread = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the peer in, or cut it off; say first what these bytes will mean."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its class
        peer = transport.get_extra_info("socket")
        if not peer_is_ours(peer):
            self._refuse("another user's process")
        elif len(self._server.connections) >= CONNECTIONS_MAX:
            self._refuse("too many connections")
        else:
            self._server.connections.add(self)
            self._transport.write(SIGNATURE)

    def connection_lost(self, _: Exception | None) -> None:
        """Forget the peer."""
        self._server.connections.discard(self)
        self._buffer.clear()

    def data_received(self, data: bytes) -> None:
        """Perform what has arrived whole."""
        if self._transport.is_closing():
            return
        self._buffer += data
        self._work()

    def pause_writing(self) -> None:
        """The peer doesn't read its answers: ask it for nothing more."""
        self._unread = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        self._unread = False
        self._transport.resume_reading()
        self._work()

    def cut(self) -> None:
        """End the connection at once."""
        self._transport.abort()

    def _work(self) -> None:
        try:
            for frame in frames_of(self._buffer):
                self._transport.write(self._answers(frame))
                if self._unread:
                    return
        except FrameMalformed:
            self._refuse("malformed frame")

    def _answers(self, frame: Frame) -> bytes:
        core, answers = self._server.core, []
        for operation, arguments in decode_questions(frame):
            answer = encode_answer(operation, core, arguments)
            if is_defect(answer):
                self._server.observer.operation_defective(operation.__name__)
            answers.append(answer)
        return encode_frame(frame.number, answers)

    def _refuse(self, reason: str) -> None:
        self._server.observer.peer_refused(reason)
        self.cut()
