"""What is secret in this test run, and what a test has made the program say so far.

Whoever starts something that writes elsewhere than pytest looks (a server's log file, a database) hands over
what was written: `overheard("the log of the switch", text)`.
"""

from typing import Final

from tests.leaks.watch import Secrets

SECRETS: Final = Secrets()
_heard: dict[str, list[str]] = {}


def overheard(where: str, text: str) -> None:
    """Something was written during this test."""
    _heard.setdefault(where, []).append(text)


def leaks_heard() -> list[tuple[str, str]]:
    """Where which kinds of secrets are, in all that was heard since the last time."""
    heard = dict(_heard)
    _heard.clear()
    return sorted(
        (where, kind) for where, texts in heard.items() for kind in SECRETS.found_in("\n".join(texts))
    )
