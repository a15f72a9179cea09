"""The office: where operators work on the directory, each piece of work one database transaction.

`async with office.work(operator) as work` begins a transaction and finds the operator as they are now: who
was disabled since signing in works no more. A service is a function over `work`. It asks `require` before it
changes or shows a record, limits lists and counts with `scope`, says what it did with `record`, and asks
`approval` before it does what needs four eyes. `run` does a whole service so, and again if the database undid
it in favour of another.

A foreign party's record answers exactly like one that does not exist. So a service reads the record first and
hands its party to `require`, or None if there is no such record: whether the role has the right at all is
decided before either.

What was recorded is written at the end, just before COMMIT, under the lock of the audit's end: the numbers of
the audit have no gaps and their order is the order of commits. What hot views remember of a subject is noted
in the change log in the same moment.

`approval` passes when the work carries out a proposal of exactly this action, subject and content, made by
another operator. Otherwise it raises `ApprovalNeeded`; then the work is undone, and the proposal is stored in
a transaction of its own. `approve` is the second operator's work: it carries out what the proposal says by
calling the same service again, as that operator.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Final, TypeVar

from directory import proposals
from directory.content import Content, Json
from directory.parties import Lineage
from directory.proposals import ProposalState
from directory.reading import Connection
from directory.refusals import ApprovalNeeded, NotSignedIn
from directory.rights import Action, Role
from directory.work import (
    CarryOut,
    Draft,
    NotProposedYet,
    Operator,
    OperatorId,
    ProposalId,
    Scope,
    Subject,
    Work,
)
from storage.database import TransactionConflict, database_errors

__all__ = ["CarryOut", "Content", "Json", "Office", "Operator", "OperatorId", "Scope", "Subject", "Work"]

T = TypeVar("T")

_TRIES_BEFORE_LAST: Final = 4
_OPERATOR: Final = """
SELECT operator.id, operator.name, operator.role, operator.party_id, party.lineage
FROM directory.operator JOIN directory.party ON party.id = operator.party_id
WHERE operator.id = $1 AND operator.state = 'active'
"""


class Office:
    """Where operators work.

    Args:
        connections: Gives a session for the time of a piece of work: a pool's `acquire`, or a function that
            opens one.
        clock_us: The time, in microseconds since 1970 (UTC).
        carried_out: How each action that needs four eyes is carried out once it is approved.
    """

    def __init__(
        self,
        connections: Callable[[], AbstractAsyncContextManager[Connection]],
        clock_us: Callable[[], int],
        carried_out: Mapping[Action, CarryOut],
    ) -> None:
        self._connections: Final = connections
        self._clock_us: Final = clock_us
        self._carried_out: Final = carried_out

    @asynccontextmanager
    async def work(self, operator: Operator, why: str = "", *, dry: bool = False) -> AsyncIterator[Work]:
        """One transaction of an operator.

        Args:
            operator: As signed in.
            why: The reason, for the audit.
            dry: Undo everything at the end: what would be refused is refused, and nothing stays.

        Raises:
            NotSignedIn: The operator may not work any more.
            ApprovalNeeded: What was asked for waits for a second operator now; unless the work is dry.
            TransactionConflict: Another transaction was preferred; nothing was done.
            DatabaseUnavailable: The database failed; nothing was done, or COMMIT's answer was lost.
        """
        with database_errors():
            async with self._connections() as connection:
                try:
                    async with self._transaction(connection, operator.id, why, dry=dry) as work:
                        yield work
                except NotProposedYet as needed:
                    raise ApprovalNeeded(
                        proposal=await self._propose(connection, operator.id, needed.draft)
                    ) from None

    async def run(
        self,
        operator: Operator,
        service: Callable[[Work], Awaitable[T]],
        why: str = "",
        *,
        dry: bool = False,
    ) -> T:
        """Do a service as one piece of work; again if the database preferred another transaction.

        Raises:
            NotSignedIn: As for `work`.
            ApprovalNeeded: As for `work`.
            DatabaseUnavailable: As for `work`.
        """
        for _ in range(_TRIES_BEFORE_LAST):
            with suppress(TransactionConflict):
                return await self._run_once(operator, service, why, dry=dry)
        return await self._run_once(operator, service, why, dry=dry)

    async def approve(self, operator: Operator, proposal_id: ProposalId, why: str = "") -> object:
        """Carry out what another operator has proposed; what the service returned.

        Raises:
            NoSuchRecord: There is no such proposal, or it is out of reach.
            NotAllowed: The operator's role may not approve this.
            OwnProposal: It is the operator's own.
            AlreadyDecided: It was approved or rejected already.
            Refused: What the service refuses now; the proposal goes on waiting.
            DatabaseUnavailable: The database failed.
        """

        async def carry_out(work: Work) -> object:
            proposal = await proposals.to_approve(work, proposal_id)
            work.carry_out(proposals.approved(proposal))
            result = await self._carried_out[proposal.action](work, proposal.content)
            await proposals.decide(work, proposal, ProposalState.APPROVED)
            return result

        return await self.run(operator, carry_out, why)

    async def _run_once(
        self, operator: Operator, service: Callable[[Work], Awaitable[T]], why: str, *, dry: bool
    ) -> T:
        async with self.work(operator, why, dry=dry) as work:
            return await service(work)

    @asynccontextmanager
    async def _transaction(
        self, connection: Connection, operator_id: OperatorId, why: str, *, dry: bool = False
    ) -> AsyncIterator[Work]:
        transaction = connection.transaction()
        await transaction.start()
        try:
            work = await self._begin(connection, operator_id, why, dry=dry)
            yield work
            await work.write_log()
        except BaseException:
            await transaction.rollback()
            raise
        await (transaction.rollback() if dry else transaction.commit())

    async def _begin(self, connection: Connection, operator_id: OperatorId, why: str, *, dry: bool) -> Work:
        row = await connection.fetchrow(_OPERATOR, operator_id)
        if row is None:
            raise NotSignedIn
        now = Operator(row[0], row[1], Role(row[2]), row[3], Lineage(row[4]))
        return Work(connection, now, self._clock_us(), why, dry)

    async def _propose(self, connection: Connection, operator_id: OperatorId, draft: Draft) -> ProposalId:
        async with self._transaction(connection, operator_id, draft.why) as work:
            return await proposals.store(work, draft)
