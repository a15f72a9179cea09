"""docs/rights.md."""

import runpy
from pathlib import Path

import pytest

from directory.rights_page import rights_page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rights.md"


def test_page_is_what_the_table_gives() -> None:
    """docs/rights.md is what the table gives."""
    assert rights_page() == PAGE.read_text(encoding="utf-8"), (
        "run `python -m directory.rights_page > docs/rights.md`"
    )


def test_module_writes_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    """Run as a program, the module writes the page."""
    runpy.run_path(str(PAGE.parents[1] / "directory" / "rights_page.py"), run_name="__main__")

    assert rights_page() == capsys.readouterr().out
