"""One terminal line, without input or output: what may be read, what is under way, what has to end it.

A line carries many terminals; their requests are pipelined and answered as they finish. The core is told of
bytes that came, of answers that left and of the peer's ability to take them, and says what follows:

    taking      a whole frame is taken, and is then under way, while there is room here and in the node;
                frames without room wait as the bytes they are
    reading     stops while frames wait, while too many requests are under way, or while the peer doesn't
                read; it goes on when half of this line's places are free again
    frame       a started frame must be whole within a time limit; each whole frame starts the limit anew
    lost        after a frame that can't be measured nothing on the line can be trusted: what is under way is
                answered, then the line is closed

So what one line may hold is bounded: its places, and the bytes of one read. A frame that is whole but holds
no message, and a message that is refused, cost the sender nothing but that answer. A sign of life takes no
place; the shell sends the same back.
"""

from dataclasses import dataclass, field

from iso8583_specs.framing import BadFrame, Frame, FrameReader, Framing, FramingError, KeepAlive


@dataclass(slots=True)
class Taken:
    """What was taken from the stream: frames to answer, signs of life to return, and what was wrong."""

    frames: list[Frame] = field(default_factory=list)
    keep_alives: list[bytes] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)


class Line:
    """See the module's docstring.

    Args:
        framing: how messages are framed on this line.
        in_flight_max: how many requests may be under way.
    """

    __slots__ = (
        "_frames_wait",
        "_in_flight_max",
        "_reader",
        "frames_seen",
        "in_flight",
        "is_full",
        "is_lost",
        "peer_reads",
    )

    def __init__(self, framing: Framing, in_flight_max: int) -> None:
        self._reader = FrameReader(framing)
        self._in_flight_max = in_flight_max
        self._frames_wait = False
        self.in_flight = 0
        self.frames_seen = 0
        self.is_full = False
        self.is_lost = False
        self.peer_reads = True

    @property
    def may_take(self) -> bool:
        """Whether frames may wait for which this line has room."""
        return self._frames_wait and not self.is_full and self.peer_reads

    @property
    def may_read(self) -> bool:
        """Whether more bytes may be taken from the peer."""
        return not (self._frames_wait or self.is_full or self.is_lost) and self.peer_reads

    @property
    def awaits_frame(self) -> bool:
        """Whether a frame is started and its rest may come: the time limit of a frame runs."""
        return self.may_read and self._reader.has_partial

    @property
    def is_done(self) -> bool:
        """Whether the line is lost and everything that came before has been answered."""
        return self.is_lost and not self._frames_wait and self.in_flight == 0

    def receive(self, data: bytes) -> None:
        """Keep bytes that came; `take` makes frames of them."""
        self._reader.receive(data)
        self._frames_wait = True

    def take(self, room: int) -> Taken:
        """Take the frames there is room for; each is under way until `answered` is called for it.

        Args:
            room: how many requests the node has room for.
        """
        taken = Taken()
        room = min(room, self._in_flight_max - self.in_flight)
        try:
            while len(taken.frames) < room and self._take_one(taken):
                self.frames_seen += 1
        except FramingError as error:
            self._frames_wait = False
            self.is_lost = True
            taken.defects.append(error.reason.value)
        self.in_flight += len(taken.frames)
        self.is_full = self.in_flight >= self._in_flight_max
        return taken

    def _take_one(self, taken: Taken) -> bool:
        """Take the next frame, if one is whole."""
        frame = self._reader.next_frame()
        self._frames_wait = frame is not None
        match frame:
            case Frame():
                taken.frames.append(frame)
            case BadFrame(reason):
                taken.defects.append(reason.value)
            case KeepAlive(raw):
                taken.keep_alives.append(raw)
        return self._frames_wait

    def answered(self, requests: int = 1) -> None:
        """Requests that were under way have their answers, or will never have one."""
        self.in_flight -= requests
        if self.in_flight <= self._in_flight_max // 2:
            self.is_full = False
