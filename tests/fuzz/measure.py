"""What inputs cost without instruments: `python -m tests.fuzz.measure TARGET FOLDER` prints it as JSON.

Each input is run three times for its least processor time, and once more for the most memory it holds at a
time beyond what was there before it. The suspects come first, then the largest of the corpus.
"""

import gc
import json
import sys
import time
import tracemalloc
from pathlib import Path

from tests.fuzz.targets import TARGETS, Target

_MEASURED_MAX = 400


def main() -> None:
    """Measure, and print the worst."""
    target, folder = TARGETS[sys.argv[1]], Path(sys.argv[2])
    suspects = sorted((folder / "slow").iterdir())
    largest = sorted((folder / "corpus").iterdir(), key=lambda file: -file.stat().st_size)
    inputs = [file.read_bytes() for file in (suspects + largest)[:_MEASURED_MAX]]
    for data in inputs[:20]:  # what is made once, such as plans, isn't an input's cost
        target(data)
    gc.disable()
    worst_seconds = max((_seconds(target, data) for data in inputs), default=0.0)
    tracemalloc.start()
    worst_bytes = max((_held_bytes(target, data) for data in inputs), default=0)
    sys.stdout.write(json.dumps({"worst_ms": 1000 * worst_seconds, "peak_mib": worst_bytes / 2**20}))


def _seconds(target: Target, data: bytes) -> float:
    runs = []
    for _ in range(3):
        started = time.process_time()
        target(data)
        runs.append(time.process_time() - started)
    return min(runs)


def _held_bytes(target: Target, data: bytes) -> int:
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    target(data)
    _, peak = tracemalloc.get_traced_memory()
    return peak - before


if __name__ == "__main__":
    main()
