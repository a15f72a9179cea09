"""Lines that misbehave: what is answered, what is closed, and that no other line feels it.

A started frame has one second here (the shared installation's setting).
"""

import time

import pytest

from .conftest import Dial
from .plain_line import Line, LineClosed
from .plain_terminal import Card, Terminal
from .switch_process import BALANCE_MINOR, Switch

FRAME_SECONDS = 1.0
AT_ONCE_SECONDS = 0.7
GARBAGE_THAT_CLOSES = {
    "a web request": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a little over 8 KiB": (8200).to_bytes(2) + bytes(100),
    "largest length": b"\xff\xff",
}
GARBAGE_IN_FRAMES = {
    "zero length": bytes(2),
    "shorter than its TPDU": b"\x00\x03abc",
    "header and no message": b"\x00\x0b" + bytes(11),
    "letters": b"\x00\x1e" + b"abcdefghijklmnopqrstuvwxyz0123",
    "bytes of ones": b"\x01\x00" + b"\xff" * 256,
    "four zero lengths": bytes(8),
    "a TLS hello": bytes.fromhex("16030100fa010000f60303") + bytes(240),
}


@pytest.mark.parametrize("garbage", GARBAGE_THAT_CLOSES.values(), ids=GARBAGE_THAT_CLOSES)
def test_length_over_the_limit_closes_at_once(
    switch: Switch, terminal: Terminal, dial: Dial, card: Card, garbage: bytes
) -> None:
    """A length no frame may have ends its line without waiting for the rest; another line sells on."""
    line = dial(switch)
    line.send_bytes(garbage)

    line.wait_until_closed(within_seconds=AT_ONCE_SECONDS)

    assert terminal.exchange(terminal.purchase(card, 100)).code == "00"


@pytest.mark.parametrize("garbage", GARBAGE_IN_FRAMES.values(), ids=GARBAGE_IN_FRAMES)
def test_frame_without_a_message_touches_no_other_line(
    switch: Switch, terminal: Terminal, dial: Dial, card: Card, garbage: bytes
) -> None:
    """Nonsense in a frame of sound length may be answered, passed over or closed, but on its line alone."""
    dial(switch).send_bytes(garbage)

    assert terminal.exchange(terminal.purchase(card, 100)).code == "00"
    assert terminal.read_balance(card) == BALANCE_MINOR - 100


@pytest.mark.parametrize("name", ["zero length", "four zero lengths", "header and no message"])
def test_line_that_stays_in_step_goes_on(terminal: Terminal, card: Card, name: str) -> None:
    """Frames with no message in them leave the stream in step: the next sale on that line is answered."""
    sale = terminal.purchase(card, 100)
    terminal.line.send_bytes(GARBAGE_IN_FRAMES[name], terminal.frame(sale))

    assert terminal.answer_to(sale).code == "00"


def test_half_a_frame_has_a_deadline(switch: Switch, terminal: Terminal, dial: Dial, card: Card) -> None:
    """Half a frame and silence: the line is closed when the frame's time is over, and not much sooner."""
    half = terminal.frame(terminal.purchase(card, 100))[:60]
    line = dial(switch)
    started = time.monotonic()
    line.send_bytes(half)

    line.wait_until_closed(within_seconds=FRAME_SECONDS + 2)

    assert time.monotonic() - started > FRAME_SECONDS / 2
    assert terminal.read_balance(card) == BALANCE_MINOR


def drip(line: Line, data: bytes) -> None:
    """Send byte by byte, with a rest after each."""
    for position in range(len(data)):
        line.send_bytes(data[position : position + 1])
        line.expect_silence(seconds=0.15)


def test_dripping_bytes_do_not_stretch_the_deadline(
    switch: Switch, terminal: Terminal, dial: Dial, card: Card
) -> None:
    """A byte now and then does not keep an unfinished frame alive: its time counts from its start."""
    frame = terminal.frame(terminal.purchase(card, 100))
    started = time.monotonic()

    with pytest.raises((ConnectionError, LineClosed)):
        drip(dial(switch), frame[:30])

    assert FRAME_SECONDS / 2 < time.monotonic() - started < FRAME_SECONDS + 2


def test_answers_due_are_given_before_a_deadline_closes(terminal: Terminal, card: Card) -> None:
    """A whole sale with half a frame behind it is answered; only then the line ends."""
    sale = terminal.purchase(card, 100)
    terminal.line.send_bytes(terminal.frame(sale), b"\x00\x50half")

    assert terminal.answer_to(sale).code == "00"
    terminal.line.wait_until_closed(within_seconds=FRAME_SECONDS + 2)


def test_idle_line_has_no_deadline(terminal: Terminal, card: Card) -> None:
    """A line that rests between frames is left alone, for longer than a frame may take."""
    terminal.line.expect_silence(seconds=FRAME_SECONDS + 0.5)

    assert terminal.exchange(terminal.purchase(card, 100)).code == "00"


def test_frame_in_slices_is_read(terminal: Terminal, card: Card) -> None:
    """A frame that arrives in three pieces is one frame."""
    sale = terminal.purchase(card, 100)
    frame = terminal.frame(sale)

    for piece in (frame[:1], frame[1:40], frame[40:]):
        terminal.line.send_bytes(piece)
        time.sleep(0.05)

    assert terminal.answer_to(sale).code == "00"


def test_hanging_up_without_reading_posts_what_was_sent_once(
    switch: Switch, terminal: Terminal, dial: Dial, card: Card
) -> None:
    """A terminal that hangs up before its answer finds the sale posted once when it repeats it."""
    sale = terminal.purchase(card, 700)
    line = dial(switch)
    line.send_bytes(terminal.frame(sale))
    line.close()

    assert terminal.exchange(sale).code == "00"
    assert terminal.read_balance(card) == BALANCE_MINOR - 700


def test_connections_come_and_go(switch: Switch, terminal: Terminal, card: Card) -> None:
    """Fifty lines that hang up without a word leave the switch as it was."""
    for _ in range(50):
        Line.connected(switch.address).close()

    assert terminal.exchange(terminal.purchase(card, 100)).code == "00"
