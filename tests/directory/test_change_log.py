"""Changes reach whoever reads on, in the order of their commits and without a gap."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from directory import change_log
from directory.change_log import (
    Change,
    Changes,
    drop_old_changes,
    key_parts,
    note_changes,
    read_changes,
    terminal_key,
)
from directory.subjects import Kind
from storage.database import DatabaseUnavailable, connect

from .conftest import MERCHANT_ID, TERMINAL_ID, Connection

CARD = Change(Kind.CARD, "00" * 16)
MERCHANT = Change(Kind.MERCHANT, MERCHANT_ID)


@pytest.fixture
async def other(database_dsn: str) -> AsyncIterator[Connection]:
    """Another session."""
    connection = await connect(database_dsn)
    yield connection
    await connection.close()


async def head(connection: Connection) -> int:
    """Where the log stands."""
    return (await read_changes(connection, None)).seen


@pytest.mark.parametrize("merchant_id", [MERCHANT_ID, "shop/with/slash"])
def test_terminal_is_named_by_its_two_names(merchant_id: str) -> None:
    """What a terminal's change is called leads back to the terminal."""
    assert (merchant_id, TERMINAL_ID) == key_parts(terminal_key(merchant_id, TERMINAL_ID))


async def test_reader_that_begins_is_told_where_the_log_stands(connection: Connection) -> None:
    """It must take it that anything has changed."""
    before = await head(connection)
    await note_changes(connection, [CARD, MERCHANT])

    assert Changes(before + 2, None, more=False) == await read_changes(connection, None)


async def test_reader_goes_on_where_it_was(connection: Connection) -> None:
    """What was noted since comes in order, once."""
    seen = await head(connection)
    await note_changes(connection, [CARD, MERCHANT])
    await note_changes(connection, [CARD])
    found = await read_changes(connection, seen)

    assert Changes(seen + 3, (CARD, MERCHANT, CARD), more=False) == found
    assert Changes(seen + 3, (), more=False) == await read_changes(connection, found.seen)


async def test_nothing_to_note_counts_nothing(connection: Connection) -> None:
    """A work that changed nothing leaves the log as it was."""
    seen = await head(connection)
    await note_changes(connection, [])

    assert seen == await head(connection)


async def test_long_log_comes_in_pages(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that isn't the last says so."""
    monkeypatch.setattr(change_log, "PAGE", 2)
    seen = await head(connection)
    await note_changes(connection, [CARD, MERCHANT, CARD])
    first = await read_changes(connection, seen)

    assert Changes(seen + 2, (CARD, MERCHANT), more=True) == first
    assert Changes(seen + 3, (CARD,), more=False) == await read_changes(connection, first.seen)


async def test_kind_that_nobody_knows_is_passed_over(connection: Connection) -> None:
    """What a newer version of the program notes is nothing that this one remembers."""
    seen = await head(connection)
    await note_changes(connection, [CARD])
    await connection.execute("UPDATE directory.change SET kind = 'satellite'")

    assert Changes(seen + 1, (), more=False) == await read_changes(connection, seen)


async def test_numbers_become_visible_in_their_order(connection: Connection, other: Connection) -> None:
    """A change noted later waits for the commit of the earlier one: no reader passes an open one."""
    seen = await head(connection)
    transaction = connection.transaction()
    await transaction.start()
    await note_changes(connection, [CARD])
    later = asyncio.create_task(note_changes(other, [MERCHANT]))
    done, _ = await asyncio.wait([later], timeout=0.1)

    assert not done
    await transaction.commit()
    await later
    assert (CARD, MERCHANT) == (await read_changes(connection, seen)).changes


async def test_undone_change_leaves_no_gap(connection: Connection) -> None:
    """The number of what was rolled back is given to the next change."""
    seen = await head(connection)
    transaction = connection.transaction()
    await transaction.start()
    await note_changes(connection, [CARD])
    await transaction.rollback()
    await note_changes(connection, [MERCHANT])

    assert Changes(seen + 1, (MERCHANT,), more=False) == await read_changes(connection, seen)


async def test_reader_that_was_away_too_long_is_told(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where its next number was dropped, anything may have changed."""
    monkeypatch.setattr(change_log, "KEPT", 1)
    seen = await head(connection)
    await note_changes(connection, [CARD, MERCHANT, CARD])
    await drop_old_changes(connection, seen + 3)

    assert Changes(seen + 3, None, more=False) == await read_changes(connection, seen)
    assert Changes(seen + 3, None, more=False) == await read_changes(connection, seen + 1)
    assert Changes(seen + 3, (CARD,), more=False) == await read_changes(connection, seen + 2)


async def test_reader_of_a_database_put_back_is_told(connection: Connection) -> None:
    """A head behind what was seen means an older database, in which anything may be otherwise."""
    seen = await head(connection)

    assert Changes(seen, None, more=False) == await read_changes(connection, seen + 1)


async def test_database_errors_are_storages(connection: Connection) -> None:
    """Without its tables the log is unavailable."""
    await connection.execute("DROP TABLE directory.change")

    with pytest.raises(DatabaseUnavailable):
        await note_changes(connection, [CARD])
    with pytest.raises(DatabaseUnavailable):
        await read_changes(connection, 0)
    with pytest.raises(DatabaseUnavailable):
        await drop_old_changes(connection, 0)
