"""Every metric of the product: its name, its labels, and the one verb that moves it.

No other file names a metric. The switch, the ledger's committer and the HSM report what happened through the
verbs of `Metrics` ("a frame was malformed"); which counters that moves is decided here. `docs/metrics.md` is
written from the catalogue these definitions make (`python -m switch.observability.metrics_page`).

Rules for a new metric:

- Labels come from closed sets: listeners, lanes, kinds, outcomes, reasons. Never a PAN, terminal, merchant,
  STAN or anything else a peer chooses; those belong in logs and ledger.
- Base units in the name, `_total` for counters, and a sum over all labels must make sense.
- A histogram has at most one label: writing 1,000 histogram children holds the interpreter for 100 ms, which
  every transaction would feel at each scrape.

The verbs are called by the event loop's thread only (`families` says why). With `enabled=False` they do
nothing and everything else stays the same, to measure what recording costs.
"""

import gc
import importlib.metadata
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector

from switch.observability.families import (
    Definition,
    Distribution,
    Distributions,
    HistogramFamily,
    ValueFamily,
    Values,
)

_TRANSACTION_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_COMMIT_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_PAUSE_SECONDS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)
_GROUP_SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 300, 400, 512)

Verb = TypeVar("Verb", bound=Callable[..., None])
_VERBS: Final[list[str]] = []


def _verb(method: Verb) -> Verb:
    """Marks a recording method, which does nothing when recording is off."""
    _VERBS.append(method.__name__)
    return method


def _nothing(*_: object, **__: object) -> None:
    """What a verb does when recording is off."""


class Metrics:
    """The metrics of one process, in a registry of their own.

    Args:
        enabled: Whether the verbs record. The registry exists either way.

    Attributes:
        registry: What a scrape exposes.
        catalogue: The definitions, in the order of the code.
    """

    def __init__(self, *, enabled: bool = True) -> None:
        self.enabled = enabled
        self.registry = CollectorRegistry()
        self.catalogue: list[Definition] = []
        self._define_connections()
        self._define_transactions()
        self._define_hsm_process()
        self._define_ledger()
        self._define_process()
        if not enabled:
            for name in _VERBS:
                setattr(self, name, _nothing)

    def _define_connections(self) -> None:
        self._connections = self._gauge("switch_connections", "Connections open now.", "listener")
        self._connections_accepted = self._counter(
            "switch_connections_accepted_total", "Connections accepted.", "listener"
        )
        self._connections_rejected = self._counter(
            "switch_connections_rejected_total", "Connections closed at once.", "listener", "reason"
        )
        self._malformed_frames = self._counter(
            "switch_malformed_frames_total", "Frames that can hold no message.", "listener", "reason"
        )
        self._malformed_messages = self._counter(
            "switch_malformed_messages_total", "Messages that can't be decoded.", "listener", "reason"
        )
        self._unexpected_fields = self._counter(
            "switch_unexpected_fields_total",
            "Fields the dialect knows and the transaction doesn't need.",
            "listener",
        )
        self._reading_paused = self._counter(
            "switch_reading_paused_total", "Times reading stopped at the in-flight limit.", "listener"
        )
        self._write_timeouts = self._counter(
            "switch_write_timeouts_total", "Connections closed because the peer didn't read.", "listener"
        )
        self._frame_timeouts = self._counter(
            "switch_frame_timeouts_total", "Connections closed over an unfinished frame.", "listener"
        )

    def _define_transactions(self) -> None:
        self._transactions = self._counter(
            "switch_transactions_total", "Requests answered, or given up unanswered.", "kind", "outcome"
        )
        self._transaction_durations = self._histogram(
            "switch_transaction_duration_seconds",
            "From a request's last byte to its answer's hand-over to the network.",
            _TRANSACTION_SECONDS,
            "kind",
        )
        self._transactions_in_flight = self._gauge(
            "switch_transactions_in_flight", "Requests under way over all connections."
        )
        self._hsm_operations = self._counter(
            "hsm_operations_total", "Operations of the software HSM.", "operation", "result"
        )

    def _define_hsm_process(self) -> None:
        self._hsm_connected = self._gauge(
            "hsm_process_connected", "Whether an HSM in its own process is connected: 1 or 0."
        )
        self._hsm_unanswered = self._counter(
            "hsm_process_unanswered_total", "Operations outstanding when the HSM's process was lost."
        )
        self._hsm_refused = self._counter(
            "hsm_process_refused_total", "Operations not sent: no HSM, or too many outstanding."
        )
        self._hsm_frame_sizes = self._distribution(
            "hsm_process_frame_operations", "Operations in one frame to the HSM's process.", _GROUP_SIZES
        )
        self._hsm_round_trips = self._distribution(
            "hsm_process_round_trip_seconds", "From sending a frame to its answers.", _COMMIT_SECONDS
        )

    def _define_ledger(self) -> None:
        self._commit_groups = self._counter(
            "ledger_commit_groups_total",
            "Commit groups: committed, swap_lost, fenced, duplicate_key, tripwire, unknown or failed.",
            "lane",
            "result",
        )
        self._commit_group_sizes = self._distribution(
            "ledger_commit_group_size", "Postings in one commit group.", _GROUP_SIZES
        )
        self._commit_group_durations = self._distribution(
            "ledger_commit_group_duration_seconds", "From sending a group to its outcome.", _COMMIT_SECONDS
        )
        self._swap_losses = self._counter(
            "ledger_swap_losses_total",
            "Postings decided again because another writer had changed a wallet first.",
            "lane",
        )
        self._unknown_outcomes = self._counter(
            "ledger_unknown_outcomes_total",
            "Postings of groups that were sent and whose answer was lost.",
            "lane",
        )
        self._wallets_quarantined = self._counter(
            "ledger_wallets_quarantined_total", "Wallets refused when they were loaded.", "reason"
        )
        self._shortfalls = self._counter(
            "ledger_shortfalls_total",
            "Postings that had to be made without the money: their cardholders owe it.",
        )
        self._queue_depths = self._gauge(
            "ledger_queue_depth", "Intents that wait for their lane's next group.", "lane"
        )
        self._wallet_cache_sizes = self._gauge("ledger_wallet_cache_size", "Wallets held in memory.", "lane")

    def _define_process(self) -> None:
        self._event_loop_lags = self._distribution(
            "switch_event_loop_lag_seconds", "How late a timer of the event loop ran.", _PAUSE_SECONDS
        )
        self._gc_pauses = self._distribution(
            "process_gc_pause_seconds", "Pauses of the garbage collector.", _PAUSE_SECONDS
        )
        build = self._gauge("switch_build_info", "The version that runs; always 1.", "version", "python")
        build[importlib.metadata.version("cardswitch"), platform.python_version()] = 1
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Values:
        return self._values(Definition(name, "counter", text, labels))

    def _gauge(self, name: str, text: str, *labels: str) -> Values:
        return self._values(Definition(name, "gauge", text, labels))

    def _values(self, definition: Definition) -> Values:
        family = ValueFamily(definition)
        self.catalogue.append(definition)
        self.registry.register(family)
        return family.values

    def _histogram(self, name: str, text: str, bounds: Sequence[float], *labels: str) -> Distributions:
        family = HistogramFamily(Definition(name, "histogram", text, labels), bounds)
        self.catalogue.append(family.definition)
        self.registry.register(family)
        return family.children

    def _distribution(self, name: str, text: str, bounds: Sequence[float]) -> Distribution:
        """The only child of a histogram without labels."""
        return self._histogram(name, text, bounds)[()]

    # Connections

    @_verb
    def connection_accepted(self, listener: str) -> None:
        """A peer connected and stays."""
        self._connections[listener] += 1
        self._connections_accepted[listener] += 1

    @_verb
    def connection_closed(self, listener: str) -> None:
        """An accepted connection is gone, whoever ended it."""
        self._connections[listener] -= 1

    @_verb
    def connection_rejected(self, listener: str, reason: str) -> None:
        """A peer connected and was closed at once; it never counts as accepted."""
        self._connections_rejected[listener, reason] += 1

    @_verb
    def frame_malformed(self, listener: str, reason: str) -> None:
        """A frame can hold no message, or the stream lost step."""
        self._malformed_frames[listener, reason] += 1

    @_verb
    def message_malformed(self, listener: str, reason: str) -> None:
        """A frame's body can't be decoded."""
        self._malformed_messages[listener, reason] += 1

    @_verb
    def fields_unexpected(self, listener: str, fields: int) -> None:
        """A message carried `fields` known fields that its transaction doesn't need."""
        self._unexpected_fields[listener] += fields

    @_verb
    def reading_paused(self, listener: str) -> None:
        """A connection reached its in-flight limit and isn't read until answers leave."""
        self._reading_paused[listener] += 1

    @_verb
    def write_timed_out(self, listener: str) -> None:
        """A peer didn't read its answers in time and was closed."""
        self._write_timeouts[listener] += 1

    @_verb
    def frame_timed_out(self, listener: str) -> None:
        """A peer started a frame, didn't finish it in time and was closed."""
        self._frame_timeouts[listener] += 1

    # Transactions

    @_verb
    def transaction_started(self) -> None:
        """A request is under way; `transaction_finished` follows in any case."""
        self._transactions_in_flight[()] += 1

    @_verb
    def transaction_finished(self, kind: str, outcome: str, seconds: float) -> None:
        """A request was answered, or nothing will answer it any more."""
        self._transactions_in_flight[()] -= 1
        self._transactions[kind, outcome] += 1
        self._transaction_durations[kind].observe(seconds)

    @_verb
    def hsm_operation(self, operation: str, result: str) -> None:
        """The HSM did one operation."""
        self._hsm_operations[operation, result] += 1

    @_verb
    def hsm_connected(self) -> None:
        """An HSM in its own process can be asked."""
        self._hsm_connected[()] = 1

    @_verb
    def hsm_lost(self, operations: int) -> None:
        """It is gone, with so many operations unanswered."""
        self._hsm_connected[()] = 0
        self._hsm_unanswered[()] += operations

    @_verb
    def hsm_refused(self) -> None:
        """An operation was not sent to it."""
        self._hsm_refused[()] += 1

    @_verb
    def hsm_answered(self, operations: int, seconds: float) -> None:
        """It answered a frame of so many operations."""
        self._hsm_frame_sizes.observe(operations)
        self._hsm_round_trips.observe(seconds)

    # Ledger

    @_verb
    def commit_group_finished(self, lane: int, result: str, postings: int, seconds: float) -> None:
        """One attempt to commit a group of `postings` ended with `result` after `seconds`."""
        self._commit_groups[lane, result] += 1
        self._commit_group_sizes.observe(postings)
        self._commit_group_durations.observe(seconds)

    @_verb
    def swaps_lost(self, lane: int, postings: int) -> None:
        """Another writer had changed a wallet first; the group's `postings` are decided again."""
        self._swap_losses[lane] += postings

    @_verb
    def outcomes_unknown(self, lane: int, postings: int) -> None:
        """A group was sent and its answer lost; its `postings` wait until that is resolved."""
        self._unknown_outcomes[lane] += postings

    @_verb
    def wallet_quarantined(self, reason: str) -> None:
        """A wallet's row can't be trusted."""
        self._wallets_quarantined[reason] += 1

    @_verb
    def shortfall_posted(self) -> None:
        """A wallet lacked money for something that had to post."""
        self._shortfalls[()] += 1

    @_verb
    def queue_changed(self, lane: int, intents: int) -> None:
        """So many intents wait in a lane now."""
        self._queue_depths[lane] = intents

    @_verb
    def wallet_cache_changed(self, lane: int, wallets: int) -> None:
        """So many wallets of a lane are in memory now."""
        self._wallet_cache_sizes[lane] = wallets

    # Process

    @_verb
    def event_loop_lagged(self, seconds: float) -> None:
        """A timer of the event loop ran `seconds` after its time."""
        self._event_loop_lags.observe(seconds)

    @contextmanager
    def garbage_collector_watched(self) -> Iterator[None]:
        """Records the pauses of the garbage collector meanwhile."""
        if not self.enabled:
            yield
            return
        started = 0.0

        def note(phase: str, _: Mapping[str, int]) -> None:
            nonlocal started
            if phase == "start":
                started = time.perf_counter()
            else:
                self._gc_pauses.observe(time.perf_counter() - started)

        gc.callbacks.append(note)
        try:
            yield
        finally:
            gc.callbacks.remove(note)
