"""`make bench`: purchases through the switch beside the bare loop, in one run, on one PostgreSQL.

First every card buys once, so that the caches are as full as they get in service, and the database does what
making so many cards has left to do in the background. Rounds alternate between the two, so that whatever
else the machine does meets both; figures are medians of the rounds, and what counts is their ratio. Each
round also tells the processor time a purchase takes in the switch, in PostgreSQL and in the client. Then one
open loop at half the switch's rate, and rounds with logs and metrics off, in a second switch with cards of
its own: with the same cards, each round would begin with wallets that the other switch has changed. Results
go to `benchmarks/results/purchase.json`.
"""

import argparse
import asyncio
import json
import os
import platform
import socket
import sys
import tempfile
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg

from benchmarks.processor_time import family_of, processor_seconds
from storage.embedded import EmbeddedPostgres
from tools.switch_process import RunningSwitch, run_command, running_switch

RESULTS = Path(__file__).parent / "results"
STANS_PER_ROUND = 60_000
QUIET = {"CARDSWITCH_OBSERVABILITY__METRICS": "false", "CARDSWITCH_OBSERVABILITY__LOG_LEVEL": "error"}


@dataclass(slots=True)
class Contestant:
    """Who is measured: how its load is started, and the processes that work for it."""

    name: str
    load: list[str]
    pid: int
    database_pid: int


async def measured(contestant: Contestant, *more: str) -> dict[str, Any]:
    """One round: start the load, take processor times from its warm-up to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *contestant.load,
        *more,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    while b"warm" not in await process.stderr.readline():
        if process.stderr.at_eof():
            raise RuntimeError(f"the load of {contestant.name} ended early")
    database = family_of(contestant.database_pid)
    before = processor_seconds([contestant.pid]), processor_seconds(database)
    output, errors = await process.communicate()
    after = processor_seconds([contestant.pid]), processor_seconds(database)
    if process.returncode:
        raise RuntimeError(f"the load of {contestant.name} failed: {errors.decode()[-500:]}")
    result: dict[str, Any] = json.loads(output)
    names = ("switch_cpu_us", "database_cpu_us")
    for name, start, end in zip(names, before, after, strict=True):
        result[name] = round((end - start) / result["purchases"] * 1e6, 1)
    return result


def middle(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """The medians of several rounds."""
    names = ("per_second", "switch_cpu_us", "database_cpu_us", "client_cpu_us")
    figures: dict[str, Any] = {name: median(each[name] for each in rounds) for name in names}
    for at in ("p50", "p99"):
        figures[f"{at}_ms"] = median(each["latency_ms"][at] for each in rounds)
    return figures


def kill(process: asyncio.subprocess.Process) -> None:
    """End a process, if it still runs."""
    with suppress(ProcessLookupError):
        process.kill()


def free_port() -> int:
    """A port nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert isinstance(port, int)
    return port


class Bench:
    """One run: a home, a world, the contestants."""

    def __init__(self, options: argparse.Namespace, home: Path, server: EmbeddedPostgres) -> None:
        self._options = options
        self._server = server
        self._home = home
        self._world = home / "world.json"
        self._first_stan = 0
        self._database_pid = int((home / "postgres/data/postmaster.pid").read_text().split()[0])
        self._environment = {
            "CARDSWITCH_HOME": str(home),
            "CARDSWITCH_LISTENERS__POS__PORT": "0",
            "CARDSWITCH_OBSERVABILITY__PORT": "0",
            "CARDSWITCH_OBSERVABILITY__LOG_FORMAT": "json",
        }

    async def make_world(self) -> None:
        """Terminals and cards to buy with."""
        wanted = [
            "world",
            f"--terminals={self._options.terminals}",
            f"--cards={2 * self._options.cards}",
            "--quiet",
        ]
        self._world.write_bytes(await run_command(wanted, self._environment))

    async def settle_database(self) -> None:
        """Do the work at once that making a world has left to the background."""
        connection = await asyncpg.connect(self._server.dsn)
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
        await connection.close()

    async def bare(self, stack: AsyncExitStack) -> Contestant:
        """The bare loop, serving."""
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.bare_loop", self._server.dsn, str(port), "2"),
            stdout=asyncio.subprocess.PIPE,
        )
        stack.callback(kill, process)
        assert process.stdout is not None
        await process.stdout.readline()
        load = ["benchmarks.bare_load", str(port), str(self._options.seconds), str(self._options.in_flight)]
        return Contestant("the bare loop", load, process.pid, self._database_pid)

    async def switch(
        self, stack: AsyncExitStack, settings: dict[str, str], first_card: int = 0
    ) -> Contestant:
        """A switch, serving; its load buys with the cards from `first_card` on."""
        log = self._home / f"switch-{len(settings)}.log"
        running: RunningSwitch = await stack.enter_async_context(
            running_switch(self._environment | settings, log)
        )
        cards = [f"--first-card={first_card}", f"--cards={self._options.cards}"]
        load = ["benchmarks.purchase_load", *cards, str(self._world), str(running.address.port)]
        return Contestant("the switch", load, running.process.pid, self._database_pid)

    async def purchases(self, switch: Contestant, *load: str) -> dict[str, Any]:
        """A round of purchases, with trace numbers not used before."""
        self._first_stan += STANS_PER_ROUND
        stan = f"--first-stan={self._first_stan % 900_000}"
        return await measured(switch, str(self._options.seconds), stan, *load)

    async def run(self) -> dict[str, Any]:
        """All rounds, and what they say."""
        closed = f"--in-flight={self._options.in_flight}"
        async with AsyncExitStack() as stack:
            bare, switch = await self.bare(stack), await self.switch(stack, {})
            quiet = await self.switch(stack, QUIET, self._options.cards)
            for each in (switch, quiet):  # in service a switch knows the cards that are used
                await self.purchases(each, closed, "--each-card-once")
            await self.settle_database()
            rounds: dict[str, list[dict[str, Any]]] = {"bare": [], "switch": [], "switch_quiet": []}
            for _ in range(self._options.rounds):
                rounds["bare"].append(await measured(bare))
                rounds["switch"].append(await self.purchases(switch, closed))
                rounds["switch_quiet"].append(await self.purchases(quiet, closed))
            medians = {name: middle(each) for name, each in rounds.items()}
            rate = medians["switch"]["per_second"] / 2
            opened = await self.purchases(switch, f"--rate={rate}")
        medians["switch_open_loop"] = {"rate": rate, "latency_ms": opened["latency_ms"]}
        return medians


async def main(options: argparse.Namespace) -> None:
    """Measure, print, and keep the result."""
    with tempfile.TemporaryDirectory(prefix="cardswitch-bench-") as folder:
        home = Path(folder) / "home"
        with EmbeddedPostgres.acquire(home) as server:
            bench = Bench(options, home, server)
            await bench.make_world()
            medians = await bench.run()
    bare, switch, quiet = medians["bare"], medians["switch"], medians["switch_quiet"]
    medians["ratio_to_bare"] = round(switch["per_second"] / bare["per_second"], 3)
    medians["logs_and_metrics_cpu"] = round(switch["switch_cpu_us"] / quiet["switch_cpu_us"] - 1, 3)
    medians["machine"] = {"processors": os.cpu_count(), "python": platform.python_version()}
    medians["settings"] = vars(options)
    text = json.dumps(medians, indent=2) + "\n"
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "purchase.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--in-flight", type=int, default=512)
    parser.add_argument("--terminals", type=int, default=200)
    parser.add_argument("--cards", type=int, default=100_000)
    asyncio.run(main(parser.parse_args()))
