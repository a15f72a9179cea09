"""The server's log file."""

from pathlib import Path

from storage.embedded.log import ServerLog


def test_news_are_what_was_added_since(tmp_path: Path) -> None:
    """Of an old log only what came later is told."""
    (tmp_path / "log").write_text("old\n")
    log = ServerLog(tmp_path / "log")
    with log.open() as file:
        file.write(b"new\n")

    assert log.news() == "new"


def test_news_are_short(tmp_path: Path) -> None:
    """Of much that was added the last 4 KiB are told, even if they begin inside a character."""
    log = ServerLog(tmp_path / "log")
    with log.open() as file:
        file.write("é".encode() * 3000 + b".")

    assert len(log.news()) == 2049
    assert log.news().endswith("éé.")


def test_no_log_has_no_news(tmp_path: Path) -> None:
    """Before anything was said there is nothing to tell."""
    assert ServerLog(tmp_path / "log").news() == ""


def test_large_log_is_set_aside(tmp_path: Path) -> None:
    """A file of over 16 MiB is renamed in place of the one before, and a smaller one is not."""
    path = tmp_path / "log"
    path.touch()
    limit_bytes = 16 << 20
    with path.open("r+b") as file:
        file.truncate(limit_bytes)
    ServerLog(path).set_aside_if_large()
    assert path.exists()
    (tmp_path / "log.1").write_text("earlier")
    with path.open("r+b") as file:
        file.truncate(limit_bytes + 1)
    log = ServerLog(path)
    log.set_aside_if_large()
    with log.open() as file:
        file.write(b"new")

    assert (tmp_path / "log.1").stat().st_size == limit_bytes + 1
    assert log.news() == "new"
