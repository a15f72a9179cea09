"""Two nodes that conflict: terminals trade with half a dozen cards, each message at either node.

Each concentrator has a line to both switches, so that sales of one card, and all that is said about one sale
(repeats, its reversal, its voids, their reversals), meet on different nodes in the same moment. The cards run
dry and are refilled by what is taken back. In the end the ledger is held to what was answered, and both nodes
have to tell the same balances. Nothing dies here.
"""

from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from tests.crash.book import Violation
from tests.crash.concentrator import Concentrator
from tests.crash.run import Run, SizedPlan, Tell
from tests.crash.summary import Summary
from tests.end_to_end.switch_process import Installation

CONCENTRATORS: Final = 8
CONFLICT_CARDS: Final = 6
LARGE: Final = 0.05


class Conflicts(Run):
    """See the module's docstring, and `Run`; `plan.size` counts sales, voids and reversals, repeats aside."""

    def __init__(self, installation: Installation, plan: SizedPlan, journal: Path, tell: Tell) -> None:
        super().__init__(installation, Summary("operations", plan.seed), journal, tell, CONCENTRATORS)
        self._share = plan.share_of(CONCENTRATORS)
        self._concentrators = self.concentrators(CONCENTRATORS, CONFLICT_CARDS, large=LARGE)

    def _play(self) -> None:
        there = [switch.address for switch in self.switches]
        for number, concentrator in enumerate(self._concentrators):
            concentrator.connect(*(there if number % 2 else reversed(there)))
        list(self.threads.map(self._trade, self._concentrators))
        self.summary.done = sum(each.operations for each in self._concentrators)
        self.tell(f"{self.summary.done:,} operations sent")
        list(self.threads.map(Concentrator.settle, self._concentrators))
        self._check()

    def _trade(self, concentrator: Concentrator) -> None:
        concentrator.trade(partial(self._has_done_its_share, concentrator))

    def _has_done_its_share(self, concentrator: Concentrator) -> bool:
        return concentrator.operations >= self._share

    def _check(self) -> None:
        one, other = (each.balances(range(CONFLICT_CARDS)) for each in islice(self._concentrators, 2))
        if one != other:
            self.summary.violations.append(Violation("balances", f"one node tells {one}, the other {other}"))
        self.check(one)
        for concentrator in self._concentrators:
            self.summary.violations.extend(concentrator.violations)

    def _hang_up(self) -> None:
        for concentrator in self._concentrators:
            concentrator.close()
