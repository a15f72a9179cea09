"""The node's limit of requests under way: beyond it, nobody is read from until there is room again.

Connections that want to read while the gate is full wait here and are told when it has emptied to nine
tenths. Stopping to read is the whole of it: no request that was taken is shed, least of all a reversal.
"""

from typing import Protocol


class Waits(Protocol):
    """Who waits at the gate."""

    def gate_opened(self) -> None:
        """There is room again."""
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
    def is_full(self) -> bool:
        """Whether nobody should be read from."""
        return self.in_flight >= self._limit

    def enter(self, count: int) -> None:
        """Requests have been taken."""
        self.in_flight += count

    def leave(self) -> None:
        """A request is done."""
        self.in_flight -= 1
        if self._waiting and self.in_flight <= self._reopen_at:
            waiting, self._waiting = self._waiting, {}
            for who in waiting:
                who.gate_opened()

    def wait(self, who: Waits) -> None:
        """Be told when there is room."""
        self._waiting[who] = None

    def forget(self, who: Waits) -> None:
        """Nobody waits there any more."""
        self._waiting.pop(who, None)
