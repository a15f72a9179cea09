"""The core of a line: frames are taken as far as there is room, and reading stops before memory is used up.

Each test tells the core what a shell would tell it and looks at what the core asks for; no socket is needed.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iso8583_specs.framing import FRAMINGS, FrameDefect, write_frame
from switch.protocol.line import Line

FRAMING = FRAMINGS["length2"]
BODY = bytes(10)
FRAME = write_frame(FRAMING, b"", b"", BODY)
EMPTY = b"\0\0"
TOO_LARGE = b"\xff\xff"
PLENTY = 1_000


def line_with(data: bytes, *, places: int = 4, room: int = PLENTY) -> Line:
    """A line that got some bytes and took what it has room for."""
    line = Line(FRAMING, places)
    line.receive(data)
    line.take(room)
    return line


def test_new_line_wants_to_read() -> None:
    """A line on which nothing has happened wants bytes, has nothing to take and runs no time limit."""
    line = Line(FRAMING, 4)

    assert line.may_read
    assert not (line.may_take)
    assert not (line.awaits_frame)
    assert not (line.is_done)


def test_whole_frames_are_taken_in_order() -> None:
    """Every whole frame of a piece is taken, and counts as under way until it is answered."""
    first, second = (write_frame(FRAMING, b"", b"", bytes([n]) * 10) for n in (1, 2))
    line = Line(FRAMING, 4)

    line.receive(first + second)
    taken = line.take(PLENTY)

    assert [bytes([n]) * 10 for n in (1, 2)] == [frame.body for frame in taken.frames]
    assert (line.in_flight, line.frames_seen) == (2, 2)
    assert line.may_read


def test_nothing_is_read_before_what_came_is_taken() -> None:
    """Between receiving and taking, the line wants no more bytes: they would pile up."""
    line = Line(FRAMING, 4)

    line.receive(FRAME)

    assert line.may_take
    assert not line.may_read


def test_full_line_goes_on_when_half_its_places_are_free() -> None:
    """At the limit nothing is read or taken; with half of the places free the line goes on, not before."""
    line = line_with(FRAME * 4)

    goes_on = []
    for _ in range(3):
        goes_on.append(line.may_read or line.may_take)
        line.answered()
    line.take(PLENTY)

    assert goes_on == [False, False, True]
    assert line.may_read


def test_frames_without_a_place_wait() -> None:
    """No more frames than there are places are under way, however many came in one piece."""
    line = line_with(FRAME * 7)

    assert line.in_flight == 4
    assert not (line.may_take)
    assert not (line.may_read)

    for _ in range(2):
        line.answered()
    assert line.may_take
    assert not line.may_read

    assert len(line.take(PLENTY).frames) == 2
    assert (line.in_flight, line.may_take, line.may_read) == (4, False, False)

    for _ in range(4):
        line.answered()
    assert len(line.take(PLENTY).frames) == 1
    assert (line.in_flight, line.may_take, line.may_read) == (1, False, True)


def test_frames_wait_for_room_in_the_node() -> None:
    """Where the node has no room, frames wait though the line has places."""
    line = line_with(FRAME * 3, room=1)

    assert (line.in_flight, line.may_take, line.may_read) == (1, True, False)
    assert not line.take(0).frames
    assert line.may_take
    assert len(line.take(PLENTY).frames) == 2
    assert (line.may_take, line.may_read) == (False, True)


def test_peer_that_does_not_read_is_not_read_from() -> None:
    """While answers don't leave, nothing is read or taken; then it goes on."""
    line = line_with(FRAME * 2, room=1)
    line.peer_reads = False
    assert not (line.may_take)
    assert not (line.may_read)

    line.peer_reads = True
    assert line.may_take


@pytest.mark.parametrize(("sent", "awaits"), [(FRAME, False), (FRAME[:1], True), (FRAME + FRAME[:5], True)])
def test_time_runs_for_a_started_frame(sent: bytes, awaits: bool) -> None:
    """The time limit runs while a frame is started and not whole, and for nothing else."""
    assert awaits == line_with(sent).awaits_frame


def test_time_does_not_run_while_nothing_is_read() -> None:
    """Who isn't read from can't finish its frame, so no time limit runs against it."""
    assert not line_with(FRAME * 4 + FRAME[:5]).awaits_frame


def test_frames_without_a_message_take_no_place() -> None:
    """A frame that holds no message is told by its defect; the ones around it are taken."""
    line = Line(FRAMING, 4)

    line.receive(EMPTY + FRAME + b"\0\1x" + FRAME)
    taken = line.take(PLENTY)

    assert taken.defects == [FrameDefect.EMPTY, FrameDefect.TOO_SHORT]
    assert (len(taken.frames), line.in_flight, line.frames_seen) == (2, 2, 4)
    assert line.may_read


def test_line_that_lost_step_is_done_when_all_is_answered() -> None:
    """After a length that can't be, nothing more is read, and the line ends once its answers are given."""
    line = Line(FRAMING, 4)
    line.receive(FRAME + TOO_LARGE + FRAME)
    taken = line.take(PLENTY)

    assert (len(taken.frames), taken.defects) == (1, [FrameDefect.TOO_LARGE])
    assert not (line.may_read)
    assert not (line.may_take)
    assert not (line.awaits_frame)
    assert not (line.is_done)

    line.answered()
    assert line.is_done


def test_lost_step_behind_waiting_frames_is_found_when_they_are_taken() -> None:
    """Frames in front of the one that can't be are all answered before the line ends."""
    line = line_with(FRAME * 5 + TOO_LARGE)
    assert not line.is_lost

    for _ in range(4):
        line.answered()
    assert line.take(PLENTY).defects == [FrameDefect.TOO_LARGE]

    assert not line.is_done
    line.answered()
    assert line.is_done


def test_ended_line_is_not_done_while_frames_wait() -> None:
    """A peer that has sent all it wanted still gets an answer to each whole frame it sent."""
    line = line_with(FRAME * 2, room=1)
    line.is_lost = True
    line.answered()
    assert not line.is_done

    line.take(PLENTY)
    line.answered()
    assert line.is_done


@given(
    pieces=st.lists(st.lists(st.sampled_from([FRAME, EMPTY, FRAME[:7], FRAME[7:]]), max_size=6), max_size=8),
    places=st.integers(1, 5),
    rooms=st.lists(st.integers(0, 4), min_size=30, max_size=30),
)
def test_places_are_never_exceeded_and_no_frame_is_lost(
    pieces: list[list[bytes]], places: int, rooms: list[int]
) -> None:
    """Whatever comes, and whenever the node has room, a line keeps to its places and takes all in the end."""
    unlimited, line = Line(FRAMING, 10_000), Line(FRAMING, places)
    expected = []
    for piece in pieces:
        unlimited.receive(b"".join(piece))
        expected += unlimited.take(10_000).frames

    frames = []
    for piece in pieces:
        line.receive(b"".join(piece))
        for room in [*rooms, *[PLENTY] * 40]:
            taken = line.take(room) if line.may_take else None
            frames += taken.frames if taken is not None else []
            assert line.in_flight <= places
            if line.in_flight:
                line.answered()

    assert expected == frames


def test_sign_of_life_takes_no_place() -> None:
    """A length of zero comes back as it came, and the frames around it are taken as ever."""
    framing = FRAMINGS["ascii4"]
    frame = write_frame(framing, b"", b"", BODY)
    line = Line(framing, 4)

    line.receive(frame + b"0000" + frame)
    taken = line.take(PLENTY)

    assert [b"0000"] == taken.keep_alives
    assert (len(taken.frames), line.in_flight) == (2, 2)
