"""PostgreSQL from a Python wheel, started by the first command that needs it and stopped by the last.

`handle` is what commands use. It joins `lock` (who uses the server), `address` (where it is) and `server`
(make, start, stop), which stands on `postmaster` (what runs), `programs` and `account` (what is run, and as
whom), `settings` and `log`.
"""

from storage.embedded.error import EmbeddedPostgresError
from storage.embedded.handle import EmbeddedPostgres
from storage.embedded.settings import ServerSettings

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "ServerSettings"]
