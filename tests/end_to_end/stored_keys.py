"""Every key block that an installation has under its master key, opened."""

from pathlib import Path

import asyncpg

from hsm_soft.key_block import KeyBlock, KeyBlockProtection
from switch.custody import KEY_BLOCKS


def master_key_in(file: Path) -> bytes:
    """The master key in a file of the kind that holds it in clear."""
    lines = file.read_text(encoding="utf-8").splitlines()
    (key,) = [bytes.fromhex(line) for line in lines if not line.startswith("#")]
    return key


async def stored_keys(
    connection: "asyncpg.Connection[asyncpg.Record]", protection: KeyBlockProtection
) -> dict[str, bytes]:
    """Clear keys by their places: table, column and primary key."""
    return {
        place: protection.open(KeyBlock(block))[1]
        for place, block in (await stored_blocks(connection)).items()
    }


async def stored_blocks(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, str]:
    """Key blocks by their places."""
    blocks = {}
    for column in KEY_BLOCKS:
        name = ", ".join(column.key)
        for row in await connection.fetch(
            f"SELECT {column.block} AS block, {name} FROM {column.table} WHERE {column.block} IS NOT NULL"
        ):
            blocks[f"{column} {list(row)[1:]}"] = row["block"]
    return blocks
