"""How big the embedded server is, and what it is never run without.

Sizes follow the machine, so they are computed at each start and given on the command line; nothing is written
into the cluster, and nothing written there can switch durability off.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_MIB = 1 << 20
_SHARED_BUFFERS_MAX_MIB = 4096
_MEMBERSHIP = Path("/proc/self/cgroup")
_HIERARCHY = Path("/sys/fs/cgroup")

_ALWAYS = {
    "listen_addresses": "",
    "port": "5432",
    # Relative to the data folder, which only the server's account may enter.
    "unix_socket_directories": ".",
    "max_connections": "100",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "checkpoint_timeout": "15min",
    # The wheel is built without lz4 and zstd; pglz costs more processor time than the bytes are worth.
    "wal_compression": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The sizes that depend on the machine, in MiB."""

    shared_buffers_mib: int
    min_wal_mib: int = 2048
    max_wal_mib: int = 8192

    @classmethod
    def for_this_machine(cls) -> Self:
        """A quarter of the memory this process may use for shared buffers, at most 4 GiB."""
        return cls(shared_buffers_mib=min(_memory_bytes() // (4 * _MIB), _SHARED_BUFFERS_MAX_MIB))

    def parameters(self) -> dict[str, str]:
        """The server's parameters by name."""
        return _ALWAYS | {
            "shared_buffers": f"{self.shared_buffers_mib}MB",
            "min_wal_size": f"{self.min_wal_mib}MB",
            "max_wal_size": f"{self.max_wal_mib}MB",
        }


def _memory_bytes() -> int:
    """The machine's memory, or what our control group (a container, a systemd unit) is limited to."""
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _control_group_limit_bytes()
    return installed if limit is None else min(installed, limit)


def _control_group_limit_bytes() -> int | None:
    """`memory.max` of our group, in bytes (Linux, admin-guide/cgroup-v2); None means no limit."""
    try:
        unified = next(line for line in _MEMBERSHIP.read_text().splitlines() if line.startswith("0::/"))
        limit = (_HIERARCHY / unified.removeprefix("0::/") / "memory.max").read_text().strip()
    except (OSError, StopIteration):
        return None
    return None if limit == "max" else int(limit)
