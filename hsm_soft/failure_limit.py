"""The HSM's own brake on guessing: failed verifications are counted, by card and by key.

Tries are counted in the wallet, in the same commit as the answer. This counts again where the wallet's
counter doesn't reach: whoever took over the database, or a process that asks the HSM, must not be able to
try PINs at thousands a second. Only failures count: no card and no terminal is ever slowed for paying often.

A window begins with a first failure and ends after a fixed time. Within it, a card or a key that has used up
its failures is refused whatever is shown, right or wrong. A card is known by a hash of its number that is
keyed for this process and never leaves it. What is counted is bounded: the least recently failed is forgotten
first, which an attacker could only use by failing with that many others.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, NamedTuple

__all__ = ["CARD_LIMIT", "KEY_LIMIT", "Clock", "FailureLimit", "Limit"]

Clock = Callable[[], float]
"""Seconds that only go forward, `time.monotonic` or a test's own."""

_SUBJECTS_MAX: Final = 100_000


class Limit(NamedTuple):
    """So many failures in so many seconds."""

    failures: int
    window_s: float


CARD_LIMIT: Final = Limit(failures=20, window_s=3600)
"""Well above what a wallet allows before it locks, even if that is reset a few times."""

KEY_LIMIT: Final = Limit(failures=600, window_s=60)
"""A partner's zone key may carry hundreds of purchases a second, of which some in a hundred mistype."""


class FailureLimit:
    """Failures of cards and keys.

    Args:
        clock: what windows are measured with.
        subjects_max: how many cards and keys are remembered.
    """

    def __init__(self, clock: Clock, subjects_max: int = _SUBJECTS_MAX) -> None:
        self._clock = clock
        self._subjects_max = subjects_max
        self._windows: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<FailureLimit, {len(self._windows)} cards and keys>"

    def refuses(self, key: Hashable, pan: str) -> bool:
        """Whether the card or the key has used up its failures."""
        if not self._windows:
            return False
        return self._is_spent(hash(pan), CARD_LIMIT) or self._is_spent(key, KEY_LIMIT)

    def failed(self, key: Hashable, pan: str) -> None:
        """Counts a failure of both."""
        self._count(hash(pan), CARD_LIMIT)
        self._count(key, KEY_LIMIT)

    def _is_spent(self, subject: Hashable, limit: Limit) -> bool:
        begun, count = self._windows.get(subject, (0.0, 0))
        return count >= limit.failures and self._clock() < begun + limit.window_s

    def _count(self, subject: Hashable, limit: Limit) -> None:
        now = self._clock()
        begun, count = self._windows.get(subject, (now, 0))
        self._windows[subject] = (begun, count + 1) if now < begun + limit.window_s else (now, 1)
        self._windows.move_to_end(subject)
        while len(self._windows) > self._subjects_max:
            self._windows.popitem(last=False)
