"""Every table of movements on PostgreSQL, each on a database of its own, whose books are sound afterwards."""

import asyncio
from collections.abc import Iterator

import pytest

from ledger.sealer import Sealer
from tests.conftest import LOOP, LOOPS
from tests.ledger.movements.column_language import Play
from tests.ledger.movements.test_movements import TABLES

from .postgres_books import PostgresBooks


@pytest.fixture
def books(database_dsn: str, sealer: Sealer) -> Iterator[PostgresBooks]:
    """A node on a database of its own."""
    with asyncio.Runner(loop_factory=LOOPS[LOOP]) as runner:
        books = PostgresBooks(database_dsn, sealer, runner)
        yield books
        books.stop()


@pytest.mark.parametrize("title", TABLES)
def test_table(books: PostgresBooks, title: str) -> None:
    """Each row has its outcome, changes what it says, and changes nothing else."""
    Play(TABLES[title], together=False, books=books)

    assert books.offences() == []
