"""Connections that do nothing: opened from this process, used once each, and then only held.

Each asks for one echo test, so that the switch has framed, answered and kept a place for it, and then says no
more. `open` on stderr tells that all are open and answered; at the end of stdin they are closed. A connection
that the switch has closed by then is an error.

    python -m benchmarks.idle_peers WORLD PORT COUNT
"""

import argparse
import asyncio
import itertools
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.frames import take_frames
from benchmarks.purchase_load import Terminal

WAVE = 200


class IdlePeer(asyncio.Protocol):
    """One connection."""

    def __init__(self, request: bytes) -> None:
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_lost = False
        self._request = request
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask once."""
        self.transport: Any = transport
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Take the answer."""
        self._buffer += data
        if list(take_frames(self._buffer)):
            self.answered.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that it is gone."""
        del exc
        self.is_lost = True
        if not self.answered.done():
            self.answered.set_exception(ConnectionError("closed without an answer"))


def echo(terminal: Terminal) -> bytes:
    """The frame of an echo test."""
    body = terminal.header + bytes.fromhex("08200020000000C00010000001") + terminal.names
    body += bytes.fromhex("0011000000003010")
    return len(body).to_bytes(2, "big") + body


def same(peer: IdlePeer) -> IdlePeer:
    """What a connection's protocol is made by: it is made already."""
    return peer


async def hold(requests: list[bytes], port: int, count: int) -> int:
    """Open so many, say so, and hold them to the end of stdin; how many were lost."""
    loop = asyncio.get_running_loop()
    in_turn = itertools.cycle(requests)
    peers: list[IdlePeer] = []
    while len(peers) < count:
        wave = [IdlePeer(next(in_turn)) for _ in range(min(WAVE, count - len(peers)))]
        await asyncio.gather(
            *(loop.create_connection(partial(same, peer), "127.0.0.1", port) for peer in wave)
        )
        await asyncio.gather(*(peer.answered for peer in wave))
        peers += wave
    print("open", file=sys.stderr, flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    lost = sum(peer.is_lost for peer in peers)
    for peer in peers:
        peer.transport.close()
    return lost


def main() -> int:
    """Read the arguments and hold; 1 if connections were lost."""
    parser = argparse.ArgumentParser()
    parser.add_argument("world", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("count", type=int)
    options = parser.parse_args()
    requests = [echo(Terminal(each, 0)) for each in json.loads(options.world.read_bytes())["terminals"]]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        lost = runner.run(hold(requests, options.port, options.count))
    if lost:
        print(f"{lost} connections were closed by the switch", file=sys.stderr)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
