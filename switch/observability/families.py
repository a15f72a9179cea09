"""Counters, gauges and histograms that cost the event loop next to nothing.

The client library locks each value, because it can't know who counts. Here one thread counts, the event
loop's, and a scrape in another thread only reads; so a value is a plain entry of a dict, and a count takes a
fifth of the time. Without locks nothing can wait for one either: the garbage collector may call back between
any two steps of any thread, also in the middle of a count.

A family is an ordinary collector of the client library, which does the exposition. The keys of its dict are
the values of its labels: the value itself for one label, a tuple in the labels' order for several, `()` for
none.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import accumulate
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

Label = str | int
Labels = Label | tuple[Label, ...]
Values = defaultdict[Labels, int]


class Definition(NamedTuple):
    """A family as documentation shows it."""

    name: str
    type: str
    help: str
    labels: tuple[str, ...]


def _texts(labels: Labels) -> tuple[str, ...]:
    return tuple(map(str, labels)) if isinstance(labels, tuple) else (str(labels),)


class ValueFamily(Collector):
    """A counter or a gauge: `values[labels] += 1`, `values[labels] = 5`."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.values: Values = defaultdict(int)
        if not definition.labels:
            self.values[()] = 0  # shown before the first count

    def collect(self) -> Iterator[Metric]:
        """The family as it stands."""
        name, kind, text, labels = self.definition
        family = (CounterMetricFamily if kind == "counter" else GaugeMetricFamily)(name, text, labels=labels)
        for key, value in self.values.copy().items():
            family.add_metric(_texts(key), value)
        yield family

    describe = collect


class Distribution:
    """One child of a histogram."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count `value` in the first bucket whose upper bound it doesn't exceed."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def buckets(self) -> list[tuple[str, float]]:
        """Upper bounds with the number of values not above them, as Prometheus wants them."""
        bounds = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        return list(zip(bounds, accumulate(self._counts), strict=True))

    @property
    def sum(self) -> float:
        """All values added up."""
        return self._sum


Distributions = defaultdict[Labels, Distribution]


class HistogramFamily(Collector):
    """A histogram: `children[labels].observe(0.004)`."""

    def __init__(self, definition: Definition, bounds: Sequence[float]) -> None:
        self.definition = definition
        self.children: Distributions = defaultdict(partial(Distribution, bounds))
        if not definition.labels:
            self.children[()] = Distribution(bounds)  # shown before the first value

    def collect(self) -> Iterator[Metric]:
        """The family as it stands."""
        name, _, text, labels = self.definition
        family = HistogramMetricFamily(name, text, labels=labels)
        for key, child in self.children.copy().items():
            family.add_metric(_texts(key), child.buckets(), child.sum)
        yield family

    describe = collect
