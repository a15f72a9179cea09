"""What was looked for and isn't there, remembered for a moment.

A terminal that asks for the same unknown card again and again costs one query a moment instead of one each
time. A moment is short enough that whoever creates the card need not say so anywhere. The memory is apart
from that of what exists and bounded, so a flood of unknown names evicts no card; what it evicts here, the
oldest first, would have been forgotten within the moment anyway.
"""

from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

MOMENT_SECONDS: Final = 0.8
LIMIT: Final = 20_000


class Absent(Generic[Key]):
    """Names that nothing has.

    Args:
        clock: Seconds, counted steadily.
        limit: Most names to remember.
    """

    __slots__ = ("_clock", "_limit", "_until")

    def __init__(self, clock: Callable[[], float], limit: int = LIMIT) -> None:
        self._clock = clock
        self._limit = limit
        self._until: dict[Key, float] = {}

    def __len__(self) -> int:
        return len(self._until)

    def __contains__(self, key: Key) -> bool:
        until = self._until.get(key)
        return until is not None and until > self._clock()

    def add(self, key: Key) -> None:
        """Remember for a moment that nothing has this name."""
        self._until.pop(key, None)  # so that the oldest stay first
        if len(self._until) >= self._limit:
            del self._until[next(iter(self._until))]
        self._until[key] = self._clock() + MOMENT_SECONDS

    def clear(self) -> None:
        """Forget everything."""
        self._until.clear()
