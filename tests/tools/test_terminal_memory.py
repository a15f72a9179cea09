"""A terminal's memory survives being switched off."""

from pathlib import Path

import pytest

from tools.terminal_memory import BadTerminalMemory, TerminalMemory


def test_memory_comes_back(tmp_path: Path) -> None:
    """What was written is read again; the file is its owner's alone."""
    path = tmp_path / "T0000001.json"
    memory = TerminalMemory(stan=12, batch="000007", session_keys="00ff")
    memory.write(path)

    assert memory == TerminalMemory.read(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [path] == list(tmp_path.iterdir())


def test_new_terminal_remembers_nothing(tmp_path: Path) -> None:
    """Without a file a terminal starts before its first trace number."""
    assert TerminalMemory(0, "000000", "") == TerminalMemory.read(tmp_path / "T0000001.json")


@pytest.mark.parametrize(("last", "expected"), [(0, "000001"), (1, "000002"), (999_999, "000001")])
def test_trace_numbers_go_round(last: int, expected: str) -> None:
    """Trace numbers are 000001 to 999999."""
    assert expected == TerminalMemory(last).next_stan()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"unknown": 1}',
        '{"stan": "1"}',
        '{"stan": -1}',
        '{"stan": 1000000}',
        '{"batch": "1"}',
        '{"batch": "12345x"}',
        '{"batch": 1}',
        '{"session_keys": "x"}',
        '{"session_keys": 1}',
    ],
)
def test_other_file_is_refused(tmp_path: Path, content: str) -> None:
    """A file that is no memory is an error that says what to do, not a terminal that starts anew."""
    path = tmp_path / "T0000001.json"
    path.write_text(content)

    with pytest.raises(BadTerminalMemory, match="delete it to start anew"):
        TerminalMemory.read(path)
