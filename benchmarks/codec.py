"""`python -m benchmarks.codec`: our codec beside pyiso8583, in one run, over captured messages.

Both read and write the same bytes by the same table. A message whose fillers pyiso8583 refuses is taken with
the fillers it would write itself. Of each message a round measures both, one right after the other, so that
whatever else the machine does meets both; a figure is the best of its rounds. What counts are the ratios: how
many times as long pyiso8583 takes, and which part of a whole decoding a peek takes. Our plans are warm, as
they are in service. Results go to `benchmarks/results/codec.json`.
"""

import argparse
import json
import os
import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import geometric_mean
from time import perf_counter
from typing import Any, NamedTuple

import iso8583

from iso8583_specs.codec import Codec, codec_for
from iso8583_specs.dialects import spec_for
from iso8583_specs.framing import FRAMINGS, parse_frame
from iso8583_specs.spec import Spec

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "tests/iso8583_specs/samples"
RESULTS = ROOT / "benchmarks/results"
WARM_UP = 20
CALLS = 100


class Sample(NamedTuple):
    """A captured message, in the form that both accept."""

    name: str
    dialect: str
    codec: Codec
    spec: Spec
    body: bytes


def samples() -> list[Sample]:
    """The messages of the tests."""
    lines = [line for file in sorted(SAMPLES.glob("*.jsonl")) for line in file.read_text().splitlines()]
    return [sample(json.loads(line)) for line in lines]


def sample(said: dict[str, Any]) -> Sample:
    """One message without the fillers that only we accept."""
    dialect: str = said["profile"]
    codec = codec_for(dialect)
    message = codec.decode(parse_frame(FRAMINGS[said["framing"]], bytes.fromhex(said["hex"])).body)
    message.fillers.clear()
    return Sample(said["name"], dialect, codec, spec_for(dialect), codec.encode(message))


def best(tasks: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Microseconds of each task: of a call, in the best of the rounds."""
    for task in tasks.values():
        for _ in range(WARM_UP):
            task()
    figures = dict.fromkeys(tasks, float("inf"))
    for _ in range(rounds):
        for name, task in tasks.items():
            started = perf_counter()
            for _ in range(CALLS):
                task()
            figures[name] = min(figures[name], (perf_counter() - started) / CALLS * 1e6)
    return figures


def measured(each: Sample, rounds: int) -> dict[str, Any]:
    """A message's figures."""
    codec, spec, body = each.codec, each.spec, each.body
    message = codec.decode(body)
    document, _ = iso8583.decode(body, spec)
    assert codec.encode(message) == body == iso8583.encode(dict(document), spec)[0]
    figures = best(
        {
            "decode_us": lambda: codec.decode(body),
            "decode_pyiso8583_us": lambda: iso8583.decode(body, spec),
            "encode_us": lambda: codec.encode(message),
            "encode_pyiso8583_us": lambda: iso8583.encode(document, spec),
            "peek_us": lambda: codec.peek(body),
        },
        rounds,
    )
    figures = {name: round(figure, 3) for name, figure in figures.items()}
    return {
        "dialect": each.dialect,
        "bytes": len(body),
        "fields": len(message.fields) + len(message.parts),
        **figures,
        "decode_times": round(figures["decode_pyiso8583_us"] / figures["decode_us"], 2),
        "encode_times": round(figures["encode_pyiso8583_us"] / figures["encode_us"], 2),
        "peek_part": round(figures["peek_us"] / figures["decode_us"], 3),
    }


def summary(figures: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What all messages together say."""
    rows = list(figures.values())
    told: dict[str, Any] = {}
    for name in ("decode_times", "encode_times"):
        told[name] = round(geometric_mean([row[name] for row in rows]), 2)
        told[f"{name}_least"] = min(row[name] for row in rows)
    told["peek_part"] = round(geometric_mean([row["peek_part"] for row in rows]), 3)
    many = [row["peek_part"] for row in rows if row["fields"] >= MANY_FIELDS]
    told[f"peek_part_from_{MANY_FIELDS}_fields"] = round(geometric_mean(many), 3)
    return told


MANY_FIELDS = 12


def main(rounds: int) -> None:
    """Measure, print, and keep the result."""
    figures = {each.name: measured(each, rounds) for each in samples()}
    result = {
        "summary": summary(figures),
        "machine": {"processors": os.cpu_count(), "python": platform.python_version()},
        "pyiso8583": version("pyiso8583"),
        "rounds": rounds,
        "messages": figures,
    }
    print(f"{'message':<32} fields  decode       peek         encode")
    for name, row in figures.items():
        print(
            f"{name:<32} {row['fields']:>6}  {row['decode_us']:>5.2f} {row['decode_times']:>4.1f}x  "
            f"{row['peek_us']:>5.2f} {row['peek_part']:>4.2f}  "
            f"{row['encode_us']:>6.2f} {row['encode_times']:>4.1f}x"
        )
    print(json.dumps(result["summary"], indent=2))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "codec.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=50)
    main(parser.parse_args().rounds)
