"""Listeners over real sockets: pipelining, limits, deadlines, and that no connection feels another.

The flow is a stand-in that answers a text with `=` and the text, so that everything here is about the line.
"""

import asyncio
import json
import random
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from switch.observability import logs
from switch.shell.listener import Connection

Serve = Callable[..., Awaitable[Any]]
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
Settled = Callable[[], Awaitable[None]]

PLACES = 256
EMPTY = b"\0\0"
TOO_SHORT = b"\0\3abc"
TOO_LARGE = b"\xff\xff"
HALF_A_FRAME = b"\0\x1b\x60\0"


# Answers


async def test_answer_goes_back_the_way_it_came(serve: Serve) -> None:
    """An answer's TPDU has the request's addresses swapped, its header is the request's."""
    peer = await (await serve()).connect()

    assert await peer.ask("hello") == "=hello"


async def test_requests_are_answered_as_they_finish(serve: Serve) -> None:
    """A request that takes its time holds nobody up who came behind it on the same connection."""
    service = await serve()
    peer = await service.connect()

    peer.send("held", "one", "two")
    first = await peer.answers(2)
    service.answerer.release()

    assert ({"=one", "=two"}, "=held") == (set(first), await peer.answer())


async def test_frame_in_pieces_is_one_frame(serve: Serve, settled: Settled) -> None:
    """A frame may come byte by byte, and its last byte with the next frame."""
    service = await serve()
    peer = await service.connect()
    peer.send("one", "two")
    sent = await peer.answers(2)
    data = bytes.fromhex("001b 6000031234 602200000000") + b"three".ljust(16)

    for place in range(len(data) - 1):
        peer.send_bytes(data[place : place + 1])
        await asyncio.sleep(0)
    await settled()
    assert len(service.answerer.asked) == 2
    peer.send_bytes(data[-1:] + data.replace(b"three", b"four "))

    assert sorted(sent) + sorted(await peer.answers(2)) == ["=one", "=two", "=four", "=three"]


async def test_connections_get_their_own_answers(serve: Serve) -> None:
    """Hundreds of connections with several requests each: each gets its own answers and no other's."""
    service = await serve()
    peers = [await service.connect() for _ in range(300)]

    for number, peer in enumerate(peers):
        peer.send(*(f"{number}-{each}" for each in range(3)))

    for number, peer in enumerate(peers):
        assert {f"={number}-{each}" for each in range(3)} == set(await peer.answers(3))
    assert service.counted("switch_connections") == 300
    assert service.counted("switch_connections_accepted_total") == 300


async def test_silence_is_an_answer_too(serve: Serve) -> None:
    """Where the flow has no answer nothing is written, and the connection goes on."""
    peer = await (await serve()).connect()

    peer.send("silent")

    assert await peer.ask("next") == "=next"


async def test_exception_in_one_request_touches_no_other(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    """A defect that breaks one request is logged without its data; all others are answered."""
    logs.configure("debug", "json")
    service = await serve()
    peer, other = await service.connect(), await service.connect()

    peer.send("one", "broken secret", "two")
    answers = set(await peer.answers(2))

    assert {"=one", "=two"} == answers
    assert await other.ask("three") == "=three"
    assert service.listener.gate.in_flight == 0
    lines = capsys.readouterr().err.splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["request failed"]
    assert "secret" not in lines[0]


async def test_answer_that_fits_no_frame_is_a_defect(serve: Serve) -> None:
    """An answer over the frame's limit is not sent, and breaks nothing else."""
    service = await serve()
    peer = await service.connect()
    service.listener.answer = lambda body, listener: asyncio.sleep(0, body.strip() * 1_000)

    peer.send("much too long")

    assert (await peer.ask("ab"))[:4] == "abab"


# How much may be under way


async def test_reading_stops_when_a_connection_has_no_place_left(
    serve: Serve, eventually: Eventually, settled: Settled
) -> None:
    """256 requests of one connection are under way and no more, until half of them are answered."""
    service = await serve()
    peer = await service.connect()
    peer.send(*(f"held {number}" for number in range(400)))
    asked = service.answerer.asked

    await eventually(lambda: len(asked) == PLACES)
    service.answerer.release(PLACES // 2 - 1)
    await peer.answers(PLACES // 2 - 1)
    await settled()
    assert len(asked) == PLACES

    service.answerer.release()
    await eventually(lambda: len(asked) == PLACES + PLACES // 2)
    service.answerer.release(400)
    await peer.answers(400 - PLACES // 2 + 1)

    assert len(asked) == 400
    assert await peer.ask("next") == "=next"
    assert service.counted("switch_reading_paused_total") >= 1


async def test_full_connection_touches_no_other(serve: Serve, eventually: Eventually) -> None:
    """While one connection has no place left, another is served."""
    service = await serve()
    full, other = await service.connect(), await service.connect()
    full.send(*["held"] * 300)
    await eventually(lambda: service.answerer.asked.count(b"held".ljust(16)) == PLACES)

    assert await other.ask("one") == "=one"


async def test_node_has_a_limit_over_all_connections(
    serve: Serve, eventually: Eventually, settled: Settled
) -> None:
    """With the node's limit reached nobody's requests are taken; then those who wait are served in turn."""
    service = await serve(gate=10)
    peers = [await service.connect() for _ in range(4)]
    asked = service.answerer.asked

    for peer in peers:
        peer.send(*["held"] * 5)
    await eventually(lambda: len(asked) == 10)
    await settled()
    assert len(asked) == 10

    service.answerer.release(20)
    for peer in peers:
        assert await peer.answers(5) == ["=held"] * 5
    assert service.listener.gate.in_flight == 0


async def test_who_leaves_while_waiting_stops_nobody(
    serve: Serve, eventually: Eventually, settled: Settled
) -> None:
    """A connection that is gone when the node has room again has its requests done, and the others go on."""
    service = await serve(gate=1)
    first, leaver, last = [await service.connect() for _ in range(3)]
    first.send("held")
    await eventually(lambda: len(service.answerer.asked) == 1)
    leaver.send("one", "two")
    await settled()
    last.send("last")
    await settled()

    leaver.writer.transport.abort()
    service.answerer.release()

    assert await last.answer() == "=last"
    assert await first.answer() == "=held"
    await eventually(lambda: len(service.listener.connections) == 2)
    assert service.listener.gate.in_flight == 0


async def test_too_many_connections_are_refused(serve: Serve, eventually: Eventually) -> None:
    """A connection over the limit is closed at once and counted; the others go on, and room comes back."""
    service = await serve(connections_max=2)
    peers = [await service.connect() for _ in range(2)]
    await eventually(lambda: len(service.listener.connections) == 2)

    refused = await service.connect()

    assert await refused.closed() == b""
    assert service.counted("switch_connections_rejected_total", reason="too_many") == 1
    assert [await peer.ask("one") for peer in peers] == ["=one"] * 2
    await peers[0].hang_up()
    await eventually(lambda: len(service.listener.connections) == 1)
    assert await (await service.connect()).ask("two") == "=two"


async def test_a_thousand_connections(serve: Serve, eventually: Eventually) -> None:
    """However many connections are open, each is answered."""
    service = await serve()
    peers = [await service.connect() for _ in range(1_000)]
    await eventually(lambda: len(service.listener.connections) == 1_000)

    for number, peer in enumerate(peers):
        peer.send(str(number))

    assert [f"={number}" for number in range(1_000)] == [await peer.answer() for peer in peers]


# Frames that are none


async def test_frames_without_a_message_cost_nothing(serve: Serve) -> None:
    """A length of zero or a frame too short for a message is counted; the frames around it are answered."""
    service = await serve()
    peer = await service.connect()

    peer.send_bytes(EMPTY + TOO_SHORT + EMPTY)

    assert await peer.ask("next") == "=next"
    reasons = {"the length is zero": 2, "too short for TPDU, header, MTI and bitmap": 1}
    for reason, count in reasons.items():
        assert count == service.counted("switch_malformed_frames_total", reason=reason)


async def test_flood_of_empty_frames_does_not_flood_the_log(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten thousand empty frames are counted one by one and logged by the piece they came in."""
    logs.configure("info", "json")
    service = await serve()
    peer = await service.connect()

    peer.send_bytes(EMPTY * 10_000)

    assert await peer.ask("next") == "=next"
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert len(lines) < 100
    assert sum(line["count"] for line in lines) == 10_000


async def test_length_over_the_limit_ends_the_connection_after_its_answers(
    serve: Serve, eventually: Eventually
) -> None:
    """A length no frame may have can't be trusted: what came before it is answered, then the line ends."""
    service = await serve()
    peer, other = await service.connect(), await service.connect()

    peer.send("held")
    peer.send_bytes(TOO_LARGE)
    peer.send("never")
    await eventually(lambda: service.counted("switch_malformed_frames_total", reason=OVER_LIMIT) == 1)
    assert await other.ask("one") == "=one"
    service.answerer.release()

    assert await peer.answer() == "=held"
    assert await peer.closed() == b""
    assert b"never".ljust(16) not in service.answerer.asked
    assert await other.ask("two") == "=two"


OVER_LIMIT = "the length is over the limit"


async def test_garbage_is_its_own_connections_affair(serve: Serve) -> None:
    """Random bytes on many connections end theirs, or get nothing, while another one is served all along."""
    service = await serve(frame_timeout_seconds=0.2)
    other = await service.connect()
    chance = random.Random(8583)

    vandals = [await service.connect() for _ in range(50)]
    for vandal in vandals:
        vandal.send_bytes(chance.randbytes(chance.randrange(1, 3_000)))
        vandal.writer.write_eof()
        assert await other.ask("one") == "=one"
    for vandal in vandals:
        await vandal.closed()

    assert await other.ask("two") == "=two"
    assert service.listener.gate.in_flight == 0


# Time


async def test_half_a_frame_has_a_deadline(serve: Serve) -> None:
    """A frame that isn't finished in time ends its connection, once what is under way is answered."""
    service = await serve(frame_timeout_seconds=0.1)
    peer, other = await service.connect(), await service.connect()

    peer.send("held")
    peer.send_bytes(HALF_A_FRAME)
    await asyncio.sleep(0.2)
    service.answerer.release()

    assert await peer.answer() == "=held"
    assert await peer.closed() == b""
    assert service.counted("switch_frame_timeouts_total") == 1
    assert await other.ask("one") == "=one"


async def test_dripping_bytes_do_not_stretch_the_deadline(serve: Serve) -> None:
    """Time counts from a frame's first byte, however many bytes follow it one by one."""
    service = await serve(frame_timeout_seconds=0.3)
    peer = await service.connect()
    started = asyncio.get_running_loop().time()

    peer.send_bytes(b"\x01\x00")
    ended = asyncio.create_task(peer.closed())
    while not ended.done():
        peer.send_bytes(b"x")
        await asyncio.sleep(0.02)

    assert 0.25 < asyncio.get_running_loop().time() - started < 3


async def test_each_frame_has_its_own_time(serve: Serve) -> None:
    """A line on which there is always half a frame lives on, as long as each frame is finished in time."""
    service = await serve(frame_timeout_seconds=0.3)
    peer = await service.connect()
    data = bytes.fromhex("001b 6000031234 602200000000") + b"drip".ljust(16)

    peer.send_bytes(data[:9])
    for _ in range(5):
        await asyncio.sleep(0.1)
        peer.send_bytes(data[9:] + data[:9])
        assert await peer.answer() == "=drip"

    assert service.counted("switch_frame_timeouts_total") == 0


async def test_idle_line_has_no_deadline(serve: Serve) -> None:
    """Between frames a line may rest as long as it likes."""
    service = await serve(frame_timeout_seconds=0.05, write_timeout_seconds=0.05)
    peer = await service.connect()
    await peer.ask("one")

    await asyncio.sleep(0.2)

    assert await peer.ask("two") == "=two"


async def test_peer_that_does_not_read_is_cut_off(serve: Serve, eventually: Eventually) -> None:
    """Who leaves its answers lying isn't read from any more and is cut off in time; nobody else feels it."""
    service = await serve(write_timeout_seconds=0.3)
    deaf, other = await service.connect(SO_RCVBUF=4096), await service.connect()
    deaf.stop_listening()

    deaf.send(*["long"] * 4_000)
    await eventually(lambda: service.counted("switch_write_timeouts_total") == 1)
    await eventually(lambda: len(service.listener.connections) == 1)

    assert len(service.answerer.asked) < 4_000
    assert await other.ask("one") == "=one"


async def test_slow_peer_is_waited_for(serve: Serve, settled: Settled) -> None:
    """A peer that falls behind and reads on in time gets every answer."""
    service = await serve(write_timeout_seconds=5)
    slow = await service.connect(SO_RCVBUF=4096)
    slow.stop_listening()
    slow.send(*["long"] * 1_500)
    await settled()
    await settled()
    assert service.answerer.answered < 1_500

    slow.listen_again()

    assert await slow.answers(1_500) == ["=long"] * 1_500
    assert service.counted("switch_write_timeouts_total") == 0


async def test_last_answers_have_a_deadline_too(serve: Serve, eventually: Eventually) -> None:
    """A line that is to end doesn't wait for ever until its peer takes the last answers."""
    service = await serve(write_timeout_seconds=0.3, in_flight_max=1_100)
    deaf = await service.connect(SO_RCVBUF=4096)
    deaf.stop_listening()
    service.answerer.answer_bytes = 8_000
    deaf.send(*["held"] * 1_000)
    deaf.send_bytes(TOO_LARGE)
    await eventually(lambda: len(service.answerer.asked) == 1_000)

    service.answerer.release(1_000)
    await eventually(lambda: not service.listener.connections)

    assert service.counted("switch_write_timeouts_total") == 1


class FakeTransport(asyncio.Transport):
    """A transport that holds back what is written, and says what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Take any limit."""

    def get_write_buffer_size(self) -> int:
        """Something hasn't left yet."""
        return 1

    def is_closing(self) -> bool:
        """Whether it was asked to close."""
        return "close" in self.asked

    def close(self) -> None:
        """Note it."""
        self.asked.append("close")

    def abort(self) -> None:
        """Note it."""
        self.asked.append("abort")


async def test_closing_line_is_cut_off_though_its_peer_reads_a_little(
    serve: Serve, eventually: Eventually
) -> None:
    """A peer that takes some of the last answers, and not all, doesn't win more time by it."""
    service = await serve(write_timeout_seconds=0.05)
    transport = FakeTransport()
    connection = Connection(service.listener)
    connection.connection_made(transport)

    connection.close()
    connection.resume_writing()
    await eventually(lambda: "abort" in transport.asked)

    connection.connection_lost(None)
    assert transport.asked == ["close", "abort"]


# Leaving


async def test_half_closed_line_gets_its_answers(serve: Serve, eventually: Eventually) -> None:
    """A peer that has sent all it wanted still gets every answer, and then the end."""
    service = await serve()
    peer = await service.connect()

    peer.send(*["held"] * 300)
    peer.writer.write_eof()
    await eventually(lambda: len(service.answerer.asked) == PLACES)
    service.answerer.release(300)

    assert await peer.answers(300) == ["=held"] * 300
    assert await peer.closed() == b""
    await eventually(lambda: not service.listener.connections)


async def test_half_closed_idle_line_ends(serve: Serve, eventually: Eventually) -> None:
    """A peer that closes its side with nothing under way is closed, half a frame or not."""
    service = await serve()

    for last in (b"", HALF_A_FRAME):
        peer = await service.connect()
        peer.send_bytes(last)
        peer.writer.write_eof()
        assert await peer.closed() == b""

    await eventually(lambda: service.counted("switch_connections") == 0)


async def test_hanging_up_leaves_nothing_behind(serve: Serve, eventually: Eventually) -> None:
    """A connection reset with requests under way: they end, their answers go nowhere, nothing is kept."""
    service = await serve()
    peer, other = await service.connect(), await service.connect()
    peer.send(*["held"] * 10)
    await eventually(lambda: len(service.answerer.asked) == 10)

    reset = struct.pack("ii", 1, 0)
    peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
    peer.writer.transport.abort()
    await eventually(lambda: len(service.listener.connections) == 1)
    service.answerer.release(10)
    await eventually(lambda: not service.listener.tasks)

    assert service.listener.gate.in_flight == 0
    assert await other.ask("one") == "=one"


# Stopping


async def test_stop_answers_what_is_under_way_and_takes_no_more(
    serve: Serve, eventually: Eventually, settled: Settled
) -> None:
    """After the stop nothing new is taken, in old connections or new ones; what was taken is answered."""
    service = await serve()
    peer = await service.connect()
    peer.send("held")
    await eventually(lambda: len(service.answerer.asked) == 1)

    service.listener.stop_accepting()
    peer.send("late")
    await settled()
    drained = asyncio.create_task(service.listener.drain(5))
    service.answerer.release()

    assert await drained == 0
    assert await peer.answer() == "=held"
    await service.listener.close(1)
    assert await peer.closed() == b""
    assert [b"held".ljust(16)] == service.answerer.asked
    with pytest.raises(ConnectionError):
        await service.connect()


async def test_stop_does_not_take_frames_that_wait(serve: Serve, eventually: Eventually) -> None:
    """Frames that came and had no place yet are not started any more once the listener stops."""
    service = await serve()
    peer = await service.connect()
    peer.send(*["held"] * 300)
    await eventually(lambda: len(service.answerer.asked) == PLACES)

    service.listener.stop_accepting()
    service.answerer.release(300)

    assert await service.listener.drain(5) == 0
    assert len(service.answerer.asked) == PLACES


async def test_drain_says_what_it_could_not_wait_for(serve: Serve, eventually: Eventually) -> None:
    """Requests that aren't answered in time are counted, and the listener can be closed all the same."""
    service = await serve()
    peer = await service.connect()
    peer.send("held", "held")
    await eventually(lambda: len(service.answerer.asked) == 2)
    service.listener.stop_accepting()

    assert await service.listener.drain(0.05) == 2

    await service.listener.close(1)
    assert await peer.closed() == b""


async def test_close_does_not_wait_for_a_peer_that_does_not_read(
    serve: Serve, eventually: Eventually
) -> None:
    """At the end of the time a connection whose answers don't leave is cut off."""
    service = await serve()
    deaf = await service.connect(SO_RCVBUF=4096)
    deaf.stop_listening()
    deaf.send(*["long"] * 1_000)
    await eventually(lambda: service.counted("switch_connections") == 1 and service.answerer.answered > 100)

    async with asyncio.timeout(5):
        await service.listener.close(0.1)

    await eventually(lambda: not service.listener.connections)


async def test_connection_that_comes_with_the_stop_is_refused(serve: Serve) -> None:
    """A connection that the system had accepted before the stop, and we see after it, is closed at once."""
    service = await serve()
    service.listener.stop_accepting()
    transport = FakeTransport()

    connection = Connection(service.listener)
    connection.connection_made(transport)
    connection.connection_lost(None)

    assert transport.asked == ["abort"]
    assert service.counted("switch_connections_rejected_total", reason="stopping") == 1
    assert service.counted("switch_connections") == 0


async def test_listener_that_never_opened_can_be_stopped(serve: Serve) -> None:
    """An address that can't be had is told, and stopping what never started is no error."""
    service = await serve()
    settings = service.listener.settings.model_copy(update={"port": service.listener.port})
    second = type(service.listener)(
        "second", settings, service.answerer, service.listener.gate, service.metrics
    )

    with pytest.raises(OSError, match="address"):
        await second.open()

    second.stop_accepting()
    assert await second.drain(1) == 0
    await second.close(1)
