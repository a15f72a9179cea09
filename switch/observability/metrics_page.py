"""Writes docs/metrics.md from the catalogue of metrics.

    python -m switch.observability.metrics_page > docs/metrics.md

A test compares the page with what this module writes, so the page can't fall behind the code.
"""

import sys
from collections.abc import Iterable

from switch.observability.families import Definition
from switch.observability.metrics import Metrics

_INTRODUCTION = """\
# Metrics

<!-- Written by `python -m switch.observability.metrics_page` from switch/observability/metrics.py. -->

`GET /metrics` on the observability port exposes these metrics in the Prometheus text formats, and beside
them the client library's own `process_*` and `python_info`. Labels hold names from closed sets only, never
anything a peer chooses.

Histograms are classic ones. To keep a Prometheus server small, let it store them as native histograms with
custom buckets: `convert_classic_histograms_to_nhcb: true` in the scrape configuration.
"""

_SECTIONS = {"switch": "Switch", "hsm": "Software HSM", "ledger": "Ledger", "process": "Process"}


def page(catalogue: Iterable[Definition]) -> str:
    """The whole page; each metric stands in the section of its prefix."""
    rows: dict[str, list[str]] = {prefix: [] for prefix in _SECTIONS}
    for definition in catalogue:
        rows[definition.name.partition("_")[0]].append(_row(definition))
    tables = (_table(title, rows[prefix]) for prefix, title in _SECTIONS.items())
    return "\n".join((_INTRODUCTION, *tables))


def _table(title: str, rows: list[str]) -> str:
    return "\n".join(
        (f"## {title}\n", "| metric | type | labels | meaning |", "|---|---|---|---|", *rows, "")
    )


def _row(definition: Definition) -> str:
    labels = ", ".join(f"`{label}`" for label in definition.labels)
    return f"| `{definition.name}` | {definition.type} | {labels} | {definition.help} |"


if __name__ == "__main__":
    sys.stdout.write(page(Metrics().catalogue))
