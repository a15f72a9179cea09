"""The page of metrics in the documentation."""

import subprocess
import sys
from pathlib import Path

import pytest

from switch.observability.metrics import Metrics
from switch.observability.metrics_page import page

PAGE = Path(__file__).resolve().parents[3] / "docs" / "metrics.md"


def test_page_is_current() -> None:
    """docs/metrics.md is what the catalogue gives."""
    assert page(Metrics().catalogue) == PAGE.read_text(encoding="utf-8"), (
        "run `python -m switch.observability.metrics_page > docs/metrics.md`"
    )


def test_command_writes_the_page() -> None:
    """Run as a module, it prints the page."""
    command = [sys.executable, "-m", "switch.observability.metrics_page"]

    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert page(Metrics().catalogue) == printed


def test_page_has_each_metric_once() -> None:
    """No metric is left out or shown twice."""
    text = page(Metrics().catalogue)

    assert [entry.name for entry in Metrics().catalogue if text.count(f"| `{entry.name}` |") != 1] == []


def test_metric_without_a_section_is_noticed() -> None:
    """A metric whose prefix has no section can't be left out silently."""
    (first, *_) = Metrics().catalogue

    with pytest.raises(KeyError):
        page([first._replace(name="other_metric")])
