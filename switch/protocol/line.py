"""One terminal line, without input or output: what may be read, what is under way, what has to end it.

A line carries many terminals; their requests are pipelined and answered as they finish. The core is told of
bytes that came, of answers that left and of the peer's ability to take them, and says what follows:

    reading     stops while too many requests are under way here, in the whole node, or while the peer doesn't
                read; it goes on when half of this line's places are free again
    frame       a started frame must be whole within a time limit; each whole frame starts the limit anew
    lost        after a frame that can't be measured nothing on the line can be trusted: what is under way is
                answered, then the line is closed

A frame that is whole but holds no message, and a message that is refused, cost the sender nothing but that
answer.
"""

from dataclasses import dataclass, field

from iso8583_specs.framing import BadFrame, Frame, FrameReader, Framing, FramingError


@dataclass(slots=True)
class Received:
    """What a piece of the stream brought: frames to answer, and what was wrong with others."""

    frames: list[Frame] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)


class Line:
    """See the module's docstring.

    Args:
        framing: how messages are framed on this line.
        in_flight_max: how many requests may be under way.
    """

    __slots__ = ("_in_flight_max", "_reader", "frames_seen", "in_flight", "is_full", "is_lost", "peer_reads")

    def __init__(self, framing: Framing, in_flight_max: int) -> None:
        self._reader = FrameReader(framing)
        self._in_flight_max = in_flight_max
        self.in_flight = 0
        self.frames_seen = 0
        self.is_full = False
        self.is_lost = False
        self.peer_reads = True

    @property
    def may_read(self) -> bool:
        """Whether more bytes may be taken from the peer."""
        return not self.is_full and not self.is_lost and self.peer_reads

    @property
    def awaits_frame(self) -> bool:
        """Whether a frame is started and its rest may come: the time limit of a frame runs."""
        return self._reader.has_partial and self.may_read

    @property
    def is_done(self) -> bool:
        """Whether the line is lost and everything under way has been answered."""
        return self.is_lost and self.in_flight == 0

    def receive(self, data: bytes) -> Received:
        """Take bytes; the frames returned are under way until `answered` is called once for each."""
        self._reader.receive(data)
        received = Received()
        try:
            while (frame := self._reader.next_frame()) is not None:
                self.frames_seen += 1
                if isinstance(frame, BadFrame):
                    received.defects.append(frame.reason.value)
                else:
                    received.frames.append(frame)
        except FramingError as error:
            self.is_lost = True
            received.defects.append(error.reason.value)
        self.in_flight += len(received.frames)
        self.is_full = self.is_full or self.in_flight >= self._in_flight_max
        return received

    def answered(self) -> None:
        """A request that was under way has its answer, or will never have one."""
        self.in_flight -= 1
        if self.in_flight <= self._in_flight_max // 2:
            self.is_full = False
