"""How connections end: by deadlines, by their peers, by the listener's stop; and what is still answered then.

The flow is a stand-in that answers a text with `=` and the text, so that everything here is about the line.
"""

import asyncio
import socket
import struct

import pytest

from switch.shell.listener import Connection

from .conftest import LONG_ANSWER_BYTES, PLACES, WAIT_SECONDS, Eventually, Serve, Service, Settled

WRITE_BUFFER_BYTES = 64 * 1024
FOR_EVER_SECONDS = 3600.0
TOO_LARGE = b"\xff\xff"
HALF_A_FRAME = b"\0\x1b\x60\0"


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
    await eventually(lambda: not service.listener.under_way)

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
    await eventually(lambda: service.lies_waiting > 0)

    async with asyncio.timeout(5):
        await service.listener.close(0.1)

    await eventually(lambda: not service.listener.connections)


async def deaf_service(serve: Serve, eventually: Eventually) -> Service:
    """A listener with one peer that never reads, whose answers fill all buffers on the way."""
    service = await serve(write_timeout_seconds=0.3)
    deaf = await service.connect(SO_RCVBUF=4096)
    deaf.stop_listening()
    deaf.send(*["long"] * 4_000)
    await eventually(lambda: service.lies_waiting > WRITE_BUFFER_BYTES)
    return service


async def test_closing_ends_by_the_write_deadline_alone(serve: Serve, eventually: Eventually) -> None:
    """However long a close may take, a peer that doesn't read delays it by the write deadline at the most."""
    service = await deaf_service(serve, eventually)

    async with asyncio.timeout(WAIT_SECONDS):
        await service.listener.close(FOR_EVER_SECONDS)

    assert service.counted("switch_connections") == 0


async def test_without_the_write_deadline_a_peer_that_does_not_read_stays(
    serve: Serve, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: nothing else ends such a connection, and closing hangs; what it holds has a bound."""
    monkeypatch.setattr(Connection, "_time_writing", lambda connection: None)
    service = await deaf_service(serve, eventually)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(service.listener.close(FOR_EVER_SECONDS), 1.5)

    assert len(service.listener.connections) == 1
    assert len(service.answerer.asked) < 4_000
    assert service.lies_waiting < WRITE_BUFFER_BYTES + PLACES * LONG_ANSWER_BYTES


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
