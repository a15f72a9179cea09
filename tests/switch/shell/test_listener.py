"""Listeners over real sockets: pipelining, limits, frames that are none; no connection feels another.

The flow is a stand-in that answers a text with `=` and the text, so that everything here is about the line.
"""

import asyncio
import json
import random

import pytest

from switch.observability import logs

from .conftest import PLACES, Eventually, Serve, Settled

EMPTY = b"\0\0"
TOO_SHORT = b"\0\3abc"
TOO_LARGE = b"\xff\xff"


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


async def test_sign_of_life_is_returned(serve: Serve) -> None:
    """A length of zero, where the framing knows it, is answered by the same, without asking anybody."""
    service = await serve(framing="ascii4")
    peer = await service.connect()

    peer.send_bytes(b"00000000")

    assert await peer.reader.readexactly(8) == b"00000000"
    assert not service.answerer.asked


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
    service.listener.answer = lambda body, listener, respond: respond(body.strip() * 1_000)

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
