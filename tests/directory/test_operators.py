"""What is done with operators, and what protects four eyes from being one person."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from directory import operators
from directory.operators import (
    LastOperators,
    NotOneself,
    OperatorDisabled,
    OperatorRecord,
    OperatorState,
    check_name,
)
from directory.parties import PLATFORM_ID, Party, PartyId, PartyKind
from directory.passwords import FAILURES_MAX, GOOD_US, LOCKED_US
from directory.reception import PasswordExpired
from directory.refusals import AlreadyThere, ApprovalNeeded, InvalidValue, NoSuchRecord, NotAllowed
from directory.rights import Role
from directory.work import Operator, ProposalId, Work
from tests.directory.back_office import PASSWORD, BackOffice

Service = Callable[[Work, str], Awaitable[None]]


@pytest.fixture
async def root(back_office: BackOffice) -> Operator:
    """The first administrator of the platform."""
    return await back_office.operator("root")


@pytest.fixture
async def rosa(back_office: BackOffice, root: Operator) -> Operator:
    """The second one."""
    return await back_office.operator("rosa")


@pytest.fixture
async def issuer(back_office: BackOffice) -> Party:
    """An issuer."""
    return await back_office.party()


async def _add(
    back_office: BackOffice,
    operator: Operator,
    name: str,
    role: Role = Role.PLATFORM_ADMIN,
    party_id: PartyId = PLATFORM_ID,
) -> OperatorRecord:
    proof = back_office.hasher.proof(PASSWORD)
    return await back_office.run(operator, lambda work: operators.add(work, name, role, party_id, proof))


async def _proposed(back_office: BackOffice, *what: object) -> ProposalId:
    with pytest.raises(ApprovalNeeded) as needed:
        await _add(back_office, *what)
    return ProposalId(needed.value.proposal_id)


async def _states(back_office: BackOffice) -> dict[str, str]:
    return {row[0]: row[1] for row in await back_office.rows("SELECT name, state FROM directory.operator")}


async def test_second_operator_comes_without_approval(back_office: BackOffice, root: Operator) -> None:
    """While nobody else could approve, the first administrator adds an operator alone."""
    added = await _add(back_office, root, "rosa")

    assert ("rosa", Role.PLATFORM_ADMIN, OperatorState.ACTIVE) == (added.name, added.role, added.state)
    assert (0, 0, None) == (added.password_expires_us, added.locked_until_us, added.signed_in_us)
    with pytest.raises(PasswordExpired):
        await back_office.reception.sign_in("rosa", PASSWORD)


async def test_third_operator_needs_approval(back_office: BackOffice, root: Operator, rosa: Operator) -> None:
    """As soon as there is somebody who could approve, they have to."""
    number = await _proposed(back_office, root, "ruth")
    assert {"root", "rosa"} == set(await _states(back_office))

    await back_office.office.approve(rosa, number)

    assert {"root", "rosa", "ruth"} == set(await _states(back_office))


@pytest.mark.parametrize("state", ["locked", "disabled"])
async def test_who_is_shut_out_still_counts(
    back_office: BackOffice, root: Operator, rosa: Operator, state: str
) -> None:
    """Locking the second operator out doesn't free the first from four eyes."""
    await back_office.execute("UPDATE directory.operator SET state = $1 WHERE name = 'rosa'", state)

    await _proposed(back_office, root, "ruth")


async def test_reset_password_needs_approval(back_office: BackOffice, root: Operator, rosa: Operator) -> None:
    """Who could reset the approver's password alone could approve in their name."""
    auditor = await back_office.operator("otto", Role.AUDITOR)
    proof = back_office.hasher.proof("given to you 1")
    with pytest.raises(ApprovalNeeded) as needed:
        await back_office.run(root, lambda work: operators.reset_password(work, "otto", proof))

    await back_office.office.approve(rosa, ProposalId(needed.value.proposal_id))

    with pytest.raises(PasswordExpired):
        await back_office.reception.sign_in("otto", "given to you 1")
    await back_office.reception.change_password("otto", "given to you 1", "chosen by myself 2")
    assert auditor == await back_office.reception.sign_in("otto", "chosen by myself 2")


async def test_issuers_people_are_added_by_the_issuer(
    back_office: BackOffice, root: Operator, issuer: Party
) -> None:
    """An issuer's administrator proposes people of the issuer and its agents; another approves them."""
    agent = await back_office.party(PartyKind.AGENT, issuer.id)
    ada = await back_office.operator("ada", Role.ISSUER_ADMIN, issuer.id)
    ben = await back_office.operator("ben", Role.ISSUER_ADMIN, issuer.id)

    for name, party in (("carl", issuer), ("cora", agent)):
        number = await _proposed(back_office, ada, name, Role.ISSUER_CLERK, party.id)
        await back_office.office.approve(ben, number)

    assert {"carl", "cora"} <= set(await _states(back_office))


async def test_nobody_is_raised_above_their_party(
    back_office: BackOffice, root: Operator, issuer: Party
) -> None:
    """An issuer's administrator adds nobody to the platform or another issuer, and gives no foreign role."""
    ada = await back_office.operator("ada", Role.ISSUER_ADMIN, issuer.id)
    foreign = await back_office.party()

    for party_id in (PLATFORM_ID, foreign.id, PartyId(99)):
        with pytest.raises(NoSuchRecord, match="no such party"):
            await _add(back_office, ada, "eve", Role.ISSUER_ADMIN, party_id)
    with pytest.raises(InvalidValue, match="role"):
        await _add(back_office, ada, "eve", Role.PLATFORM_ADMIN, issuer.id)
    clerk = await back_office.operator("carl", Role.ISSUER_CLERK, issuer.id)
    with pytest.raises(NotAllowed):
        await _add(back_office, clerk, "eve", Role.ISSUER_CLERK, issuer.id)


async def test_names_are_unique_for_good(back_office: BackOffice, root: Operator, rosa: Operator) -> None:
    """A name that is taken is refused, also by the approval of a proposal that came too late."""
    with pytest.raises(AlreadyThere, match="there is a operator of this name already"):
        await _add(back_office, root, "rosa")

    first = await _proposed(back_office, root, "ruth")
    second = await _proposed(back_office, root, "ruth", Role.AUDITOR)
    await back_office.office.approve(rosa, first)
    with pytest.raises(AlreadyThere):
        await back_office.office.approve(rosa, second)


async def test_names_are_unique_at_once(back_office: BackOffice, root: Operator) -> None:
    """Of two who add an operator of one name at the same moment, one is refused."""
    tries = await asyncio.gather(*(_add(back_office, root, "rosa") for _ in range(2)), return_exceptions=True)

    assert {OperatorRecord, AlreadyThere} == {type(each) for each in tries}


@pytest.mark.parametrize("name", ["", "Anna", "1a", "a b", "a" * 33, "a;b", "王"])
def test_malformed_name_is_refused(name: str) -> None:
    """A name to sign in with is a short word in lower case."""
    with pytest.raises(InvalidValue, match="name: "):
        check_name(name)


async def test_lock_and_unlock(back_office: BackOffice, root: Operator, rosa: Operator) -> None:
    """A locked operator is out until unlocked; both are in the audit with what was before."""
    await back_office.run(root, lambda work: operators.lock(work, "rosa"))
    assert "locked" == (await _states(back_office))["rosa"]
    await back_office.run(root, lambda work: operators.unlock(work, "rosa"))

    assert "active" == (await _states(back_office))["rosa"]
    assert [
        ("operator.lock", '{"state":"active"}', '{"state":"locked"}'),
        ("operator.unlock", '{"state":"locked"}', '{"state":"active"}'),
    ] == [tuple(row) for row in await back_office.rows("SELECT action, before, after FROM directory.audit")]


async def test_disabled_is_disabled_for_good(back_office: BackOffice, root: Operator, rosa: Operator) -> None:
    """Nothing is done with a disabled operator any more."""
    await back_office.operator("otto", Role.AUDITOR)
    await back_office.run(root, lambda work: operators.disable(work, "otto"))

    for service in (operators.lock, operators.unlock, operators.disable):
        with pytest.raises(OperatorDisabled):
            await back_office.run(root, lambda work, service=service: service(work, "otto"))


async def test_two_approvers_stay_on_the_platform(
    back_office: BackOffice, root: Operator, rosa: Operator, issuer: Party
) -> None:
    """Who can approve on the platform is disabled only if two such stay; others freely."""
    await back_office.operator("ada", Role.ISSUER_ADMIN, issuer.id)
    with pytest.raises(LastOperators, match="at least 2"):
        await back_office.run(root, lambda work: operators.disable(work, "rosa"))
    await back_office.run(root, lambda work: operators.disable(work, "ada"))
    await back_office.operator("sol", Role.SECURITY_OFFICER)

    await back_office.run(root, lambda work: operators.disable(work, "rosa"))

    assert {"root": "active", "rosa": "disabled", "ada": "disabled", "sol": "active"} == await _states(
        back_office
    )


@pytest.mark.parametrize("service", [operators.lock, operators.unlock, operators.disable])
async def test_nobody_does_it_to_themselves(
    back_office: BackOffice, root: Operator, rosa: Operator, service: Service
) -> None:
    """Locking, unlocking and disabling oneself is refused."""
    with pytest.raises(NotOneself):
        await back_office.run(root, lambda work: service(work, "root"))


@pytest.mark.parametrize("service", [operators.lock, operators.unlock, operators.disable])
async def test_foreign_operators_are_not_there(
    back_office: BackOffice, root: Operator, issuer: Party, service: Service
) -> None:
    """An issuer's administrator can do nothing to somebody else's people, nor tell that they exist."""
    ada = await back_office.operator("ada", Role.ISSUER_ADMIN, issuer.id)

    for name in ("root", "nobody"):
        with pytest.raises(NoSuchRecord, match="no such operator"):
            await back_office.run(ada, lambda work, name=name: service(work, name))


async def test_operators_are_listed_by_reach(back_office: BackOffice, root: Operator, issuer: Party) -> None:
    """Everybody sees the operators of their own party and of those below it."""
    agent = await back_office.party(PartyKind.AGENT, issuer.id)
    ada = await back_office.operator("ada", Role.ISSUER_ADMIN, issuer.id)
    await back_office.operator("cora", Role.ISSUER_CLERK, agent.id)
    await back_office.operator("olga", Role.ISSUER_ADMIN, (await back_office.party()).id)

    assert ["ada", "cora"] == [each.name for each in await back_office.run(ada, operators.operators)]
    assert ["ada", "cora", "olga", "root"] == [
        each.name for each in await back_office.run(root, operators.operators)
    ]


async def test_list_says_until_when(back_office: BackOffice, root: Operator) -> None:
    """The list says until when somebody is locked, and when the password has to be changed."""
    await back_office.execute(
        "UPDATE directory.operator SET failures = $1::integer, failed_us = $2::bigint",
        *(FAILURES_MAX, back_office.now_us),
    )

    (found,) = await back_office.run(root, operators.operators)

    assert back_office.now_us + LOCKED_US == found.locked_until_us
    assert back_office.now_us + GOOD_US == found.password_expires_us
    assert "platform" == found.party_code
