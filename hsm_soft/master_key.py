"""The local master key: the one secret outside the database, an AES-256 key in a file of its own.

Every other key is stored as a key block under it. In production the file is put in place by the operator
and nothing is ever created. A development installation makes its own at first start and says so loudly: in
the file's comment, and to the caller, who logs it. A file whose name or comment says DEVELOPMENT is refused
in production, renamed or not.

The file: comment lines starting with `#`, and one line of 64 hexadecimal characters. It appears under its
name complete or not at all, so two processes that start at once end up with the same key.
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from hsm_soft.primitives import Random

__all__ = [
    "DEVELOPMENT_FILE_NAME",
    "MASTER_KEY_BYTES",
    "DevelopmentKeyRefused",
    "MasterKey",
    "MasterKeyError",
    "MasterKeyMissing",
    "MasterKeyUnreadable",
    "load_or_create_master_key",
]

DEVELOPMENT_FILE_NAME: Final = "DEVELOPMENT-MASTER-KEY.hex"

MASTER_KEY_BYTES: Final = 32
_DEVELOPMENT_MARK: Final = b"DEVELOPMENT"
_COMMENT: Final = (
    b"# DEVELOPMENT MASTER KEY, made at first start. Never use it where real cards live:\n"
    b"# who reads this file can open every key, PIN reference and balance of this installation.\n"
)
_FILE_BYTES_MAX: Final = 4096
_KEY_LINE: Final = re.compile(rb"[0-9A-Fa-f]{64}")


class MasterKeyError(Exception):
    """There is no master key to work with; the text names the file, never its content."""


class MasterKeyMissing(MasterKeyError):
    """The file does not exist and may not or can't be made."""


class MasterKeyUnreadable(MasterKeyError):
    """The file can't be read, or is not one line of 64 hexadecimal characters and comments."""


class DevelopmentKeyRefused(MasterKeyError):
    """The file holds a development key and this is production."""


@dataclass(frozen=True, slots=True, eq=False)
class MasterKey:
    """The key, whether it is a development key, and whether this call made it.

    While the master key is being changed there is also the previous one: blocks under it still open, and
    nothing new is put under it.
    """

    key: bytes = field(repr=False)
    development: bool
    created: bool
    previous: bytes | None = field(default=None, repr=False)


def load_or_create_master_key(
    path: Path, *, allow_create: bool, allow_development: bool = False, random: Random = os.urandom
) -> MasterKey:
    """The master key in `path`.

    Args:
        path: the file. Folders above it are made when the file may be.
        allow_create: make a development key if the file is missing; for development only, so it allows
            development keys too.
        allow_development: accept a development key.
        random: where a new key comes from.

    Raises:
        MasterKeyMissing: no file, and `allow_create` is false or making one failed.
        MasterKeyUnreadable: no permission, or wrong content.
        DevelopmentKeyRefused: a development key, and neither flag allows one.
    """
    created = False
    try:
        content = _read(path)
    except MasterKeyMissing:
        if not allow_create:
            raise
        created = _create(path, random)
        content = _read(path)
    comments, key = _parse(path, content)
    development = _DEVELOPMENT_MARK in comments or _DEVELOPMENT_MARK in os.fsencode(path.name).upper()
    if development and not (allow_create or allow_development):
        raise DevelopmentKeyRefused(f"{path} holds a development master key, which production refuses")
    return MasterKey(key, development, created)


def _create(path: Path, random: Random) -> bool:
    """True if this process made the file; false if another was quicker."""
    content = _COMMENT + random(MASTER_KEY_BYTES).hex().upper().encode("ascii") + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _publish(path, content)
    except OSError as error:
        raise MasterKeyMissing(f"no master key can be made in {path}: {error.strerror}") from None


def _publish(path: Path, content: bytes) -> bool:
    # A temporary file is readable by its owner only, and linking keeps that.
    with NamedTemporaryFile(dir=path.parent, prefix=".master-key-") as draft:
        draft.write(content)
        draft.flush()
        os.fsync(draft.fileno())
        try:
            path.hardlink_to(draft.name)
        except FileExistsError:
            return False
    _sync_folder(path.parent)
    return True


def _sync_folder(folder: Path) -> None:
    """Keys are stored under the new master key at once: its name must survive a power cut before them."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_FILE_BYTES_MAX)
    except FileNotFoundError:
        raise MasterKeyMissing(f"there is no master key in {path}") from None
    except OSError as error:
        raise MasterKeyUnreadable(f"the master key in {path} can't be read: {error.strerror}") from None


def _parse(path: Path, content: bytes) -> tuple[bytes, bytes]:
    """Comments in upper case, and the key."""
    lines = [line.strip() for line in content.splitlines()]
    comments = b"\n".join(line.upper() for line in lines if line.startswith(b"#"))
    key_lines = [line for line in lines if line and not line.startswith(b"#")]
    if len(key_lines) != 1 or not _KEY_LINE.fullmatch(key_lines[0]):
        raise MasterKeyUnreadable(f"{path} is not a master key: one line of 64 hexadecimal characters")
    return comments, bytes.fromhex(key_lines[0].decode("ascii"))
