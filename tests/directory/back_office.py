"""An office with people in it, on a database of the test's own, at a time that the test tells."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

from directory.office import Office
from directory.operators import CARRIED_OUT
from directory.parties import PLATFORM_ID, Lineage, Party, PartyId, PartyKind
from directory.party_service import insert_party
from directory.reception import Reception
from directory.rights import Action, Role
from directory.work import CarryOut, Operator, OperatorId, Work

T = TypeVar("T")

PASSWORD = "correct horse battery 1"


class QuickHasher:
    """Takes no time; a proof is the password itself behind a mark."""

    def proof(self, password: str) -> str:
        """What is stored."""
        return f"proof of {password}"

    def proves(self, proof: str, password: str) -> bool:
        """Whether it is that one."""
        return proof == self.proof(password)


@dataclass
class BackOffice:
    """Office and reception, and people who are simply there."""

    connections: Callable[[], Any]
    carried_out: Mapping[Action, CarryOut] = field(default_factory=lambda: CARRIED_OUT)
    now_us: int = 1_800_000_000_000_000
    hasher: QuickHasher = field(default_factory=QuickHasher)
    codes: Any = field(default_factory=lambda: count(1))

    @property
    def office(self) -> Office:
        """Where they work."""
        return Office(self.connections, lambda: self.now_us, self.carried_out)

    @property
    def reception(self) -> Reception:
        """Where they sign in."""
        return Reception(self.connections, lambda: self.now_us, self.hasher)

    async def operator(
        self, name: str, role: Role = Role.PLATFORM_ADMIN, party_id: PartyId = PLATFORM_ID
    ) -> Operator:
        """Somebody who works here, with the password `PASSWORD`."""
        async with self.connections() as connection:
            added = await connection.fetchval(
                """INSERT INTO directory.operator
                       (id, name, role, party_id, state, password_proof, password_set_us, must_change)
                   SELECT coalesce(max(id), 0) + 1, $1, $2, $3::bigint, 'active', $4, $5::bigint, false
                   FROM directory.operator RETURNING id""",
                *(name, role, party_id, self.hasher.proof(PASSWORD), self.now_us),
            )
            lineage = await connection.fetchval("SELECT lineage FROM directory.party WHERE id = $1", party_id)
        return Operator(OperatorId(added), name, role, party_id, Lineage(lineage))

    async def party(
        self, kind: PartyKind = PartyKind.ISSUER, parent_id: PartyId = PLATFORM_ID, code: str = ""
    ) -> Party:
        """A party that nobody logged."""
        code = code or f"P{next(self.codes)}"
        nobody = Operator(OperatorId(0), "nobody", Role.PLATFORM_ADMIN, PLATFORM_ID, Lineage("1."))
        async with self.connections() as connection, connection.transaction():
            return await insert_party(Work(connection, nobody, self.now_us), kind, code, code, parent_id)

    async def run(
        self, operator: Operator, service: Callable[[Work], Awaitable[T]], why: str = "", *, dry: bool = False
    ) -> T:
        """Have an operator do a service."""
        return await self.office.run(operator, service, why, dry=dry)

    async def rows(self, query: str, *values: object) -> list[Any]:
        """What the database says."""
        async with self.connections() as connection:
            found: list[Any] = await connection.fetch(query, *values)
            return found

    async def execute(self, statement: str, *values: object) -> None:
        """Change the database behind everybody's back."""
        async with self.connections() as connection:
            await connection.execute(statement, *values)
