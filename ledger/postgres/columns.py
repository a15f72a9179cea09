"""Rows on their way to PostgreSQL: each column as one array literal.

A group is written by one statement that takes its rows as arrays. A driver that encodes arrays looks at each
element by itself, which cost a posting a third of its processor time in the ledger; a literal (PostgreSQL,
8.15.6 "Array Input and Output Syntax") is made of a whole column at once, and PostgreSQL reads it no slower.
The statements cast it: `$1::text::bigint[]`.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import orjson

Literal: TypeAlias = str
ColumnWriter: TypeAlias = Callable[[Sequence[Any]], Literal]


def numbers(column: Sequence[int | None]) -> Literal:
    """An array of integers; None is NULL. JSON writes both as PostgreSQL does."""
    return "{" + orjson.dumps(column).decode()[1:-1] + "}"


def byte_strings(column: Sequence[bytes]) -> Literal:
    """An array of `bytea`."""
    if not column:
        return "{}"
    return '{"\\\\x' + '","\\\\x'.join([each.hex() for each in column]) + '"}'


def texts(column: Sequence[str]) -> Literal:
    """An array of `text`.

    Raises:
        ValueError: a text has a NUL character, which PostgreSQL has no way to store.
    """
    if not column:
        return "{}"
    joined = "\0".join(column)
    if joined.count("\0") >= len(column):
        raise ValueError("a text with a NUL character")
    return '{"' + joined.replace("\\", "\\\\").replace('"', '\\"').replace("\0", '","') + '"}'


def columns(rows: Iterable[Sequence[object]], writers: Sequence[ColumnWriter]) -> list[Literal]:
    """The literals of all columns, for rows with a value for each writer; no rows make empty arrays."""
    turned: Iterable[Sequence[object]] = list(zip(*rows, strict=True)) or [()] * len(writers)
    return [write(column) for write, column in zip(writers, turned, strict=True)]
