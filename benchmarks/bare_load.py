"""The load of the bare loop: a closed loop of ISO 8583:1987 purchases in ASCII.

python -m benchmarks.bare_load PORT SECONDS IN_FLIGHT
"""

import asyncio
import json
import random
import resource
import sys
from time import perf_counter
from typing import Any

import uvloop

from benchmarks.frames import take_frames

LINES = 16
WARM_UP_SECONDS = 1.0
BITMAP = f"{sum(1 << (64 - n) for n in (2, 3, 4, 7, 11, 12, 13, 22, 25, 32, 37, 41, 42, 49, 52, 60)):016X}"
REFERENCE_AT = 54


class Line(asyncio.Protocol):
    """One connection that keeps a number of purchases under way."""

    sequence = random.randrange(10**11)

    def __init__(self, depth: int, latencies: list[float]) -> None:
        self._depth = depth
        self._latencies = latencies
        self._sent: dict[bytes, float] = {}
        self._buffer = bytearray()
        self.going_on = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first purchases."""
        self._transport: Any = transport
        self._send(self._depth)

    def data_received(self, data: bytes) -> None:
        """Take answers, and send as many purchases again."""
        self._buffer += data
        now = perf_counter()
        answers = take_frames(self._buffer)
        for answer in answers:
            reference = answer[REFERENCE_AT : REFERENCE_AT + 12]
            self._latencies.append(now - self._sent.pop(reference))
        if self.going_on and answers:
            self._send(len(answers))

    def _send(self, count: int) -> None:
        frames = []
        now = perf_counter()
        for _ in range(count):
            Line.sequence += 1
            reference = b"%012d" % Line.sequence
            self._sent[reference] = now
            card = b"196212345678900%06d" % random.randrange(200_000)
            frames.append(MESSAGE % (card, reference[-6:], reference))
        self._transport.write(b"".join(len(frame).to_bytes(2, "big") + frame for frame in frames))


MESSAGE = (
    b"0200"
    + BITMAP.encode()
    + b"%s000000000000012345"
    + b"1122053011"
    + b"%s"
    + b"053011112205100"
    + b"0812345678"
    b"%s" + b"TERM0001MERCHANT0000001156" + b"1122334455667788" + b"00822000001"
)


async def run(port: int, seconds: float, in_flight: int) -> dict[str, Any]:
    """Load for so many seconds; what was measured."""
    latencies: list[float] = []
    lines = []
    for _ in range(LINES):
        _, line = await asyncio.get_running_loop().create_connection(
            lambda: Line(in_flight // LINES, latencies), "127.0.0.1", port
        )
        lines.append(line)
    await asyncio.sleep(WARM_UP_SECONDS)
    latencies.clear()
    print("warm", flush=True, file=sys.stderr)
    before, started = resource.getrusage(resource.RUSAGE_SELF), perf_counter()
    await asyncio.sleep(seconds)
    count, elapsed, after = len(latencies), perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    ordered = sorted(latencies[:count])
    for line in lines:
        line.going_on = False
    return {
        "purchases": count,
        "per_second": round(count / elapsed),
        "latency_ms": {
            "p50": round(ordered[count // 2] * 1000, 2),
            "p99": round(ordered[int(count * 0.99)] * 1000, 2),
        },
        "client_cpu_us": round(cpu / count * 1e6, 1),
    }


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(run(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))))
