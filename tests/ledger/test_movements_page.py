"""The page in the docs on movements."""

from pathlib import Path

from ledger.identity import CHANGES_MAX, TransactionKind
from ledger.wallet import LOTS_MAX

PAGE = (Path(__file__).parents[2] / "docs/movements.md").read_text(encoding="utf-8")


def test_every_movement_is_explained() -> None:
    """Each kind stands in the table, once."""
    table = [line for line in PAGE.splitlines() if line.startswith("| `")]

    named = [cell.strip("` ") for line in table for cell in line.split("|")[1].split(",")]
    assert sorted(kind.name for kind in TransactionKind) == sorted(named)


def test_bounds_are_told() -> None:
    """The numbers on the page are the program's."""
    assert f"At most {CHANGES_MAX} changes" in PAGE
    assert f"at most {LOTS_MAX} lots" in PAGE
