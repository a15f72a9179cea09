"""Where the named keys live: key blocks in table `hsm.key`, made by whichever node starts first.

A node reads the table, adds the keys that are missing and reads again. The insert is one statement in the
order of the ids that skips what exists, so of two nodes that start at once one writes and the other takes
what was written. A node opens what it finds before it adds anything: one with the wrong master key would
add keys the others can't open.
"""

import os
from collections.abc import Mapping, Sequence

import asyncpg

from hsm_soft.data_key_store import open_data_keys
from hsm_soft.hsm import SoftHsm
from hsm_soft.interface import InProcessHsm
from hsm_soft.key_block import KeyBlock, KeyBlockProtection, KeyBlockRefused, KeyUsage, Refusal
from hsm_soft.master_key import MasterKey
from hsm_soft.named_keys import KEY_IDS, NamedKey, new_named_keys
from hsm_soft.primitives import Random
from storage.database import database_errors

__all__ = ["WrongMasterKey", "open_hsm"]

_READ = "SELECT id, key_block FROM hsm.key WHERE id = ANY ($1::integer[])"
_ADD = """
    INSERT INTO hsm.key (id, name, usage, key_block, check_value, activated_at)
    SELECT *, now() FROM unnest($1::integer[], $2::text[], $3::text[], $4::text[], $5::text[]) ORDER BY 1
    ON CONFLICT DO NOTHING
"""


class WrongMasterKey(Exception):
    """The database's keys don't open under this master key."""

    def __init__(self, usage: KeyUsage) -> None:
        super().__init__(
            f"this database was made under another master key, or its keys were changed: the key "
            f"'{usage.label}' in hsm.key does not open"
        )


async def open_hsm(
    connection: "asyncpg.Connection[asyncpg.Record]",
    master_key: MasterKey,
    random: Random = os.urandom,
    *,
    sm4_pos_mac: bool = False,
) -> SoftHsm:
    """The HSM of this database, its named keys and data keys made if they are missing.

    Args:
        connection: to a migrated database, outside a transaction.
        master_key: the local master key.
        random: the source of keys, nonces and salts.
        sm4_pos_mac: compute the POS MAC of SM4 keys, which no published message verifies.

    Raises:
        WrongMasterKey: the keys were made under another master key, or changed.
        KeyBlockRefused: a key block stands where another belongs.
        SelfTestFailed: an algorithm does not give its known answer.
        DatabaseUnavailable: the database refuses or went away.
    """
    protection = KeyBlockProtection(master_key.key, master_key.previous)
    key_blocks = await _read(connection)
    _refuse_foreign(protection, key_blocks)
    if len(key_blocks) < len(KEY_IDS):
        await _add(connection, new_named_keys(protection, random))
        key_blocks = await _read(connection)
        _refuse_foreign(protection, key_blocks)
    hsm = SoftHsm(master_key, key_blocks, random, sm4_pos_mac=sm4_pos_mac)
    await open_data_keys(connection, InProcessHsm(hsm))
    return hsm


async def _read(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[int, KeyBlock]:
    with database_errors():
        rows = await connection.fetch(_READ, list(KEY_IDS.values()))
    return {row["id"]: KeyBlock(row["key_block"]) for row in rows}


async def _add(connection: "asyncpg.Connection[asyncpg.Record]", keys: Sequence[NamedKey]) -> None:
    with database_errors():
        await connection.execute(_ADD, *(list(column) for column in zip(*keys, strict=True)))


def _refuse_foreign(protection: KeyBlockProtection, key_blocks: Mapping[int, KeyBlock]) -> None:
    for usage, key_id in KEY_IDS.items():
        if key_id in key_blocks:
            _refuse_foreign_block(protection, key_blocks[key_id], usage)


def _refuse_foreign_block(protection: KeyBlockProtection, key_block: KeyBlock, usage: KeyUsage) -> None:
    try:
        protection.unwrap(key_block, usage)
    except KeyBlockRefused as refused:
        if refused.reason is Refusal.FORGED:
            raise WrongMasterKey(usage) from None
        raise
