"""The table of rights, and that every cell of it holds for a real operator, over own and foreign records."""

from collections.abc import Mapping

import pytest

from directory.operators import ROLES_OF
from directory.parties import PLATFORM_ID, Party, PartyId, PartyKind
from directory.refusals import NoSuchRecord, NotAllowed
from directory.rights import RIGHTS, Action, Reach, Role, rule_of
from directory.subjects import Kind
from directory.work import Operator, Work
from tests.directory.back_office import BackOffice

HOMES = {
    Role.PLATFORM_ADMIN: PartyKind.PLATFORM,
    Role.SECURITY_OFFICER: PartyKind.PLATFORM,
    Role.ISSUER_ADMIN: PartyKind.ISSUER,
    Role.ISSUER_CLERK: PartyKind.ISSUER,
    Role.MERCHANT_ADMIN: PartyKind.MERCHANT,
    Role.MERCHANT_CASHIER: PartyKind.MERCHANT,
    Role.AUDITOR: PartyKind.ISSUER,
}


def test_table_is_total() -> None:
    """Every action has a row with a cell for every role."""
    assert list(Action) == sorted(RIGHTS, key=list(Action).index)
    assert all(set(rule.reach) == set(Role) for rule in RIGHTS.values())


def test_approvers_may_do_what_they_approve() -> None:
    """Who may approve an action may ask for it as well: it is carried out in the approver's name."""
    assert all(rule.reach[role] is not Reach.NONE for rule in RIGHTS.values() for role in rule.approvers)


def test_nobody_else_may_do_everything_alone() -> None:
    """What needs four eyes can be approved by more than one role, or by more than one of the platform's."""
    assert all(
        rule.approvers & {Role.PLATFORM_ADMIN, Role.SECURITY_OFFICER}
        for rule in RIGHTS.values()
        if rule.needs_four_eyes
    )


def test_roles_of_parties_reach_no_further() -> None:
    """Only roles of the platform reach every party; those of issuers and merchants reach their own."""
    everywhere = {role for rule in RIGHTS.values() for role in Role if rule.reach[role] is Reach.ALL}

    assert everywhere <= ROLES_OF[PartyKind.PLATFORM]


@pytest.mark.parametrize(
    ("row", "needs", "approvers"),
    [("AO-----", False, set()), ("AO----- -O-----", True, {Role.ISSUER_ADMIN})],
)
def test_row_is_read(row: str, needs: bool, approvers: set[Role]) -> None:
    """The first word tells the reach of each role, the second who approves."""
    rule = rule_of(row)

    assert (Reach.ALL, Reach.OWN, Reach.NONE) == tuple(
        rule.reach[role] for role in (Role.PLATFORM_ADMIN, Role.ISSUER_ADMIN, Role.AUDITOR)
    )
    assert needs is rule.needs_four_eyes
    assert approvers == rule.approvers


@pytest.mark.parametrize("row", ["AO", "AO------", "AX-----"])
def test_malformed_row_is_refused(row: str) -> None:
    """A row that has not one known letter for each role is none."""
    with pytest.raises(ValueError, match=r"."):
        rule_of(row)


@pytest.mark.parametrize("role", Role)
async def test_every_cell_holds(back_office: BackOffice, role: Role) -> None:
    """Each action over own, lower and foreign records is allowed, refused, or blind, as its cell says."""
    operator, records = await _with_records(back_office, role)

    async def answers(work: Work) -> dict[Action, Mapping[str, str]]:
        return {
            action: {place: await _answer(work, action, party) for place, party in records.items()}
            for action in Action
        }

    assert {action: _expected(action, operator, records) for action in Action} == await back_office.run(
        operator, answers
    )


@pytest.mark.parametrize("role", Role)
async def test_scope_agrees_with_every_cell(back_office: BackOffice, role: Role) -> None:
    """Lists and counts see exactly the records that each action's cell lets the operator see one by one."""
    operator, records = await _with_records(back_office, role)
    parties = {place: party for place, party in records.items() if place != "nobody's"}

    async def seen(work: Work, action: Action) -> set[str]:
        scope = work.scope(action)
        query = f"SELECT id FROM directory.party WHERE {scope.where('id', 1)}"
        found = {row["id"] for row in await work.connection.fetch(query, scope.prefix)}
        return {place for place, party in parties.items() if party in found}

    for action in Action:
        expected = {
            place for place, answer in _expected(action, operator, parties).items() if answer == "allowed"
        }
        if RIGHTS[action].reach[role] is Reach.NONE:
            with pytest.raises(NotAllowed):
                await back_office.run(operator, lambda work, action=action: seen(work, action))
        else:
            assert expected == await back_office.run(operator, lambda work, action=action: seen(work, action))


async def _with_records(back_office: BackOffice, role: Role) -> tuple[Operator, Mapping[str, PartyId | None]]:
    """An operator of this role, and parties that are theirs, below, above, beside, or nobody's."""
    own, foreign = await _home(back_office, HOMES[role]), await _home(back_office, PartyKind.ISSUER)
    lower = foreign
    if own.kind is PartyKind.ISSUER:
        lower = await back_office.party(PartyKind.AGENT, own.id)
    operator = await back_office.operator("somebody", role, own.id)
    return operator, {
        "own": own.id,
        "lower": lower.id,
        "foreign": foreign.id,
        "platform's": PLATFORM_ID,
        "nobody's": None,
    }


async def _home(back_office: BackOffice, kind: PartyKind) -> Party:
    if kind is PartyKind.PLATFORM:
        return Party(PLATFORM_ID, kind, None, "platform", "Platform")
    return await back_office.party(kind)


async def _answer(work: Work, action: Action, party_id: PartyId | None) -> str:
    try:
        await work.require(action, party_id, Kind.CARD)
    except NotAllowed:
        return "not allowed"
    except NoSuchRecord as unseen:
        return str(unseen)
    return "allowed"


def _expected(action: Action, operator: Operator, records: Mapping[str, PartyId | None]) -> Mapping[str, str]:
    reach = RIGHTS[action].reach[operator.role]
    own = {records["own"]} | ({records["lower"]} if HOMES[operator.role] is PartyKind.ISSUER else set())
    visible = {
        Reach.NONE: set(),
        Reach.OWN: own,
        Reach.ALL: set(records.values()) - {None},
    }[reach]
    if reach is Reach.NONE:
        return dict.fromkeys(records, "not allowed")
    return {place: "allowed" if party in visible else "no such card" for place, party in records.items()}
