"""What every command shares: wrong settings stop it before anything starts, trouble is one line."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from switch.commands import frame
from switch.commands.frame import EXPECTED_TROUBLE, trouble_told

Cardswitch = Callable[..., Any]

COMMANDS = [("run",), ("db", "status"), ("ledger", "show"), ("transaction", "find", "--rrn", "000000000000")]


@pytest.mark.parametrize("command", COMMANDS, ids=[" ".join(command[:2]) for command in COMMANDS])
@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("listeners.pos.prot = 1", "listeners.pos.prot", "unknown key"),
        ("listeners.pos.port = 70000", "listeners.pos.port", "less than or equal to 65535"),
        ('clock.time_zone = "Mars/Olympus"', "clock.time_zone", "no such time zone"),
        ('listeners.pos.dialect = "esperanto"', "listeners.pos.dialect", "must be one of"),
    ],
)
def test_wrong_settings_start_nothing(
    cardswitch: Cardswitch,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    command: Sequence[str],
    text: str,
    key: str,
    reason: str,
) -> None:
    """Exit code 2, a line with file, key and reason, and no database is touched."""
    monkeypatch.setattr(frame, "database_of", lambda _: pytest.fail("something was started"))
    file = tmp_path / "wrong.toml"
    file.write_text(text)

    ran = cardswitch(*command, config=file)

    assert (ran.status, ran.out) == (2, "")
    first, line = ran.err.splitlines()
    assert first == "cardswitch: settings can't be used"
    assert line.startswith(f"{file}: {key}: ")
    assert reason in line


def test_missing_file_is_told(cardswitch: Cardswitch, tmp_path: Path) -> None:
    """A settings file that isn't there is no reason to run with defaults."""
    ran = cardswitch("db", "status", config=tmp_path / "missing.toml")

    assert ran.status == 2
    assert "missing.toml: No such file or directory" in ran.err


def test_trouble_of_the_database_is_one_line(cardswitch: Cardswitch, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that can't be reached ends a command with 1 and one line."""
    monkeypatch.setenv("CARDSWITCH_DATABASE__DSN", "postgresql://nobody@127.0.0.1:9/nothing")

    for command in COMMANDS:
        ran = cardswitch(*command)
        assert (ran.status, ran.out) == (1, "")
        assert ran.err.startswith("cardswitch: the database cannot be used")
        assert len(ran.err.splitlines()) == 1


def test_trouble_of_the_master_key_is_one_line(
    cardswitch: Cardswitch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A master key that is missing, or another one, ends a command with 1 and one line."""
    other = tmp_path / "other.hex"
    other.write_text("7e" * 32)

    for file in (tmp_path / "missing.hex", other):
        monkeypatch.setenv("CARDSWITCH_HSM__MASTER_KEY_FILE", str(file))
        ran = cardswitch("ledger", "show")
        assert (ran.status, ran.out) == (1, "")
        assert len(ran.err.splitlines()) == 1
        assert "7e7e" not in ran.err


def test_defects_keep_their_traceback() -> None:
    """Only what an operator can mend is told in a line; anything else is raised as it is."""
    with pytest.raises(ZeroDivisionError), trouble_told():
        raise ZeroDivisionError
    assert not any(issubclass(trouble, (OSError, ValueError, AssertionError)) for trouble in EXPECTED_TROUBLE)
