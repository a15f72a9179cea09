"""What a run has done and found, for people."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.crash.book import Violation


@dataclass(slots=True)
class Summary:
    """See the module's docstring. `done` counts what the run consists of: cycles, operations, pairs."""

    of: str
    seed: int
    done: int = 0
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Line by line."""
        yield f"{self.done:,} {self.of} in {self.seconds:.0f} s, seed {self.seed}"
        yield from (f"{count:>10,}  {name}" for name, count in sorted(self.counts.items()))
        yield f"{len(self.violations):>10,}  violations"
        yield from (f"VIOLATION  {violation}" for violation in self.violations)
