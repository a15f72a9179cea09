"""The race: a request goes to one node and its reversal to the other, within a moment, a thousand times.

Whoever comes first, nothing may stay: the request was never posted, because the reversal's tombstone stood
there, or it was posted and taken back. So each card holds in the end what it held at the start. A quarter of
the requests are voids; their sales are reversed once the pair is over.

Which of the two wins depends on a few milliseconds around the commit. A racer finds them by itself: whoever
lost leaves earlier in the next pair, so that about half of the pairs go either way, whatever the machine.
Chance is added, so that pairs come at all distances around that point.
"""

import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Final

from tests.crash.audit import Audit
from tests.crash.book import APPROVED, NO_ORIGINAL, TAKEN_BACK_ALREADY, Violation
from tests.crash.journal import Answered
from tests.crash.requests import Request, Sending
from tests.crash.run import Run, SizedPlan, Tell
from tests.crash.summary import Summary
from tests.end_to_end.plain_line import Answer, Line
from tests.end_to_end.plain_terminal import Identity, Terminal
from tests.end_to_end.switch_process import Installation, Switch

RACERS: Final = 4
AMOUNT_MINOR: Final = 700
POSTED_AND_TAKEN_BACK: Final = "posted, and taken back"
NEVER_POSTED: Final = "never posted, for the reversal came first"

_VOIDS: Final = 0.25
_STEP_SECONDS: Final = 0.0005
_CHANCE_SECONDS: Final = 0.004
_ENDS: Final = {
    (APPROVED, APPROVED): POSTED_AND_TAKEN_BACK,
    (TAKEN_BACK_ALREADY, NO_ORIGINAL): NEVER_POSTED,
}
"""How a pair may end, by what the request and its reversal were answered."""


class Racer:
    """A device on a line to each node, and a card; every other pair its lines change places.

    Args:
        number: which racer this is, and which card it has.
        audit: has the card, and the journal.
        random: never shared.
    """

    def __init__(self, number: int, audit: Audit, random: Random) -> None:
        self.violations: list[Violation] = []
        self.ends: Counter[str] = Counter()
        self._device: Identity = audit.world.device()
        self._views: list[Terminal] = []
        self._number = number
        self._card = audit.cards[number]
        self._journal = audit.journal
        self._random = random
        self._head_start_seconds = 0.0

    def connect(self, switches: list[Switch]) -> None:
        """Sign on at the first, and take a line to the others."""
        lines = [Line.connected(switch.address) for switch in switches]
        signed_on = Terminal.signed_on(self._device, lines[0])
        self._views = [signed_on.seen_from(line) for line in lines]

    def close(self) -> None:
        """Hang up."""
        for view in self._views:
            view.line.close()

    def race(self, pairs: int) -> None:
        """So many pairs, up to the first that ends as none may."""
        while pairs and not self.violations:
            sale = Request.sale(self._views[0], self._number, self._card, AMOUNT_MINOR)
            if self._random.random() < _VOIDS:
                self._settled(sale)
                self._pair(sale.void())
                self._exchange(sale.reversal(self._random))
            else:
                self._pair(sale)
            self._views.reverse()
            pairs -= 1

    def balance_minor(self) -> int:
        """What the card holds."""
        return self._views[0].read_balance(self._card)

    def _pair(self, request: Request) -> None:
        sendings = request.itself(self._random), request.reversal(self._random)
        lead_seconds = self._head_start_seconds + self._random.uniform(-_CHANCE_SECONDS, _CHANCE_SECONDS)
        runners = list(zip(sendings, self._views, strict=True))
        if lead_seconds < 0:
            runners.reverse()
        for sending, view in runners:
            self._journal.write(sending.record)
            view.send(sending.message)
            time.sleep(abs(lead_seconds))
            lead_seconds = 0
        code, code_of_reversal = map(self._code, sendings, self._views)
        self._note(request, code, code_of_reversal)

    def _note(self, request: Request, code: str, code_of_reversal: str) -> None:
        """Count how the pair ended, and let the loser leave earlier in the next one."""
        end = _ENDS.get((code, code_of_reversal))
        if end is None:
            wrong = f"answered {code}, and its reversal on the other node {code_of_reversal}"
            self.violations.append(Violation(str(request.reference), wrong))
            return
        self.ends[f"{request.kind}s {end}"] += 1
        self._head_start_seconds += _STEP_SECONDS if end is NEVER_POSTED else -_STEP_SECONDS

    def _settled(self, sale: Request) -> None:
        """Buy, and keep the reference that a void has to name."""
        answer = self._exchange(sale.itself(self._random))
        assert answer.code == APPROVED, f"the sale that is to be voided was answered {answer.code}"
        sale.retrieval_reference = answer["37"]

    def _exchange(self, sending: Sending) -> Answer:
        view = self._views[0]
        self._journal.write(sending.record)
        view.send(sending.message)
        return self._answer(sending, view)

    def _code(self, sending: Sending, view: Terminal) -> str:
        return self._answer(sending, view).code

    def _answer(self, sending: Sending, view: Terminal) -> Answer:
        answer = view.answer_to(sending.message)
        reference, approval_code = sending.request.reference, answer.fields.get("38")
        self._journal.write(Answered(sending.kind, reference, answer.code, answer["37"], approval_code))
        return answer


class Race(Run):
    """See the module's docstring, and `Run`; `plan.size` counts pairs."""

    def __init__(self, installation: Installation, plan: SizedPlan, journal: Path, tell: Tell) -> None:
        super().__init__(installation, Summary("pairs", plan.seed), journal, tell, RACERS)
        randoms = [Random(f"{plan.seed} {number}") for number in range(RACERS)]
        self._share = plan.share_of(RACERS)
        self._racers = [Racer(number, self.audit, random) for number, random in enumerate(randoms)]

    def _play(self) -> None:
        for racer in self._racers:
            racer.connect(self.switches)
        list(self.threads.map(self._race, self._racers))
        for racer in self._racers:
            self.summary.counts.update(racer.ends)
            self.summary.done += racer.ends.total()
            self.summary.violations.extend(racer.violations)
        self.tell(f"{self.summary.done:,} pairs raced")
        self.check({number: racer.balance_minor() for number, racer in enumerate(self._racers)})

    def _race(self, racer: Racer) -> None:
        racer.race(self._share)

    def _hang_up(self) -> None:
        for racer in self._racers:
            racer.close()
