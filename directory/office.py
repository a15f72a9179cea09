"""The office: where operators work on the directory, each piece of work one database transaction.

`async with office.work(operator) as work` begins a transaction and finds the operator as they are now: who
was disabled since signing in works no more. A service is a function over `work`. It asks `require` before it
changes or shows a record, limits lists and counts with `scope`, says what it did with `record`, and asks
`approval` before it does what needs four eyes.

A foreign party's record answers exactly like one that does not exist. So a service reads the record first and
hands its party to `require`, or None if there is no such record: whether the role has the right at all is
decided before either.

What was recorded is written at the end, just before COMMIT, under the lock of the audit's end: the numbers of
the audit have no gaps and their order is the order of commits. What hot views remember of a subject is noted
in the change log in the same moment.

`approval` passes when the work carries out a proposal of exactly this action, subject and content, made by
another operator. Otherwise it raises `ApprovalNeeded`; then the work is undone, and the proposal is stored in
a transaction of its own.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple, NewType, TypeAlias

from directory.change_log import Change
from directory.parties import Lineage, PartyId
from directory.reading import Connection
from directory.refusals import NoSuchRecord, NotAllowed
from directory.rights import RIGHTS, Action, Reach, Role
from directory.subjects import Kind

OperatorId = NewType("OperatorId", int)

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"
Content: TypeAlias = Mapping[str, Json]
"""What a proposal would do, or what a record was and is: JSON without a number that is not whole."""


class Operator(NamedTuple):
    """Who works: as signed in, or as `Office.work` found them."""

    id: OperatorId
    name: str
    role: Role
    party_id: PartyId
    lineage: Lineage


class Subject(NamedTuple):
    """What is acted upon.

    Attributes:
        kind: What it is.
        id: Its name in log and change log: a number or a name, of a card the hexadecimal PAN index.
        party_id: Whose it is.
    """

    kind: Kind
    id: str
    party_id: PartyId


class Scope(NamedTuple):
    """The parties whose records an operator may see: all whose lineage begins with `prefix`."""

    prefix: str

    def where(self, column: str, parameter: int) -> str:
        """A condition for SQL; `prefix` travels as the parameter with this number."""
        return (
            f"(${parameter} = '' OR {column} IN"
            f" (SELECT id FROM directory.party WHERE starts_with(lineage, ${parameter})))"
        )


@dataclass(slots=True)
class Work:
    """One operator's piece of work: an open transaction, and what is to be logged at its end."""

    connection: Connection
    operator: Operator
    at_us: int
    why: str
    _changes: list[Change] = field(default_factory=list)

    def may(self, action: Action) -> None:
        """Refuse what the operator's role may not do to any record.

        Raises:
            NotAllowed: The role has no such right.
        """
        if RIGHTS[action].reach[self.operator.role] is Reach.NONE:
            raise NotAllowed(role=self.operator.role, action=action)

    async def require(self, action: Action, party_id: PartyId | None, kind: Kind) -> None:
        """Refuse what the operator may not do to a record of this party.

        Args:
            action: What is about to be done or shown.
            party_id: Whose the record is; None if there is no such record.
            kind: What kind of record was asked for.

        Raises:
            NotAllowed: The role has no such right.
            NoSuchRecord: There is no such record, or it is out of the operator's reach.
        """
        self.may(action)
        if party_id is None:
            raise NoSuchRecord(kind=kind)

    def scope(self, action: Action) -> Scope:
        """The parties whose records the operator may see in lists and counts.

        Raises:
            NotAllowed: The role has no such right.
        """
        self.may(action)
        everywhere = RIGHTS[action].reach[self.operator.role] is Reach.ALL
        return Scope("" if everywhere else self.operator.lineage)

    def record(
        self,
        action: Action,
        subject: Subject,
        *,
        before: Content | None = None,
        after: Content | None = None,
        why: str | None = None,
    ) -> None:
        """Log what this work does to a subject, and have the hot views read it again.

        Args:
            action: What was done.
            subject: To what.
            before: What it was, of what was changed; None if it did not exist.
            after: What it is now; None if it does not exist any more.
            why: The reason; by default the one given for the whole work.
        """

    async def hold_audit(self) -> None:
        """Lock the audit's end from now on: numbers taken afterwards as "one more than the last" are unique."""

    def changed(self, change: Change) -> None:
        """Have the hot views read one more thing again, which has no row of its own in the audit."""
        self._changes.append(change)

    async def approval(self, action: Action, subject: Subject, content: Content) -> None:
        """Pass if this work carries out an approved proposal of exactly this; otherwise propose it.

        To be asked after `require`, before anything is changed. An action whose rule asks for no second
        operator passes.

        Args:
            action: What is about to be done.
            subject: To what.
            content: Everything the service's arguments said, so that it can be called with them again. No
                PAN, PIN or key: sealed or as keyed hash.

        Raises:
            ApprovalNeeded: It is proposed now and waits for a second operator.
        """


CarryOut: TypeAlias = Callable[[Work, Content], Awaitable[object]]
"""Does again what a service was asked for, from the content of its proposal."""


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
    async def work(self, operator: Operator, why: str = "") -> AsyncIterator[Work]:
        """One transaction of an operator.

        Raises:
            NotSignedIn: The operator may not work any more.
            ApprovalNeeded: What was asked for waits for a second operator now.
            DatabaseUnavailable: The database failed; nothing was done, or COMMIT's answer was lost.
        """
        async with self._connections() as connection, connection.transaction():
            yield Work(connection, operator, self._clock_us(), why)
