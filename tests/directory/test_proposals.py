"""Proposals: who sees them, who decides them."""

from collections.abc import Sequence

import pytest

from directory import proposals
from directory.parties import PLATFORM_ID, Party
from directory.proposals import AlreadyDecided, OwnProposal, Proposal, ProposalState
from directory.refusals import ApprovalNeeded, NoSuchRecord, NotAllowed
from directory.rights import Action, Role
from directory.subjects import Kind
from directory.work import Operator, ProposalId, Subject, Work
from tests.directory.back_office import BackOffice


@pytest.fixture
async def issuer(back_office: BackOffice) -> Party:
    """An issuer."""
    return await back_office.party()


@pytest.fixture
async def ada(back_office: BackOffice, issuer: Party) -> Operator:
    """One of its administrators."""
    return await back_office.operator("ada", Role.ISSUER_ADMIN, issuer.id)


@pytest.fixture
async def ben(back_office: BackOffice, issuer: Party) -> Operator:
    """Another one."""
    return await back_office.operator("ben", Role.ISSUER_ADMIN, issuer.id)


async def _propose(back_office: BackOffice, operator: Operator, party: Party, name: str = "x") -> ProposalId:
    async def add(work: Work) -> None:
        subject = Subject(Kind.OPERATOR, name, party.id)
        await work.approval(Action.OPERATOR_ADD, subject, {"name": name, "password_proof": "secret"})

    with pytest.raises(ApprovalNeeded) as needed:
        await back_office.run(operator, add, "new colleague")
    assert f"proposal {needed.value.proposal_id} waits for a second operator" == str(needed.value)
    return ProposalId(needed.value.proposal_id)


async def _listed(
    back_office: BackOffice, operator: Operator, state: ProposalState | None = None, limit: int = 10
) -> Sequence[Proposal]:
    return await back_office.run(operator, lambda work: proposals.proposals(work, state, limit))


async def _approve(back_office: BackOffice, operator: Operator, number: ProposalId) -> None:
    async def approve(work: Work) -> None:
        found = await proposals.to_approve(work, number)
        await proposals.decide(work, found, ProposalState.APPROVED)

    await back_office.run(operator, approve)


async def _reject(back_office: BackOffice, operator: Operator, number: ProposalId) -> None:
    await back_office.run(operator, lambda work: proposals.reject(work, number))


async def test_proposal_says_what_it_would_do(back_office: BackOffice, issuer: Party, ada: Operator) -> None:
    """A proposal is found with everything about it; what people are shown of it holds no secret."""
    number = await _propose(back_office, ada, issuer)

    found = await back_office.run(ada, lambda work: proposals.proposal(work, number))

    assert (number, Action.OPERATOR_ADD, Subject(Kind.OPERATOR, "x", issuer.id)) == (
        found.id,
        found.action,
        found.subject,
    )
    assert ("ada", "new colleague", ProposalState.WAITING) == (found.proposer, found.why, found.state)
    assert (None, None) == (found.decider, found.decided_us)
    assert {"name": "x", "password_proof": "secret"} == found.content
    assert {"name": "x", "password_proof": "***"} == found.shown_content


async def test_proposals_are_listed_by_state(
    back_office: BackOffice, issuer: Party, ada: Operator, ben: Operator
) -> None:
    """The newest come first; those in one state can be asked for, and not more than so many."""
    first, second, third = [await _propose(back_office, ada, issuer, name) for name in "abc"]
    await _approve(back_office, ben, first)
    await _reject(back_office, ben, second)

    assert [third, second, first] == [each.id for each in await _listed(back_office, ada)]
    assert [third] == [each.id for each in await _listed(back_office, ada, limit=1)]
    for state, number in zip(ProposalState, (third, first, second), strict=True):
        assert [number] == [each.id for each in await _listed(back_office, ada, state)]


async def test_foreign_proposals_are_not_there(back_office: BackOffice, issuer: Party, ada: Operator) -> None:
    """An issuer's people neither see nor decide what is proposed about another's records."""
    number = await _propose(back_office, ada, issuer)
    other = await back_office.operator("olga", Role.ISSUER_ADMIN, (await back_office.party()).id)

    assert [] == await _listed(back_office, other)
    for decide in (_approve, _reject):
        with pytest.raises(NoSuchRecord, match="no such proposal"):
            await decide(back_office, other, number)
    with pytest.raises(NoSuchRecord, match="no such proposal"):
        await _approve(back_office, other, ProposalId(99))


async def test_nobody_approves_their_own(back_office: BackOffice, issuer: Party, ada: Operator) -> None:
    """The proposer may withdraw a proposal, but not approve it."""
    number = await _propose(back_office, ada, issuer)

    with pytest.raises(OwnProposal):
        await _approve(back_office, ada, number)
    await _reject(back_office, ada, number)

    assert [ProposalState.REJECTED] == [each.state for each in await _listed(back_office, ada)]


async def test_only_approvers_decide(back_office: BackOffice, issuer: Party, ada: Operator) -> None:
    """A role that sees a proposal but does not approve its action can neither approve nor reject it."""
    number = await _propose(back_office, ada, issuer)
    clerk = await back_office.operator("carl", Role.ISSUER_CLERK, issuer.id)

    for decide in (_approve, _reject):
        with pytest.raises(NotAllowed):
            await decide(back_office, clerk, number)


async def test_platform_approves_for_everybody(back_office: BackOffice, issuer: Party, ada: Operator) -> None:
    """A security officer of the platform may approve what an issuer's administrator proposed."""
    number = await _propose(back_office, ada, issuer)
    officer = await back_office.operator("sol", Role.SECURITY_OFFICER, PLATFORM_ID)

    await _approve(back_office, officer, number)

    assert ["sol"] == [each.decider for each in await _listed(back_office, officer)]


async def test_decision_is_final(
    back_office: BackOffice, issuer: Party, ada: Operator, ben: Operator
) -> None:
    """What was approved or rejected is not decided again."""
    number = await _propose(back_office, ada, issuer)
    await _approve(back_office, ben, number)

    for decide, operator in ((_approve, ben), (_reject, ben), (_reject, ada)):
        with pytest.raises(AlreadyDecided, match=f"proposal {number} is approved already"):
            await decide(back_office, operator, number)
