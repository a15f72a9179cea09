"""The master key's file: made once, private, loudly a development key, refused in production."""

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from hsm_soft.master_key import (
    DEVELOPMENT_FILE_NAME,
    DevelopmentKeyRefused,
    MasterKey,
    MasterKeyMissing,
    MasterKeyUnreadable,
    load_or_create_master_key,
)
from hsm_soft.primitives import Random

_PRODUCTION_KEY = "6D" * 31 + "A5"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a development installation keeps its key, in a folder that does not exist yet."""
    return tmp_path / "home" / DEVELOPMENT_FILE_NAME


def _write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_the_first_start_makes_a_key(path: Path, random: Random) -> None:
    """The first call makes the key and says so; the second finds the same one."""
    first = load_or_create_master_key(path, allow_create=True, random=random)
    second = load_or_create_master_key(path, allow_create=True, random=random)

    assert (first.created, first.development, len(first.key)) == (True, True, 32)
    assert (False, True, first.key) == (second.created, second.development, second.key)


def test_the_file_is_private_and_loud(path: Path) -> None:
    """Only its owner reads it, its first line warns, and nothing else is left in the folder."""
    load_or_create_master_key(path, allow_create=True)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("# DEVELOPMENT MASTER KEY")
    assert [path] == list(path.parent.iterdir())


def test_without_permission_nothing_is_made(path: Path) -> None:
    """A missing file in production is an error that names it."""
    with pytest.raises(MasterKeyMissing, match=DEVELOPMENT_FILE_NAME):
        load_or_create_master_key(path, allow_create=False)

    assert not path.exists()


def test_the_operators_key_is_read(tmp_path: Path) -> None:
    """Comments, blank lines and lower case are accepted in a production file."""
    path = _write(tmp_path / "master-key.hex", f"# site 1, safe 2\n\n{_PRODUCTION_KEY.lower()}\r\n")
    key = load_or_create_master_key(path, allow_create=False)

    assert (bytes.fromhex(_PRODUCTION_KEY), False, False) == (key.key, key.development, key.created)


def test_production_refuses_a_development_key_even_renamed(path: Path) -> None:
    """Name or comment is enough; a tool may ask for permission explicitly."""
    made = load_or_create_master_key(path, allow_create=True)
    renamed = path.rename(path.with_name("master-key.hex"))

    with pytest.raises(DevelopmentKeyRefused):
        load_or_create_master_key(renamed, allow_create=False)
    assert made.key == load_or_create_master_key(renamed, allow_create=False, allow_development=True).key


def test_production_refuses_a_development_name(tmp_path: Path) -> None:
    """A file called development is refused although its comment was removed."""
    path = _write(tmp_path / "development.hex", _PRODUCTION_KEY)

    with pytest.raises(DevelopmentKeyRefused):
        load_or_create_master_key(path, allow_create=False)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "# only a comment",
        _PRODUCTION_KEY[:-1],
        _PRODUCTION_KEY + "0",
        _PRODUCTION_KEY[:-1] + "g",
        _PRODUCTION_KEY[:32] + " " + _PRODUCTION_KEY[32:],
        _PRODUCTION_KEY + "\n" + _PRODUCTION_KEY,
        b"\xff" * 64,
        "#" * 4096 + "\n" + _PRODUCTION_KEY,
    ],
)
def test_wrong_content_is_refused_without_being_quoted(tmp_path: Path, content: str | bytes) -> None:
    """Anything but one line of 64 hexadecimal characters is an error that names the file only."""
    path = _write(tmp_path / "master-key.hex", content)

    with pytest.raises(MasterKeyUnreadable) as refused:
        load_or_create_master_key(path, allow_create=False)

    assert f"{path} is not a master key: one line of 64 hexadecimal characters" == str(refused.value)


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    """What can't be read at all is an error with the system's reason."""
    with pytest.raises(MasterKeyUnreadable, match="Is a directory"):
        load_or_create_master_key(tmp_path, allow_create=False)


def test_the_key_is_not_in_its_repr(path: Path) -> None:
    """A printed master key shows where it stands and not what it is."""
    key = load_or_create_master_key(path, allow_create=True)

    assert repr(key) == "MasterKey(development=True, created=True)"


def test_losing_the_race_takes_the_winners_key(path: Path) -> None:
    """A process that finds another's file when it publishes its own reads that one."""
    winners = []

    def random(count: int) -> bytes:
        winners.append(load_or_create_master_key(path, allow_create=True))
        return bytes(count)

    loser = load_or_create_master_key(path, allow_create=True, random=random)

    assert (False, winners[0].key) == (loser.created, loser.key)


def test_starts_at_the_same_moment_agree(path: Path) -> None:
    """Of several first starts exactly one makes the key, and all use it."""
    gate = Barrier(8)

    def start(_: int) -> MasterKey:
        gate.wait()
        return load_or_create_master_key(path, allow_create=True)

    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(start, range(8)))

    assert [key.created for key in keys].count(True) == 1
    assert len({key.key for key in keys}) == 1


def test_a_full_disk_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure before the key has its name leaves neither name nor draft, and is told without the key."""

    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(MasterKeyMissing, match=r"No space left on device$"):
        load_or_create_master_key(path, allow_create=True)
    assert not list(path.parent.iterdir())
