"""The page in the docs, as the module writes it."""

import subprocess
import sys
from pathlib import Path

from ledger.lifecycle import LEADS_TO, LIFECYCLE
from ledger.lifecycle_page import page

ROOT = Path(__file__).parents[2]


def test_page_is_current() -> None:
    """The page in the docs is what the table says today."""
    current = (ROOT / "docs/ledger-lifecycle.md").read_text(encoding="utf-8")

    assert page() == current, "run `python -m ledger.lifecycle_page > docs/ledger-lifecycle.md`"


def test_command_writes_the_page() -> None:
    """The command in the page's own comment writes the page."""
    command = [sys.executable, "-m", "ledger.lifecycle_page"]

    assert page() == subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_diagram_has_every_row() -> None:
    """Each row of the table is an arrow for each state it may lead to, and a line of the table."""
    lines = page().splitlines()

    arrows = [line.partition(":")[0].split() for line in lines if line.startswith("    ") and ":" in line]
    assert [
        [state.value, "-->", target.value]
        for (state, event), step in LIFECYCLE.items()
        for target in LEADS_TO.get((event, step.action), (state,))
    ] == arrows
    assert 2 + len(LIFECYCLE) == sum(line.startswith("|") for line in lines)
