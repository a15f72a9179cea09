"""One operator's piece of work: what services ask, and where they say what they did.

See `directory.office` for how a piece of work begins and ends.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, NewType, TypeAlias

from directory.audit_chain import AuditRow
from directory.audit_log import append, lock_end
from directory.change_log import Change, note_changes
from directory.content import Content, canonical, cleaned, masked
from directory.parties import Lineage, PartyId, is_own
from directory.reading import Connection
from directory.refusals import ChangedMeanwhile, NoSuchRecord, NotAllowed
from directory.rights import RIGHTS, Action, Reach, Role
from directory.subjects import REMEMBERED, Kind

OperatorId = NewType("OperatorId", int)

ProposalId = NewType("ProposalId", int)

_LINEAGE = "SELECT lineage FROM directory.party WHERE id = $1"


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
        id: Its name in audit and change log: a number or a name, of a card the hexadecimal PAN index.
        party_id: Whose it is.
    """

    kind: Kind
    id: str
    party_id: PartyId


class Happening(StrEnum):
    """What is logged beside actions: it needs no right of its own."""

    SIGN_IN_FAILED = "sign_in.failed"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - the name of an event
    FIRST_OPERATOR = "operator.first"
    PROPOSED = "approval.proposed"
    APPROVED = "approval.approved"
    REJECTED = "approval.rejected"


class Scope(NamedTuple):
    """The parties whose records an operator may see: all whose lineage begins with `prefix`."""

    prefix: str

    def where(self, column: str, parameter: int) -> str:
        """A condition for SQL; `prefix` travels as the parameter with this number."""
        return (
            f"(${parameter} = '' OR {column} IN"
            f" (SELECT id FROM directory.party WHERE starts_with(lineage, ${parameter})))"
        )


class Draft(NamedTuple):
    """A proposal that is not stored yet."""

    action: Action
    subject: Subject
    content: Content
    why: str


class Approved(NamedTuple):
    """The proposal that a work carries out."""

    id: ProposalId
    action: Action
    kind: Kind
    subject: str
    content: Content


class NotProposedYet(Exception):
    """What was asked for needs a second operator; the office stores the draft and says so."""

    def __init__(self, draft: Draft) -> None:
        super().__init__(draft.action)
        self.draft = draft


@dataclass(slots=True)
class Work:
    """An open transaction of an operator, and what is to be logged at its end.

    Attributes:
        connection: For the service's statements.
        operator: As the transaction found them.
        at_us: When it began, in microseconds since 1970 (UTC).
        why: The reason given for the whole work.
        dry: Everything is undone at the end, so nothing needs approval.
    """

    connection: Connection
    operator: Operator
    at_us: int
    why: str = ""
    dry: bool = False
    _carried: Approved | None = None
    _rows: list[AuditRow] = field(default_factory=list)
    _changes: dict[Change, None] = field(default_factory=dict)
    _lineages: dict[PartyId, str] = field(default_factory=dict)

    def may(self, action: Action) -> None:
        """Refuse what the operator's role may not do to any record.

        Raises:
            NotAllowed: The role has no such right.
        """
        if self._reach(action) is Reach.NONE:
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
        if self._reach(action) is Reach.OWN and not await self._is_own(party_id):
            raise NoSuchRecord(kind=kind)

    def scope(self, action: Action) -> Scope:
        """The parties whose records the operator may see in lists and counts.

        Raises:
            NotAllowed: The role has no such right.
        """
        self.may(action)
        return Scope("" if self._reach(action) is Reach.ALL else self.operator.lineage)

    def record(
        self,
        action: Action | Happening,
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
        self._rows.append(
            AuditRow(
                seq=0,
                at_us=self.at_us,
                operator_id=self.operator.id,
                operator=self.operator.name,
                action=action,
                kind=subject.kind,
                subject=subject.id,
                party_id=subject.party_id,
                before=canonical(None if before is None else cleaned(before)),
                after=canonical(None if after is None else cleaned(after)),
                why=masked(self.why if why is None else why),
                proposal_id=self._carried.id if self._carried else None,
            )
        )
        if subject.kind in REMEMBERED:
            self.changed(Change(subject.kind, subject.id))

    def changed(self, change: Change) -> None:
        """Have the hot views read one more thing again, which has no row of its own in the audit."""
        self._changes[change] = None

    async def hold_audit(self) -> None:
        """Lock the audit's end from now on: numbers taken as "one more than the last" are unique."""
        await lock_end(self.connection)

    async def approval(self, action: Action, subject: Subject, content: Content) -> None:
        """Pass if this work carries out an approved proposal of exactly this; otherwise propose it.

        To be asked after `require`, before anything is changed. An action whose rule asks for no second
        operator passes, and so does whatever is done dry.

        Args:
            action: What is about to be done.
            subject: To what.
            content: Everything the service's arguments said, so that it can be called with them again. No
                PAN, PIN or key: sealed or as keyed hash.

        Raises:
            NotProposedYet: It needs a second operator; the office turns this into `ApprovalNeeded`.
            ChangedMeanwhile: A proposal is carried out, and this is not what it says.
        """
        if self.dry or not RIGHTS[action].needs_four_eyes:
            return
        if self._carried is None:
            raise NotProposedYet(Draft(action, subject, content, self.why))
        asked = (action, subject.kind, subject.id, canonical(content))
        carried = self._carried
        if asked != (carried.action, carried.kind, carried.subject, canonical(carried.content)):
            raise ChangedMeanwhile(kind=subject.kind)

    def carry_out(self, approved: Approved) -> None:
        """From now on this work carries out a proposal."""
        self._carried = approved

    async def write_log(self) -> None:
        """Write what was recorded, as the last statements of the transaction."""
        if self._rows:
            await append(self.connection, self._rows)
        await note_changes(self.connection, list(self._changes))

    def _reach(self, action: Action) -> Reach:
        return RIGHTS[action].reach[self.operator.role]

    async def _is_own(self, party_id: PartyId) -> bool:
        if party_id not in self._lineages:
            self._lineages[party_id] = await self.connection.fetchval(_LINEAGE, party_id) or ""
        return is_own(self.operator.lineage, Lineage(self._lineages[party_id]))


CarryOut: TypeAlias = Callable[[Work, Content], Awaitable[object]]
"""Does again what a service was asked for, from the content of its proposal."""
