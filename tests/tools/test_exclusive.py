"""Of two holders of one lock the second waits, or is told."""

import asyncio
from pathlib import Path

import pytest

from tools.exclusive import InUse, exclusive


async def test_second_holder_waits(tmp_path: Path) -> None:
    """The lock is free again once the first has left."""
    path = tmp_path / "world.lock"
    order: list[str] = []

    async def second() -> None:
        async with exclusive(path, wait_seconds=10):
            order.append("second")

    async with exclusive(path, wait_seconds=0):
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.01)
        order.append("first")
    await waiting

    assert order == ["first", "second"]


async def test_impatient_second_holder_is_told(tmp_path: Path) -> None:
    """Who may not wait gets an error that names the lock."""
    path = tmp_path / "T0000001.lock"
    async with exclusive(path, wait_seconds=0):
        with pytest.raises(InUse, match="T0000001 is in use by another command"):
            async with exclusive(path, wait_seconds=0):
                pass


async def test_lock_is_free_after_an_error(tmp_path: Path) -> None:
    """However the block ends, the lock goes."""
    path = tmp_path / "world.lock"
    with pytest.raises(ZeroDivisionError):
        async with exclusive(path, wait_seconds=0):
            raise ZeroDivisionError
    async with exclusive(path, wait_seconds=0):
        pass
