"""Officers and ceremonies in the database.

An officer proves himself with his passphrase each time he acts; there are no sessions to take over. A removed
officer stays in the table, since ceremonies name him. Components lie here between entry and combination, as
key blocks under the master key, and go when their ceremony closes.

Whoever tries passphrases is slowed down: after two wrong ones in a row an officer is locked, for longer with
each further one. A try is counted, in a transaction of its own, before the passphrase is looked at: neither
killing the command nor asking from many places at once makes one more than the count allows.

Everything else here runs inside the caller's transaction; `locked` keeps two commands from using one ceremony
at once.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import asyncpg

from hsm_soft.ceremony import Activity, Ceremony, CeremonyRefused
from hsm_soft.key_block import KeyBlock
from hsm_soft.passphrase import PassphraseRefused, passphrase_proof, proves
from hsm_soft.primitives import Random
from storage.database import database_errors

__all__ = [
    "LOCK_SECONDS",
    "StoredComponent",
    "add_component",
    "add_officer",
    "approve",
    "authenticate",
    "close",
    "components_of",
    "found",
    "locked",
    "officers",
    "open_ceremony",
    "remove_officer",
]

LOCK_SECONDS: Final = (0, 0, 30, 60, 300, 900, 3_600)
"""How long an officer is locked after that many wrong passphrases in a row; further ones take the last."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_OFFICERS: Final = "SELECT name FROM hsm.officer WHERE removed_at IS NULL ORDER BY name"
_TRY: Final = """
UPDATE hsm.officer SET failed_tries = failed_tries + 1,
    locked_until = $2 + make_interval(secs => ($3::int[])[least(failed_tries + 1, cardinality($3::int[]))])
WHERE name = $1 AND removed_at IS NULL AND (locked_until IS NULL OR locked_until <= $2) RETURNING passphrase
"""
_LOCKED_UNTIL: Final = "SELECT locked_until FROM hsm.officer WHERE name = $1 AND removed_at IS NULL"
_PROVEN: Final = "UPDATE hsm.officer SET failed_tries = 0, locked_until = NULL WHERE name = $1"
_ADD_OFFICER: Final = """
INSERT INTO hsm.officer (name, passphrase) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING name
"""
_REMOVE_OFFICER: Final = """
UPDATE hsm.officer SET removed_at = now() WHERE name = $1 AND removed_at IS NULL RETURNING name
"""
_OPEN: Final = """
INSERT INTO hsm.ceremony (id, activity, subject, opened_by, opened_at, expires_at)
SELECT coalesce(max(id), 0) + 1, $1, $2::jsonb, $3, $4, $5 FROM hsm.ceremony RETURNING id
"""
_LOCKED: Final = """
SELECT id, activity, subject, opened_by, expires_at, approved_by, closed_at FROM hsm.ceremony
WHERE id = $1 FOR UPDATE
"""
_FOUND: Final = _LOCKED.replace("FOR UPDATE", "")
_APPROVE: Final = "UPDATE hsm.ceremony SET approved_by = $2, approved_at = $3 WHERE id = $1"
_CLOSE: Final = "UPDATE hsm.ceremony SET closed_at = $2 WHERE id = $1"
_DROP_COMPONENTS: Final = "DELETE FROM hsm.component WHERE ceremony_id = $1"
_ADD_COMPONENT: Final = """
INSERT INTO hsm.component (ceremony_id, officer, number, key_block, check_value) VALUES ($1, $2, $3, $4, $5)
"""
_COMPONENTS: Final = """
SELECT officer, number, key_block, check_value FROM hsm.component WHERE ceremony_id = $1 ORDER BY number
"""


class StoredComponent(NamedTuple):
    """A component that waits to be combined."""

    officer: str
    number: int
    block: KeyBlock
    check_value: str


async def officers(connection: "asyncpg.Connection[asyncpg.Record]") -> Sequence[str]:
    """The officers there are, by name."""
    with database_errors():
        return [row["name"] for row in await connection.fetch(_OFFICERS)]


async def add_officer(
    connection: "asyncpg.Connection[asyncpg.Record]", name: str, passphrase: str, random: Random
) -> None:
    """Add an officer.

    Raises:
        PassphraseRefused: the passphrase is too short.
        CeremonyRefused: there is or was one of that name.
    """
    proof = passphrase_proof(passphrase, random)
    with database_errors():
        added = await connection.fetchval(_ADD_OFFICER, name, proof)
    if added is None:
        raise CeremonyRefused(f"there is or was an officer {name} already")


async def remove_officer(connection: "asyncpg.Connection[asyncpg.Record]", name: str) -> None:
    """Take an officer's part away.

    Raises:
        CeremonyRefused: there is none of that name.
    """
    with database_errors():
        removed = await connection.fetchval(_REMOVE_OFFICER, name)
    if removed is None:
        raise CeremonyRefused(f"there is no officer {name}")


async def authenticate(
    connection: "asyncpg.Connection[asyncpg.Record]", name: str, passphrase: str, now_us: int
) -> None:
    """Returns only if the passphrase is that officer's.

    Args:
        connection: outside a transaction, so that the try counts whatever becomes of it.
        name: the officer's.
        passphrase: as typed.
        now_us: the time.

    Raises:
        PassphraseRefused: it is not, there is no such officer, or too many tries have failed.
    """
    assert not connection.is_in_transaction()
    with database_errors():
        proof = await connection.fetchval(_TRY, name, _moment(now_us), LOCK_SECONDS)
        if proof is not None and proves(proof, passphrase):
            await connection.execute(_PROVEN, name)
            return
        until = await connection.fetchval(_LOCKED_UNTIL, name)
    if until is not None and until > _moment(now_us):
        raise PassphraseRefused(
            f"too many wrong passphrases: {name} is locked until {until:%Y-%m-%d %H:%M:%S} UTC"
        )
    raise PassphraseRefused("this is no officer's name with that officer's passphrase")


async def open_ceremony(
    connection: "asyncpg.Connection[asyncpg.Record]",
    activity: Activity,
    subject: Mapping[str, str],
    officer: str,
    now_us: int,
    minutes: int,
) -> int:
    """Store a new ceremony; its number."""
    opened = _moment(now_us)
    text = json.dumps(dict(subject), sort_keys=True)
    with database_errors():
        number = await connection.fetchval(
            _OPEN, activity, text, officer, opened, opened + timedelta(minutes=minutes)
        )
    return int(number)


async def locked(connection: "asyncpg.Connection[asyncpg.Record]", ceremony_id: int) -> Ceremony:
    """A ceremony, which nobody else changes until the transaction ends.

    Raises:
        CeremonyRefused: there is none with that number.
    """
    return await _ceremony(connection, _LOCKED, ceremony_id)


async def found(connection: "asyncpg.Connection[asyncpg.Record]", ceremony_id: int) -> Ceremony:
    """A ceremony as it is now.

    Raises:
        CeremonyRefused: there is none with that number.
    """
    return await _ceremony(connection, _FOUND, ceremony_id)


async def _ceremony(
    connection: "asyncpg.Connection[asyncpg.Record]", query: str, ceremony_id: int
) -> Ceremony:
    with database_errors():
        row = await connection.fetchrow(query, ceremony_id)
    if row is None:
        raise CeremonyRefused(f"there is no ceremony {ceremony_id}")
    return Ceremony(
        id=row["id"],
        activity=Activity(row["activity"]),
        opened_by=row["opened_by"],
        expires_at_us=(row["expires_at"] - _EPOCH) // timedelta(microseconds=1),
        subject=json.loads(row["subject"]),
        approved_by=row["approved_by"],
        closed=row["closed_at"] is not None,
    )


async def approve(
    connection: "asyncpg.Connection[asyncpg.Record]", ceremony_id: int, officer: str, now_us: int
) -> None:
    """Store an approval."""
    with database_errors():
        await connection.execute(_APPROVE, ceremony_id, officer, _moment(now_us))


async def close(connection: "asyncpg.Connection[asyncpg.Record]", ceremony_id: int, now_us: int) -> None:
    """End a ceremony and forget its components."""
    with database_errors():
        await connection.execute(_DROP_COMPONENTS, ceremony_id)
        await connection.execute(_CLOSE, ceremony_id, _moment(now_us))


async def add_component(
    connection: "asyncpg.Connection[asyncpg.Record]", ceremony_id: int, component: StoredComponent
) -> None:
    """Keep a component."""
    with database_errors():
        await connection.execute(_ADD_COMPONENT, ceremony_id, *component)


async def components_of(
    connection: "asyncpg.Connection[asyncpg.Record]", ceremony_id: int
) -> Sequence[StoredComponent]:
    """The components entered so far, in their order."""
    with database_errors():
        rows = await connection.fetch(_COMPONENTS, ceremony_id)
    return [
        StoredComponent(row["officer"], row["number"], KeyBlock(row["key_block"]), row["check_value"])
        for row in rows
    ]


def _moment(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at_us)
