"""Sizes of the server."""

import os
from pathlib import Path

import pytest

from storage.embedded import settings
from storage.embedded.settings import ServerSettings

GIB = 1 << 30


@pytest.mark.parametrize(
    ("memory_bytes", "shared_buffers_mib"), [(GIB, 256), (16 * GIB, 4096), (64 * GIB, 4096)]
)
def test_shared_buffers_follow_the_memory(
    monkeypatch: pytest.MonkeyPatch, memory_bytes: int, shared_buffers_mib: int
) -> None:
    """Shared buffers get a quarter of the memory, at most 4 GiB."""
    monkeypatch.setattr(settings, "_memory_bytes", lambda: memory_bytes)

    assert ServerSettings.for_this_machine() == ServerSettings(shared_buffers_mib, 2048, 8192)


def test_sizes_are_given_to_the_server() -> None:
    """Sizes reach the server as its parameters, in MiB."""
    parameters = ServerSettings(shared_buffers_mib=1, min_wal_mib=2, max_wal_mib=3).parameters()

    assert [parameters[name] for name in ("shared_buffers", "min_wal_size", "max_wal_size")] == [
        "1MB",
        "2MB",
        "3MB",
    ]


@pytest.mark.parametrize(
    ("membership", "limit", "memory_bytes"),
    [
        ("0::/box\n", "1073741824\n", GIB),
        ("1:name=systemd:/\n0::/box\n", f"{GIB * GIB}\n", 4 * GIB),
        ("0::/box\n", "max\n", 4 * GIB),
        ("0::/elsewhere\n", "1073741824\n", 4 * GIB),
        ("1:memory:/box\n", "1073741824\n", 4 * GIB),
        (None, "1073741824\n", 4 * GIB),
    ],
)
def test_memory_is_what_we_may_use(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    membership: str | None,
    limit: str,
    memory_bytes: int,
) -> None:
    """The control group's limit counts where there is one and it is below what is installed."""
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "memory.max").write_text(limit)
    if membership is not None:
        (tmp_path / "cgroup").write_text(membership)
    monkeypatch.setattr(settings, "_MEMBERSHIP", tmp_path / "cgroup")
    monkeypatch.setattr(settings, "_HIERARCHY", tmp_path)
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": GIB // 1024}.__getitem__)

    assert ServerSettings.for_this_machine().shared_buffers_mib == memory_bytes // (4 << 20)
