"""Columns as array literals: PostgreSQL reads back exactly what was written."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.outcome import Outcome
from ledger.postgres.columns import ColumnWriter, byte_strings, columns, numbers, texts

from .nodes import Connection

AWKWARD_TEXTS = [
    "", "plain", 'a "quoted" one', "back\\slash", "{braces, and commas}", "null", "NULL", " spaces ",
    "line\nfeed", "tab\tand\x01control", "\\x41", "终端", "e\u0301", "\U0001f4b3",
]  # fmt: skip
AWKWARD_NUMBERS = [0, -1, None, 2**63 - 1, -(2**63), Outcome.APPROVED, None]
AWKWARD_BYTES = [b"", b"\x00", b"\\x41", b'"', bytes(range(256))]


@pytest.mark.parametrize(
    ("written", "kind", "column"),
    [
        (numbers, "bigint", AWKWARD_NUMBERS),
        (numbers, "bigint", []),
        (byte_strings, "bytea", AWKWARD_BYTES),
        (byte_strings, "bytea", []),
        (byte_strings, "bytea", [b""]),
        (texts, "text", AWKWARD_TEXTS),
        (texts, "text", []),
        (texts, "text", [""]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_postgresql_reads_what_was_written(
    connection: Connection,
    written: ColumnWriter,
    kind: str,
    column: Sequence[object],
) -> None:
    """Whatever a column holds, PostgreSQL's array has the same elements."""
    assert column == await connection.fetchval(f"SELECT $1::text::{kind}[]", written(column))


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1))
def test_quoted_texts_can_be_told_apart(column: list[str]) -> None:
    """Between unescaped quotes stands one text for each element."""
    literal = texts(column)
    bare = literal.replace("\\\\", "").replace('\\"', "")
    assert 2 * len(column) == bare.count('"')


def test_a_nul_character_is_refused() -> None:
    """PostgreSQL's text has no NUL, so neither has a column."""
    with pytest.raises(ValueError, match="NUL"):
        texts(["a\0b"])


def test_rows_are_turned_into_columns() -> None:
    """Each writer gets the values of its place in all rows."""
    assert ["{1,2}", '{"a","b"}'] == columns([(1, "a"), (2, "b")], (numbers, texts))


def test_no_rows_make_empty_columns() -> None:
    """Without rows every column is an empty array."""
    assert ["{}", "{}", "{}"] == columns([], (numbers, texts, byte_strings))
