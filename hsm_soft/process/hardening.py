"""What a process that holds keys does for its memory: no core dump, no debugger, no swap.

Three measures, each taken as far as the system allows and reported, so that the start of a process says
which hold. A core file's size limit of zero and `PR_SET_DUMPABLE` off keep memory out of core dumps; the
latter also keeps other processes of the same user from attaching to this one or reading its memory. Locked
memory is never written to swap. What comes later is locked only where there is no limit of locked memory, as
an allocation over the limit would fail; pages are locked when they are first used, not before.

Python can't wipe what it has copied: what is left of a key goes when the process ends, and the system zeroes
its pages before anybody gets them.
"""

import ctypes
import resource
from contextlib import suppress
from typing import Final, NamedTuple

__all__ = ["Hardening", "harden"]

_PR_GET_DUMPABLE: Final = 3
_PR_SET_DUMPABLE: Final = 4
_MCL_CURRENT: Final = 1
_MCL_FUTURE: Final = 2
_MCL_ON_FAULT: Final = 4


class Hardening(NamedTuple):
    """Which of the measures hold."""

    no_core_dump: bool
    not_dumpable: bool
    memory_locked: bool


def harden() -> Hardening:
    """Take the measures for this process, for the rest of its life."""
    libc = ctypes.CDLL(None, use_errno=True)
    return Hardening(_no_core_dump(), _not_dumpable(libc), _memory_locked(libc))


def _no_core_dump() -> bool:
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)


def _not_dumpable(libc: ctypes.CDLL) -> bool:
    if not hasattr(libc, "prctl"):
        return False  # not Linux
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    return int(libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0)) == 0


def _memory_locked(libc: ctypes.CDLL) -> bool:
    if not hasattr(libc, "mlockall"):
        return False
    _, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (hard, hard))
    everything = _MCL_FUTURE if hard == resource.RLIM_INFINITY else 0
    return int(libc.mlockall(_MCL_CURRENT | _MCL_ON_FAULT | everything)) == 0
