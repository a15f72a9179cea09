"""A command's hold on the embedded server.

Every command of the product acquires the server and releases it: the first starts it, the others join, the
last one out stops it. A command that was killed no longer counts, and a server it left running is taken over
by the next. The server belongs to no command: it outlives the one that started it.
"""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Self

from storage.embedded.address import Address
from storage.embedded.error import EmbeddedPostgresError
from storage.embedded.lock import UserLock, exclusive
from storage.embedded.server import Server
from storage.embedded.settings import ServerSettings


class EmbeddedPostgres:
    """The running server of a home, kept up until `release`; made by `acquire`, also as a context manager.

    Attributes:
        dsn: What asyncpg and libpq connect to: the database `cardswitch`, as its superuser. Valid until
            `release`.
    """

    def __init__(self, folder: Path, settings: ServerSettings) -> None:
        self._folder = folder
        self._settings = settings
        self._server = Server(folder)
        with ExitStack() as held:
            held.callback(self._leave, UserLock(folder / "users.lock"))
            with self._alone():
                self._server.ensure_made()
                self._server.ensure_running(settings)
            self.dsn = held.enter_context(Address(self._server.data)).dsn
            self._held = held.pop_all()

    @classmethod
    def acquire(cls, home: Path, settings: ServerSettings | None = None) -> Self:
        """Start the server of `home`, or join a running one, whose settings stay as they are.

        Blocks meanwhile: about a second for a new cluster, longer while a crashed server recovers.

        Args:
            home: The product's folder; made, open to its owner only, if missing. The cluster is in
                `home`/postgres/data, what the server says in `home`/postgres/log.
            settings: The server's sizes; by default those that suit this machine.

        Raises:
            EmbeddedPostgresError: There is no server to be had; the text ends with what the server logged.
        """
        if sys.platform != "linux":
            raise EmbeddedPostgresError(
                f"the embedded PostgreSQL needs Linux, not {sys.platform}; name a server"
            )
        folder = home.resolve() / "postgres"
        with _foreign_errors(folder):
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            return cls(folder, settings or ServerSettings.for_this_machine())

    def revive(self) -> bool:
        """Start the server anew if it has died, at the same address; blocks meanwhile, as `acquire` does.

        Never makes a cluster: if ours has gone, an empty one must not take its place. May be called in
        another thread, but not after `release`.

        Returns:
            Whether it had died, and this call started it.

        Raises:
            EmbeddedPostgresError: It can't be had again; the text ends with what the server logged.
        """
        with _foreign_errors(self._folder), self._alone():
            return self._server.ensure_running(self._settings)

    def release(self) -> None:
        """Stop the server unless someone else uses it. Once released, does nothing.

        Raises:
            EmbeddedPostgresError: The server does not stop.
        """
        with _foreign_errors(self._folder):
            self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()

    def _leave(self, users: UserLock) -> None:
        with self._alone():
            if users.leave():
                self._server.stop()

    def _alone(self) -> AbstractContextManager[None]:
        return exclusive(self._folder / "start.lock")


@contextmanager
def _foreign_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EmbeddedPostgresError(f"the PostgreSQL in {folder} cannot be used: {error}") from error
