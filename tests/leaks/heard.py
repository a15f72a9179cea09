"""What is secret in the test that runs, and what it has made the program say so far.

Secrets are those that were used in the test itself, and those of fixtures that outlive it. Another test's are
not looked for: one test's made-up merchant number is another one's card number.

Whoever starts something that writes elsewhere than pytest looks (a server's log file, a database) hands over
what was written: `overheard("the log of the switch", text)`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.leaks.watch import Secrets


class Watch:
    """The secrets that are known now, and what was heard."""

    def __init__(self) -> None:
        self._lasting = Secrets()
        self._own = Secrets()
        self._heard: dict[str, list[str]] = {}
        self.learning = self._own

    @contextmanager
    def lasting(self) -> Iterator[None]:
        """What is learned meanwhile is a secret in later tests too."""
        before, self.learning = self.learning, self._lasting
        try:
            yield
        finally:
            self.learning = before

    def overheard(self, where: str, text: str) -> None:
        """Something was written during this test."""
        self._heard.setdefault(where, []).append(text)

    def ended(self) -> list[tuple[str, str]]:
        """Where which kinds of secrets are, in all that was heard in the test that ends here."""
        heard = {where: "\n".join(texts) for where, texts in self._heard.items()}
        known = (self._own, self._lasting)
        self._heard.clear()
        self.learning = self._own = Secrets()
        return sorted(
            {(where, kind) for where in heard for each in known for kind in each.found_in(heard[where])}
        )


WATCH = Watch()
overheard = WATCH.overheard
