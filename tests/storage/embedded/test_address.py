"""Addresses of a server, in folders with ordinary and with awkward names."""

from collections.abc import Callable
from pathlib import Path

import pytest

from storage.database import connect
from storage.embedded import EmbeddedPostgres
from storage.embedded.address import Address

Acquire = Callable[[Path], EmbeddedPostgres]


def test_ordinary_folder_is_named_in_the_dsn(tmp_path: Path) -> None:
    """The DSN has the folder, so that a person can use it too."""
    with Address(tmp_path) as address:
        assert address.dsn == f"postgresql://cardswitch@/cardswitch?host={str(tmp_path).replace('/', '%2F')}"


async def test_server_in_an_awkward_folder_is_reached(tmp_path: Path, acquire: Acquire) -> None:
    """A path too long for a socket, with a comma and signs that mean something in a DSN, serves too."""
    home = tmp_path / ("deep & down, " + "x" * 100) / "50 %?" / "höme"
    with acquire(home) as server:
        connection = await connect(server.dsn)
        database = await connection.fetchval("SELECT current_database()")
        await connection.close()

    assert database == "cardswitch"


@pytest.mark.parametrize("name", ["short", "short, with comma", "long" * 30])
def test_nothing_answers_without_a_server(tmp_path: Path, name: str) -> None:
    """A folder without a socket does not answer, whatever its name."""
    (tmp_path / name).mkdir()
    with Address(tmp_path / name) as address:
        assert not address.answers()
