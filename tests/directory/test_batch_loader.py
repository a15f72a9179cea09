"""Single loads are gathered into batches while one is on its way."""

import asyncio
from collections.abc import Collection, Mapping

import pytest

from directory.batch_loader import BatchLoader


class Database:
    """Answers with each key's upper case, except to the letters it does not have, when it is let."""

    def __init__(self, missing: str = "") -> None:
        self.queries: list[str] = []
        self.open = asyncio.Event()
        self.failure: Exception | None = None
        self._missing = missing

    async def fetch(self, keys: Collection[str]) -> Mapping[str, str]:
        """Note the query and wait until the database is open."""
        self.queries.append("".join(keys))
        await self.open.wait()
        if self.failure is not None:
            raise self.failure
        return {key: key.upper() for key in keys if key not in self._missing}


class Unavailable(Exception):
    """What the query raises."""


async def started(loader: BatchLoader[str, str], keys: str) -> list[asyncio.Task[str | None]]:
    """A waiter for each key, all of which have begun to wait."""
    waiters = [asyncio.create_task(loader.load(key)) for key in keys]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return waiters


async def test_lone_key_is_asked_for_at_once() -> None:
    """A load with nothing else going on is one query."""
    database = Database(missing="x")
    database.open.set()
    loader = BatchLoader(database.fetch)

    assert (await loader.load("a"), await loader.load("x")) == ("A", None)
    assert database.queries == ["a", "x"]


async def test_misses_during_a_query_go_together_in_the_next() -> None:
    """While a query is out, further keys gather, each once, and are asked for in one query."""
    database = Database()
    loader = BatchLoader(database.fetch)
    waiters = await started(loader, "a")
    waiters += await started(loader, "bcbdc")
    database.open.set()

    assert list("ABCBDC") == await asyncio.gather(*waiters)
    assert database.queries == ["a", "bcd"]


async def test_key_of_the_query_in_flight_is_not_asked_for_again() -> None:
    """Who wants what is being asked for already waits for that answer."""
    database = Database()
    loader = BatchLoader(database.fetch)
    waiters = await started(loader, "a") + await started(loader, "a")
    database.open.set()

    assert await asyncio.gather(*waiters) == ["A", "A"]
    assert database.queries == ["a"]


async def test_load_anew_does_not_trust_the_query_in_flight() -> None:
    """Who must see what is committed now gets a query of after the call."""
    database = Database()
    loader = BatchLoader(database.fetch)
    waiters = await started(loader, "a")
    waiters += [asyncio.create_task(loader.load_anew("a")) for _ in range(2)]
    await asyncio.sleep(0)
    database.open.set()

    assert await asyncio.gather(*waiters) == ["A", "A", "A"]
    assert database.queries == ["a", "a"]


async def test_batches_are_bounded() -> None:
    """No query has more keys than allowed; a key that is in the last batch finds room there."""
    database = Database()
    loader = BatchLoader(database.fetch, keys_max=2)
    waiters = await started(loader, "abcdde")
    database.open.set()

    assert list("ABCDDE") == await asyncio.gather(*waiters)
    assert database.queries == ["ab", "cd", "e"]


async def test_waiters_are_woken_in_the_order_they_came() -> None:
    """Whoever waits longest goes on first, whatever key it is for."""
    database = Database()
    loader = BatchLoader(database.fetch)
    woken: list[int] = []
    first = await started(loader, "z")
    waiters = await started(loader, "bacab")
    for number, waiter in enumerate(waiters):
        waiter.add_done_callback(lambda _, number=number: woken.append(number))
    database.open.set()
    await asyncio.gather(*first, *waiters)
    await asyncio.sleep(0)

    assert woken == [0, 1, 2, 3, 4]


async def test_each_waiter_gets_the_error_as_its_own() -> None:
    """A failed query fails its waiters, each with an exception of its own, and the next query is made."""
    database = Database()
    database.failure = Unavailable("gone")
    loader = BatchLoader(database.fetch)
    waiters = await started(loader, "a") + await started(loader, "a")
    database.open.set()
    errors = await asyncio.gather(*waiters, return_exceptions=True)
    database.failure = None

    assert [str(error) for error in errors] == ["gone", "gone"]
    assert errors[0] is not errors[1]
    assert await loader.load("a") == "A"


async def test_waiter_that_gave_up_harms_nobody() -> None:
    """A cancelled waiter leaves the query and the other waiters alone."""
    database = Database()
    loader = BatchLoader(database.fetch)
    gave_up, stayed = await started(loader, "a") + await started(loader, "a")
    gave_up.cancel()
    database.open.set()

    assert await stayed == "A"
    with pytest.raises(asyncio.CancelledError):
        await gave_up
