"""Connections, and the one error they fail with."""

import asyncio
import socket
import traceback
from collections.abc import Callable
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from storage import database
from storage.database import (
    DatabaseUnavailable,
    TransactionConflict,
    connect,
    create_pool,
    database_errors,
)

SETTINGS = {"application_name": "cardswitch", "jit": "off", "TimeZone": "UTC", "statement_timeout": "0"}


async def test_session_has_the_products_settings(database_dsn: str) -> None:
    """A session is named, compiles nothing, lives in UTC and has no time limit."""
    connection = await connect(database_dsn)
    query = "SELECT name, setting FROM pg_settings WHERE name = ANY($1)"
    rows = await connection.fetch(query, list(SETTINGS))
    await connection.close()

    assert {row["name"]: row["setting"] for row in rows} == SETTINGS


async def test_pool_has_its_size_at_once(database_dsn: str) -> None:
    """All sessions of a pool are open from the start, with the product's settings."""
    async with await create_pool(database_dsn, size=3) as pool:
        names = await pool.fetch(
            "SELECT application_name AS name FROM pg_stat_activity WHERE datname = current_database()"
        )

        assert pool.get_size() == 3
        assert [row["name"] for row in names] == ["cardswitch"] * 3


@pytest.mark.parametrize("open_session", [connect, lambda dsn: create_pool(dsn, size=2)])
@pytest.mark.parametrize(
    ("dsn", "reason"),
    [
        ("postgresql://cardswitch@/cardswitch?host=/no/such/folder", "No such file"),
        ("postgresql://cardswitch@localhost:1/cardswitch", "the database cannot be used"),
        ("mysql://cardswitch:s3cret@localhost/cardswitch", "the DSN cannot be understood"),
        ("postgresql://cardswitch:12s3cret/more@localhost/cardswitch", "the DSN cannot be understood"),
        ("postgresql://cardswitch:a@[s3cret@localhost/cardswitch", "the DSN cannot be understood"),
    ],
)
async def test_no_session_is_one_error(
    dsn: str, reason: str, open_session: Callable[[str], "asyncio.Future[object]"]
) -> None:
    """Whatever keeps a session from opening is the same error, without the DSN's password."""
    with pytest.raises(DatabaseUnavailable, match=reason) as caught:
        await open_session(dsn)

    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


async def test_refusing_database_is_named_with_its_code(postgres_dsn: str) -> None:
    """What the database itself refuses is told with its SQLSTATE."""
    with pytest.raises(DatabaseUnavailable, match=r'"no_such" does not exist \(3D000\)'):
        await connect(urlsplit(postgres_dsn)._replace(path="/no_such").geturl())


async def test_silent_database_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that accepts and then says nothing is unavailable after the time limit."""
    monkeypatch.setattr(database, "_CONNECT_TIMEOUT_S", 0.05)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(DatabaseUnavailable, match="timeout"):
            await connect(f"postgresql://cardswitch@127.0.0.1:{port}/cardswitch?sslmode=disable")


async def test_errors_do_not_quote_values(database_dsn: str) -> None:
    """Neither a stored value in an error's detail nor a given one in its text is repeated."""
    connection = await connect(database_dsn)
    await connection.execute("CREATE TEMPORARY TABLE card (pan text PRIMARY KEY)")
    await connection.execute("INSERT INTO card VALUES ('4999')")
    caught = []
    for statement, value in (("INSERT INTO card VALUES ($1)", "4999"), ("SELECT $1::int", "4999")):
        with pytest.raises(DatabaseUnavailable) as raised, database_errors():
            await connection.execute(statement, value)
        caught.append(raised)
    await connection.close()

    assert [str(error.value) for error in caught] == [
        'the database says: duplicate key value violates unique constraint "card_pkey" (23505)',
        "a statement was given a value that does not fit it",
    ]
    assert not any(error.value.__cause__ or not error.value.__suppress_context__ for error in caught)


@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
async def test_conflict_is_told_from_other_trouble(database_dsn: str, sqlstate: str) -> None:
    """A transaction that lost against another has an error of its own: it may be tried again."""
    connection = await connect(database_dsn)

    with pytest.raises(TransactionConflict, match=sqlstate), database_errors():
        await connection.execute(f"DO $$ BEGIN RAISE SQLSTATE '{sqlstate}'; END $$")
    await connection.close()


async def test_lost_connection_is_unavailable(database_dsn: str) -> None:
    """A session that was cut, and each later use of it, is the same error."""
    connection = await connect(database_dsn)
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable), database_errors():
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    await connection.close()


def test_programming_errors_pass() -> None:
    """What is neither the database's nor the system's is left alone."""
    with pytest.raises(ZeroDivisionError), database_errors():
        raise ZeroDivisionError
