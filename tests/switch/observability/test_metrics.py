"""The catalogue of metrics: every verb moves what it says, names are well made, and off means off."""

import gc
import inspect
import shutil
import subprocess
from collections.abc import Callable

import pytest
from prometheus_client import generate_latest

from switch.observability.metrics import Metrics

HISTOGRAM_CHILDREN_MAX = 150
KINDS = [f"kind_{number}" for number in range(40)]  # more than any dialect has
LANES = (0, 1)
PER_VERB = {
    "lane": LANES,
    "kind": KINDS,
    "listener": ("pos", "shop"),
    "seconds": (0.004,),
    "postings": (13,),
    "operations": (5,),
    "wallets": (7,),
    "intents": (3,),
    "fields": (2,),
}


def samples(metrics: Metrics) -> dict[str, float]:
    """Every sample of ours that isn't zero and no bucket, by name and labels."""
    lines = [line.rpartition(" ") for line in generate_latest(metrics.registry).decode().splitlines()]
    ours = ("switch_", "ledger_", "hsm_")
    return {
        name: float(value)
        for name, _, value in lines
        if name.startswith(ours)
        and "_bucket" not in name
        and float(value)
        and not name.startswith("switch_build_info")
    }


def verbs(metrics: Metrics) -> list[Callable[..., None]]:
    """All recording methods."""
    return [
        getattr(metrics, name)
        for name, method in inspect.getmembers(Metrics, inspect.isfunction)
        if not name.startswith("_") and name != "garbage_collector_watched"
    ]


def call_with_every_label(verb: Callable[..., None]) -> None:
    """Calls a verb with several values of its first parameter and one of each other."""
    names = list(inspect.signature(verb).parameters)
    first, *others = [PER_VERB.get(name, ("some",)) for name in names]
    for value in first:
        verb(value, *(values[0] for values in others))


@pytest.mark.parametrize(
    ("verb", "arguments", "moved"),
    [
        (
            "connection_accepted",
            ("pos",),
            {
                'switch_connections{listener="pos"}': 1,
                'switch_connections_accepted_total{listener="pos"}': 1,
            },
        ),
        ("hsm_connected", (), {"hsm_process_connected": 1}),
        ("hsm_lost", (9,), {"hsm_process_unanswered_total": 9}),
        ("hsm_refused", (), {"hsm_process_refused_total": 1}),
        (
            "hsm_answered",
            (5, 0.004),
            {
                "hsm_process_frame_operations_count": 1,
                "hsm_process_frame_operations_sum": 5,
                "hsm_process_round_trip_seconds_count": 1,
                "hsm_process_round_trip_seconds_sum": 0.004,
            },
        ),
        ("connection_closed", ("pos",), {'switch_connections{listener="pos"}': -1}),
        (
            "connection_rejected",
            ("pos", "full"),
            {'switch_connections_rejected_total{listener="pos",reason="full"}': 1},
        ),
        (
            "frame_malformed",
            ("pos", "empty"),
            {'switch_malformed_frames_total{listener="pos",reason="empty"}': 1},
        ),
        (
            "message_malformed",
            ("pos", "length"),
            {'switch_malformed_messages_total{listener="pos",reason="length"}': 1},
        ),
        ("fields_unexpected", ("pos", 2), {'switch_unexpected_fields_total{listener="pos"}': 2}),
        ("reading_paused", ("pos",), {'switch_reading_paused_total{listener="pos"}': 1}),
        ("write_timed_out", ("pos",), {'switch_write_timeouts_total{listener="pos"}': 1}),
        ("frame_timed_out", ("pos",), {'switch_frame_timeouts_total{listener="pos"}': 1}),
        ("transaction_started", (), {"switch_transactions_in_flight": 1}),
        (
            "transaction_finished",
            ("sale", "approved", 0.5),
            {
                "switch_transactions_in_flight": -1,
                'switch_transactions_total{kind="sale",outcome="approved"}': 1,
                'switch_transaction_duration_seconds_count{kind="sale"}': 1,
                'switch_transaction_duration_seconds_sum{kind="sale"}': 0.5,
            },
        ),
        ("hsm_operation", ("pos_mac", "ok"), {'hsm_operations_total{operation="pos_mac",result="ok"}': 1}),
        (
            "commit_group_finished",
            (1, "committed", 13, 0.5),
            {
                'ledger_commit_groups_total{lane="1",result="committed"}': 1,
                "ledger_commit_group_size_count": 1,
                "ledger_commit_group_size_sum": 13,
                "ledger_commit_group_duration_seconds_count": 1,
                "ledger_commit_group_duration_seconds_sum": 0.5,
            },
        ),
        ("swaps_lost", (1, 13), {'ledger_swap_losses_total{lane="1"}': 13}),
        ("outcomes_unknown", (1, 13), {'ledger_unknown_outcomes_total{lane="1"}': 13}),
        ("wallet_quarantined", ("seal",), {'ledger_wallets_quarantined_total{reason="seal"}': 1}),
        ("shortfall_posted", (), {"ledger_shortfalls_total": 1}),
        ("queue_changed", (1, 5), {'ledger_queue_depth{lane="1"}': 5}),
        ("wallet_cache_changed", (1, 5), {'ledger_wallet_cache_size{lane="1"}': 5}),
        (
            "event_loop_lagged",
            (0.5,),
            {"switch_event_loop_lag_seconds_count": 1, "switch_event_loop_lag_seconds_sum": 0.5},
        ),
    ],
)
def test_verb_moves_its_metrics(verb: str, arguments: tuple[object, ...], moved: dict[str, float]) -> None:
    """A verb moves the metrics it stands for and no other; switched off it moves none."""
    on, off = Metrics(), Metrics(enabled=False)

    getattr(on, verb)(*arguments)
    getattr(off, verb)(*arguments)

    assert moved == samples(on)
    assert not samples(off)


def test_every_verb_can_be_switched_off() -> None:
    """No recording method escapes `enabled=False`."""
    metrics = Metrics(enabled=False)

    for verb in verbs(metrics):
        verb()  # would fail for want of arguments if it did anything

    assert not samples(metrics)


def test_collections_are_timed_while_watched() -> None:
    """The pauses of the garbage collector count inside the block, and only there."""
    metrics = Metrics()
    before = list(gc.callbacks)

    with metrics.garbage_collector_watched():
        gc.collect()
    counted = metrics.registry.get_sample_value("process_gc_pause_seconds_count") or 0
    gc.collect()

    assert counted >= 1
    assert counted == metrics.registry.get_sample_value("process_gc_pause_seconds_count")
    assert before == gc.callbacks


def test_collections_are_not_timed_when_switched_off() -> None:
    """Switched off, the garbage collector isn't watched either."""
    metrics = Metrics(enabled=False)

    with metrics.garbage_collector_watched():
        gc.collect()

    assert metrics.registry.get_sample_value("process_gc_pause_seconds_count") == 0


def test_build_is_named() -> None:
    """A scrape tells which version runs, on which Python."""
    page = generate_latest(Metrics().registry).decode()

    assert 'switch_build_info{version="' in page or 'switch_build_info{python="' in page


def test_registry_holds_what_the_catalogue_says() -> None:
    """Every metric of the catalogue is exposed with its type and help, beside the library's own."""
    metrics = Metrics()
    page = generate_latest(metrics.registry).decode()

    for name, kind, text, _ in metrics.catalogue:
        assert f"# HELP {name} {text}\n# TYPE {name} {kind}\n" in page
    assert "process_cpu_seconds_total" in page
    assert "python_info" in page


def test_scrape_stays_small() -> None:
    """With more kinds of transaction than any dialect has, no scrape writes too many histogram children."""
    metrics = Metrics()
    for verb in verbs(metrics):
        if inspect.signature(verb).parameters:
            call_with_every_label(verb)

    children = [
        line for line in generate_latest(metrics.registry).decode().splitlines() if 'le="+Inf"' in line
    ]

    assert len(KINDS) < len(children) <= HISTOGRAM_CHILDREN_MAX


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_names_pass_the_linter_of_prometheus() -> None:
    """Names, types and help texts are as Prometheus wants them."""
    metrics = Metrics()
    for verb in verbs(metrics):
        if inspect.signature(verb).parameters:
            call_with_every_label(verb)

    result = subprocess.run(
        ["promtool", "check", "metrics"],
        input=generate_latest(metrics.registry),
        capture_output=True,
        check=False,
    )

    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
