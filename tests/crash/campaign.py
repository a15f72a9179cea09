"""A run: cycle after cycle terminals trade, something dies, and the ledger is held to what was answered.

    trade → strike → hang up → start what was killed → settle what has no answer → compare → verify

What is killed is started again by the run, except the database server: that is the business of whichever
switch lives. The first cycle with a violation is the last.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from random import Random
from threading import Event
from typing import Final, TypeVar

from tests.crash.concentrator import Concentrator
from tests.crash.faults import FAULTS, SWITCHES, Site, Struck
from tests.crash.pages import is_ready
from tests.crash.run import Run, Tell
from tests.crash.summary import Summary
from tests.end_to_end.switch_process import CARDS, Installation

T = TypeVar("T")

CONCENTRATORS: Final = 8

_RECOVERY_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does.

    Attributes:
        cycles: how many.
        seed: repeats the random choices of a run; what the processes make of them is their own.
        faults: names of those to choose from.
    """

    cycles: int
    seed: int
    faults: Sequence[str] = tuple(FAULTS)


class Campaign(Run):
    """See the module's docstring, and `Run`."""

    def __init__(self, installation: Installation, plan: Plan, journal: Path, tell: Tell) -> None:
        super().__init__(installation, Summary("cycles", plan.seed), journal, tell, CONCENTRATORS)
        self._plan = plan
        self._random = Random(f"{plan.seed}")
        self._faults = _in_turns(plan.faults, self._random)
        self._concentrators = self.concentrators(CONCENTRATORS, CARDS)
        self._site = Site(installation.home, self.switches, Random(f"{plan.seed} faults"))

    def _play(self) -> None:
        """All cycles, or those up to the first violation."""
        summary = self.summary
        while summary.done < self._plan.cycles and not summary.violations:
            self._cycle()
            summary.done += 1

    def _cycle(self) -> None:
        fault = next(self._faults)
        self._connect()
        struck = self._trade_and_strike(fault)
        self.summary.counts += struck
        self._start_killed(struck[SWITCHES])
        if self._random.random() < 0.5:
            self._wait_until_ready()
        self._connect()
        settled = sum(self._everywhere(Concentrator.settle))
        self.summary.counts["settled by repeat or reversal"] += settled
        self._wait_until_ready()
        self._check()
        told = ", ".join(f"{count} {name}" for name, count in struck.items())
        self.tell(f"cycle {self.summary.done + 1}: {fault} ({told}), {settled} settled")

    def _trade_and_strike(self, fault: str) -> Struck:
        """Let the terminals trade, and strike; then they take what still comes, or lose their lines."""
        stop = Event()
        trades = [self.threads.submit(each.trade, stop.is_set) for each in self._concentrators]
        try:
            time.sleep(self._random.uniform(0.3, 0.9))
            struck = FAULTS[fault](self._site)
            time.sleep(self._random.uniform(0.0, 0.3))
        finally:
            stop.set()
            if self._random.random() < 0.5:
                for concentrator in self._concentrators:
                    concentrator.cut()
        for trade in trades:
            trade.result()
        return struck

    def _connect(self) -> None:
        """Give every concentrator a new line, to any of the switches."""
        for concentrator in self._concentrators:
            concentrator.connect(self._random.choice(self.switches).address)

    def _start_killed(self, killed: int) -> None:
        ended = [index for index, switch in enumerate(self.switches) if not switch.is_running]
        if len(ended) != killed:
            last_words = "\n".join(self.switches[index].written[-2000:] for index in ended)
            raise AssertionError(f"{killed} switches were killed, but {len(ended)} have ended:\n{last_words}")
        for index in ended:
            self.switches[index] = self.installation.start()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _RECOVERY_SECONDS
        while not all(is_ready(switch.url) for switch in self.switches):
            assert time.monotonic() < deadline, f"a switch is not ready after {_RECOVERY_SECONDS:.0f} s"
            time.sleep(0.02)

    def _check(self) -> None:
        self.check(self._balances())
        for concentrator in self._concentrators:
            self.summary.violations.extend(concentrator.violations)
        self.summary.counts["sign-ons"] = sum(each.sign_ons for each in self._concentrators)

    def _balances(self) -> dict[int, int]:
        """What the switches say that every card holds, each concentrator asking about some."""
        shares = [range(number, CARDS, CONCENTRATORS) for number in range(CONCENTRATORS)]
        told = self.threads.map(Concentrator.balances, self._concentrators, shares)
        return dict(chain.from_iterable(balances.items() for balances in told))

    def _everywhere(self, work: Callable[[Concentrator], T]) -> list[T]:
        return list(self.threads.map(work, self._concentrators))

    def _hang_up(self) -> None:
        for concentrator in self._concentrators:
            concentrator.close()


def _in_turns(names: Sequence[str], random: Random) -> Iterator[str]:
    """The names for ever, in rounds, each round in another order."""
    while True:
        yield from random.sample(names, len(names))
