"""Ten thousand idle connections: what they take of the switch's memory, and what terminals feel of them.

Rounds alternate in one run on one switch: an open loop of purchases with MAC and PIN beside the idle
connections, which another process holds, and the same after that process has opened and closed them, so that
both follow the same work. Each purchase is measured from the moment it was due. Memory is the switch's
resident set (VmRSS in /proc) after the first opening less that before it, divided by the connections; a
warm-up load has filled the switch's caches before. The kernel's memory for the sockets, which no program can
change, is not part of it.

    python -m benchmarks.idle_connections

The result goes to `benchmarks/results/idle_connections.json`; exit code 1 tells that a limit was broken.
"""

import argparse
import asyncio
import json
import os
import platform
import resource
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.__main__ import RESULTS, Bench, Contestant
from storage.embedded import EmbeddedPostgres

KIB_EACH_MAX = 40.0
P99_RATIO_MAX = 1.2
SETTLE_SECONDS = 2.0


def resident_kib(pid: int) -> int:
    """The resident set of a process."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "VmRSS":
            return int(value.split()[0])
    raise RuntimeError("the switch has no resident set")


@asynccontextmanager
async def idle(world: Path, port: str, count: int) -> AsyncIterator[None]:
    """So many idle connections, held by a process of their own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.idle_peers", str(world), port, str(count)),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        said = await process.stderr.readline()
        if said != b"open\n":
            raise RuntimeError(f"not all connections could be opened: {said.decode()}")
        await asyncio.sleep(SETTLE_SECONDS)
        yield
    finally:
        _, errors = await process.communicate(b"")
    if process.returncode:
        raise RuntimeError(errors.decode())


def size_of(pid: int) -> dict[str, int]:
    """What a process holds: memory, and files with its sockets."""
    return {
        "resident_kib": resident_kib(pid),
        "descriptors": sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()),
    }


async def rounds(
    bench: Bench, switch: Contestant, world: Path, options: argparse.Namespace
) -> dict[str, Any]:
    """All rounds: latencies without and with idle connections, and the switch's memory."""
    port, rate = switch.load[-1], f"--rate={options.rate}"
    sizes: list[dict[str, dict[str, int]]] = []
    latencies: dict[str, list[dict[str, float]]] = {"without": [], "with": []}
    await bench.purchases(switch, rate)
    for _ in range(options.rounds):
        before = size_of(switch.pid)
        async with idle(world, port, options.connections):
            sizes.append({"without": before, "with": size_of(switch.pid)})
            latencies["with"].append((await bench.purchases(switch, rate))["latency_ms"])
        async with idle(world, port, options.connections):
            pass
        latencies["without"].append((await bench.purchases(switch, rate))["latency_ms"])
    return {"sizes": sizes, "latency_ms": latencies}


def judged(measured: dict[str, Any], connections: int) -> dict[str, Any]:
    """What the rounds say, beside them."""
    first = measured["sizes"][0]
    grown_kib = first["with"]["resident_kib"] - first["without"]["resident_kib"]
    p99_ms = {name: median(each["p99"] for each in of) for name, of in measured["latency_ms"].items()}
    return {
        "connections": connections,
        "kib_each": round(grown_kib / connections, 2),
        "kib_each_max": KIB_EACH_MAX,
        "p99_ms": p99_ms,
        "p99_ratio": round(p99_ms["with"] / p99_ms["without"], 3),
        "p99_ratio_max": P99_RATIO_MAX,
        "rounds": measured,
    }


async def main(options: argparse.Namespace) -> int:
    """Measure, print, keep the result; 1 if a limit was broken."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="cardswitch-bench-") as folder:
        home = Path(folder) / "home"
        with EmbeddedPostgres.acquire(home) as server:
            bench = Bench(options, home, server)
            await bench.make_world()
            async with AsyncExitStack() as stack:
                switch = await bench.switch(stack, {})
                measured = await rounds(bench, switch, home / "world.json", options)
    result = judged(measured, options.connections)
    result["machine"] = {"processors": os.cpu_count(), "python": platform.python_version()}
    result["settings"] = vars(options)
    text = json.dumps(result, indent=2) + "\n"
    print(text)
    (RESULTS / "idle_connections.json").write_text(text, encoding="utf-8")
    return int(result["kib_each"] > KIB_EACH_MAX or result["p99_ratio"] > P99_RATIO_MAX)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--terminals", type=int, default=20)
    parser.add_argument("--cards", type=int, default=2_000)
    sys.exit(asyncio.run(main(parser.parse_args())))
