"""The load of the purchase benchmark: signed-on terminals that buy with MAC and PIN.

Messages are put together from bytes, not through the codec, so that the client takes as little of the shared
processors as it can. A closed loop keeps a number of purchases under way; an open loop sends at a fixed rate
and measures each answer from the moment its request was due, so that a stall shows in full. With
`--each-card-once` a closed loop goes through the cards in order and ends: afterwards a switch knows them all,
as one that has been in service does.

    python -m benchmarks.purchase_load WORLD PORT SECONDS --in-flight N [--each-card-once] | --rate N
"""

import argparse
import asyncio
import json
import random
import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import uvloop

from benchmarks.frames import take_frames
from tools.terminal_security import TerminalSecurity

LINES = 20
HEADER_BYTES = 11
AMOUNT = bytes.fromhex("000000000001")
WARM_UP_SECONDS = 3.0


@dataclass(slots=True)
class Card:
    """A card with what a swipe sends: field 35 with its length, and what the PIN pad needs."""

    pan: str
    pin: str
    field_35: bytes


class Terminal:
    """One terminal: writes purchases once it is signed on."""

    def __init__(self, world: dict[str, str], first_stan: int) -> None:
        self.header = bytes.fromhex(world["tpdu"] + world["header"])
        self.names = (world["terminal_id"] + world["merchant_id"]).encode()
        self.master_key = bytes.fromhex(world["tmk"])
        self.stan = first_stan
        self.batch = ""
        self._blocks: dict[str, bytes] = {}
        self._security: TerminalSecurity
        self._body_start = b""
        self._body_end = b""

    def sign_on(self) -> bytes:
        """The frame of a sign-on for double-length keys."""
        body = bytes.fromhex("08000020000000C00012000000") + self.names
        return self._framed(body + bytes.fromhex("0011000000000030") + bytes.fromhex("0003") + b"001")

    def take_keys(self, body: bytes) -> None:
        """Use the answer of a sign-on: it ends with field 62, and field 60 stands before it."""
        field_62 = body[-40:]
        self.batch = body[-48:-42].hex()[2:8]
        self._security = TerminalSecurity(self.master_key, field_62)
        self._body_start = bytes.fromhex("0200302004C020C09811000000") + AMOUNT
        self._body_end = bytes.fromhex("0013") + bytes.fromhex(f"22{self.batch}000600")

    def purchase(self, card: Card) -> tuple[int, bytes]:
        """The STAN and frame of a purchase."""
        self.stan += 1
        block = self._blocks.get(card.pan)
        if block is None:
            block = self._security.pin_block(card.pin, card.pan)
        body = b"".join((
            self._body_start, bytes.fromhex(f"{self.stan:06d}"), b"\x02\x10\x00\x12", card.field_35,
            self.names, b"156", block, b"\x26\0\0\0\0\0\0\0", self._body_end,
        ))  # fmt: skip
        return self.stan, self._framed(body + self._security.mac(body))

    def _framed(self, body: bytes) -> bytes:
        return (len(self.header) + len(body)).to_bytes(2, "big") + self.header + body


class Load:
    """What was sent and answered."""

    def __init__(self, cards: list[Card]) -> None:
        self.cards = cards
        self.unseen: list[Card] | None = None
        self.latencies: list[float] = []
        self.codes: dict[bytes, int] = {}
        self.measuring = False

    def pick(self, count: int) -> list[Card]:
        """So many cards to buy with: any, or the next ones while some haven't been seen."""
        if self.unseen is None:
            cards = self.cards
            return [cards[int(random.random() * len(cards))] for _ in range(count)]
        picked = self.unseen[-count:]
        del self.unseen[-count:]
        return picked


class Line(asyncio.Protocol):
    """One connection with its terminals."""

    def __init__(self, terminals: list[Terminal], load: Load, depth: int) -> None:
        self.terminals = {terminal.names[:8]: terminal for terminal in terminals}
        self.order = terminals
        self.load = load
        self.depth = depth
        self.sent: dict[tuple[bytes, int], float] = {}
        self.signed_on: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._buffer = bytearray()
        self._next = 0
        self.closed_loop = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sign every terminal on."""
        self.transport: Any = transport
        self._unsigned = len(self.order)
        for terminal in self.order:
            self.transport.write(terminal.sign_on())

    def data_received(self, data: bytes) -> None:
        """Take answers; in a closed loop each makes room for the next purchase."""
        self._buffer += data
        now = perf_counter()
        answered = sum(self._answered(frame[HEADER_BYTES:], now) for frame in take_frames(self._buffer))
        if self.closed_loop and answered:
            self.send(answered)

    def _answered(self, body: bytes, now: float) -> int:
        if body[:2] == b"\x08\x10":
            terminal = self.terminals[body[-73:-65]]
            terminal.take_keys(body)
            self._unsigned -= 1
            if not self._unsigned:
                self.signed_on.set_result(None)
            return 0
        # MTI 2, bitmap 8, fields 3 4 11 12 13 25 (without 2, 14): 3 6 3 3 2 1, then 37, 38 if approved, 39,
        # 41
        stan = int(body[19:22].hex())
        approved = body[6] & 0x04
        code_at = 10 + 18 + 12 + (6 if approved else 0)
        code, terminal_id = body[code_at : code_at + 2], body[code_at + 2 : code_at + 10]
        due = self.sent.pop((terminal_id, stan))
        if self.load.measuring:
            self.load.latencies.append(now - due)
            self.load.codes[code] = self.load.codes.get(code, 0) + 1
        return 1

    def send(self, count: int, due: float | None = None) -> None:
        """Send purchases of terminals in turn, each of a random card."""
        frames = []
        now = perf_counter() if due is None else due
        for card in self.load.pick(count):
            terminal = self.order[self._next]
            self._next = (self._next + 1) % len(self.order)
            stan, frame = terminal.purchase(card)
            self.sent[terminal.names[:8], stan] = now
            frames.append(frame)
        self.transport.write(b"".join(frames))


def percentiles(latencies: list[float]) -> dict[str, float]:
    """Milliseconds at the usual percentiles."""
    ordered = sorted(latencies)
    at = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}
    shown = {name: round(ordered[int(len(ordered) * share)] * 1000, 2) for name, share in at.items()}
    return shown | {"max": round(ordered[-1] * 1000, 2)}


async def open_loop(lines: list[Line], rate: float, seconds: float, load: Load) -> None:
    """Send at a fixed rate, each purchase due at its own moment."""
    start, sent, total = perf_counter(), 0, int(rate * (seconds + WARM_UP_SECONDS))
    while sent < total:
        now = perf_counter()
        if not load.measuring and now - start > WARM_UP_SECONDS:
            load.measuring = True
            print("warm", flush=True, file=sys.stderr)
        due = min(total, int((now - start) * rate))
        while sent < due:
            lines[sent % len(lines)].send(1, start + sent / rate)
            sent += 1
        await asyncio.sleep(0.001)
    await answered(lines)


async def answered(lines: list[Line]) -> None:
    """Wait until nothing is under way."""
    while any(line.sent for line in lines):  # noqa: ASYNC110 - a poll costs less than an event an answer
        await asyncio.sleep(0.01)


def fill(lines: list[Line], in_flight: int) -> None:
    """Start a closed loop with so many purchases under way."""
    for line in lines:
        line.closed_loop = True
        line.send(max(1, in_flight // LINES))


async def closed_loop(
    lines: list[Line], load: Load, options: argparse.Namespace
) -> tuple[resource.struct_rusage, float]:
    """Keep purchases under way, and warm up; returns the use of the processor and the time after that."""
    fill(lines, options.in_flight)
    await asyncio.sleep(WARM_UP_SECONDS)
    print("warm", flush=True, file=sys.stderr)
    used, started, load.measuring = resource.getrusage(resource.RUSAGE_SELF), perf_counter(), True
    await asyncio.sleep(options.seconds)
    return used, started


async def each_card_once(lines: list[Line], load: Load, in_flight: int) -> None:
    """Buy with every card, in order."""
    print("warm", flush=True, file=sys.stderr)
    load.unseen, load.measuring = list(load.cards[::-1]), True
    fill(lines, in_flight)
    while load.unseen:  # noqa: ASYNC110 - as in `answered`
        await asyncio.sleep(0.01)
    await answered(lines)


async def run(world: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """Sign on, load, and tell what was measured."""
    cards = [
        Card(c["pan"], c["pin"], bytes([0x37]) + bytes.fromhex(c["track2"].replace("=", "D") + "0"))
        for c in world["cards"][options.first_card :][: options.cards]
    ]
    load = Load(cards)
    # Every run starts at other trace numbers: the batch stays open, and a repeat would not be a purchase.
    first_stan = int(world.get("first_stan", 0))
    terminals = [Terminal(each, first_stan) for each in world["terminals"]]
    loop = asyncio.get_running_loop()
    lines = []
    for index in range(LINES):
        mine = terminals[index::LINES]
        _, line = await loop.create_connection(
            lambda m=mine: Line(m, load, options.in_flight), "127.0.0.1", options.port
        )
        lines.append(line)
    await asyncio.gather(*(line.signed_on for line in lines))
    used, started = resource.getrusage(resource.RUSAGE_SELF), perf_counter()
    if options.each_card_once:
        await each_card_once(lines, load, options.in_flight)
    elif options.rate:
        await open_loop(lines, options.rate, options.seconds, load)
    else:
        used, started = await closed_loop(lines, load, options)
    elapsed = options.seconds if options.rate else perf_counter() - started
    load.measuring = False
    spent = resource.getrusage(resource.RUSAGE_SELF)
    cpu = spent.ru_utime + spent.ru_stime - used.ru_utime - used.ru_stime
    for line in lines:
        line.closed_loop = False
    await answered(lines)
    count = len(load.latencies)
    return {
        "purchases": count,
        "per_second": round(count / elapsed),
        "latency_ms": percentiles(load.latencies),
        "codes": {code.decode(): n for code, n in load.codes.items()},
        "client_cpu_us": round(cpu / count * 1e6, 1),
        "last_stan": max(terminal.stan for terminal in terminals),
    }


def main() -> None:
    """Read the arguments, run, print one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("world", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--in-flight", type=int, default=512)
    parser.add_argument("--first-card", type=int, default=0)
    parser.add_argument("--cards", type=int, default=None)
    parser.add_argument("--each-card-once", action="store_true")
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--first-stan", type=int, default=0)
    options = parser.parse_args()
    world = json.loads(options.world.read_bytes()) | {"first_stan": options.first_stan}
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(run(world, options))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
