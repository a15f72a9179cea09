"""What every run has in common: two switches on one home, a journal, an audit, and a summary.

The switches share the home's database, so that a card is spent on both at once, and what one of them was sent
is repeated, reversed or voided at the other. A kind of run says in `_play` what happens to them.
"""

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final, TypeAlias

from tests.crash.audit import Audit
from tests.crash.book import Violation
from tests.crash.concentrator import Concentrator
from tests.crash.pages import counted
from tests.crash.summary import Summary
from tests.end_to_end.plain_line import LineClosed
from tests.end_to_end.switch_process import Installation, Switch

Tell: TypeAlias = Callable[[str], None]

NODES: Final = 2
TERMINALS_EACH: Final = 4


@dataclass(frozen=True, slots=True)
class SizedPlan:
    """How much a run does at the least; the seed repeats its choices, not what the nodes make of them."""

    size: int
    seed: int

    def share_of(self, hands: int) -> int:
        """How much each of so many hands has to do."""
        return -(-self.size // hands)


class Run(ABC):
    """See the module's docstring.

    Args:
        installation: a home; its world is made here if it isn't there.
        summary: says what the run consists of.
        journal: the file to write.
        tell: given a line now and then, on how far the run is.
        hands: how many play at once.
    """

    def __init__(
        self, installation: Installation, summary: Summary, journal: Path, tell: Tell, hands: int
    ) -> None:
        self.installation = installation
        self.summary = summary
        self.audit = Audit(installation, journal)
        self.switches: list[Switch] = []
        self.tell = tell
        self.threads = ThreadPoolExecutor(hands)
        self._counted: dict[str, Counter[str]] = {}

    def run(self) -> Summary:
        """Play, up to the first violation, and stop."""
        started, summary = time.monotonic(), self.summary
        try:
            self.switches.extend(self.installation.start() for _ in range(NODES))
            self._attempt(self._play)
        finally:
            self._attempt(self._end)
        summary.seconds = time.monotonic() - started
        for counts in (self.audit.book.counts, *self._counted.values()):
            summary.counts.update(counts)
        return summary

    def check(self, balances_minor: Mapping[int, int]) -> None:
        """Hold the ledger, and what the switches say, to the journal."""
        self.summary.violations.extend(self.audit.violations(balances_minor))
        self.summary.counts["postings whose cardholder owes a part"] = self.audit.owed
        for switch in self.switches:
            self._counted[switch.url] = counted(switch.url)

    def concentrators(self, count: int, cards: int, **habits: float) -> list[Concentrator]:
        """So many, with the first so many cards of the world; the seed repeats what they choose."""
        world, seed = self.audit.world, self.summary.seed
        return [
            Concentrator(
                world.devices(TERMINALS_EACH),
                self.audit.cards[:cards],
                self.audit.journal,
                Random(f"{seed} {number}"),
                **habits,
            )
            for number in range(count)
        ]

    @abstractmethod
    def _play(self) -> None:
        """Everything between the start of the switches and their stop."""

    @abstractmethod
    def _hang_up(self) -> None:
        """Close all lines."""

    def _attempt(self, work: Callable[[], None]) -> None:
        """Whatever keeps a run from its end is a violation, too."""
        try:
            work()
        except (AssertionError, LineClosed, OSError) as trouble:
            wrong = f"{type(trouble).__name__} {trouble}"
            self.summary.violations.append(Violation(f"{self.summary.of}, {self.summary.done} done", wrong))

    def _end(self) -> None:
        self._hang_up()
        self.threads.shutdown()
        self.summary.violations.extend(self.audit.close())
