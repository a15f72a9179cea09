"""Proposals: what one operator asked for and a second one has to approve.

A proposal holds the action, its subject and its content as canonical JSON; approving it carries out exactly
that. Approved or rejected, it stays as it was decided. That proposer and approver are two is checked here and
by the database. Whoever proposed something may withdraw it, which is a rejection by oneself.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import asyncpg

from directory.content import Content, canonical, cleaned
from directory.parties import PartyId
from directory.refusals import NotAllowed, Refused, message
from directory.rights import RIGHTS, Action
from directory.subjects import Kind
from directory.work import Approved, Draft, Happening, OperatorId, ProposalId, Scope, Subject, Work

_COLUMNS: Final = """
proposal.id, action, kind, subject, proposal.party_id, content, why, proposed_by, proposed_us,
proposal.state, decided_by, decided_us, proposer.name AS proposer, decider.name AS decider
FROM directory.proposal
JOIN directory.operator AS proposer ON proposer.id = proposed_by
LEFT JOIN directory.operator AS decider ON decider.id = decided_by
"""
_FIND: Final = f"SELECT {_COLUMNS} WHERE proposal.id = $1 FOR UPDATE OF proposal"
_LIST: Final = (
    f"SELECT {_COLUMNS} WHERE {Scope('').where('proposal.party_id', 1)}"
    " AND ($2 = '' OR proposal.state = $2) ORDER BY proposal.id DESC LIMIT $3"
)
_SAME: Final = """
SELECT id FROM directory.proposal
WHERE state = 'waiting' AND action = $1 AND kind = $2 AND subject = $3 AND party_id = $4 AND content = $5
"""
_STORE: Final = """
INSERT INTO directory.proposal
    (id, action, kind, subject, party_id, content, why, proposed_by, proposed_us, state)
SELECT coalesce(max(id), 0) + 1, $1, $2, $3, $4::bigint, $5, $6, $7::bigint, $8::bigint, 'waiting'
FROM directory.proposal RETURNING id
"""
_DECIDE: Final = """
UPDATE directory.proposal SET state = $2, decided_by = $3, decided_us = $4 WHERE id = $1
"""


class ProposalState(StrEnum):
    """Where a proposal is."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"


class OwnProposal(Refused):
    """The proposer may not approve it."""

    text = message("proposal {proposal} is your own: somebody else has to approve it")


class AlreadyDecided(Refused):
    """It was approved or rejected already."""

    text = message("proposal {proposal} is {state} already")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal as it is stored."""

    id: ProposalId
    action: Action
    subject: Subject
    content: Content
    why: str
    proposed_by: OperatorId
    proposer: str
    proposed_us: int
    state: ProposalState
    decider: str | None
    decided_us: int | None

    @property
    def shown_content(self) -> Content:
        """What it would do, for human eyes."""
        return cleaned(self.content)


_HAPPENINGS: Final = {
    ProposalState.APPROVED: Happening.APPROVED,
    ProposalState.REJECTED: Happening.REJECTED,
}


async def store(work: Work, draft: Draft) -> ProposalId:
    """Keep a draft as a proposal that waits; the number of the same one if that waits already."""
    await work.hold_audit()
    content = canonical(draft.content)
    what = (draft.action, draft.subject.kind, draft.subject.id, draft.subject.party_id, content)
    known = await work.connection.fetchval(_SAME, *what)
    if known is not None:
        return ProposalId(known)
    stored = await work.connection.fetchval(_STORE, *what, draft.why, work.operator.id, work.at_us)
    after: Content = {"action": draft.action, "subject": draft.subject.id, "content": dict(draft.content)}
    subject = Subject(Kind.PROPOSAL, str(stored), draft.subject.party_id)
    work.record(Happening.PROPOSED, subject, after=after, why=draft.why)
    return ProposalId(stored)


async def proposals(work: Work, state: ProposalState | None, limit: int) -> Sequence[Proposal]:
    """The newest proposals about records that the operator may see, newest first.

    Raises:
        NotAllowed: The role sees no proposals.
    """
    scope = work.scope(Action.APPROVAL_SEE)
    rows = await work.connection.fetch(_LIST, scope.prefix, state or "", limit)
    return [_proposal(row) for row in rows]


async def proposal(work: Work, proposal_id: ProposalId) -> Proposal:
    """One proposal, which nobody else decides until this work ends.

    Raises:
        NotAllowed: The role sees no proposals.
        NoSuchRecord: There is no such proposal, or it is about somebody else's record.
    """
    row = await work.connection.fetchrow(_FIND, proposal_id)
    await work.require(Action.APPROVAL_SEE, row["party_id"] if row else None, Kind.PROPOSAL)
    assert row is not None
    return _proposal(row)


async def to_approve(work: Work, proposal_id: ProposalId) -> Proposal:
    """A proposal that this operator may approve.

    Raises:
        NotAllowed: The role may not approve this.
        NoSuchRecord: There is no such proposal, or it is about somebody else's record.
        OwnProposal: It is the operator's own.
        AlreadyDecided: It does not wait any more.
    """
    found = await _decidable(work, proposal_id)
    if found.proposed_by == work.operator.id:
        raise OwnProposal(proposal=found.id)
    return found


async def reject(work: Work, proposal_id: ProposalId) -> None:
    """Decide against a proposal, or withdraw one's own.

    Raises:
        NotAllowed: The role may not decide this.
        NoSuchRecord: There is no such proposal, or it is about somebody else's record.
        AlreadyDecided: It does not wait any more.
    """
    await decide(work, await _decidable(work, proposal_id), ProposalState.REJECTED)


async def decide(work: Work, found: Proposal, state: ProposalState) -> None:
    """Note how a proposal was decided."""
    await work.connection.execute(_DECIDE, found.id, state, work.operator.id, work.at_us)
    work.record(
        _HAPPENINGS[state],
        Subject(Kind.PROPOSAL, str(found.id), found.subject.party_id),
        before={"state": found.state, "proposer": found.proposer},
        after={"state": state, "action": found.action},
    )


async def _decidable(work: Work, proposal_id: ProposalId) -> Proposal:
    found = await proposal(work, proposal_id)
    is_own = found.proposed_by == work.operator.id
    if not is_own and work.operator.role not in RIGHTS[found.action].approvers:
        raise NotAllowed(role=work.operator.role, action=found.action)
    await work.require(found.action, found.subject.party_id, Kind.PROPOSAL)
    if found.state is not ProposalState.WAITING:
        raise AlreadyDecided(proposal=found.id, state=found.state)
    return found


def approved(found: Proposal) -> Approved:
    """What a work carries out."""
    return Approved(found.id, found.action, found.subject.kind, found.subject.id, found.content)


def _proposal(row: asyncpg.Record) -> Proposal:
    return Proposal(
        id=ProposalId(row["id"]),
        action=Action(row["action"]),
        subject=Subject(Kind(row["kind"]), row["subject"], PartyId(row["party_id"])),
        content=json.loads(row["content"]),
        why=row["why"],
        proposed_by=OperatorId(row["proposed_by"]),
        proposer=row["proposer"],
        proposed_us=row["proposed_us"],
        state=ProposalState(row["state"]),
        decider=row["decider"],
        decided_us=row["decided_us"],
    )
