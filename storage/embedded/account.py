"""Which user of the operating system runs the embedded server.

PostgreSQL refuses to run as root. An ordinary user's server is that user's own; root's belongs to the account
`postgres` where the system has one, else to `nobody`. The choice is made once, when a cluster is created: a
cluster that exists is run by its owner.
"""

import os
import pwd
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from storage.embedded.error import EmbeddedPostgresError

_INSTEAD_OF_ROOT = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """A user and its group, as the numbers the kernel knows."""

    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        """Whether this process runs as that user already."""
        return self.uid == os.geteuid()


def account_for_new_cluster() -> Account:
    """The user that shall own a cluster made now.

    Raises:
        EmbeddedPostgresError: We are root and there is no account to hand the server to.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    for name in _INSTEAD_OF_ROOT:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedPostgresError(
        f"PostgreSQL refuses root, and no account is named {' or '.join(_INSTEAD_OF_ROOT)}"
    )


def owner_of(data: Path) -> Account:
    """The user that owns the cluster in the folder `data`."""
    about = data.stat()
    return Account(about.st_uid, about.st_gid)
