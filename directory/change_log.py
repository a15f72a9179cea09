"""The change log: how a change made anywhere reaches the memory of every node.

Whoever changes what views remember notes it in the same transaction (`note_changes`), as the last statement
before the commit. Each node reads on from the last number it has seen (`read_changes`), a few times a second.

A sequence would not do: its numbers are drawn before the commit, so a reader could pass a number whose
transaction is still open, and never look back. Here the number is counted up in one row, which stays locked
until the commit. So numbers become visible in order and without gaps, on any engine and with any number of
nodes; in return changes wait for each other between their note and their commit, which is why the note
comes last. Terminals' sign-ons are not noted: they are many, and a node notices them by itself (see `view`).

Old rows are dropped (`drop_old_changes`). A reader that has been away for too long finds the next number
missing; one that was handed an older database finds the head behind itself. Both are told to forget
everything, as is a reader that has only just begun.
"""

from collections.abc import Collection
from typing import Final, NamedTuple

from directory.reading import Connection
from directory.subjects import Kind
from storage.database import database_errors

PAGE: Final = 5_000
"""Most changes that are read at once."""
KEPT: Final = 100_000
"""How many changes stay for nodes that were away."""

_KINDS: Final = frozenset(Kind)
_MERCHANT_ID_LENGTH: Final = 15
_BEYOND_ALL: Final = 2**62

_NOTE: Final = """
WITH head AS (UPDATE directory.change_head SET number = number + $3 RETURNING number)
INSERT INTO directory.change (number, kind, key)
SELECT head.number - $3 + noted.place, noted.kind, noted.key
FROM head, unnest($1::text[], $2::text[]) WITH ORDINALITY AS noted (kind, key, place)
"""
_READ: Final = """
SELECT head.number AS head, change.number, change.kind, change.key
FROM directory.change_head AS head
LEFT JOIN directory.change ON change.number > $1 AND change.number <= $1 + $2
ORDER BY change.number
"""
_DROP: Final = "DELETE FROM directory.change WHERE number <= $1"


class Change(NamedTuple):
    """Something that is no longer as it was.

    Attributes:
        kind: Of what.
        key: Which one, as the audit names it: a card by its PAN index in hexadecimal digits, a terminal by
            `terminal_key`, a merchant by its identifier (DE 42), a product or range by its number.
    """

    kind: Kind
    key: str


class Changes(NamedTuple):
    """What a reader finds.

    Attributes:
        seen: The number to go on from.
        changes: What changed, in order; None if that can't be said, and anything may have. A kind that
            this version of the program doesn't know is nothing it remembers, and is left out.
        more: There is more to be read at once.
    """

    seen: int
    changes: tuple[Change, ...] | None
    more: bool


def terminal_key(merchant_id: str, terminal_id: str) -> str:
    """The key of a terminal's change."""
    return f"{merchant_id}/{terminal_id}"


def key_parts(key: str) -> tuple[str, str]:
    """Merchant and terminal of a terminal's change; a merchant's identifier always has 15 characters."""
    return key[:_MERCHANT_ID_LENGTH], key[_MERCHANT_ID_LENGTH + 1 :]


async def note_changes(connection: Connection, changes: Collection[Change]) -> None:
    """Note changes, as the last statement of the transaction that makes them.

    Raises:
        DatabaseUnavailable: The database failed.
    """
    if not changes:
        return
    kinds, keys = zip(*changes, strict=True)
    with database_errors():
        await connection.execute(_NOTE, kinds, keys, len(changes))


async def read_changes(connection: Connection, seen: int | None) -> Changes:
    """What was noted after the number `seen`; None for a reader that begins.

    Raises:
        DatabaseUnavailable: The database failed.
    """
    with database_errors():
        rows = await connection.fetch(_READ, _BEYOND_ALL if seen is None else seen, PAGE)
    head: int = rows[0]["head"]
    found = [row for row in rows if row["number"] is not None]
    next_there = bool(found) and found[0]["number"] == (seen or 0) + 1
    if seen is None or head < seen or (head > seen and not next_there):
        return Changes(head, None, more=False)
    changes = tuple(Change(Kind(row["kind"]), row["key"]) for row in found if row["kind"] in _KINDS)
    last = found[-1]["number"] if found else seen
    return Changes(last, changes, more=last < head)


async def drop_old_changes(connection: Connection, seen: int) -> None:
    """Drop what every node should have read long ago, counted back from `seen`.

    Raises:
        DatabaseUnavailable: The database failed.
    """
    with database_errors():
        await connection.execute(_DROP, seen - KEPT)
