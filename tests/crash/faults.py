"""What is done to the switch and its database while terminals trade.

Each fault strikes once and says what it has ended, by name and number. Only processes of this run are
signalled: switches by their handle, the database server by what its own folder and its own statistics say.
"""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final, TypeAlias

from tests.crash.ledger_rows import Connection, ask
from tests.end_to_end.switch_process import Switch

Struck: TypeAlias = Counter[str]

SWITCHES: Final = "switches killed"
POSTMASTERS: Final = "postmasters killed"
BACKENDS: Final = "backends killed in mid-commit"
SESSIONS: Final = "sessions cut in mid-commit"

_CUTS: Final = 12
_HUNT_SECONDS: Final = 2.0

# The switch's sessions that are writing a commit group at this moment.
_COMMITTING: Final = """
SELECT pid FROM pg_stat_activity
 WHERE application_name = 'cardswitch' AND state = 'active' AND query LIKE '%INSERT INTO ledger.commit_group%'
"""
_CUT: Final = f"SELECT pg_terminate_backend(pid) FROM ({_COMMITTING}) AS committing"


@dataclass(frozen=True, slots=True)
class Site:
    """What can be struck: the running switches of a home and their database, and the luck of this run."""

    home: Path
    switches: list[Switch]
    random: Random


def kill_switch(site: Site) -> Struck:
    """End one switch in the middle of what it does."""
    site.random.choice(site.switches).kill()
    return Counter({SWITCHES: 1})


def kill_all_switches(site: Site) -> Struck:
    """End every switch at once; the database finishes what it was given."""
    for switch in site.switches:
        switch.process.kill()
    for switch in site.switches:
        switch.exit_status()
    return Counter({SWITCHES: len(site.switches)})


def kill_postmaster(site: Site) -> Struck:
    """End the database server's first process; its sessions see that and end, too."""
    os.kill(_postmaster(site.home), signal.SIGKILL)
    return Counter({POSTMASTERS: 1})


def kill_everything(site: Site) -> Struck:
    """End the database server and every switch in the same moment."""
    return kill_postmaster(site) + kill_all_switches(site)


def kill_backend(site: Site) -> Struck:
    """End a session's process while it commits: what it wrote may stand, but nobody is told.

    The server then ends all other sessions and recovers, as after a failure of memory.
    """

    async def committing(connection: Connection) -> list[int]:
        deadline = time.monotonic() + _HUNT_SECONDS
        while time.monotonic() < deadline:
            if pids := [row[0] for row in await connection.fetch(_COMMITTING)]:
                os.kill(pids[0], signal.SIGKILL)
                return pids[:1]
        return []

    return Counter({BACKENDS: len(ask(site.home, committing))})


def cut_sessions(site: Site) -> Struck:
    """Have the server end sessions while they commit, again and again."""
    cuts = site.random.randint(1, _CUTS)

    async def cut(connection: Connection) -> int:
        deadline, done = time.monotonic() + _HUNT_SECONDS, 0
        while done < cuts and time.monotonic() < deadline:
            done += len(await connection.fetch(_CUT))
        return done

    return Counter({SESSIONS: ask(site.home, cut)})


FAULTS: Final[Mapping[str, Callable[[Site], Struck]]] = {
    "switch": kill_switch,
    "switches": kill_all_switches,
    "postmaster": kill_postmaster,
    "backend": kill_backend,
    "cut": cut_sessions,
    "everything": kill_everything,
}


def _postmaster(home: Path) -> int:
    """The process id that the server has written into the first line of its lock file."""
    (mark,) = home.rglob("postmaster.pid")
    return int(mark.read_text(encoding="utf-8").splitlines()[0])
