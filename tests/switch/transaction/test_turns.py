"""Turns: who names the same transaction waits, in the order of arrival; who names another one doesn't."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from switch.transaction.turns import Turns

A, B, C = b"a", b"b", b"c"


class Play:
    """Requests that hold keys until they are told to end, and what they did."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.events: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def enter(self, name: str, *keys: bytes, error: Exception | None = None) -> None:
        """Let a request arrive, and give everybody the time to move."""
        self._ends[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._hold(name, keys, error))
        await settle()

    async def end(self, name: str) -> None:
        """Let a request end."""
        self._ends[name].set()
        await settle()

    async def _hold(self, name: str, keys: tuple[bytes, ...], error: Exception | None) -> None:
        async with self.turns.hold(*keys):
            self.events.append(name)
            await self._ends[name].wait()
            if error is not None:
                raise error


async def settle() -> None:
    """Let every task run as far as it gets."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def play() -> Play:
    """Nobody holds anything."""
    return Play()


async def test_same_key_is_held_by_one_after_the_other(play: Play) -> None:
    """Requests with one key go one by one, in the order they came."""
    for name in ("first", "second", "third"):
        await play.enter(name, A)

    assert play.events == ["first"]
    await play.end("first")
    assert play.events == ["first", "second"]
    await play.end("second")
    assert play.events == ["first", "second", "third"]


async def test_other_keys_do_not_wait(play: Play) -> None:
    """A request that names another transaction goes at once."""
    await play.enter("first", A)
    await play.enter("other", B)

    assert play.events == ["first", "other"]


async def test_who_holds_several_keys_waits_for_all(play: Play) -> None:
    """A reversal waits for a repeat of itself and for its original, whoever ends last."""
    await play.enter("original", A)
    await play.enter("repeat", B)
    await play.enter("reversal", B, A)

    await play.end("repeat")
    assert play.events == ["original", "repeat"]
    await play.end("original")
    assert play.events == ["original", "repeat", "reversal"]


async def test_who_comes_later_waits_for_all_keys_held(play: Play) -> None:
    """A late original, and a repeat of the reversal, wait for the reversal that holds both keys."""
    await play.enter("reversal", B, A)
    await play.enter("late original", A)
    await play.enter("repeated reversal", B, A)

    assert play.events == ["reversal"]
    await play.end("reversal")
    assert play.events == ["reversal", "late original"]
    await play.end("late original")
    assert play.events == ["reversal", "late original", "repeated reversal"]


async def test_keys_crossed_over_do_not_block_each_other(play: Play) -> None:
    """Places are taken all at once, so that requests with the same keys in another order both get through."""
    await play.enter("one", A, B)
    await play.enter("two", B, A)
    await play.enter("three", B, C)

    for name in ("one", "two", "three"):
        await play.end(name)

    assert play.events == ["one", "two", "three"]


async def test_one_key_twice_is_one_key(play: Play) -> None:
    """Nobody waits for itself."""
    await play.enter("one", A, A)

    assert play.events == ["one"]


async def test_failure_ends_a_turn(play: Play) -> None:
    """Whoever fails lets the next one go."""
    await play.enter("first", A, error=RuntimeError("a defect"))
    await play.enter("second", A)

    await play.end("first")

    assert play.events == ["first", "second"]
    with pytest.raises(RuntimeError):
        await play.tasks["first"]


async def test_nothing_is_remembered_of_turns_that_ended(play: Play) -> None:
    """When everybody is done nothing is kept, so that memory is bounded by what is under way."""
    for number, keys in enumerate([(A,), (A, B), (B,), (C, A)]):
        await play.enter(str(number), *keys)
    assert len(play.turns) == 3

    for number in range(4):
        await play.end(str(number))

    assert len(play.turns) == 0


async def test_chain_that_never_breaks_keeps_nothing_that_ended(play: Play) -> None:
    """However long repeats of one request follow each other without a gap, each forgets those before it."""
    await play.enter("0", A)

    for number in range(1, 100):
        await play.enter(str(number), A)
        await play.end(str(number - 1))
        assert not play.turns._last[A]._before


async def test_turn_given_up_lets_the_next_one_go(play: Play) -> None:
    """Who doesn't wait any longer is out of the line, and stops nobody behind it."""
    await play.enter("first", A)
    await play.enter("gives up", A, B)
    await play.enter("behind it", B)

    play.tasks["gives up"].cancel()
    await settle()

    assert play.events == ["first", "behind it"]
    await play.end("first")
    await play.end("behind it")
    assert len(play.turns) == 0


async def test_place_is_taken_before_the_first_wait() -> None:
    """Tasks hold their places in the order in which they ran first, however long each then waits."""
    turns, events = Turns(), list[int]()

    def hold(number: int) -> Callable[[], Coroutine[Any, Any, None]]:
        async def run() -> None:
            async with turns.hold(A):
                await asyncio.sleep(0.001 * (5 - number))
                events.append(number)

        return run

    await asyncio.gather(*(hold(number)() for number in range(5)))

    assert events == [0, 1, 2, 3, 4]
