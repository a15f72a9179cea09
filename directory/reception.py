"""The reception: who comes in is asked for name and password, before any work begins.

A try is counted before the password is looked at, in a statement of its own, so that no number of tries at
once gets past the lock. After six wrong passwords in a row no password is looked at for half an hour. An
unknown name, a wrong password and a locked or disabled operator get the same answer after the same work. Each
wrong password of an operator who is not locked is in the audit; a name nobody has is not, since it may be a
password that was typed into the wrong place.

Who was given a password by somebody else, or has an old one, may do nothing but choose another.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

import asyncpg

from directory.operators import check_name
from directory.parties import PLATFORM_ID, Lineage, lineage_under
from directory.passwords import (
    FAILURES_MAX,
    LOCKED_US,
    REMEMBERED,
    Hasher,
    PasswordUsedBefore,
    check,
    is_expired,
)
from directory.reading import Connection
from directory.refusals import NotSignedIn, Refused, message
from directory.rights import Role
from directory.subjects import Kind
from directory.work import Happening, Operator, OperatorId, Subject, Work
from storage.database import database_errors

_TRY: Final = """
UPDATE directory.operator
   SET failures = CASE WHEN failures >= $3::integer THEN 1 ELSE failures + 1 END, failed_us = $2::bigint
  FROM directory.party
 WHERE party.id = operator.party_id AND operator.name = $1 AND state = 'active'
   AND (failures < $3 OR failed_us <= $2::bigint - $4::bigint)
RETURNING operator.id, operator.name, role, party_id, lineage, password_proof, password_set_us, must_change,
          failures
"""
_SIGNED_IN: Final = "UPDATE directory.operator SET failures = 0, signed_in_us = $2 WHERE id = $1"
_REMEMBERED: Final = """
SELECT proof FROM directory.operator_password WHERE operator_id = $1 ORDER BY number DESC LIMIT $2
"""
_SET: Final = """
UPDATE directory.operator SET password_proof = $2, password_set_us = $3, must_change = false WHERE id = $1
"""
_REMEMBER: Final = """
INSERT INTO directory.operator_password (operator_id, number, proof)
SELECT $1::bigint, coalesce(max(number), 0) + 1, $2 FROM directory.operator_password WHERE operator_id = $1
"""
_FIRST: Final = """
INSERT INTO directory.operator (id, name, role, party_id, state, password_proof, password_set_us, must_change)
SELECT 1, $1, $2, $3::bigint, 'active', $4, $5::bigint, false
WHERE NOT EXISTS (SELECT FROM directory.operator)
RETURNING id
"""
_NOBODY: Final = "nobody's password 0"


class PasswordExpired(Refused):
    """The password was right, but good for choosing another only."""

    text = message("choose a new password first: this one is too old or was given to you")


class NotTheFirst(Refused):
    """There are operators already, who add others."""

    text = message("there are operators already: they add others")


class Reception:
    """Where operators sign in.

    Args:
        connections: Gives a session for the time of a statement or two.
        clock_us: The time, in microseconds since 1970 (UTC).
        hasher: For passwords; its work is done in another thread.
    """

    def __init__(
        self,
        connections: Callable[[], AbstractAsyncContextManager[Connection]],
        clock_us: Callable[[], int],
        hasher: Hasher,
    ) -> None:
        self._connections: Final = connections
        self._clock_us: Final = clock_us
        self._hasher: Final = hasher

    async def sign_in(self, name: str, password: str) -> Operator:
        """The operator whose name and password these are.

        Raises:
            NotSignedIn: They belong to nobody who may work.
            PasswordExpired: They are right, but another password has to be chosen first.
            DatabaseUnavailable: The database failed.
        """
        row = await self._recognised(name, password)
        if row["must_change"] or is_expired(row["password_set_us"], self._clock_us()):
            raise PasswordExpired
        return _operator(row)

    async def change_password(self, name: str, password: str, new: str) -> None:
        """Choose another password.

        Raises:
            NotSignedIn: Name and present password belong to nobody who may work.
            PasswordRefused: The new one breaks a rule.
            DatabaseUnavailable: The database failed.
        """
        row = await self._recognised(name, password)
        check(new, name)
        with database_errors():
            async with self._connections() as connection:
                earlier = await connection.fetch(_REMEMBERED, row["id"], REMEMBERED - 1)
        for proof in (row["password_proof"], *(each["proof"] for each in earlier)):
            if await asyncio.to_thread(self._hasher.proves, proof, new):
                raise PasswordUsedBefore(count=REMEMBERED)
        await self._set_password(_operator(row), row, await self.proof(name, new))

    async def proof(self, name: str, password: str) -> str:
        """What is stored of a new password.

        Raises:
            PasswordRefused: It breaks a rule.
        """
        check(password, name)
        return await asyncio.to_thread(self._hasher.proof, password)

    async def add_first(self, name: str, password: str) -> Operator:
        """Add the first operator of all, an administrator of the platform.

        Raises:
            NotTheFirst: There is one already.
            InvalidValue: The name can't be used.
            PasswordRefused: The password breaks a rule.
            DatabaseUnavailable: The database failed.
        """
        check_name(name)
        proof, now_us = await self.proof(name, password), self._clock_us()
        with database_errors():
            async with self._connections() as connection, connection.transaction():
                role = Role.PLATFORM_ADMIN
                lineage = lineage_under(Lineage(""), PLATFORM_ID)
                first = Operator(OperatorId(1), name, role, PLATFORM_ID, lineage)
                work = Work(connection, first, now_us)
                await work.hold_audit()
                if await connection.fetchval(_FIRST, name, role, PLATFORM_ID, proof, now_us) is None:
                    raise NotTheFirst
                work.record(Happening.FIRST_OPERATOR, _subject(first), after={"name": name, "role": role})
                await work.write_log()
        return first

    async def _recognised(self, name: str, password: str) -> asyncpg.Record:
        with database_errors():
            async with self._connections() as connection:
                now_us = self._clock_us()
                row = await connection.fetchrow(_TRY, name, now_us, FAILURES_MAX, LOCKED_US)
        if row is None:
            await asyncio.to_thread(self._hasher.proof, _NOBODY)
            raise NotSignedIn
        if not await asyncio.to_thread(self._hasher.proves, row["password_proof"], password):
            await self._note_failure(row)
            raise NotSignedIn
        with database_errors():
            async with self._connections() as connection:
                await connection.execute(_SIGNED_IN, row["id"], now_us)
        return row

    async def _note_failure(self, row: asyncpg.Record) -> None:
        operator = _operator(row)
        with database_errors():
            async with self._connections() as connection, connection.transaction():
                work = Work(connection, operator, self._clock_us())
                after = {"failures": row["failures"], "locked": row["failures"] >= FAILURES_MAX}
                work.record(Happening.SIGN_IN_FAILED, _subject(operator), after=after)
                await work.write_log()

    async def _set_password(self, operator: Operator, row: asyncpg.Record, proof: str) -> None:
        with database_errors():
            async with self._connections() as connection, connection.transaction():
                work = Work(connection, operator, self._clock_us())
                await connection.execute(_REMEMBER, operator.id, row["password_proof"])
                await connection.execute(_SET, operator.id, proof, work.at_us)
                work.record(Happening.PASSWORD_CHANGED, _subject(operator))
                await work.write_log()


def _operator(row: asyncpg.Record) -> Operator:
    return Operator(
        OperatorId(row["id"]), row["name"], Role(row["role"]), row["party_id"], Lineage(row["lineage"])
    )


def _subject(operator: Operator) -> Subject:
    return Subject(Kind.OPERATOR, operator.name, operator.party_id)
