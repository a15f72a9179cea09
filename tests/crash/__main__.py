"""`python -m tests.crash`: play a run, tell what happened, exit with 1 on a violation.

What a run leaves behind (home, journal, the switches' output) is kept where it found something, and named.
"""

import argparse
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from tests.crash.campaign import Campaign, Plan
from tests.crash.conflicts import Conflicts
from tests.crash.faults import FAULTS
from tests.crash.patches import switch_command
from tests.crash.race import Race
from tests.crash.run import Run, SizedPlan
from tests.end_to_end.switch_process import Installation

Make: TypeAlias = Callable[[argparse.Namespace, Installation, Path], Run]


def main() -> int:
    """The command."""
    options = _options()
    make: Make = options.make
    folder = Path(tempfile.mkdtemp(prefix="cardswitch-crash-"))
    folder.chmod(0o755)
    _tell(f"seed {options.seed}, in {folder}")
    installation = Installation(folder / "home", switch_command=switch_command(options.patch))
    summary = make(options, installation, folder / "journal").run()
    _tell("\n".join(summary.lines()))
    if summary.violations:
        _tell(f"everything is kept in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


def _kills(options: argparse.Namespace, installation: Installation, journal: Path) -> Run:
    return Campaign(installation, Plan(options.cycles, options.seed, options.faults), journal, _tell)


def _conflicts(options: argparse.Namespace, installation: Installation, journal: Path) -> Run:
    return Conflicts(installation, SizedPlan(options.operations, options.seed), journal, _tell)


def _race(options: argparse.Namespace, installation: Installation, journal: Path) -> Run:
    return Race(installation, SizedPlan(options.pairs, options.seed), journal, _tell)


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    common = argparse.ArgumentParser(add_help=False)
    add = common.add_argument
    add("--seed", type=int, default=secrets.randbelow(1_000_000), help="repeats a run's random choices")
    add("--patch", help="take a safeguard out of the switch: a function of patched_switch.py")
    parser = argparse.ArgumentParser(prog="python -m tests.crash")
    runs = parser.add_subparsers(required=True, metavar="RUN")
    kills = runs.add_parser("kills", parents=[common], help="something dies in each cycle")
    kills.set_defaults(make=_kills)
    kills.add_argument("--cycles", type=int, default=20, help="how many (20)")
    kills.add_argument(
        "--faults", nargs="+", choices=FAULTS, default=tuple(FAULTS), help="what may strike (anything)"
    )
    conflicts = runs.add_parser("conflicts", parents=[common], help="two nodes trade with the same few cards")
    conflicts.set_defaults(make=_conflicts)
    conflicts.add_argument("--operations", type=int, default=20_000, help="how many (20,000)")
    race = runs.add_parser("race", parents=[common], help="requests and reversals on different nodes at once")
    race.set_defaults(make=_race)
    race.add_argument("--pairs", type=int, default=1_000, help="how many (1,000)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
