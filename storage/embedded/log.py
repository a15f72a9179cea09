"""What the server says, in one file that is set aside when it has grown.

The server appends to a descriptor it inherits, so the file may lie where its account cannot go, and may be
renamed only while no server runs.
"""

from pathlib import Path
from typing import BinaryIO

_MAX_BYTES = 16 << 20
_TAIL_BYTES = 4096


class ServerLog:
    """The file `path`, and how much of it was there before us."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen_bytes = self._size_bytes()

    def set_aside_if_large(self) -> None:
        """Rename a file of over 16 MiB to `<name>.1`, in place of the one before."""
        if self._size_bytes() > _MAX_BYTES:
            self._path.rename(self._path.with_name(f"{self._path.name}.1"))
            self._seen_bytes = 0

    def open(self) -> BinaryIO:
        """The file, to append to."""
        return self._path.open("ab")

    def news(self) -> str:
        """The last 4 KiB of what was added since this object was made."""
        if not self._path.exists():
            return ""
        with self._path.open("rb") as file:
            file.seek(max(self._seen_bytes, self._size_bytes() - _TAIL_BYTES))
            return file.read().decode(errors="replace").strip()

    def _size_bytes(self) -> int:
        return self._path.stat().st_size if self._path.exists() else 0
