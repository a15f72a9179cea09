"""`python -m benchmarks.directory`: looking up a card among a million, and how soon nodes see a change.

A database of its own gets the cards. A view that may remember all of them is filled, by misses that go to the
database in batches, and then asked for cards at random. What is told is the processor time of one warm
look-up (the best of many short slices, and their median), what a card takes in memory, and the same of a
node's smaller view, which forgets. A card that doesn't exist is asked for as well. Then two nodes, each a
process with a view of its own, watch one card while its state is changed elsewhere; what is told is the time
from before the change's commit until a node's look-up has the new state. Results go to
`benchmarks/results/directory.json`; the exit code is 1 if a limit is missed.
"""

import argparse
import asyncio
import json
import os
import platform
import resource
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from statistics import median
from time import monotonic, perf_counter, process_time
from typing import Any

import asyncpg
import uvloop

from directory.change_log import Change, note_changes
from directory.commands import CardRow, insert_cards
from directory.product_terms import CardClass, CardService, ProductTerms, document_of
from directory.records import CardState, PanIndex
from directory.refreshing import Refresher, keep_fresh
from directory.subjects import Kind
from directory.view import DirectoryView
from storage.database import connect, create_pool
from storage.embedded import EmbeddedPostgres
from storage.migrations import migrate
from switch.bootstrap import COMPONENTS

RESULTS = Path(__file__).parent / "results"
LOOK_UP_US_MAX = 5.0
REFRESH_SECONDS_MAX = 1.0
CHUNK = 20_000
SLICE = 2_000
NODE_LIMIT = 200_000
STATES = (CardState.FROZEN, CardState.ACTIVE)
TERMS = ProductTerms(card_class=CardClass.GIFT, currency=156, services=frozenset({CardService.PURCHASE}))
PRODUCT_ID = 1


def index_of(number: int) -> PanIndex:
    """Of a card, as evenly spread as a keyed hash."""
    return PanIndex(Random(number).randbytes(16))


def resident_kib() -> int:
    """The process's memory now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() // 1024


async def fill_database(connection: "asyncpg.Connection[asyncpg.Record]", cards: int) -> None:
    """Store the cards."""
    await connection.execute(
        "INSERT INTO directory.product (id, party_id, code, name) VALUES ($1, 1, $2, $2)", PRODUCT_ID, "BENCH"
    )
    await connection.execute(
        """INSERT INTO directory.product_version (product_id, version, effective_from_us, terms, added_us)
           VALUES ($1, 1, 0, $2, 0)""",
        *(PRODUCT_ID, document_of(TERMS)),
    )
    for start in range(1, cards + 1, CHUNK):
        rows = [
            CardRow(index_of(n), n, PRODUCT_ID, CardState.ACTIVE, "3112", b"s" * 60, b"t" * 16, b"v" * 32)
            for n in range(start, min(start + CHUNK, cards + 1))
        ]
        await insert_cards(connection, rows)
    await connection.execute("VACUUM ANALYZE directory.card")


async def fill_view(view: DirectoryView, indexes: Sequence[PanIndex]) -> float:
    """Look every card up once, 512 under way; seconds for one."""
    started = perf_counter()
    for start in range(0, len(indexes), 512):
        # What came in a message is bytes of its own, and stays as the key.
        own = [PanIndex(bytes(bytearray(each))) for each in indexes[start : start + 512]]
        await asyncio.gather(*map(view.card, own))
    return (perf_counter() - started) / len(indexes)


def look_ups(view: DirectoryView, indexes: Sequence[PanIndex], slices: int) -> dict[str, float]:
    """Microseconds of processor time of one warm look-up of a card at random."""
    random = Random(1)
    peek = view.peek_card
    timed = []
    for _ in range(slices):
        wanted = random.choices(indexes, k=SLICE)
        started = process_time()
        for each in wanted:
            peek(each)
        timed.append((process_time() - started) / SLICE * 1e6)
    return {"best_us": round(min(timed), 3), "median_us": round(median(timed), 3)}


async def absent_us(view: DirectoryView, slices: int) -> float:
    """Microseconds of processor time of one look-up of a card that wasn't there a moment ago."""
    unknown = PanIndex(bytes(16))
    timed = []
    for _ in range(slices):
        await view.card(unknown)
        started = process_time()
        for _ in range(SLICE):
            await view.card(unknown)
        timed.append((process_time() - started) / SLICE * 1e6)
    return round(median(timed), 3)


async def memory_and_look_ups(dsn: str, cards: int, slices: int) -> dict[str, Any]:
    """A view that remembers every card, and a node's, which doesn't."""
    indexes = [index_of(number) for number in range(1, cards + 1)]
    pool = await create_pool(dsn, size=2)
    try:
        large, small = DirectoryView(pool, card_limit=cards), DirectoryView(pool, card_limit=NODE_LIMIT)
        before = resident_kib()
        miss_seconds = await fill_view(large, indexes)
        bytes_each = (resident_kib() - before) * 1024 / cards
        warm = look_ups(large, indexes, slices)
        await fill_view(small, indexes)
        remembered = [each for each in indexes if small.peek_card(each) is not None]
        return {
            "cards": cards,
            "warm": warm,
            "warm_of_a_nodes_view": look_ups(small, remembered, slices),
            "cards_in_a_nodes_view": len(remembered),
            "absent_us": await absent_us(small, 50),
            "miss_us": round(miss_seconds * 1e6, 1),
            "bytes_a_card": round(bytes_each),
        }
    finally:
        await pool.close()


async def node(dsn: str) -> None:
    """A node that tells when it sees another state of the card named on its standard input."""
    pool = await create_pool(dsn, size=2)
    view = DirectoryView(pool)
    pan_index = PanIndex(bytes.fromhex(sys.stdin.readline()))
    refresher = Refresher(view, lambda _: None)
    fresh = asyncio.create_task(keep_fresh(refresher, pool.acquire, lambda _: None))
    known = None
    while True:
        card = await view.card(pan_index)
        if card is not None and card.state is not known:
            known = card.state
            print(json.dumps({"state": known, "at": monotonic()}), flush=True)
        if fresh.done():
            return
        await asyncio.sleep(0.001)


async def seen_by(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """The next line of a node."""
    assert process.stdout is not None
    line: dict[str, Any] = json.loads(await process.stdout.readline())
    return line


async def refresh(dsn: str, connection: "asyncpg.Connection[asyncpg.Record]", rounds: int) -> dict[str, Any]:
    """Seconds until two nodes have seen a change."""
    pan_index = index_of(1)
    async with AsyncExitStack() as stack:
        nodes = []
        for _ in range(2):
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "benchmarks.directory", "--node", dsn),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            stack.callback(process.kill)
            assert process.stdin is not None
            process.stdin.write(pan_index.hex().encode() + b"\n")
            nodes.append(process)
        await asyncio.gather(*map(seen_by, nodes))
        random, seconds = Random(2), []
        for each in range(rounds):
            await asyncio.sleep(random.random() / 2)
            started = monotonic()
            async with connection.transaction():
                await connection.execute(
                    "UPDATE directory.card SET state = $2 WHERE pan_index = $1", pan_index, STATES[each % 2]
                )
                await note_changes(connection, [Change(Kind.CARD, pan_index.hex())])
            seconds += [seen["at"] - started for seen in await asyncio.gather(*map(seen_by, nodes))]
    return {
        "nodes": 2,
        "changes": rounds,
        "median_seconds": round(median(seconds), 3),
        "most_seconds": round(max(seconds), 3),
    }


async def measured(options: argparse.Namespace, dsn: str) -> dict[str, Any]:
    """All figures, on an empty database."""
    await migrate(dsn, COMPONENTS)
    connection = await connect(dsn)
    try:
        await fill_database(connection, options.cards)
        return {
            "look_up": await memory_and_look_ups(dsn, options.cards, options.slices),
            "refresh": await refresh(dsn, connection, options.rounds),
        }
    finally:
        await connection.close()


def main(options: argparse.Namespace) -> int:
    """Measure, print, and keep the result."""
    with tempfile.TemporaryDirectory() as home, EmbeddedPostgres.acquire(Path(home) / "home") as server:
        results = uvloop.run(measured(options, server.dsn))
    missed = [] if results["look_up"]["warm"]["best_us"] <= LOOK_UP_US_MAX else ["look_up"]
    missed += [] if results["refresh"]["most_seconds"] <= REFRESH_SECONDS_MAX else ["refresh"]
    results["limits"] = {"look_up_us_max": LOOK_UP_US_MAX, "refresh_seconds_max": REFRESH_SECONDS_MAX}
    results["missed"] = missed
    results["machine"] = {"processors": os.cpu_count(), "python": platform.python_version()}
    text = json.dumps(results, indent=2) + "\n"
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "directory.json").write_text(text, encoding="utf-8")
    return 1 if missed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cards", type=int, default=1_000_000)
    parser.add_argument("--slices", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--node", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.node:
        uvloop.run(node(chosen.node))
        sys.exit(0)
    sys.exit(main(chosen))
