"""Locks between commands."""

import fcntl
import os
import subprocess
import threading
from pathlib import Path

import pytest

from storage.embedded.lock import UserLock, exclusive, shared


def test_only_the_last_user_is_told_so(tmp_path: Path) -> None:
    """Of three users the last to leave is told that nobody is left."""
    users = [UserLock(tmp_path / "users") for _ in range(3)]

    assert [user.leave() for user in users] == [False, False, True]


def test_exclusive_waits_for_its_holder(tmp_path: Path) -> None:
    """A second holder enters when the first has left."""
    order: list[str] = []

    def enter_second() -> None:
        with exclusive(tmp_path / "lock"):
            order.append("second")

    second = threading.Thread(target=enter_second)
    with exclusive(tmp_path / "lock"):
        second.start()
        second.join(timeout=0.05)
        order.append("first")
    second.join()

    assert order == ["first", "second"]


def test_shared_lock_goes_on_in_a_process_that_inherits_it(tmp_path: Path) -> None:
    """The folder stays locked until the inheriting process ends."""
    with shared(tmp_path) as descriptor:
        heir = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=[descriptor])
    own = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
    heir.communicate()
    fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(own)
