"""What one node approves a day for a merchant, a terminal and a channel, and how much of it is allowed.

A total over all wallets of a merchant would be one row that every purchase there changes: it would serialise
the busiest merchants. So each node counts by itself, in memory, and no row is written. An amount counts from
the moment it is admitted, so what is in flight can't exceed a limit either; what isn't approved is given
back. Within a node and a day a limit is exact.

The price is a stated overshoot: each of `n` nodes lets a whole limit pass, and a node that starts anew begins
at zero. So at most `limit * (n + r)` is approved in a day with `r` restarts; who needs a
limit that holds over all nodes sets it to the limit divided by the nodes. A total is of what was approved:
voids and reversals, which may come by way of another node, give nothing back. Only what has a limit is
counted, so memory is bounded by the limits that are set.

What is refused here is refused like anything else that is found before the ledger: the intent carries the
refusal, and a repeat of an approved request still gets its first answer.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from ledger.identity import TransactionKind
from ledger.intent import Intent
from ledger.outcome import Outcome

FORCED = frozenset({TransactionKind.OFFLINE_SALE, TransactionKind.COMPLETION_ADVICE})
"""What is counted and never refused."""

COUNTED = FORCED | {
    TransactionKind.PURCHASE,
    TransactionKind.COMPLETION,
    TransactionKind.TOP_UP,
    TransactionKind.TRANSFER,
}
"""The movements whose amounts make the totals."""


@dataclass(frozen=True, slots=True)
class TotalLimits:
    """The most that a node approves in a day, in minor units; who isn't here has no limit.

    Attributes:
        merchants: by merchant account.
        terminals: by merchant and terminal, as the directory names them.
        channels: by channel.
    """

    merchants: Mapping[int, int] = field(default_factory=dict)
    terminals: Mapping[tuple[str, str], int] = field(default_factory=dict)
    channels: Mapping[str, int] = field(default_factory=dict)

    def of(self, intent: Intent) -> list[tuple[Hashable, int]]:
        """The limits that an intent is under, each with what it is on."""
        origin = intent.origin
        terminal = origin.merchant_id, origin.terminal_id
        limits: list[tuple[Hashable, int | None]] = [
            (origin.merchant_account, self.merchants.get(origin.merchant_account)),
            (terminal, self.terminals.get(terminal)),
            (intent.channel, self.channels.get(intent.channel)),
        ]
        return [(key, limit) for key, limit in limits if limit is not None]


class NodeTotals:
    """The totals of one node on one business date.

    Args:
        limits: the limits in force.
    """

    def __init__(self, limits: TotalLimits) -> None:
        self.limits = limits
        """May be replaced at any time; what was counted for what still has a limit stays."""
        self._day = 0
        self._totals: dict[Hashable, int] = {}

    def admit(self, intent: Intent, day: int) -> Outcome | None:
        """Count an intent, or say why it is refused; then nothing of it is counted.

        Args:
            intent: a new request.
            day: the open business date, as an ordinal.
        """
        if day > self._day:
            self._day, self._totals = day, {}
        if intent.kind not in COUNTED:
            return None
        limits = self.limits.of(intent)
        if intent.kind not in FORCED and any(
            self._totals.get(key, 0) + intent.amount_minor > limit for key, limit in limits
        ):
            return Outcome.AMOUNT_OVER_LIMIT
        self._add(limits, intent.amount_minor)
        return None

    def give_back(self, intent: Intent, day: int) -> None:
        """Give back what was admitted on `day` and not approved anew: declined, broken, or only a repeat."""
        if day == self._day and intent.kind in COUNTED:
            self._add(self.limits.of(intent), -intent.amount_minor)

    def _add(self, limits: list[tuple[Hashable, int]], amount_minor: int) -> None:
        for key, _ in limits:
            self._totals[key] = max(0, self._totals.get(key, 0) + amount_minor)
