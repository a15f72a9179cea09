"""Tables of what happens to money, played in both ways in which requests may fall into commit groups."""

from collections.abc import Callable
from typing import TypeAlias

import pytest

from .money_table import Table, run

Play: TypeAlias = Callable[[str], Table]


@pytest.fixture(params=[False, True], ids=["a group each", "one group"])
def play(request: pytest.FixtureRequest) -> Play:
    """Plays a table, grouped in one of the two ways."""
    return lambda text: run(text, together=request.param)
