"""The view kept fresh: the change log is read a few times a second, and what changed is forgotten.

Polling is all there is. A notification of the server's would be quicker by a fraction of a second, and each
engine has its own, or none; correctness must not hang on it, so nothing does.

The view may fill itself before the log was first read. The first reading says only where the log stands, and
that everything may have changed; so does a reading after a long absence, or from a database that was put
back to an earlier state. While the log can't be read, what is in memory stays as it is: without the database
nothing can be changed, and nothing posted either.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

from directory.change_log import (
    KEPT,
    Change,
    drop_old_changes,
    key_parts,
    read_changes,
)
from directory.range_service import read_own_ranges
from directory.reading import Connection
from directory.records import PanIndex
from directory.subjects import Kind
from directory.view import DirectoryView

PERIOD_SECONDS: Final = 0.1
_PAUSE_SECONDS: Final = 0.5
_BETWEEN_DROPS: Final = KEPT // 10


class Refresher:
    """Carries what the change log says into one view.

    Args:
        view: What is to be kept fresh.
        take_ranges: Given the registered number ranges, first and last leading digits of each, whenever
            they may have changed.
    """

    def __init__(self, view: DirectoryView, take_ranges: Callable[[Sequence[tuple[str, str]]], None]) -> None:
        self._view = view
        self._take_ranges = take_ranges
        self._seen: int | None = None

    async def refresh(self, connection: Connection) -> None:
        """Read the log to its end, and have the view forget what changed.

        Args:
            connection: Of the refresher's own, so that it waits for nobody.

        Raises:
            DatabaseUnavailable: The log could not be read; what was read before counts.
        """
        more = True
        while more:
            before = self._seen
            found = await read_changes(connection, before)
            if before is not None and before // _BETWEEN_DROPS != found.seen // _BETWEEN_DROPS:
                await drop_old_changes(connection, found.seen)
            if found.changes is None:
                self._view.forget_all()
            else:
                await self._forget(found.changes)
            if found.changes is None or any(change.kind is Kind.RANGE for change in found.changes):
                self._take_ranges(await read_own_ranges(connection))
            self._seen, more = found.seen, found.more

    async def _forget(self, changes: Sequence[Change]) -> None:
        """Have the view forget; what takes a look at everything is done once for many changes."""
        of_kind: dict[Kind, set[str]] = {kind: set() for kind in Kind}
        for change in changes:
            of_kind[change.kind].add(change.key)
        for key in of_kind[Kind.CARD]:
            self._view.forget_card(PanIndex(bytes.fromhex(key)))
        for key in of_kind[Kind.TERMINAL]:
            self._view.forget_terminal(*key_parts(key))
        if merchants := of_kind[Kind.MERCHANT]:
            self._view.forget_merchants(merchants)
        if products := of_kind[Kind.PRODUCT]:
            await self._view.forget_products(frozenset(map(int, products)))


async def keep_fresh(
    refresher: Refresher,
    connect: Callable[[], AbstractAsyncContextManager[Connection]],
    failed: Callable[[Exception], None],
    period_seconds: float = PERIOD_SECONDS,
) -> None:
    """Refresh for as long as the node runs.

    Args:
        refresher: Refreshes.
        connect: Opens a session for it.
        failed: Told each time the log can't be read, or used; a new session is tried after a pause.
        period_seconds: Between two readings.
    """
    while True:
        try:
            async with connect() as connection:
                while True:
                    await refresher.refresh(connection)
                    await asyncio.sleep(period_seconds)
        except Exception as error:  # noqa: BLE001 - a view that is never refreshed again is worse than any
            failed(error)
        await asyncio.sleep(_PAUSE_SECONDS)
