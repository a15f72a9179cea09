"""`python -m tests.crash`: run the kill test, tell what happened, exit with 1 on a violation.

What a run leaves behind (home, journal, the switches' output) is kept where it found something, and named.
"""

import argparse
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from tests.crash.campaign import Campaign, Plan
from tests.crash.faults import FAULTS
from tests.crash.patches import switch_command
from tests.end_to_end.switch_process import Installation


def main() -> int:
    """The command."""
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="cardswitch-crash-"))
    folder.chmod(0o755)
    _tell(f"seed {options.seed}, in {folder}")
    installation = Installation(folder / "home", switch_command=switch_command(options.patch))
    plan = Plan(options.cycles, options.seed, options.faults)
    summary = Campaign(installation, plan, folder / "journal", _tell).run()
    _tell("\n".join(summary.lines()))
    if summary.violations:
        _tell(f"everything is kept in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash")
    add = parser.add_argument
    add("--cycles", type=int, default=20, help="how many (20)")
    add("--seed", type=int, default=secrets.randbelow(1_000_000), help="repeats a run's random choices")
    add("--faults", nargs="+", choices=FAULTS, default=tuple(FAULTS), help="what may strike (anything)")
    add("--patch", help="take a safeguard out of the switch: a function of patched_switch.py")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
