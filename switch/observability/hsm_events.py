"""What happens between the switch and an HSM in its own process, as metrics and log lines."""

from hsm_soft.process.client import HsmObserver
from switch.observability.logs import get
from switch.observability.metrics import Metrics

_log = get("hsm")


class HsmEvents(HsmObserver):
    """Counts and logs the life of the HSM's connection."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def connected(self) -> None:
        """Show that the HSM is there."""
        self._metrics.hsm_connected()
        _log.info("HSM connected")

    def lost(self, outstanding: int) -> None:
        """Show that it is gone, and count what was outstanding: those requests hear 96."""
        self._metrics.hsm_lost(outstanding)
        _log.error("HSM lost", outstanding=outstanding)

    def answered(self, operations: int, seconds: float) -> None:
        """Count a frame by its size and its time."""
        self._metrics.hsm_answered(operations, seconds)

    def refused(self) -> None:
        """Count what was not even sent."""
        self._metrics.hsm_refused()
