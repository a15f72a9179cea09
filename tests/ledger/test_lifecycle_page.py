"""The page in the docs, as the module writes it."""

import subprocess
import sys
from pathlib import Path

import pytest

from ledger.lifecycle import EVENTS, LEADS_TO, LIFECYCLE, Action, Event, OriginalState
from ledger.lifecycle_page import DIAGRAMS, IN_WORDS, arrows, page

ROOT = Path(__file__).parents[2]


def test_page_is_current() -> None:
    """The page in the docs is what the table says today."""
    current = (ROOT / "docs/ledger-lifecycle.md").read_text(encoding="utf-8")

    assert page() == current, "run `python -m ledger.lifecycle_page > docs/ledger-lifecycle.md`"


def test_command_writes_the_page() -> None:
    """The command in the page's own comment writes the page."""
    command = [sys.executable, "-m", "ledger.lifecycle_page"]

    assert page() == subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_page_has_every_row() -> None:
    """Each state has a table with a line for each event, and each movement that is an event has a line."""
    lines = page().splitlines()

    assert len(OriginalState) == sum(line.startswith("## When the original is") for line in lines)
    for event in Event:
        assert len(OriginalState) == sum(line.startswith(f"| {event.value} |") for line in lines)
    assert len(EVENTS) == sum(line.startswith("| `") for line in lines)


def test_every_action_has_words() -> None:
    """What the ledger does is said of each action but those that no row has."""
    assert {step.action for step in LIFECYCLE.values()} <= set(IN_WORDS)
    assert set(Action) == set(IN_WORDS)


@pytest.mark.parametrize("states", DIAGRAMS.values(), ids=list(DIAGRAMS))
def test_diagrams_show_each_way(states: frozenset[OriginalState]) -> None:
    """A diagram has an arrow for each row that leads from one of its states to another."""
    told = [line.partition(":")[0].split() for line in arrows(states) if "[*]" not in line]

    assert told == [
        [state.value, "-->", target.value]
        for (state, event), step in LIFECYCLE.items()
        for target in LEADS_TO.get((event, step.action), ())
        if state is not target and {state, target} <= states
    ]


def test_every_state_is_drawn() -> None:
    """No state is left out of both diagrams."""
    assert set(OriginalState) == set().union(*DIAGRAMS.values())
