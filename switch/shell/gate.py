"""The node's limit of requests under way: beyond it, nobody is read from until there is room again.

Connections that want room while the gate is full wait here, and once it has emptied to nine tenths they are
told in the order they came, as far as the room goes. Stopping to read is the whole of it: no request that was
taken is shed, least of all a reversal.
"""

from typing import Protocol


class Waits(Protocol):
    """Who waits at the gate."""

    def gate_opened(self) -> None:
        """There is room again; who still wants more when it is used up waits again."""
        ...


class Gate:
    """Counts requests under way.

    Args:
        limit: How many may be under way.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._reopen_at = limit * 9 // 10
        self._waiting: dict[Waits, None] = {}
        self.in_flight = 0

    @property
    def room(self) -> int:
        """How many more requests may be taken; nobody should be read from while it is 0."""
        return max(0, self._limit - self.in_flight)

    def enter(self, count: int) -> None:
        """Requests have been taken."""
        self.in_flight += count

    def leave(self, count: int = 1) -> None:
        """Requests are done."""
        self.in_flight -= count
        if self.in_flight <= self._reopen_at:
            while self._waiting and self.room:
                who = next(iter(self._waiting))
                del self._waiting[who]
                who.gate_opened()

    def wait(self, who: Waits) -> None:
        """Be told when there is room."""
        self._waiting[who] = None

    def forget(self, who: Waits) -> None:
        """Nobody waits there any more."""
        self._waiting.pop(who, None)
