"""Connections to PostgreSQL, the embedded server or any other.

Every session of the product is opened here, so that all have the same settings and fail with the same error.
No time limit is set on statements: cancelling a COMMIT can report a failure for what was stored.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

_SESSION = {
    "application_name": "cardswitch",
    # Compiling pays for reports that run for seconds, not for statements of a millisecond.
    "jit": "off",
    "timezone": "UTC",
}
_CONNECT_TIMEOUT_S = 10


class DatabaseUnavailable(Exception):
    """The database cannot be reached, refuses us, or went away."""


class TransactionConflict(DatabaseUnavailable):
    """The database undid a transaction in favour of another's: it may be tried again as it is."""


async def connect(dsn: str) -> "asyncpg.Connection[asyncpg.Record]":
    """Open one session.

    Raises:
        DatabaseUnavailable: No session came about within ten seconds.
    """
    with database_errors(), _dsn_errors():
        return await asyncpg.connect(dsn, timeout=_CONNECT_TIMEOUT_S, server_settings=_SESSION)


async def create_pool(dsn: str, *, size: int) -> "asyncpg.Pool[asyncpg.Record]":
    """Open `size` sessions, kept open with their prepared statements until the pool is closed.

    Raises:
        DatabaseUnavailable: One of the sessions did not come about within ten seconds.
    """
    with database_errors(), _dsn_errors():
        return await asyncpg.create_pool(
            dsn,
            min_size=size,
            max_size=size,
            max_inactive_connection_lifetime=0,
            max_cached_statement_lifetime=0,
            timeout=_CONNECT_TIMEOUT_S,
            server_settings=_SESSION,
            reset=_leave_as_it_is,
        )


async def _leave_as_it_is(_: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Nobody changes a session's state: to set it back after each use would be a round trip wasted."""


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn whatever asyncpg and the operating system raise into `DatabaseUnavailable`.

    Of an error that may quote values only the part without them is kept, and the error is not chained.
    """
    try:
        yield
    except asyncpg.DataError:
        raise DatabaseUnavailable("a statement was given a value that does not fit it") from None
    except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError) as error:
        raise TransactionConflict(f"the database says: {error.args[0]} ({error.sqlstate})") from None
    except asyncpg.PostgresError as error:
        raise DatabaseUnavailable(f"the database says: {error.args[0]} ({error.sqlstate})") from None
    except (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise DatabaseUnavailable(f"the database cannot be used: {str(error) or 'timeout'}") from error


@contextmanager
def _dsn_errors() -> Iterator[None]:
    """Withhold what is said about a malformed DSN: part of its password may be taken for something else."""
    try:
        yield
    except ValueError:
        raise DatabaseUnavailable("the DSN cannot be understood, or a file it names is missing") from None
