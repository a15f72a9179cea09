"""The line that each transaction leaves in the log.

It is the one line of the hot path, so it takes a shorter way than other events: its fields are of known,
harmless types (names, numbers, counters; never a card's data), it is written by orjson alone, and lines that
come within a twentieth of a second leave in one write. What a peer chose freely, its terminal and merchant,
is masked like any text. On a terminal, for people, it is an event like every other.
"""

import asyncio
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

import orjson

from ledger.outcome import Outcome
from switch.observability import logs

_FLUSH_SECONDS: Final = 0.05
_LOGGER: Final = "switch.transaction"
OUTCOME_LABELS: Final = {outcome: outcome.name.lower() for outcome in Outcome}
"""What logs and metrics call an outcome."""

_masked_name = lru_cache(16_384)(logs.mask_text)


class TransactionLog:
    """Writes a line a transaction to stderr.

    Args:
        enabled: Whether lines of level info are wanted.
    """

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._lines: list[bytes] = []
        self._log = logs.get(_LOGGER)
        self._writes_lines = logs.takes_json_lines()

    def note(
        self,
        service: str,
        outcome: Outcome,
        reference: str,
        merchant_id: str,
        terminal_id: str,
        batch: str,
        stan: str,
        amount_minor: int,
        at_us: int,
        seconds: float,
    ) -> None:
        """Note how a transaction ended, by its field 37; `at_us` is now, in microseconds since the epoch."""
        if not self._enabled:
            return
        event = {
            "kind": service,
            "outcome": OUTCOME_LABELS[outcome],
            "rrn": reference,
            "merchant": _masked_name(merchant_id),
            "terminal": _masked_name(terminal_id),
            "batch": batch,
            "stan": stan,
            "amount_minor": amount_minor,
            "ms": round(seconds * 1000, 2),
        }
        if not self._writes_lines:
            self._log.info("transaction", **event)
            return
        event["event"], event["level"], event["logger"] = "transaction", "info", _LOGGER
        event["timestamp"] = _written(at_us)
        if not self._lines:
            asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)
        self._lines.append(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))

    def flush(self) -> None:
        """Write what has gathered."""
        text = b"".join(self._lines).decode()
        self._lines.clear()
        sys.stderr.write(text)


def _written(at_us: int) -> str:
    return f"{_second(at_us // 1_000_000)}.{at_us % 1_000_000:06d}Z"


@lru_cache(maxsize=8)
def _second(at_seconds: int) -> str:
    return f"{datetime.fromtimestamp(at_seconds, UTC):%Y-%m-%dT%H:%M:%S}"
