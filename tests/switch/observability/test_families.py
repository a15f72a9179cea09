"""Counters, gauges and histograms as a scrape sees them."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from switch.observability.families import Definition, Distribution, HistogramFamily, ValueFamily

BOUNDS = (1, 2.5, 10)


def exposed(family: ValueFamily | HistogramFamily) -> list[str]:
    """The lines of a scrape."""
    registry = CollectorRegistry()
    registry.register(family)
    return generate_latest(registry).decode().splitlines()


def test_counter_is_shown_by_its_labels() -> None:
    """A labelled counter has a line for each combination counted, and none before."""
    family = ValueFamily(Definition("lane_total", "counter", "Help.", ("lane", "result")))
    header = ["# HELP lane_total Help.", "# TYPE lane_total counter"]
    assert header == exposed(family)

    family.values[0, "good"] += 2
    family.values[1, "bad"] += 1

    assert [
        *header,
        'lane_total{lane="0",result="good"} 2.0',
        'lane_total{lane="1",result="bad"} 1.0',
    ] == exposed(family)


def test_gauge_without_labels_starts_at_zero() -> None:
    """A gauge without labels is there from the start, and goes up and down."""
    family = ValueFamily(Definition("depth", "gauge", "Help.", ()))
    assert exposed(family)[-1] == "depth 0.0"

    family.values[()] -= 3

    assert exposed(family) == ["# HELP depth Help.", "# TYPE depth gauge", "depth -3.0"]


def test_histogram_counts_by_upper_bound() -> None:
    """A value counts in every bucket whose bound it doesn't exceed; count and sum follow."""
    family = HistogramFamily(Definition("size", "histogram", "Help.", ("kind",)), BOUNDS)
    for value in (0.5, 1, 2, 11):
        family.children["a"].observe(value)

    assert exposed(family)[2:] == [
        'size_bucket{kind="a",le="1.0"} 2.0',
        'size_bucket{kind="a",le="2.5"} 3.0',
        'size_bucket{kind="a",le="10.0"} 3.0',
        'size_bucket{kind="a",le="+Inf"} 4.0',
        'size_count{kind="a"} 4.0',
        'size_sum{kind="a"} 14.5',
    ]


def test_histogram_without_labels_starts_at_zero() -> None:
    """A histogram without labels is there from the start."""
    family = HistogramFamily(Definition("size", "histogram", "Help.", ()), BOUNDS)

    assert exposed(family)[-2:] == ["size_count 0.0", "size_sum 0.0"]


@given(st.lists(st.floats(min_value=0, max_value=20)))
def test_buckets_agree_with_counting(values: list[float]) -> None:
    """For any values the buckets are what counting them one by one gives."""
    distribution = Distribution(BOUNDS)

    for value in values:
        distribution.observe(value)

    counted = [(str(float(bound)), sum(value <= bound for value in values)) for bound in BOUNDS]
    assert [*counted, ("+Inf", len(values))] == distribution.buckets()


def test_names_can_be_asked_for_alone() -> None:
    """A scrape of one name doesn't show the others."""
    registry = CollectorRegistry()
    for name in ("a", "b"):
        registry.register(ValueFamily(Definition(name, "gauge", "Help.", ())))

    page = generate_latest(registry.restricted_registry(["b"])).decode()

    assert page.splitlines()[-1] == "b 0.0"
    assert "a 0.0" not in page
