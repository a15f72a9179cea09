"""One TCP connection of terminals: frames out, answers in, matched to whoever asks for them.

Sockets block: a test writes as many requests as it likes and collects the answers afterwards, in whatever
order they come. What an answer must be is not known here; `plain_terminal` checks it.
"""

import contextlib
import socket
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self

from .plain_dialect import Message, WrongAnswer, decode

TPDU_BYTES: Final = 5
HEADER_BYTES: Final = 6


class LineClosed(Exception):
    """The other side closed the connection."""


class NoAnswer(WrongAnswer):
    """None came in time."""


class AnswerKey(NamedTuple):
    """What ties an answer to its request on a shared line; an origin digit of the MTI plays no part."""

    mti_class_and_function: str
    stan: str
    terminal_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One received message with what stood in front of it."""

    tpdu: bytes
    header: bytes
    body: bytes = field(repr=False)
    fields: Message = field(repr=False)

    @classmethod
    def parsed(cls, frame: bytes) -> Self:
        """Take a frame without its length prefix apart."""
        body = frame[TPDU_BYTES + HEADER_BYTES :]
        return cls(frame[:TPDU_BYTES], frame[TPDU_BYTES : TPDU_BYTES + HEADER_BYTES], body, decode(body))

    def __getitem__(self, number: str) -> str:
        return self.fields[number]

    @property
    def code(self) -> str:
        """The response code, F39."""
        return self.fields["39"]

    @property
    def result(self) -> tuple[str, str | None, str]:
        """What must not change when a request is repeated: F37, F38 and F39."""
        return self.fields["37"], self.fields.get("38"), self.fields["39"]

    @property
    def key(self) -> AnswerKey:
        """The request that this answers."""
        return AnswerKey(self.fields["t"][:3], self.fields.get("11", ""), self.fields.get("41", ""))


class Line:
    """One TCP connection with a two-byte length in front of each frame."""

    def __init__(self, connection: socket.socket, *, timeout_seconds: float = 15.0) -> None:
        connection.settimeout(timeout_seconds)
        self._connection = connection
        self._received = bytearray()
        self._unclaimed: defaultdict[AnswerKey, deque[Answer]] = defaultdict(deque)

    @classmethod
    def connected(cls, address: tuple[str, int], *, timeout_seconds: float = 15.0) -> Self:
        """Dial a listener."""
        return cls(socket.create_connection(address, timeout=15.0), timeout_seconds=timeout_seconds)

    def wait_at_most(self, timeout_seconds: float) -> None:
        """Have this much patience from now on."""
        self._connection.settimeout(timeout_seconds)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def cut(self) -> None:
        """Break the connection off, also for another thread that waits for an answer on it."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def send_bytes(self, *pieces: bytes) -> None:
        """Write the pieces in one go, whatever they are."""
        self._connection.sendall(b"".join(pieces))

    def answer(self, key: AnswerKey) -> Answer:
        """The next answer to a request; other answers that come first are kept for who asks for them.

        Raises:
            LineClosed: The other side hung up first.
            NoAnswer: No such answer came in time.
        """
        while not self._unclaimed[key]:
            try:
                arrived = self._next_answer()
            except TimeoutError:
                others = [other for other, kept in self._unclaimed.items() if kept]
                raise NoAnswer(f"no answer {key}; unclaimed are {others}") from None
            self._unclaimed[arrived.key].append(arrived)
        return self._unclaimed[key].popleft()

    def answers_until_closed(self) -> list[Answer]:
        """Every whole answer not yet claimed and not yet read, up to the end of the connection."""
        unread = [answer for kept in self._unclaimed.values() for answer in kept]
        self._unclaimed.clear()
        with contextlib.suppress(LineClosed):
            while True:
                unread.append(self._next_answer())
        return unread

    def wait_until_closed(self, *, within_seconds: float) -> None:
        """Return when the other side hangs up; what it still sends is thrown away.

        Raises:
            TimeoutError: It did not.
        """
        self._connection.settimeout(within_seconds)
        with contextlib.suppress(LineClosed):
            while True:
                self._receive_some()

    def expect_silence(self, *, seconds: float) -> None:
        """Return when nothing has come for that long.

        Raises:
            LineClosed: The other side hung up.
            WrongAnswer: Something came.
        """
        patience = self._connection.gettimeout()
        self._connection.settimeout(seconds)
        with contextlib.suppress(TimeoutError):
            self._receive_some()
            raise WrongAnswer("something came that nobody asked for")
        self._connection.settimeout(patience)

    def _next_answer(self) -> Answer:
        length = int.from_bytes(self._take(2))
        return Answer.parsed(self._take(length))

    def _take(self, count: int) -> bytes:
        while len(self._received) < count:
            self._receive_some()
        taken = bytes(self._received[:count])
        del self._received[:count]
        return taken

    def _receive_some(self) -> None:
        try:
            data = self._connection.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            raise LineClosed
        self._received += data
