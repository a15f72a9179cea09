"""Turns: requests that name the same transaction are taken one after the other.

A repeat waits for the first sending, and a reversal for its original; a late original waits for the reversal
that overtook it. Whoever waited then finds in the ledger what the one before left there. Places are taken in
the order of arrival, before anything is awaited, so that the order on the line is the order of the turns.
This orders one process only; between nodes the ledger's unique keys decide.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """Who holds which keys now, and who is last in line for each."""

    def __init__(self) -> None:
        self._last: dict[bytes, asyncio.Future[None]] = {}

    def __len__(self) -> int:
        return len(self._last)

    @asynccontextmanager
    async def hold(self, *keys: bytes) -> AsyncIterator[None]:
        """Wait until everybody who came earlier for any of these keys is done, and then hold them all.

        The place in line is taken when the context is entered, before the first wait.
        """
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        before = [self._last[key] for key in keys if key in self._last]
        self._last.update(dict.fromkeys(keys, ended))
        try:
            for earlier in before:
                await asyncio.shield(earlier)
            yield
        finally:
            ended.set_result(None)
            for key in keys:
                if self._last[key] is ended:
                    del self._last[key]
