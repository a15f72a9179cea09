"""A run: cycle after cycle terminals trade, something dies, and the ledger is held to what was answered.

    trade → strike → hang up → start what was killed → settle what has no answer → compare → verify

Two switches run on one home and share its database, so that a card is spent on both at once and a sale of one
is repeated at the other. What is killed is started again by the run, except the database server: that is the
business of whichever switch lives. The first cycle with a violation is the last.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from random import Random
from threading import Event
from typing import Final, TypeVar

from tests.crash.book import Book, Violation
from tests.crash.comparison import compare, compare_balances
from tests.crash.concentrator import Concentrator
from tests.crash.faults import FAULTS, SWITCHES, Site, Struck
from tests.crash.journal import Journal
from tests.crash.ledger_rows import read_rows
from tests.crash.pages import counted, is_ready
from tests.end_to_end.plain_line import LineClosed
from tests.end_to_end.switch_process import CARDS, Installation, World

T = TypeVar("T")

NODES: Final = 2
CONCENTRATORS: Final = 8
TERMINALS_EACH: Final = 4

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


@dataclass(slots=True)
class Summary:
    """What a run has done and found."""

    seed: int
    cycles: int = 0
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """The summary for people."""
        yield f"{self.cycles} cycles in {self.seconds:.0f} s, seed {self.seed}"
        yield from (f"{count:>10,}  {name}" for name, count in sorted(self.counts.items()))
        yield f"{len(self.violations):>10,}  violations"
        yield from (f"VIOLATION  {violation}" for violation in self.violations)


class Campaign:
    """See the module's docstring.

    Args:
        installation: a home; its world is made here if it isn't there.
        plan: what to do.
        journal: the file to write.
        tell: given a line for each cycle.
    """

    def __init__(
        self, installation: Installation, plan: Plan, journal: Path, tell: Callable[[str], None]
    ) -> None:
        self._installation = installation
        self._plan = plan
        self._random = Random(f"{plan.seed}")
        self._faults = _in_turns(plan.faults, self._random)
        self._tell = tell
        self._journal = Journal(journal)
        self._book = Book()
        self._summary = Summary(plan.seed)
        self._counted: dict[str, Counter[str]] = {}
        world = World(installation.world_document())
        cards = world.cards(CARDS)
        self._opening_minor = {
            number: int(card["balance_minor"]) for number, card in enumerate(world.document["cards"])
        }
        self._concentrators = [
            Concentrator(world.devices(TERMINALS_EACH), cards, self._journal, Random(f"{plan.seed} {number}"))
            for number in range(CONCENTRATORS)
        ]
        self._site = Site(installation.home, [], Random(f"{plan.seed} faults"))
        self._threads = ThreadPoolExecutor(CONCENTRATORS)

    def run(self) -> Summary:
        """All cycles, or those up to the first violation."""
        started, summary = time.monotonic(), self._summary
        try:
            self._site.switches.extend(self._installation.start() for _ in range(NODES))
            while summary.cycles < self._plan.cycles and not summary.violations:
                summary.cycles += 1
                self._attempt(self._cycle)
        finally:
            self._attempt(self._end)
        summary.seconds = time.monotonic() - started
        for counts in (self._book.counts, *self._counted.values()):
            summary.counts.update(counts)
        summary.counts["sign-ons"] = sum(each.sign_ons for each in self._concentrators)
        return summary

    def _attempt(self, work: Callable[[], None]) -> None:
        """Whatever keeps a cycle from its end is a violation, too."""
        try:
            work()
        except (AssertionError, LineClosed, OSError) as trouble:
            self._summary.violations.append(
                Violation(f"cycle {self._summary.cycles}", f"{type(trouble).__name__} {trouble}")
            )

    def _cycle(self) -> None:
        fault = next(self._faults)
        self._connect()
        struck = self._trade_and_strike(fault)
        self._summary.counts += struck
        self._start_killed(struck[SWITCHES])
        if self._random.random() < 0.5:
            self._wait_until_ready()
        self._connect()
        settled = sum(self._everywhere(Concentrator.settle))
        self._summary.counts["settled by repeat or reversal"] += settled
        self._wait_until_ready()
        self._check()
        told = ", ".join(f"{count} {name}" for name, count in struck.items())
        self._tell(f"cycle {self._summary.cycles}: {fault} ({told}), {settled} settled")

    def _trade_and_strike(self, fault: str) -> Struck:
        """Let the terminals trade, and strike; then they take what still comes, or lose their lines."""
        stop = Event()
        trades = [self._threads.submit(each.trade, stop) for each in self._concentrators]
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
            concentrator.connect(self._random.choice(self._site.switches).address)

    def _start_killed(self, killed: int) -> None:
        ended = [index for index, switch in enumerate(self._site.switches) if not switch.is_running]
        if len(ended) != killed:
            last_words = "\n".join(self._site.switches[index].written[-2000:] for index in ended)
            raise AssertionError(f"{killed} switches were killed, but {len(ended)} have ended:\n{last_words}")
        for index in ended:
            self._site.switches[index] = self._installation.start()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _RECOVERY_SECONDS
        while not all(is_ready(switch.url) for switch in self._site.switches):
            assert time.monotonic() < deadline, f"a switch is not ready after {_RECOVERY_SECONDS:.0f} s"
            time.sleep(0.02)

    def _check(self) -> None:
        """Hold the ledger, and what the switches say, to the journal."""
        verified = self._threads.submit(self._verify)
        self._book.note_all(self._journal.read_on())
        violations = self._summary.violations
        violations.extend(self._book.contradictions)
        rows = read_rows(self._installation.home)
        self._summary.counts["postings whose cardholder owes a part"] = len(rows.owed_minor)
        violations.extend(compare(self._book, rows))
        violations.extend(compare_balances(self._book, rows, self._opening_minor, self._balances()))
        for concentrator in self._concentrators:
            violations.extend(concentrator.violations)
        violations.extend(verified.result())
        for switch in self._site.switches:
            self._counted[switch.url] = counted(switch.url)

    def _balances(self) -> dict[int, int]:
        """What the switches say that every card holds, each concentrator asking about some."""
        shares = [range(number, CARDS, CONCENTRATORS) for number in range(CONCENTRATORS)]
        told = self._threads.map(Concentrator.balances, self._concentrators, shares)
        return dict(chain.from_iterable(balances.items() for balances in told))

    def _verify(self) -> list[Violation]:
        try:
            self._installation.run("ledger", "verify")
        except AssertionError as found:
            return [Violation("ledger verify", str(found))]
        return []

    def _everywhere(self, work: Callable[[Concentrator], T]) -> list[T]:
        return list(self._threads.map(work, self._concentrators))

    def _end(self) -> None:
        """Stop in order; what the switches have logged as an error is a violation, too."""
        for concentrator in self._concentrators:
            concentrator.close()
        self._threads.shutdown()
        self._journal.close()
        self._installation.stop()
        for number, switch in enumerate(self._installation.switches):
            errors = [line for line in switch.written.splitlines() if '"level":"error"' in line]
            if errors:
                wrong = f"{len(errors)} errors, the last is {errors[-1]}"
                self._summary.violations.append(Violation(f"log of switch {number}", wrong))


def _in_turns(names: Sequence[str], random: Random) -> Iterator[str]:
    """The names for ever, in rounds, each round in another order."""
    while True:
        yield from random.sample(names, len(names))
