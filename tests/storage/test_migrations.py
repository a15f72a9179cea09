"""The schema's way forward: files read, compared with what is recorded, and run."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage.database import DatabaseUnavailable, connect
from storage.migrations import (
    AlteredMigrationError,
    Applied,
    Component,
    FailedMigrationError,
    MigrationFile,
    MigrationFileError,
    MigrationRow,
    MigrationState,
    MigrationStatus,
    NewerDatabaseError,
    compare,
    migrate,
    read_files,
    status,
)

Write = Callable[..., Component]
UNTIL_BLOCKED = """
    DO $$ BEGIN
        WHILE NOT EXISTS (
            SELECT FROM pg_locks AS wanted JOIN pg_locks AS held USING (pid)
            WHERE NOT wanted.granted
              AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        ) LOOP
            PERFORM pg_sleep(0.005);
        END LOOP;
    END $$"""
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the files of a component: `write("ledger", "0001_first.sql", "SELECT 1", …)`."""

    def write(name: str, *names_and_texts: str) -> Component:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        for file, text in zip(names_and_texts[::2], names_and_texts[1::2], strict=True):
            (folder / file).write_text(text)
        return Component(name, folder)

    return write


async def fetch(dsn: str, query: str) -> list[tuple[object, ...]]:
    """The rows a query gives, on a session of its own."""
    connection = await connect(dsn)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def execute(dsn: str, statement: str) -> None:
    """Run a statement on a session of its own."""
    connection = await connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def test_files_are_read_in_the_order_of_their_numbers(write: Write) -> None:
    """A component's files become migrations; files that are no SQL are left alone."""
    component = write("ledger", "0002_more.sql", "SELECT 2", "0001_first.sql", "SELECT 1", "README", "")

    assert read_files(component) == [
        MigrationFile("ledger", 1, "first", "SELECT 1"),
        MigrationFile("ledger", 2, "more", "SELECT 2"),
    ]
    assert [str(file) for file in read_files(component)] == ["ledger 0001_first", "ledger 0002_more"]


def test_digest_is_of_the_files_bytes(write: Write) -> None:
    """What is recorded can be checked with sha256sum."""
    component = write("ledger", "0001_first.sql", "SELECT 'é'\n")
    (file,) = read_files(component)

    assert file.sha256 == hashlib.sha256((component.folder / "0001_first.sql").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["0002_a.sql"], "ledger 0002_a stands where number 0001 belongs"),
        (["0001_a.sql", "0003_c.sql"], "ledger 0003_c stands where number 0002 belongs"),
        (["0001_a.sql", "0001_b.sql"], "ledger 0001_b stands where number 0002 belongs"),
        (["0000_a.sql"], "ledger 0000_a stands where number 0001 belongs"),
        (["1_a.sql"], "ledger: 1_a.sql is not named NNNN_name.sql"),
        (["0001_A.sql"], "ledger: 0001_A.sql is not named NNNN_name.sql"),
        (["0001_.sql"], "ledger: 0001_.sql is not named NNNN_name.sql"),
    ],
)
def test_bad_numbering_is_refused(write: Write, names: list[str], complaint: str) -> None:
    """Gaps, doubles and names of another form are named."""
    component = write("ledger", *(part for name in names for part in (name, "SELECT 1")))

    with pytest.raises(MigrationFileError, match=complaint):
        read_files(component)


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    """A component whose files were not shipped is not taken for one without tables."""
    with pytest.raises(MigrationFileError, match="ledger: there is no folder"):
        read_files(Component("ledger", tmp_path / "none"))


def test_files_and_rows_are_compared() -> None:
    """Each file is pending, applied or altered, and a row without a file unknown."""
    files = [MigrationFile("ledger", n, f"f{n}", f"SELECT {n}") for n in (1, 2, 3)]
    rows = [
        MigrationRow("ledger", 1, "f1", files[0].sha256, NOON),
        MigrationRow("ledger", 2, "f2", files[0].sha256, NOON),
        MigrationRow("ledger", 4, "f4", "00", NOON),
    ]

    assert compare(files, rows) == [
        MigrationStatus("ledger", 1, "f1", MigrationState.APPLIED, NOON),
        MigrationStatus("ledger", 2, "f2", MigrationState.ALTERED, NOON),
        MigrationStatus("ledger", 3, "f3", MigrationState.PENDING, None),
        MigrationStatus("ledger", 4, "f4", MigrationState.UNKNOWN, NOON),
    ]


async def test_pending_files_are_run_once(empty_database_dsn: str, write: Write) -> None:
    """A first call runs all files in order, a second none, a later one what was added."""
    hsm = write("hsm", "0001_keys.sql", "CREATE TABLE key (id int); INSERT INTO key VALUES (1);")
    ledger = write("ledger", "0001_wallets.sql", "CREATE TABLE wallet AS SELECT id FROM key")
    first = await migrate(empty_database_dsn, [hsm, ledger])
    second = await migrate(empty_database_dsn, [hsm, ledger])
    write("hsm", "0002_more.sql", "INSERT INTO key VALUES (2)")
    third = await migrate(empty_database_dsn, [hsm, ledger])

    assert first == [Applied("hsm", 1, "keys"), Applied("ledger", 1, "wallets")]
    assert second == []
    assert third == [Applied("hsm", 2, "more")]
    assert await fetch(empty_database_dsn, "SELECT id FROM key") == [(1,), (2,)]


async def test_status_tells_without_changing(empty_database_dsn: str, write: Write) -> None:
    """Before the first migration all is pending and nothing is made; afterwards the time is known."""
    ledger = write("ledger", "0001_wallets.sql", "CREATE TABLE wallet ()")
    before = await status(empty_database_dsn, [ledger])
    tables = await fetch(empty_database_dsn, "SELECT * FROM pg_tables WHERE schemaname = 'public'")
    await migrate(empty_database_dsn, [ledger])
    (after,) = await status(empty_database_dsn, [ledger])

    assert before == [MigrationStatus("ledger", 1, "wallets", MigrationState.PENDING, None)]
    assert tables == []
    assert after.state is MigrationState.APPLIED
    assert after.applied_at is not None


async def test_other_components_are_left_alone(empty_database_dsn: str, write: Write) -> None:
    """Who migrates some components is not disturbed by rows of others."""
    hsm = write("hsm", "0001_keys.sql", "CREATE TABLE key ()")
    ledger = write("ledger", "0001_wallets.sql", "CREATE TABLE wallet ()")
    await migrate(empty_database_dsn, [hsm])

    assert await migrate(empty_database_dsn, [ledger]) == [Applied("ledger", 1, "wallets")]


async def test_altered_file_is_refused(empty_database_dsn: str, write: Write) -> None:
    """An applied file that was edited is named, and nothing pending is run."""
    ledger = write("ledger", "0001_wallets.sql", "CREATE TABLE wallet ()")
    await migrate(empty_database_dsn, [ledger])
    write("ledger", "0001_wallets.sql", "CREATE TABLE wallet () ", "0002_holds.sql", "CREATE TABLE hold ()")
    with pytest.raises(AlteredMigrationError, match="ledger 0001_wallets was edited"):
        await migrate(empty_database_dsn, [ledger])

    assert [entry.state for entry in await status(empty_database_dsn, [ledger])] == [
        MigrationState.ALTERED,
        MigrationState.PENDING,
    ]


async def test_newer_database_is_refused(empty_database_dsn: str, write: Write) -> None:
    """Old code does not run on a database that newer code has migrated."""
    ledger = write("ledger", "0001_wallets.sql", "SELECT 1", "0002_holds.sql", "SELECT 2")
    await migrate(empty_database_dsn, [ledger])
    (ledger.folder / "0002_holds.sql").unlink()

    with pytest.raises(NewerDatabaseError, match="ledger 0002_holds is applied, but"):
        await migrate(empty_database_dsn, [ledger])


async def test_failing_file_leaves_nothing(empty_database_dsn: str, write: Write) -> None:
    """A file whose second statement fails is undone whole, those before it stay, and it can be mended."""
    ledger = write("ledger", "0001_a.sql", "CREATE TABLE a ()", "0002_b.sql", "CREATE TABLE b (); SELECT 1/0")
    with pytest.raises(FailedMigrationError, match="ledger 0002_b failed: division by zero"):
        await migrate(empty_database_dsn, [ledger])
    tables = await fetch(empty_database_dsn, "SELECT to_regclass('a') IS NULL, to_regclass('b') IS NULL")
    write("ledger", "0002_b.sql", "CREATE TABLE b ()")

    assert tables == [(False, True)]
    assert await migrate(empty_database_dsn, [ledger]) == [Applied("ledger", 2, "b")]


async def test_nodes_that_start_at_once_share_the_work(empty_database_dsn: str, write: Write) -> None:
    """Of several nodes that migrate together exactly one runs each file."""
    for n in range(1, 6):
        ledger = write("ledger", f"{n:04d}_t.sql", f"CREATE TABLE t{n} (); SELECT pg_sleep(0.02)")
    shares = await asyncio.gather(*(migrate(empty_database_dsn, [ledger]) for _ in range(4)))

    assert sorted(file.version for share in shares for file in share) == [1, 2, 3, 4, 5]


async def test_waiting_node_runs_what_the_first_one_failed(empty_database_dsn: str, write: Write) -> None:
    """When the node that claimed a file is lost, the one that waited for it runs the file."""
    ledger = write("ledger", "0001_a.sql", "SELECT 1", "0002_b.sql", "CREATE TABLE b ()")
    await migrate(empty_database_dsn, [write("other")])
    lost = await connect(empty_database_dsn)
    await lost.execute("BEGIN; INSERT INTO public.schema_migration VALUES ('ledger', 1, 'a', 'x')")
    waiting = asyncio.create_task(migrate(empty_database_dsn, [ledger]))
    await execute(empty_database_dsn, UNTIL_BLOCKED)
    lost.terminate()

    assert [file.version for file in await waiting] == [1, 2]


async def test_interrupted_file_is_tried_again(empty_database_dsn: str, write: Write) -> None:
    """A serialization failure is no refusal: the file is run again."""
    await execute(empty_database_dsn, "CREATE SEQUENCE attempt")
    ledger = write(
        "ledger",
        "0001_a.sql",
        """DO $$ BEGIN
            IF nextval('attempt') < 3 THEN RAISE EXCEPTION USING ERRCODE = '40001'; END IF;
        END $$""",
    )

    assert await migrate(empty_database_dsn, [ledger]) == [Applied("ledger", 1, "a")]
    assert await fetch(empty_database_dsn, "SELECT last_value FROM attempt") == [(3,)]


async def test_endless_interruption_is_given_up(empty_database_dsn: str, write: Write) -> None:
    """A file that fails so each time ends as a database that cannot be used."""
    ledger = write("ledger", "0001_a.sql", "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$")

    with pytest.raises(DatabaseUnavailable, match="40P01"):
        await migrate(empty_database_dsn, [ledger])


async def test_lost_connection_is_no_refusal(empty_database_dsn: str, write: Write) -> None:
    """A session cut while a file runs says nothing against the file."""
    ledger = write("ledger", "0001_a.sql", "SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(DatabaseUnavailable):
        await migrate(empty_database_dsn, [ledger])


async def test_products_migrations_are_all_applied(
    database_dsn: str, components: Sequence[Component]
) -> None:
    """A test's database has every migration of the product."""
    assert {entry.state for entry in await status(database_dsn, components)} == {MigrationState.APPLIED}
