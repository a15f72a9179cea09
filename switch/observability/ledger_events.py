"""What the ledger's lanes tell, as metrics and log lines."""

from typing import Final

from ledger.postgres.observer import LedgerObserver
from switch.observability.logs import get
from switch.observability.metrics import Metrics

RESULTS: Final = {
    "committed": "committed",
    "SwapLost": "swap_lost",
    "Fenced": "fenced",
    "DuplicateKeyTaken": "duplicate_key",
    "TripwireHit": "tripwire",
    "OutcomeUnknown": "unknown",
}
"""A group's result as a label; whatever else went wrong is `failed`."""

REASONS: Final = {
    "not the newest version": "not_newest",
    "SealBroken": "seal_broken",
    "UnreadableState": "unreadable",
}
"""Why a wallet was refused, as a label; whatever else its keeper raised is `other`."""

_log = get("ledger")


class LedgerEvents(LedgerObserver):
    """Counts and logs what happens to commit groups."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def group_finished(self, lane: int, result: str, size: int, seconds: float) -> None:
        """Count the group; a lost swap also by its wallets' intents."""
        label = RESULTS.get(result, "failed")
        self._metrics.commit_group_finished(lane, label, size, seconds)
        if label == "swap_lost":
            self._metrics.swaps_lost(lane, size)
        if label not in ("committed", "swap_lost", "duplicate_key", "fenced"):
            _log.warning("commit group not committed", lane=lane, result=result, size=size)

    def outcome_unknown(self, lane: int, size: int) -> None:
        """Count the intents whose fate is being found out."""
        self._metrics.outcomes_unknown(lane, size)

    def wallet_quarantined(self, wallet_id: int, reason: str) -> None:
        """Count it, and name it: somebody must look at this wallet."""
        self._metrics.wallet_quarantined(REASONS.get(reason, "other"))
        _log.error("wallet quarantined", wallet=wallet_id, reason=reason)

    def shortfall_posted(self, wallet_id: int, amount_minor: int) -> None:
        """Count it, and name who owes how much from now on."""
        self._metrics.shortfall_posted()
        _log.warning("cardholder owes a shortfall", wallet=wallet_id, amount_minor=amount_minor)

    def intent_given_up(self, transaction_id: int, failure: Exception) -> None:
        """Name it, and what it failed by: its defect or damaged data must be mended."""
        _log.error("intent given up", transaction=transaction_id, exc_info=failure)

    def lane_died(self, defect: BaseException) -> None:
        """Say why the node isn't ready any more, and that it has to be started again."""
        _log.error("ledger lane died, the node must be restarted", exc_info=defect)

    def queue_changed(self, lane: int, depth: int, cached_wallets: int) -> None:
        """Show the lane's backlog and memory."""
        self._metrics.queue_changed(lane, depth)
        self._metrics.wallet_cache_changed(lane, cached_wallets)
