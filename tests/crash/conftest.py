"""Homes with a world in them: one is made, and each run has a copy."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.crash.patches import switch_command
from tests.crash.run import Run
from tests.crash.summary import Summary
from tests.end_to_end.switch_process import Installation

Install: TypeAlias = Callable[..., Installation]
Play: TypeAlias = Callable[..., Summary]


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the demo world, on which nothing runs."""
    home = tmp_path_factory.mktemp("made") / "home"
    Installation(home).world_document()
    return home


@pytest.fixture
def install(made_home: Path, tmp_path: Path) -> Install:
    """Makes a copy of that home, for a switch that is patched or not."""

    def install(patch: str | None = None, **settings: str) -> Installation:
        # The cluster may belong to another account than ours, and has to stay that account's.
        subprocess.run(["cp", "--archive", made_home, tmp_path / "home"], check=True)
        return Installation(tmp_path / "home", switch_command=switch_command(patch), **settings)

    return install


@pytest.fixture
def play(install: Install, tmp_path: Path) -> Play:
    """Plays a run of a kind on a switch, patched or not; what it told is printed when the test fails."""

    def play(kind: Callable[..., Run], plan: Any, patch: str | None = None) -> Summary:
        summary = kind(install(patch), plan, tmp_path / "journal", print).run()
        print(*summary.lines(), sep="\n")  # noqa: T201 - pytest shows it when the test fails
        return summary

    return play
