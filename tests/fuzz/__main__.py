"""`python -m tests.fuzz --seconds 60`: fuzz every target for its share of the time, and tell what came out.

Exit code 1 means a finding: an exception that was not promised, a message that didn't make its bytes again,
an input that takes more than 100 ms of processor time or holds more than 16 MiB. Corpus and findings are kept
where `--folder` says, so that the next run goes on from there.
"""

import argparse
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_WORST_MS = 100.0
_PEAK_MIB = 16.0
_SPARE_SECONDS = 60


@dataclass(frozen=True)
class Outcome:
    """What came out of fuzzing one target."""

    target: str
    executions: int
    corpus: int
    worst_ms: float
    peak_mib: float
    findings: tuple[str, ...]

    def __str__(self) -> str:
        """A line of the summary."""
        return (
            f"{self.target:<12}{self.executions:>12,}{self.corpus:>9,}{self.worst_ms:>11.1f}"
            f"{self.peak_mib:>11.2f}{len(self.findings):>10}"
        )


def main() -> int:
    """The command."""
    options = _options()
    if importlib.util.find_spec("atheris") is None:
        _tell("skipped: atheris has no wheel for this interpreter")
        return 0
    from tests.fuzz.targets import TARGETS

    names = options.targets or list(TARGETS)
    share = max(1, options.seconds // len(names))
    _tell(f"{'target':<12}{'executions':>12}{'corpus':>9}{'worst ms':>11}{'peak MiB':>11}{'findings':>10}")
    outcomes = []
    for name in names:
        outcomes.append(_fuzzed(name, share, options.folder / name))
        _tell(str(outcomes[-1]))
    findings = [finding for outcome in outcomes for finding in outcome.findings]
    executions = sum(outcome.executions for outcome in outcomes)
    _tell(
        f"{executions:,} executions in {share * len(names)} s, {len(findings)} findings, in {options.folder}"
    )
    for finding in findings:
        _tell(f"  {finding}")
    return 1 if findings else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together")
    parser.add_argument("--folder", type=Path, default=_ROOT / "var" / "fuzz", help="corpus and findings")
    parser.add_argument("targets", nargs="*", help="some targets only")
    return parser.parse_args()


def _fuzzed(target: str, seconds: int, folder: Path) -> Outcome:
    _prepared(target, folder)
    ran = _run(
        "tests.fuzz.session", target, str(seconds), str(folder), limit_seconds=seconds + _SPARE_SECONDS
    )
    findings = [_explained(target, ran)] if ran.returncode else []
    measured = _run("tests.fuzz.measure", target, str(folder), limit_seconds=10 * _SPARE_SECONDS)
    cost = {"worst_ms": 0.0, "peak_mib": 0.0}
    if measured.returncode == 0:
        cost = json.loads(measured.stdout)
        findings += _excesses(target, cost["worst_ms"], cost["peak_mib"])
    return Outcome(
        target,
        executions=_executions(ran.stderr),
        corpus=len(list((folder / "corpus").iterdir())),
        worst_ms=cost["worst_ms"],
        peak_mib=cost["peak_mib"],
        findings=tuple(findings),
    )


def _prepared(target: str, folder: Path) -> None:
    from tests.fuzz.seeds import seeds

    for name in ("corpus", "slow"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for old in (folder / "slow").iterdir():
        old.unlink()
    for number, seed in enumerate(seeds(target)):
        (folder / "corpus" / f"seed-{number:03}").write_bytes(seed)


def _run(module: str, *arguments: str, limit_seconds: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(
        command,
        cwd=_ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=limit_seconds,
        check=False,
    )


def _executions(output: str) -> int:
    found = re.search(r"stat::number_of_executed_units:\s*(\d+)", output)
    return int(found[1]) if found else 0


def _explained(target: str, ran: subprocess.CompletedProcess[str]) -> str:
    """The last lines of the exception, and where the input is."""
    lines = [line for line in (ran.stdout + ran.stderr).splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"Error|Exception|Malformed|Assert|ERROR|Test unit", line)]
    return f"{target}: " + " | ".join(telling[-4:] or lines[-4:])


def _excesses(target: str, worst_ms: float, peak_mib: float) -> Iterator[str]:
    if worst_ms > _WORST_MS:
        yield f"{target}: an input takes {worst_ms:.0f} ms"
    if peak_mib > _PEAK_MIB:
        yield f"{target}: an input holds {peak_mib:.1f} MiB"


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
