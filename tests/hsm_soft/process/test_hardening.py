"""What a process does for its memory, seen from another one."""

import resource
import subprocess
import sys

import pytest

from hsm_soft.process import hardening
from hsm_soft.process.hardening import Hardening, harden

_CHILD = """
import resource
from pathlib import Path
from hsm_soft.process.hardening import harden

done = harden()
locked = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmLck")]
print(done.no_core_dump, done.not_dumpable, resource.getrlimit(resource.RLIMIT_CORE))
print(done.memory_locked, *locked)
"""


def test_a_hardened_process_leaves_nothing_behind() -> None:
    """No core file, no dump; where memory could be locked, the system shows it locked."""
    done = subprocess.run([sys.executable, "-c", _CHILD], capture_output=True, text=True, check=True)
    no_core_dump, not_dumpable, *_ = done.stdout.split()

    assert (no_core_dump, not_dumpable) == ("True", "True")
    assert "(0, 0)" in done.stdout
    assert ("True" in done.stdout.split("(0, 0)")[1]) is (" 0 kB" not in done.stdout)


class _Libc:
    """A C library of a system that has none of this."""


def test_elsewhere_the_measures_are_reported_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system without these calls is told apart from one that took them."""
    monkeypatch.setattr(hardening.ctypes, "CDLL", lambda *_, **__: _Libc())
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (0, 0))

    assert harden() == Hardening(no_core_dump=True, not_dumpable=False, memory_locked=False)


@pytest.mark.parametrize(("limit", "flags"), [(resource.RLIM_INFINITY, 7), (65_536, 5)])
def test_later_memory_is_locked_only_without_a_limit(
    monkeypatch: pytest.MonkeyPatch, limit: int, flags: int
) -> None:
    """Under a limit an allocation would fail once it is reached, so only what is there is locked."""
    locked: list[int] = []
    libc = _Libc()
    monkeypatch.setattr(libc, "mlockall", lambda flags: locked.append(flags) or 0, raising=False)
    monkeypatch.setattr(hardening.ctypes, "CDLL", lambda *_, **__: libc)
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (0, limit))

    assert harden().memory_locked
    assert locked == [flags]
