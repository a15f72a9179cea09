"""Pieces of work: what holds for each of them, whatever service is done."""

import asyncio
import json
from collections.abc import Mapping
from types import MappingProxyType

import asyncpg
import pytest

from directory.change_log import Change
from directory.content import Content
from directory.parties import PLATFORM_ID
from directory.refusals import ApprovalNeeded, ChangedMeanwhile, NoSuchRecord, NotAllowed, NotSignedIn
from directory.rights import Action
from directory.subjects import Kind
from directory.work import CarryOut, Operator, ProposalId, Subject, Work
from storage.database import DatabaseUnavailable, TransactionConflict
from tests.directory.back_office import BackOffice

SUBJECT = Subject(Kind.CARD, "c1", PLATFORM_ID)
LOGGED = "SELECT seq, operator, action, kind, subject, before, after, why, proposal_id FROM directory.audit"


@pytest.fixture
async def admin(back_office: BackOffice) -> Operator:
    """An administrator of the platform."""
    return await back_office.operator("root")


@pytest.fixture
async def second(back_office: BackOffice) -> Operator:
    """Another one."""
    return await back_office.operator("rosa")


async def _freeze(work: Work) -> None:
    """A service that changes something and says so."""
    await work.connection.execute("UPDATE directory.party SET name = 'changed' WHERE id = 1")
    work.record(Action.CARD_FREEZE, SUBJECT, before={"state": "active"}, after={"state": "frozen"})


async def _name(back_office: BackOffice) -> str:
    rows = await back_office.rows("SELECT name FROM directory.party WHERE id = 1")
    return str(rows[0][0])


async def test_work_is_done_and_logged_as_one(back_office: BackOffice, admin: Operator) -> None:
    """A service's changes, its audit and the note for hot views are committed together."""
    await back_office.run(admin, _freeze, "asked for by phone, card 6222021234567890")

    why = "asked for by phone, card 622202******7890"
    logged = [tuple(row) for row in await back_office.rows(LOGGED)]
    assert "changed" == await _name(back_office)
    assert [
        (1, "root", "card.freeze", "card", "c1", '{"state":"active"}', '{"state":"frozen"}', why, None)
    ] == logged
    assert [("card", "c1")] == [
        tuple(row) for row in await back_office.rows("SELECT kind, key FROM directory.change")
    ]


async def test_refused_work_leaves_nothing(back_office: BackOffice, admin: Operator) -> None:
    """What was changed before a refusal is undone, and nothing is logged."""

    async def refused(work: Work) -> None:
        await _freeze(work)
        raise NoSuchRecord(kind=Kind.CARD)

    with pytest.raises(NoSuchRecord):
        await back_office.run(admin, refused)

    assert "Platform" == await _name(back_office)
    assert [] == await back_office.rows(LOGGED)
    assert [] == await back_office.rows("SELECT kind, key FROM directory.change")


async def test_dry_work_leaves_nothing(back_office: BackOffice, admin: Operator) -> None:
    """A dry run does everything, four eyes left out, and undoes it."""

    async def done(work: Work) -> str:
        await work.approval(Action.OPERATOR_ADD, SUBJECT, {})
        await _freeze(work)
        return "done"

    assert "done" == await back_office.run(admin, done, dry=True)
    assert "Platform" == await _name(back_office)
    assert [] == await back_office.rows(LOGGED)
    assert [] == await back_office.rows("SELECT id FROM directory.proposal")


@pytest.mark.parametrize("state", ["locked", "disabled"])
async def test_who_was_locked_since_works_no_more(
    back_office: BackOffice, admin: Operator, state: str
) -> None:
    """Each piece of work looks again whether its operator may work."""
    await back_office.execute("UPDATE directory.operator SET state = $1", state)

    with pytest.raises(NotSignedIn):
        await back_office.run(admin, _freeze)


async def test_work_has_the_rights_of_now(back_office: BackOffice, admin: Operator) -> None:
    """Role and party are those of the database, not those of signing in."""
    await back_office.execute("UPDATE directory.operator SET role = 'auditor'")

    async def change(work: Work) -> None:
        await work.require(Action.CARD_FREEZE, PLATFORM_ID, Kind.CARD)

    with pytest.raises(NotAllowed, match=r"the role auditor does not allow card\.freeze"):
        await back_office.run(admin, change)


async def test_subjects_that_no_view_holds_are_not_noted(back_office: BackOffice, admin: Operator) -> None:
    """Views are told of what they remember, once each, and of what a service adds."""

    async def change(work: Work) -> None:
        for kind in (Kind.OPERATOR, Kind.TERMINAL, Kind.TERMINAL):
            work.record(Action.OPERATOR_LOCK, Subject(kind, "x", PLATFORM_ID))
        work.changed(Change(Kind.PRODUCT, "7"))

    await back_office.run(admin, change)

    assert [("terminal", "x"), ("product", "7")] == [
        tuple(row) for row in await back_office.rows("SELECT kind, key FROM directory.change ORDER BY number")
    ]


async def test_numbers_follow_commits_without_gaps(back_office: BackOffice, admin: Operator) -> None:
    """Pieces of work at once are logged one behind the other."""
    await asyncio.gather(*(back_office.run(admin, _freeze) for _ in range(20)))

    assert [*range(1, 21)] == [row["seq"] for row in await back_office.rows(LOGGED + " ORDER BY seq")]


async def test_preferred_transactions_are_waited_for(back_office: BackOffice, admin: Operator) -> None:
    """A work that the database undid in favour of another is done again, some times."""
    tries = []

    async def unlucky(work: Work) -> int:
        tries.append(work)
        if len(tries) < 5:
            await work.connection.execute("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$")
        return len(tries)

    assert 5 == await back_office.run(admin, unlucky)

    tries[:] = []

    async def hopeless(work: Work) -> None:
        tries.append(work)
        await work.connection.execute("DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$")

    with pytest.raises(TransactionConflict):
        await back_office.run(admin, hopeless)
    assert 5 == len(tries)


async def test_database_errors_are_translated(back_office: BackOffice, admin: Operator) -> None:
    """What the database refuses comes as the storage's error, whatever service did it."""

    async def broken(work: Work) -> None:
        await work.connection.execute("SELECT 1 / 0")

    with pytest.raises(DatabaseUnavailable):
        await back_office.run(admin, broken)


async def _propose(back_office: BackOffice, operator: Operator, content: Content) -> int:
    """Ask for something that needs four eyes; the proposal's number."""
    with pytest.raises(ApprovalNeeded) as needed:
        await back_office.run(operator, lambda work: _rename(work, content), "because")
    return needed.value.proposal_id


async def _rename(work: Work, content: Content) -> str:
    """A service that needs four eyes."""
    await work.require(Action.OPERATOR_ADD, PLATFORM_ID, Kind.PARTY)
    await work.approval(Action.OPERATOR_ADD, Subject(Kind.PARTY, "1", PLATFORM_ID), content)
    await work.connection.execute("UPDATE directory.party SET name = $1 WHERE id = 1", content["name"])
    work.record(Action.OPERATOR_ADD, Subject(Kind.PARTY, "1", PLATFORM_ID), after={"name": content["name"]})
    return "renamed"


RENAMING: Mapping[Action, CarryOut] = MappingProxyType({Action.OPERATOR_ADD: _rename})


async def test_four_eyes_carry_out_what_was_proposed(
    back_office: BackOffice, admin: Operator, second: Operator
) -> None:
    """The first operator's request is stored, and the second's approval does exactly that."""
    back_office.carried_out = RENAMING
    number = await _propose(back_office, admin, {"name": "新名字", "password": "x"})
    assert "Platform" == await _name(back_office)

    assert "renamed" == await back_office.office.approve(second, ProposalId(number), "seen")

    assert "新名字" == await _name(back_office)
    logged = [
        (row["operator"], row["action"], row["why"], row["proposal_id"])
        for row in await back_office.rows(LOGGED + " ORDER BY seq")
    ]
    assert [
        ("root", "approval.proposed", "because", None),
        ("rosa", "operator.add", "seen", number),
        ("rosa", "approval.approved", "seen", number),
    ] == logged
    proposed = json.loads((await back_office.rows(LOGGED + " ORDER BY seq"))[0]["after"])
    assert {"name": "新名字", "password": "***"} == proposed["content"]


async def test_the_same_proposal_is_made_once(
    back_office: BackOffice, admin: Operator, second: Operator
) -> None:
    """Asking again for what waits already answers with the proposal that waits, whoever asks."""
    first = await _propose(back_office, admin, {"name": "A"})

    assert first == await _propose(back_office, second, {"name": "A"})
    assert first + 1 == await _propose(back_office, admin, {"name": "B"})


async def test_another_content_is_not_carried_out(
    back_office: BackOffice, admin: Operator, second: Operator
) -> None:
    """A service that asks for approval of something else than was proposed is refused, and undone."""

    async def another(work: Work, content: Content) -> str:
        return await _rename(work, {**content, "name": "other"})

    back_office.carried_out = {Action.OPERATOR_ADD: another}
    number = await _propose(back_office, admin, {"name": "A"})

    with pytest.raises(ChangedMeanwhile):
        await back_office.office.approve(second, ProposalId(number))

    assert "Platform" == await _name(back_office)
    waiting = await back_office.rows("SELECT state FROM directory.proposal")
    assert ["waiting"] == [row["state"] for row in waiting]


async def test_what_needs_no_four_eyes_is_done_at_once(back_office: BackOffice, admin: Operator) -> None:
    """An action whose rule names no approvers asks nobody."""

    async def done(work: Work) -> None:
        await work.approval(Action.CARD_FREEZE, SUBJECT, {})
        await _freeze(work)

    await back_office.run(admin, done)

    assert "changed" == await _name(back_office)


async def test_database_holds_proposer_and_approver_apart(back_office: BackOffice, admin: Operator) -> None:
    """Even past the program nobody approves what they proposed; to withdraw it is no approval."""
    await _propose(back_office, admin, {"name": "A"})
    decide = "UPDATE directory.proposal SET decided_by = proposed_by, decided_us = 1, state = $1"

    with pytest.raises(asyncpg.CheckViolationError):
        await back_office.execute(decide, "approved")
    await back_office.execute(decide, "rejected")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE directory.proposal SET proposed_by = $1::bigint",
        "UPDATE directory.proposal SET content = '{}' WHERE $1 > 0",
        "DELETE FROM directory.proposal WHERE $1 > 0",
    ],
)
async def test_database_keeps_proposals_as_they_were_made(
    back_office: BackOffice, admin: Operator, second: Operator, statement: str
) -> None:
    """Nobody changes who proposed what, or what it was."""
    await _propose(back_office, admin, {"name": "A"})

    with pytest.raises(asyncpg.RestrictViolationError):
        await back_office.execute(statement, second.id)


async def test_database_lets_proposals_be_decided_once(
    back_office: BackOffice, admin: Operator, second: Operator
) -> None:
    """What was decided stays decided."""
    await _propose(back_office, admin, {"name": "A"})
    decide = "UPDATE directory.proposal SET decided_by = $1::bigint, decided_us = 1, state = $2"
    await back_office.execute(decide, second.id, "rejected")

    with pytest.raises(asyncpg.RestrictViolationError):
        await back_office.execute(decide, second.id, "approved")
