"""Listeners: the TCP side of terminal lines, a thin shell around `switch.protocol.line`.

Each connection feeds the line's core, hands each request to the flow, and writes answers as they come.
Everything has a limit: connections, requests under way (here and in the node), the time to finish a frame
that has started, the time to take answers that don't leave. Reaching a limit first stops reading; only a peer
that can't be trusted or doesn't read is cut off, and never for a decline. What one connection does touches no
other.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, cast

from iso8583_specs.framing import FRAMINGS, Frame, Framing, reply_frame
from switch.config import Listener as ListenerSettings
from switch.observability.logs import get
from switch.observability.metrics import Metrics
from switch.protocol.line import Line
from switch.shell.gate import Gate

Answerer = Callable[[bytes, str, Callable[[bytes | None], None]], None]
"""The flow: takes a message's body, the listener's name, and who is told the answer's body, once."""

_WRITE_BUFFER_BYTES: Final = 64 * 1024
_log = get("switch.listener")


class Listener:
    """Accepts terminals on one address.

    Args:
        name: As configured; a label of metrics.
        settings: Address, framing and limits.
        answer: Answers messages.
        gate: The node's limit of requests under way.
        metrics: Where what happens is counted.
    """

    def __init__(
        self, name: str, settings: ListenerSettings, answer: Answerer, gate: Gate, metrics: Metrics
    ) -> None:
        self.name = name
        self.settings = settings
        self.framing: Framing = FRAMINGS[settings.framing]
        self.answer = answer
        self.gate = gate
        self.metrics = metrics
        self.connections: set[Connection] = set()
        self.under_way = 0
        self.all_answered = asyncio.Event()
        self.all_gone = asyncio.Event()
        self.is_stopping = False
        self.loop: asyncio.AbstractEventLoop
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port that is listened on."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        assert isinstance(port, int)
        return port

    async def open(self) -> None:
        """Start to accept.

        Raises:
            OSError: the address can't be had.
        """
        self.loop = asyncio.get_running_loop()
        self._server = await self.loop.create_server(
            lambda: Connection(self), self.settings.host, self.settings.port, backlog=4096
        )

    def take(self, requests: int) -> None:
        """So many requests are under way from now on."""
        self.under_way += requests
        self.gate.enter(requests)

    def answered(self, requests: int) -> None:
        """So many of them no longer are."""
        self.under_way -= requests
        if not self.under_way:
            self.all_answered.set()
        self.gate.leave(requests)

    def stop_accepting(self) -> None:
        """Take no more connections, and no more requests on those that are open."""
        self.is_stopping = True
        if self._server is not None:
            self._server.close()
        for connection in self.connections:
            connection.follow_line()

    async def drain(self, seconds: float) -> int:
        """Wait until what is under way is answered; how many requests were not, in time."""
        if self.under_way:
            self.all_answered.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.all_answered.wait(), seconds)
        return self.under_way

    async def close(self, seconds: float) -> None:
        """End every connection; answers already written still leave, if their peers take them in time."""
        for connection in list(self.connections):
            connection.close()
        if self.connections:
            self.all_gone.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.all_gone.wait(), seconds)
        for connection in list(self.connections):
            connection.abort()


class Connection(asyncio.Protocol):
    """One accepted connection."""

    __slots__ = (
        "_answered",
        "_answers",
        "_frame_timer",
        "_is_settling",
        "_line",
        "_listener",
        "_timed_frame",
        "_transport",
        "_write_timer",
    )

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._line = Line(listener.framing, listener.settings.in_flight_max)
        self._transport: asyncio.Transport
        self._frame_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._timed_frame = 0
        self._answers: list[bytes] = []
        self._answered = 0
        self._is_settling = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or refuse it if there are too many or it comes too late."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its class
        listener = self._listener
        refused = "stopping" if listener.is_stopping else None
        if len(listener.connections) >= listener.settings.connections_max:
            refused = "too_many"
        if refused is not None:
            listener.metrics.connection_rejected(listener.name, refused)
            self._transport.abort()
            return
        self._transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
        listener.connections.add(self)
        listener.metrics.connection_accepted(listener.name)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection; its requests go on, their answers have nowhere to go."""
        del exc
        self._stop_timers()
        self._listener.gate.forget(self)
        if self in self._listener.connections:
            self._listener.connections.remove(self)
            self._listener.metrics.connection_closed(self._listener.name)
            if not self._listener.connections:
                self._listener.all_gone.set()

    def data_received(self, data: bytes) -> None:
        """Take what came as far as there is room for it."""
        self._line.receive(data)
        self.follow_line()

    def eof_received(self) -> bool:
        """The peer has sent all it wanted: what is under way is still answered, then the line ends."""
        self._line.is_lost = True
        self.follow_line()
        return True

    def pause_writing(self) -> None:
        """The peer doesn't read: stop reading from it, and give it a time limit."""
        self._line.peer_reads = False
        self._time_writing()
        self.follow_line()

    def resume_writing(self) -> None:
        """The peer reads again; of a closing line it has to take the rest in the time it was given."""
        self._line.peer_reads = True
        if self._write_timer is not None and not self._transport.is_closing():
            self._write_timer.cancel()
            self._write_timer = None
        self.follow_line()

    def gate_opened(self) -> None:
        """The node has room for requests again."""
        self.follow_line()

    def close(self) -> None:
        """End the connection once its answers have left, for which there is a time limit."""
        self._write_answers()
        if self._transport.get_write_buffer_size():
            self._time_writing()
        self._transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        self._transport.abort()

    def _serve(self, frame: Frame) -> None:
        """Have one request answered. An exception is a defect of the program, answered by silence."""
        listener = self._listener
        respond = partial(self._respond, frame)
        try:
            listener.answer(frame.body, listener.name, respond)
        except Exception:  # noqa: BLE001 - whatever it was, the other requests go on
            _log.exception("request failed", listener=listener.name)
            respond(None)

    def _respond(self, frame: Frame, answer: bytes | None) -> None:
        """Keep an answer until those that become ready with it are there, too."""
        listener = self._listener
        try:
            if answer is not None:
                self._answers.append(reply_frame(listener.framing, frame, answer))
        except Exception:  # noqa: BLE001 - it fits no frame: a defect, and silence
            _log.exception("request failed", listener=listener.name)
        self._answered += 1
        self._settle_soon()

    def _settle_soon(self) -> None:
        if not self._is_settling:
            self._is_settling = True
            self._listener.loop.call_soon(self._settle)

    def _settle(self) -> None:
        """Write the answers that became ready together, in one piece, and go on."""
        self._is_settling = False
        answered, self._answered = self._answered, 0
        self._write_answers()
        self._line.answered(answered)
        self._listener.answered(answered)
        self.follow_line()

    def _write_answers(self) -> None:
        if self._answers and not self._transport.is_closing():
            self._transport.write(b"".join(self._answers))
        self._answers.clear()

    def follow_line(self) -> None:
        """Do what the line's core asks for: take frames, read or not, keep time, or end."""
        if self._transport.is_closing():
            return
        line, gate, going_on = self._line, self._listener.gate, not self._listener.is_stopping
        if going_on and line.may_take:
            self._take()
        if line.is_done:
            self.close()
            return
        wants_room = going_on and (line.may_take or line.may_read)
        if wants_room and not gate.room:
            gate.wait(self)
        may_read = going_on and line.may_read and gate.room > 0
        if may_read != self._transport.is_reading():
            self._read_or_pause(may_read=may_read)
        self._time_frame(running=may_read and line.awaits_frame)

    def _take(self) -> None:
        """Have each request answered that is whole and has room."""
        listener = self._listener
        taken = self._line.take(listener.gate.room)
        for defect in taken.defects:
            listener.metrics.frame_malformed(listener.name, defect)
        for defect, count in Counter(taken.defects).items():  # a line each would let a peer flood the log
            _log.warning("frames malformed", listener=listener.name, defect=defect, count=count)
        listener.take(len(taken.frames))
        for frame in taken.frames:
            self._serve(frame)
        if taken.keep_alives:
            self._answers += taken.keep_alives
            self._settle_soon()

    def _read_or_pause(self, *, may_read: bool) -> None:
        if may_read:
            self._transport.resume_reading()
            return
        self._transport.pause_reading()
        if self._line.is_full or not self._listener.gate.room:
            self._listener.metrics.reading_paused(self._listener.name)

    def _time_frame(self, *, running: bool) -> None:
        """Let the time limit of a started frame run, anew for each frame."""
        if self._frame_timer is not None and (not running or self._timed_frame != self._line.frames_seen):
            self._frame_timer.cancel()
            self._frame_timer = None
        if running and self._frame_timer is None:
            self._timed_frame = self._line.frames_seen
            seconds = self._listener.settings.frame_timeout_seconds
            self._frame_timer = self._listener.loop.call_later(seconds, self._frame_timed_out)

    def _frame_timed_out(self) -> None:
        self._frame_timer = None
        self._listener.metrics.frame_timed_out(self._listener.name)
        _log.warning("frame not finished in time", listener=self._listener.name)
        self._line.is_lost = True
        self.follow_line()

    def _time_writing(self) -> None:
        """Let the time limit run for answers that don't leave, unless it runs already."""
        if self._write_timer is None:
            seconds = self._listener.settings.write_timeout_seconds
            self._write_timer = self._listener.loop.call_later(seconds, self._write_timed_out)

    def _write_timed_out(self) -> None:
        self._listener.metrics.write_timed_out(self._listener.name)
        _log.warning("peer doesn't read", listener=self._listener.name)
        self._transport.abort()

    def _stop_timers(self) -> None:
        for timer in (self._frame_timer, self._write_timer):
            if timer is not None:
                timer.cancel()
        self._frame_timer = self._write_timer = None
