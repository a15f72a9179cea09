"""The switch's side of the HSM's socket: questions gather, go out together, and come back to whoever asked.

What is asked during one turn of the event loop leaves as one frame at its end, so that load alone makes
batches: a lone request isn't held back, and hundreds cost one write. Many frames may be outstanding.

The HSM may be killed at any moment. Then everything outstanding raises `HsmUnavailable`, and so does whatever
is asked until the client, which keeps trying, has connected again. An HSM that doesn't answer within its time
counts as gone too. Nothing is sent twice by itself: who asked knows whether asking again makes sense.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Concatenate, Final, NamedTuple, ParamSpec, TypeVar, cast

from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import Hsm, HsmUnavailable
from hsm_soft.process.codec import (
    OPERATIONS_IN_FRAME_MAX,
    SIGNATURE,
    Frame,
    FrameMalformed,
    decode_answers,
    encode_frame,
    encode_question,
    frames_of,
)

__all__ = ["OUTSTANDING_MAX", "HsmClient", "HsmObserver"]

OUTSTANDING_MAX: Final = 32_768
"""Operations asked and not answered; whoever asks more is told that the HSM has too much to do."""

_FRAME_BYTES: Final = 1024 * 1024
_RECONNECT_SECONDS: Final = 0.1
_HELLO_SECONDS: Final = 5.0

P = ParamSpec("P")
T = TypeVar("T")


class HsmObserver:
    """Told of what happens between switch and HSM; this one doesn't care."""

    def connected(self) -> None:
        """The HSM can be asked from now on."""

    def lost(self, outstanding: int) -> None:
        """The HSM is gone, with so many operations unanswered."""

    def answered(self, operations: int, seconds: float) -> None:
        """A frame came back."""

    def refused(self) -> None:
        """An operation was not sent: there was no HSM, or too much outstanding."""


class _Asked(NamedTuple):
    question: bytes
    answer: "asyncio.Future[Any]"


class _Sent(NamedTuple):
    answers: "list[asyncio.Future[Any]]"
    at: float


class HsmClient(Hsm):
    """An HSM over its socket; see the module's docstring.

    Args:
        path: the socket.
        observer: told of what happens.
        answer_seconds: how long an answer may take before the HSM counts as gone.
    """

    def __init__(self, path: Path, observer: HsmObserver | None = None, answer_seconds: float = 5.0) -> None:
        self._path = path
        self._observer = observer or HsmObserver()
        self._answer_seconds = answer_seconds
        self._connection: _Connection | None = None
        self._gathered: list[_Asked] = []
        self._outstanding = 0
        self._keeper: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<HsmClient {'connected' if self.is_ready else 'not connected'}>"

    async def connect(self) -> None:
        """Connect, and from then on stay connected.

        Raises:
            HsmUnavailable: nobody serves there, or an HSM of another version.
        """
        await self._connect()
        self._keeper = asyncio.create_task(self._keep_connected(), name="HSM connection")

    @property
    def is_ready(self) -> bool:
        """Whether there is a connection."""
        return self._connection is not None

    async def close(self) -> None:
        """End the connection; what is outstanding raises `HsmUnavailable`."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        if self._connection is not None:
            self._connection.cut()

    async def ask(
        self, operation: Callable[Concatenate[SoftHsm, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Perform an operation in the HSM's process."""
        assert not kwargs, "operations are asked by position"
        if self._connection is None or self._outstanding >= OUTSTANDING_MAX:
            self._observer.refused()
            raise HsmUnavailable("the HSM has too much to do" if self._connection else "there is no HSM")
        question = encode_question(operation, args)
        if len(question) > _FRAME_BYTES:
            raise ValueError("an operation's arguments are larger than a frame")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        if not self._gathered:
            loop.call_soon(self._send_gathered)
        self._gathered.append(_Asked(question, answer))
        self._outstanding += 1
        return await answer

    def _send_gathered(self) -> None:
        gathered, self._gathered = self._gathered, []
        connection = self._connection
        if connection is None:
            self._fail([each.answer for each in gathered])
            return
        start = size = 0
        for at, asked in enumerate(gathered):
            if size + len(asked.question) > _FRAME_BYTES or at - start == OPERATIONS_IN_FRAME_MAX:
                connection.send(gathered[start:at])
                start, size = at, 0
            size += len(asked.question)
        connection.send(gathered[start:])

    def on_answers(self, sent: _Sent, answers: list[Any]) -> None:
        """Hand answers to those who asked."""
        self._outstanding -= len(sent.answers)
        self._observer.answered(len(answers), asyncio.get_running_loop().time() - sent.at)
        for future, answer in zip(sent.answers, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    def on_lost(self, connection: "_Connection", unanswered: "list[asyncio.Future[Any]]") -> None:
        """Whatever was outstanding on a connection fails with it."""
        if self._connection is connection:
            self._connection = None
            self._observer.lost(len(unanswered))
        self._fail(unanswered)

    def _fail(self, unanswered: "list[asyncio.Future[Any]]") -> None:
        self._outstanding -= len(unanswered)
        for future in unanswered:
            if not future.done():
                future.set_exception(HsmUnavailable("the HSM is gone"))

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_HELLO_SECONDS):
                _, connection = await loop.create_unix_connection(
                    lambda: _Connection(self, self._answer_seconds), str(self._path)
                )
                try:
                    await connection.greeted
                except BaseException:
                    connection.cut()
                    raise
        except TimeoutError:
            raise HsmUnavailable(f"the HSM at {self._path} doesn't answer") from None
        except OSError as error:
            raise HsmUnavailable(f"no HSM at {self._path}: {error.strerror or error}") from None
        self._connection = connection
        self._observer.connected()

    async def _keep_connected(self) -> None:
        while True:
            if self._connection is not None:
                await self._connection.ended.wait()
            with suppress(HsmUnavailable):
                await self._connect()
                continue
            await asyncio.sleep(_RECONNECT_SECONDS)


class _Connection(asyncio.Protocol):
    """One connection to the HSM, from its greeting to its end."""

    def __init__(self, client: HsmClient, answer_seconds: float) -> None:
        self._client = client
        self._answer_seconds = answer_seconds
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._sent: dict[int, _Sent] = {}
        self._number = 0
        self._watch: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport
        self.greeted: asyncio.Future[None] = self._loop.create_future()
        self.ended = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the greeting."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its class

    def connection_lost(self, _: Exception | None) -> None:
        """Everything outstanding fails."""
        if self._watch is not None:
            self._watch.cancel()
        if not self.greeted.done():
            self.greeted.set_exception(HsmUnavailable("the HSM refused the connection"))
        unanswered = [answer for sent in self._sent.values() for answer in sent.answers]
        self._sent.clear()
        self._client.on_lost(self, unanswered)
        self.ended.set()

    def data_received(self, data: bytes) -> None:
        """Hand on what has arrived whole."""
        self._buffer += data
        if not self.greeted.done() and not self._greet():
            return
        try:
            for frame in frames_of(self._buffer):
                self._deliver(frame)
        except FrameMalformed:
            self.cut()

    def cut(self) -> None:
        """End the connection at once."""
        self._transport.abort()

    def send(self, asked: list[_Asked]) -> None:
        """Send one frame; its answers are due in time."""
        self._number = (self._number + 1) & 0xFFFF_FFFF
        sent = _Sent([each.answer for each in asked], self._loop.time())
        self._sent[self._number] = sent
        self._transport.write(encode_frame(self._number, [each.question for each in asked]))
        if self._watch is None:
            self._watch = self._loop.call_later(self._answer_seconds, self._look)

    def _greet(self) -> bool:
        if len(self._buffer) < len(SIGNATURE):
            return False
        signature = bytes(self._buffer[: len(SIGNATURE)])
        del self._buffer[: len(SIGNATURE)]
        if signature != SIGNATURE:
            self.greeted.set_exception(HsmUnavailable("the HSM is of another version"))
            self.cut()
            return False
        self.greeted.set_result(None)
        return True

    def _deliver(self, frame: Frame) -> None:
        sent = self._sent.get(frame.number)
        if sent is None or len(sent.answers) != frame.length:
            raise FrameMalformed
        answers = decode_answers(frame)
        del self._sent[frame.number]
        self._client.on_answers(sent, answers)

    def _look(self) -> None:
        """Give the HSM up if the frame that waits longest has waited too long; else look again then."""
        self._watch = None
        oldest = next(iter(self._sent.values()), None)
        if oldest is None:
            return
        left = oldest.at + self._answer_seconds - self._loop.time()
        if left <= 0:
            self.cut()
        else:
            self._watch = self._loop.call_later(left, self._look)
