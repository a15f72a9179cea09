"""What the ledger's lanes tell becomes metrics with closed labels, and a log line where one is due."""

import json
from collections.abc import Callable

import pytest

from ledger.postgres import errors
from ledger.sealer import SealBroken
from ledger.wallet import UnreadableState
from switch.observability import logs
from switch.observability.ledger_events import REASONS, RESULTS, LedgerEvents
from switch.observability.metrics import Metrics

Count = Callable[..., float]
Lines = Callable[[], list[dict[str, object]]]


@pytest.fixture
def metrics() -> Metrics:
    """Metrics of the test's own."""
    return Metrics()


@pytest.fixture
def events(metrics: Metrics) -> LedgerEvents:
    """The observer under test."""
    return LedgerEvents(metrics)


@pytest.fixture
def count(metrics: Metrics) -> Count:
    """The value of a sample by its name and labels."""
    return lambda name, **labels: metrics.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """What was logged meanwhile."""
    logs.configure("debug", "json")
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize(
    ("result", "label", "is_logged"),
    [
        ("committed", "committed", False),
        ("SwapLost", "swap_lost", False),
        ("Fenced", "fenced", False),
        ("DuplicateKeyTaken", "duplicate_key", False),
        ("TripwireHit", "tripwire", True),
        ("OutcomeUnknown", "unknown", True),
        ("Conflict", "failed", True),
        ("NoResources", "failed", True),
        ("GroupFailed", "failed", True),
    ],
)
def test_group_is_counted_by_its_result(
    events: LedgerEvents, count: Count, lines: Lines, result: str, label: str, is_logged: bool
) -> None:
    """Each end of a group has its label; those that another node causes are not worth a log line."""
    events.group_finished(1, result, 12, 0.003)

    assert count("ledger_commit_groups_total", lane="1", result=label) == 1
    assert count("ledger_commit_group_size_sum") == 12
    assert count("ledger_commit_group_duration_seconds_sum") == pytest.approx(0.003)
    assert is_logged == bool(lines())


def test_only_a_lost_swap_counts_as_one(events: LedgerEvents, count: Count) -> None:
    """The intents of a group that lost a wallet are counted beside the group."""
    events.group_finished(0, "Fenced", 5, 0.001)
    events.group_finished(0, "SwapLost", 7, 0.001)

    assert count("ledger_swap_losses_total", lane="0") == 7


def test_unknown_outcomes_are_counted_by_intent(events: LedgerEvents, count: Count) -> None:
    """Each intent whose fate has to be found out is one."""
    events.outcome_unknown(1, 30)

    assert count("ledger_unknown_outcomes_total", lane="1") == 30


@pytest.mark.parametrize(
    ("reason", "label"),
    [
        ("not the newest version", "not_newest"),
        ("SealBroken", "seal_broken"),
        ("UnreadableState", "unreadable"),
        ("KeyBlockRefused", "other"),
    ],
)
def test_quarantined_wallet_is_counted_and_named(
    events: LedgerEvents, count: Count, lines: Lines, reason: str, label: str
) -> None:
    """A wallet that can't be trusted moves a counter, and the log says which one it is."""
    events.wallet_quarantined(4711, reason)

    assert count("ledger_wallets_quarantined_total", reason=label) == 1
    [line] = lines()
    assert (line["level"], line["wallet"], line["reason"]) == ("error", 4711, reason)


def test_defects_are_told_at_once(events: LedgerEvents, lines: Lines) -> None:
    """An intent that can't be decided and a lane that died are errors, with what they died of."""
    events.intent_given_up(4711, errors.Undecidable("KeyError"))
    events.lane_died(AssertionError("of a lane"))

    given_up, died = lines()
    assert ("error", "intent given up", 4711) == (
        given_up["level"],
        given_up["event"],
        given_up["transaction"],
    )
    assert ("error", "ledger lane died, the node must be restarted") == (died["level"], died["event"])
    assert "Undecidable" in str(given_up["exception"])
    assert "of a lane" in str(died["exception"])


def test_shortfall_is_counted_and_named(events: LedgerEvents, count: Count, lines: Lines) -> None:
    """Each posting without funds moves a counter, and the log says whose wallet lacked how much."""
    events.shortfall_posted(4711, 300)

    assert count("ledger_shortfalls_total") == 1
    [line] = lines()
    assert ("warning", 4711, 300) == (line["level"], line["wallet"], line["amount_minor"])


def test_backlog_and_memory_are_shown(events: LedgerEvents, count: Count) -> None:
    """The gauges have what the lane told last."""
    events.queue_changed(0, 9, 100)
    events.queue_changed(0, 3, 120)

    assert count("ledger_queue_depth", lane="0") == 3
    assert count("ledger_wallet_cache_size", lane="0") == 120


def test_labels_are_made_of_names_that_exist() -> None:
    """What the tables translate are results that a lane reports and errors that are raised."""
    raised = {name for name, value in vars(errors).items() if isinstance(value, type)}

    assert set(RESULTS) - {"committed"} <= raised
    assert {SealBroken.__name__, UnreadableState.__name__} <= set(REASONS)
