"""PostgreSQL from a Python wheel, started by the first command that needs it and stopped by the last.

`handle` is what commands use; it joins `lock` (who uses the server) and `server` (make, start, stop), which
stands on `postmaster` (is it running?), `programs` and `account` (what is run, and as whom) and `settings`.
"""

from storage.embedded.error import EmbeddedPostgresError
from storage.embedded.handle import EmbeddedPostgres
from storage.embedded.settings import ServerSettings

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "ServerSettings"]
