"""The audit of an installation: its ledger, its switches and its own check, held to the journal of a run.

Whoever plays a run asks for it when nothing is open any more: when each request has its answer, or its
reversal has one.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.crash.book import Book, Violation
from tests.crash.comparison import compare, compare_balances
from tests.crash.journal import Journal
from tests.crash.ledger_rows import read_rows
from tests.end_to_end.switch_process import CARDS, Installation, World


class Audit:
    """See the module's docstring.

    Args:
        installation: a home; its world is made here if it isn't there.
        journal: the file to write.
    """

    def __init__(self, installation: Installation, journal: Path) -> None:
        self.world = World(installation.world_document())
        self.cards = self.world.cards(CARDS)
        self.journal = Journal(journal)
        self.book = Book()
        self.owed = 0
        """How many postings their cardholders owe a part of, at the last audit."""
        self._installation = installation
        documents = self.world.document["cards"]
        self._opening_minor = {number: int(card["balance_minor"]) for number, card in enumerate(documents)}

    def violations(self, balances_minor: Mapping[int, int]) -> Iterator[Violation]:
        """Hold the ledger to the journal, and these balances of cards, which the switches told."""
        with ThreadPoolExecutor(1) as beside:
            verified = beside.submit(self._verified)
            self.book.note_all(self.journal.read_on())
            rows = read_rows(self._installation.home)
            self.owed = len(rows.owed_minor)
            yield from self.book.contradictions
            yield from compare(self.book, rows)
            yield from compare_balances(self.book, rows, self._opening_minor, balances_minor)
            yield from verified.result()

    def close(self) -> Iterator[Violation]:
        """Stop the switches in order; what they have logged as an error is a violation, too."""
        self.journal.close()
        self._installation.stop()
        for number, switch in enumerate(self._installation.switches):
            errors = [line for line in switch.written.splitlines() if '"level":"error"' in line]
            if errors:
                wrong = f"{len(errors)} errors, the last is {errors[-1]}"
                yield Violation(f"log of switch {number}", wrong)

    def _verified(self) -> list[Violation]:
        try:
            self._installation.run("ledger", "verify")
        except AssertionError as found:
            return [Violation("ledger verify", str(found))]
        return []
