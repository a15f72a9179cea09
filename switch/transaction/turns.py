"""Turns: requests that name the same transaction are taken one after the other.

A repeat waits for the first sending, and a reversal for its original; a late original waits for the reversal
that overtook it. Whoever waited then finds in the ledger what the one before left there. Places are taken in
the order of arrival, before anything is awaited, so that the order on the line is the order of the turns.
This orders one process only; between nodes the ledger's unique keys decide.
"""

import asyncio
from types import TracebackType


class Turn:
    """One request's place in line for its keys, as an asynchronous context: entered when it is its turn.

    Nearly always nobody waits before or behind it, so a future is only made by who has to wait.
    """

    __slots__ = ("_before", "_ended", "_is_over", "_keys", "_last")

    def __init__(self, last: "dict[bytes, Turn]", keys: tuple[bytes, ...]) -> None:
        self._last = last
        self._keys = keys
        self._before = [last[key] for key in keys if key in last]
        self._is_over = False
        self._ended: asyncio.Future[None] | None = None
        for key in keys:
            last[key] = self

    @property
    def has_come(self) -> bool:
        """Whether nobody was before: then it need not be entered, only ended."""
        return not self._before

    async def __aenter__(self) -> None:
        try:
            for turn in self._before:
                await turn.over()
        except BaseException:
            self.end()
            raise
        finally:
            self._before.clear()  # or a chain of turns that never breaks would keep all that ended

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    async def over(self) -> None:
        """Wait until this turn has ended."""
        if self._is_over:
            return
        if self._ended is None:
            self._ended = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._ended)

    def end(self) -> None:
        """Let go of the keys: whoever waits behind is next."""
        self._is_over = True
        for key in self._keys:
            if self._last.get(key) is self:
                del self._last[key]
        if self._ended is not None:
            self._ended.set_result(None)


class Turns:
    """Who holds which keys now, and who is last in line for each."""

    def __init__(self) -> None:
        self._last: dict[bytes, Turn] = {}

    def __len__(self) -> int:
        return len(self._last)

    def hold(self, *keys: bytes) -> Turn:
        """A place in line behind everybody who came earlier for any of these keys, taken at once.

        Entering it waits until they are done; then it holds all the keys until it is left.
        """
        return Turn(self._last, keys)
