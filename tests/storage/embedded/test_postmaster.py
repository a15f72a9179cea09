"""Which processes belong to a data folder."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from storage.embedded.postmaster import (
    Postmaster,
    cluster_name,
    find_postmaster,
    is_abandoned,
    server_processes,
)

Process = subprocess.Popen[bytes]


@pytest.fixture
def start_impostor(tmp_path: Path) -> Iterator[Callable[[str, str], Process]]:
    """Starts a process under a program's name with a word in its command line."""
    with ExitStack() as started:

        def start(program: str, word: str) -> Process:
            folder = tmp_path / "programs" / program
            folder.mkdir(parents=True, exist_ok=True)
            (folder / program).symlink_to("/bin/cat")
            command: list[str | Path] = [folder / program, "--", "-", word]
            process = started.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE))
            started.callback(process.kill)
            while not Path(f"/proc/{process.pid}/cmdline").read_bytes():
                time.sleep(0.001)
            return process

        yield start


def test_folder_without_server_has_none(tmp_path: Path) -> None:
    """Without a lock file there is no postmaster."""
    assert find_postmaster(tmp_path) is None


@pytest.mark.parametrize("text", ["", "\n", "not a number\n", "999999999\n"])
def test_lock_file_alone_is_no_server(tmp_path: Path, text: str) -> None:
    """An empty, damaged or left-over lock file is no postmaster."""
    (tmp_path / "postmaster.pid").write_text(text)

    assert find_postmaster(tmp_path) is None


@pytest.mark.parametrize(
    ("last_lines", "is_ready"),
    [("", False), ("starting\n", False), ("stopping\n", False), ("ready   \n", True)],
)
def test_state_is_the_eighth_line(
    tmp_path: Path, start_impostor: Callable[[str, str], Process], last_lines: str, is_ready: bool
) -> None:
    """A live postmaster is ready when its lock file says so."""
    process = start_impostor("postgres", cluster_name(tmp_path))
    lines = f"{process.pid}\n/proc/self/cwd\n1700000000\n5432\n.\n\n 1 2\n"
    (tmp_path / "postmaster.pid").write_text(lines + last_lines)

    assert find_postmaster(tmp_path) == Postmaster(process.pid, is_ready)


def test_processes_are_told_by_program_and_cluster(
    tmp_path: Path, start_impostor: Callable[[str, str], Process]
) -> None:
    """Another program that mentions the cluster does not count, nor does a server for another folder."""
    own = start_impostor("postgres", f"--cluster_name={cluster_name(tmp_path)}")
    start_impostor("grep", cluster_name(tmp_path))

    assert server_processes(tmp_path) == [own.pid]
    assert not is_abandoned(tmp_path)
    assert server_processes(tmp_path / "programs") == []


def test_dead_process_nobody_collected_does_not_count(
    tmp_path: Path, start_impostor: Callable[[str, str], Process]
) -> None:
    """A zombie serves no folder, though its process id exists."""
    process = start_impostor("postgres", cluster_name(tmp_path))
    (tmp_path / "postmaster.pid").write_text(f"{process.pid}\n")
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

    assert find_postmaster(tmp_path) is None
    assert server_processes(tmp_path) == []


def test_name_does_not_depend_on_the_path(tmp_path: Path) -> None:
    """A folder has one cluster name, also through a link, and another folder another."""
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "other").mkdir()

    assert cluster_name(tmp_path / "link") == cluster_name(tmp_path)
    assert cluster_name(tmp_path / "other") != cluster_name(tmp_path)
