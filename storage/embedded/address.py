"""Where clients find the server: a Unix socket in its data folder.

The kernel takes socket paths of at most 107 bytes. Where a home lies deeper, the folder is named by a
descriptor of it that we keep open; such an address is as good as long as its holder lives, which is also how
long the holder keeps the server up.
"""

import os
import socket
from contextlib import closing
from pathlib import Path
from typing import Self
from urllib.parse import quote

SUPERUSER = "cardswitch"
DATABASE = "cardswitch"
SOCKET_NAME = ".s.PGSQL.5432"

_PATH_MAX_BYTES = 107


class Address:
    """The socket of the server in the folder `data`, valid until `close`."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._descriptor = os.open(data, os.O_PATH | os.O_DIRECTORY)

    @property
    def dsn(self) -> str:
        """What asyncpg and libpq connect to; it holds no secret."""
        return f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(self._folder, safe='')}"

    def answers(self) -> bool:
        """Whether a process listens here, be it one of another container."""
        with closing(socket.socket(socket.AF_UNIX)) as probe:
            return probe.connect_ex(f"{self._folder}/{SOCKET_NAME}") == 0

    def close(self) -> None:
        """Let go of the folder; at most once."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def _folder(self) -> str:
        # asyncpg takes a comma for the end of a host name, even an escaped one.
        if len(os.fsencode(self._data / SOCKET_NAME)) <= _PATH_MAX_BYTES and "," not in str(self._data):
            return str(self._data)
        return f"/proc/{os.getpid()}/fd/{self._descriptor}"
