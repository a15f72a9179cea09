"""The schema, brought up to date by numbered SQL files that only go forward.

Each component (a package with tables of its own) has a folder of files `NNNN_name.sql`, numbered from 0001
without gaps. A file runs in one transaction together with its row in `schema_migration`, so it is applied
whole and recorded, or not at all. An applied file is never edited: its digest is recorded, another is
refused.

Nodes that start at once need no lock of the server's. A transaction begins with its row, whose primary key
makes every other node that tries the same file wait for the outcome; then that node finds the file applied,
or runs it itself. `compare` decides purely from files and rows; the rest acts on what it says.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path

import asyncpg

from storage.database import connect, database_errors

_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_RETRIES = 9
_TRANSIENT = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
_EXISTS_ALREADY = (asyncpg.DuplicateTableError, asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError)

_TABLE_EXISTS = "SELECT to_regclass('public.schema_migration') IS NOT NULL"
_CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS public.schema_migration (
    component text NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (component, version)
)
"""
_READ = """
SELECT component, version, name, sha256, applied_at FROM public.schema_migration
WHERE component = ANY($1::text[]) ORDER BY component, version
"""
_CLAIM = """
INSERT INTO public.schema_migration (component, version, name, sha256) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING version
"""


class MigrationError(Exception):
    """The schema cannot be brought up to date."""


class MigrationFileError(MigrationError):
    """A component's files are not 0001_name.sql, 0002_name.sql and so on."""


class AlteredMigrationError(MigrationError):
    """A file is not what was applied under its number."""


class NewerDatabaseError(MigrationError):
    """The database has migrations that this version of the code does not."""


class FailedMigrationError(MigrationError):
    """The database refused a file; nothing of it remains."""


@dataclass(frozen=True, slots=True)
class Component:
    """A package with tables of its own, and the folder of its SQL files."""

    name: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Migration:
    """What names one migration; as text `ledger 0002_holds`."""

    component: str
    version: int
    name: str

    def __str__(self) -> str:
        return f"{self.component} {self.version:04d}_{self.name}"


@dataclass(frozen=True, slots=True)
class Applied(Migration):
    """A migration that was run just now."""


class MigrationState(Enum):
    """How a migration's file and its row agree."""

    PENDING = "pending"
    APPLIED = "applied"
    ALTERED = "altered"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class MigrationStatus(Migration):
    """A migration known from its file, its row or both."""

    state: MigrationState
    applied_at: datetime | None


@dataclass(frozen=True, slots=True)
class MigrationFile(Migration):
    """A migration as the code has it."""

    sql: str

    @property
    def sha256(self) -> str:
        """The digest that is recorded, in hexadecimal digits."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class MigrationRow(Migration):
    """A migration as the database has it."""

    sha256: str
    applied_at: datetime


_REFUSALS = {
    MigrationState.ALTERED: (AlteredMigrationError, "was edited after it was applied"),
    MigrationState.UNKNOWN: (NewerDatabaseError, "is applied, but this version of the code does not have it"),
}


async def migrate(dsn: str, components: Sequence[Component]) -> list[Applied]:
    """Run what is pending, component by component in the order given. Safe when several nodes do it at once.

    Returns:
        What this call ran; what another node ran meanwhile is not in it.

    Raises:
        MigrationFileError: A folder's files are badly numbered.
        AlteredMigrationError: An applied file was edited.
        NewerDatabaseError: The database is ahead of the code.
        FailedMigrationError: A file was refused; those before it stay applied.
        DatabaseUnavailable: The database cannot be used.
    """
    files = _read_all(components)
    applied = []
    async with _session(dsn) as connection:
        await _create_table(connection)
        while (pending := _first_pending(files, await _rows(connection, components))) is not None:
            if await _apply(connection, pending):
                applied.append(Applied(pending.component, pending.version, pending.name))
    return applied


async def status(dsn: str, components: Sequence[Component]) -> list[MigrationStatus]:
    """Every migration of `components` and whether it is applied. Changes nothing, raises on no disagreement.

    Raises:
        MigrationFileError: A folder's files are badly numbered.
        DatabaseUnavailable: The database cannot be used.
    """
    files = _read_all(components)
    async with _session(dsn) as connection:
        return compare(files, await _rows(connection, components))


def read_files(component: Component) -> list[MigrationFile]:
    """The files of one component by number.

    Raises:
        MigrationFileError: The folder is missing, a name does not fit, or the numbers are not 1, 2, 3, …
    """
    if not component.folder.is_dir():
        raise MigrationFileError(f"{component.name}: there is no folder {component.folder}")
    files = [_read_file(component, path) for path in sorted(component.folder.glob("*.sql"))]
    for expected, file in enumerate(files, start=1):
        if file.version != expected:
            raise MigrationFileError(f"{file} stands where number {expected:04d} belongs")
    return files


def compare(files: Sequence[MigrationFile], rows: Sequence[MigrationRow]) -> list[MigrationStatus]:
    """Put files and rows side by side: first the files in their order, then rows no file belongs to."""
    rows_by_key = {(row.component, row.version): row for row in rows}
    of_files = [_status_of(file, rows_by_key.pop((file.component, file.version), None)) for file in files]
    return of_files + [_status(row, MigrationState.UNKNOWN, row.applied_at) for row in rows_by_key.values()]


def _read_all(components: Sequence[Component]) -> list[MigrationFile]:
    return [file for component in components for file in read_files(component)]


def _read_file(component: Component, path: Path) -> MigrationFile:
    parts = _FILE_NAME.fullmatch(path.name)
    if parts is None:
        raise MigrationFileError(f"{component.name}: {path.name} is not named NNNN_name.sql")
    return MigrationFile(component.name, int(parts[1]), parts[2], path.read_text("utf-8"))


def _status_of(file: MigrationFile, row: MigrationRow | None) -> MigrationStatus:
    if row is None:
        return _status(file, MigrationState.PENDING, None)
    agree = row.sha256 == file.sha256
    return _status(file, MigrationState.APPLIED if agree else MigrationState.ALTERED, row.applied_at)


def _status(migration: Migration, state: MigrationState, applied_at: datetime | None) -> MigrationStatus:
    return MigrationStatus(migration.component, migration.version, migration.name, state, applied_at)


def _first_pending(files: Sequence[MigrationFile], rows: Sequence[MigrationRow]) -> MigrationFile | None:
    statuses = compare(files, rows)
    for entry in statuses:
        if entry.state in _REFUSALS:
            error, reason = _REFUSALS[entry.state]
            raise error(f"{entry} {reason}")
    pairs = zip(files, statuses[: len(files)], strict=True)
    return next((file for file, entry in pairs if entry.state is MigrationState.PENDING), None)


@asynccontextmanager
async def _session(dsn: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    with database_errors():
        connection = await connect(dsn)
        try:
            yield connection
        finally:
            await connection.close()


async def _create_table(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    # Of two nodes that create it at once, the later meets the other's table, type or catalogue rows.
    if not await connection.fetchval(_TABLE_EXISTS):
        with suppress(*_EXISTS_ALREADY):
            await connection.execute(_CREATE_TABLE)


async def _rows(
    connection: "asyncpg.Connection[asyncpg.Record]", components: Sequence[Component]
) -> list[MigrationRow]:
    if not await connection.fetchval(_TABLE_EXISTS):
        return []
    return [MigrationRow(*row) for row in await connection.fetch(_READ, [c.name for c in components])]


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]", file: MigrationFile) -> bool:
    """Run one file; False when another node has run it meanwhile."""
    for _ in range(_RETRIES):
        with suppress(*_TRANSIENT):
            return await _apply_once(connection, file)
    return await _apply_once(connection, file)


async def _apply_once(connection: "asyncpg.Connection[asyncpg.Record]", file: MigrationFile) -> bool:
    try:
        async with connection.transaction():
            claim = (file.component, file.version, file.name, file.sha256)
            if await connection.fetchval(_CLAIM, *claim) is None:
                return False
            await connection.execute(file.sql)
            return True
    except (*_TRANSIENT, asyncpg.PostgresConnectionError):
        raise
    except asyncpg.PostgresError as error:
        raise FailedMigrationError(f"{file} failed: {error}") from error
