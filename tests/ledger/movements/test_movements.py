"""Every movement and every refusal, as tables in the column language (`column_language`).

Each table is played twice, every movement in a commit group of its own and all of a day in one group: how
requests fall into groups must make no difference to anybody.
"""

from pathlib import Path

import pytest

from ledger.identity import TransactionKind

from .column_language import OUTCOMES, Play, TableText, read_tables

TABLES = {
    f"{path.stem}: {table.title}": table
    for path in sorted((Path(__file__).parent / "tables").glob("*.txt"))
    for table in read_tables(path)
}
ROWS = [row for table in TABLES.values() for row in table.rows if not row["movement"].startswith("day ")]


@pytest.mark.parametrize("together", [False, True], ids=["a group each", "one group"])
@pytest.mark.parametrize("title", TABLES)
def test_table(title: str, *, together: bool) -> None:
    """Each row has its outcome, changes what it says, and changes nothing else."""
    Play(TABLES[title], together=together)


def test_tables_tell_of_every_movement() -> None:
    """No kind of movement is without a row; only wallets are opened elsewhere."""
    told = {row["movement"].upper().replace(" ", "_") for row in ROWS}

    assert {kind.name for kind in TransactionKind} - {"WALLET_OPENING"} == told
    assert len(ROWS) >= 150


def test_outcomes_exist() -> None:
    """A row names an outcome of the ledger."""
    assert {row["outcome"].split()[0] for row in ROWS} <= OUTCOMES


def test_a_wrong_row_is_noticed() -> None:
    """A table whose row expects one cent more fails: the comparison compares."""
    lines = TABLES["purchases: A purchase takes what is there to the last cent, and nothing beyond"]
    wrong = TableText(lines.title, lines.product, lines.wallets, lines.rows[:1])
    wrong.rows = [type(row)(row.line, {**row.cells, "purses": "cash 6.01"}) for row in wrong.rows]

    with pytest.raises(AssertionError):
        Play(wrong, together=False)
