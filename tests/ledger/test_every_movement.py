"""Every movement of a card's money, at random and over days, against a plain model of the whole ledger.

`CARDSWITCH_MODEL_STEPS` says how many requests to make; `make model` makes 262,144.
"""

import ast
import os
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from ledger import limits
from ledger.decision.related import changed
from ledger.lifecycle import OriginalState
from ledger.original import Original
from ledger.wallet import WalletState

from . import model
from .every_movement import SEEN, EveryMovement, missing_kinds

STEPS: Final = int(os.environ.get("CARDSWITCH_MODEL_STEPS", "16384"))
CONTROL_STEPS: Final = 8192
RUN: Final = 64
MOST_RUNS: Final = 1024


def play(steps: int, *phases: Phase) -> None:
    """Let machines make about so many requests."""
    run_state_machine_as_test(
        EveryMovement,
        settings=settings(
            max_examples=max(1, min(MOST_RUNS, steps // RUN)),
            stateful_step_count=RUN,
            deadline=None,
            database=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.timeout(0)
def test_every_movement_is_as_in_the_book() -> None:
    """Whatever is asked, repeated, taken back or lost, in whatever groups, the ledger is as in the book."""
    SEEN.clear()
    EveryMovement.taken = 0
    while EveryMovement.taken < STEPS:
        play(STEPS - EveryMovement.taken, Phase.generate, Phase.shrink)
    assert [] == missing_kinds(SEEN)


def _found() -> None:
    """The machine finds what is wrong within its usual steps."""
    with pytest.raises((AssertionError, ExceptionGroup)):
        play(CONTROL_STEPS, Phase.generate)


def test_refunds_that_forget_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: refunds that forget what was refunded before are found."""
    monkeypatch.setattr(Original, "left_minor", property(lambda original: original.amount_minor))
    _found()


def test_windows_of_another_day_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: a void that gives its amount back to today's window, whenever its sale was, is found."""
    shared = limits.shared

    def to_the_window_there_is(state: WalletState, day: int, amount_minor: int, times: int) -> WalletState:
        return shared(state, state.day or day, amount_minor, times)

    monkeypatch.setattr(limits, "shared", to_the_window_there_is)
    _found()


def test_holds_released_twice_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: a completion that leaves its hold to be let go once more is found."""

    def still_held(original: Original, state: OriginalState) -> Original:
        is_completed = state is OriginalState.COMPLETED
        return changed(original, OriginalState.HELD if is_completed else state)

    monkeypatch.setattr("ledger.decision.holding.changed", still_held)
    _found()


@pytest.mark.parametrize(
    "path", sorted(Path(str(model.__file__)).parent.glob("*.py")), ids=lambda path: path.stem
)
def test_the_model_stands_by_itself(path: Path) -> None:
    """Of the ledger the model imports the intents alone."""
    imported = {
        node.module
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None
    }
    assert {"ledger.intent"} >= {name for name in imported if name.split(".")[0] in {"ledger", "tests"}}
