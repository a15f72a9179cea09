"""Loading by key in batches: misses that come while a load is on its way go together in the next one.

A flood of first-time cards would otherwise be a flood of queries, one each. Here at most one query of a
kind is in flight; whoever misses meanwhile waits for the next, which asks for all their keys at once. No
timer is involved: a lone miss is asked for at once, and the batches grow with the load by themselves.

Waiters for one key share its query. They are woken in the order they came, each with its own value or its
own exception, so that no traceback grows by being raised twice. How many may wait is bounded by whoever
calls: each waiter is a request in flight.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

Fetch = Callable[[Collection[Key]], Awaitable[Mapping[Key, Value]]]
"""One query for some keys; keys that don't exist are absent from its result."""


@dataclass(slots=True)
class _Batch(Generic[Key, Value]):
    """Keys of one query, and who waits for them in order of arrival."""

    keys: dict[Key, None] = field(default_factory=dict)
    waiters: list[tuple[Key, asyncio.Future[Value | None]]] = field(default_factory=list)

    def has_room_for(self, key: Key, keys_max: int) -> bool:
        return key in self.keys or len(self.keys) < keys_max

    def add(self, key: Key, waiter: asyncio.Future[Value | None]) -> None:
        self.keys[key] = None
        self.waiters.append((key, waiter))


class BatchLoader(Generic[Key, Value]):
    """Gathers single loads into batches.

    Args:
        fetch: The query.
        keys_max: Most keys in one query.
    """

    __slots__ = ("_fetch", "_in_flight", "_keys_max", "_loading", "_queue")

    def __init__(self, fetch: Fetch[Key, Value], *, keys_max: int = 512) -> None:
        self._fetch = fetch
        self._keys_max = keys_max
        self._queue: deque[_Batch[Key, Value]] = deque()
        self._in_flight: _Batch[Key, Value] | None = None
        self._loading: asyncio.Task[None] | None = None

    async def load(self, key: Key) -> Value | None:
        """The value of a key, from the query in flight if that asks for it; None if there is no such key.

        Raises:
            Exception: What the query raised.
        """
        if self._in_flight is not None and key in self._in_flight.keys:
            return await self._wait_in(self._in_flight, key)
        return await self.load_anew(key)

    async def load_anew(self, key: Key) -> Value | None:
        """The value of a key by a query that starts after this call, so that it sees what is committed now.

        Raises:
            Exception: What the query raised.
        """
        if not (self._queue and self._queue[-1].has_room_for(key, self._keys_max)):
            self._queue.append(_Batch())
        waiting = self._wait_in(self._queue[-1], key)
        if self._loading is None:
            self._loading = asyncio.create_task(self._load_queue())
        return await waiting

    def _wait_in(self, batch: _Batch[Key, Value], key: Key) -> asyncio.Future[Value | None]:
        waiter: asyncio.Future[Value | None] = asyncio.get_running_loop().create_future()
        batch.add(key, waiter)
        return waiter

    async def _load_queue(self) -> None:
        while self._queue:
            self._in_flight = self._queue.popleft()
            await self._load(self._in_flight)
            self._in_flight = None
        self._loading = None

    async def _load(self, batch: _Batch[Key, Value]) -> None:
        try:
            found = await self._fetch(batch.keys)
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to those who wait
            for _, waiter in _still_waiting(batch):
                waiter.set_exception(copy(error))
        else:
            for key, waiter in _still_waiting(batch):
                waiter.set_result(found.get(key))


def _still_waiting(batch: _Batch[Key, Value]) -> list[tuple[Key, asyncio.Future[Value | None]]]:
    """The waiters that were not cancelled."""
    return [each for each in batch.waiters if not each[1].done()]
