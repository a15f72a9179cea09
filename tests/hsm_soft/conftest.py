"""An HSM with reproducible randomness, and the published vectors of `vectors.json` as test parameters."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random

import pytest

from hsm_soft.audit.log import AuditLog
from hsm_soft.custody import Parts
from hsm_soft.data_keys import DATA_KEY_USAGES, DataKey
from hsm_soft.hsm import SoftHsm
from hsm_soft.key_block import KeyBlock, KeyBlockProtection
from hsm_soft.key_life import ManagedKey
from hsm_soft.key_store import open_hsm
from hsm_soft.master_key import MasterKey
from hsm_soft.named_keys import new_named_keys
from storage.database import connect
from tests.hsm_soft.key_room import PASSPHRASE, Hour, Room

_VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="utf-8"))


def pytest_configure(config: pytest.Config) -> None:
    """Declares the marker that names a test's vectors."""
    config.addinivalue_line(
        "markers", "vectors(*prefixes): run once for each vector whose name starts with one of them"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Gives `vector` its values, at least one."""
    for marker in metafunc.definition.iter_markers("vectors"):
        chosen = [vector for vector in _VECTORS if vector["name"].startswith(marker.args)]
        assert chosen, marker
        metafunc.parametrize("vector", chosen, ids=[vector["name"] for vector in chosen])


@pytest.fixture
def random() -> Callable[[int], bytes]:
    """Reproducible random bytes."""
    return Random(8583).randbytes


@pytest.fixture
def master_key() -> MasterKey:
    """A master key that no other test run has either."""
    return MasterKey(Random("master key").randbytes(32), development=True, created=False)


@pytest.fixture
def protection(master_key: MasterKey) -> KeyBlockProtection:
    """Key blocks under the master key."""
    return KeyBlockProtection(master_key.key)


@pytest.fixture
def key_blocks(protection: KeyBlockProtection, random: Callable[[int], bytes]) -> dict[int, KeyBlock]:
    """The named keys of a new installation."""
    return {key.id: key.key_block for key in new_named_keys(protection, random)}


@pytest.fixture
def data_keys(
    master_key: MasterKey, key_blocks: dict[int, KeyBlock], random: Callable[[int], bytes]
) -> list[DataKey]:
    """The first data keys of a new installation."""
    maker = SoftHsm(master_key, key_blocks, random)
    return [maker.new_data_key(usage, key_id) for key_id, usage in enumerate(DATA_KEY_USAGES, start=1)]


@pytest.fixture
def hsm(
    master_key: MasterKey,
    key_blocks: dict[int, KeyBlock],
    data_keys: list[DataKey],
    random: Callable[[int], bytes],
) -> SoftHsm:
    """An HSM over the master key, the named keys and the first data keys."""
    hsm = SoftHsm(master_key, key_blocks, random)
    hsm.load_data_keys(data_keys)
    return hsm


@pytest.fixture(scope="session")
def clear_pin_block() -> Callable[[str, str], bytes]:
    """Builds a PIN block in format 0 by its definition, as a terminal does before it encrypts."""

    def build(pin: str, pan: str) -> bytes:
        pin_field = f"0{len(pin):X}{pin}".ljust(16, "F")
        pan_field = pan[:-1][-12:].rjust(16, "0")
        return (int(pin_field, 16) ^ int(pan_field, 16)).to_bytes(8, "big")

    return build


@pytest.fixture
async def room(
    database_dsn: str,
    master_key: MasterKey,
    protection: KeyBlockProtection,
    random: Callable[[int], bytes],
    quick_passphrases: None,
) -> AsyncIterator[Room]:
    """Custody with the officers alice and bob, who share a passphrase, and the named keys."""
    connection = await connect(database_dsn)
    await open_hsm(connection, master_key)
    hour, current = Hour(), list[ManagedKey]()

    async def told(_: object, key: ManagedKey) -> None:
        current.append(key)

    audit = AuditLog(lambda: hour.now_us)
    room = Room(Parts(connection, protection, audit, lambda: hour.now_us, random, told), hour, current)
    for officer in ("alice", "bob"):
        await room.ceremonies.add_officer(officer, PASSPHRASE, None)
    yield room
    await connection.close()


@pytest.fixture
def quick_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretches passphrases with little memory: what is tested is not how long that takes."""
    monkeypatch.setattr("hsm_soft.passphrase._MEMORY_KIB", 64)
