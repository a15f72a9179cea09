"""Adding and finding parties."""

import asyncio

import pytest

from directory.parties import PLATFORM_ID, Party, PartyId, PartyKind
from directory.party_service import add_party, find_party, insert_party, parties, party
from directory.refusals import AlreadyThere, InvalidValue, NoSuchRecord, NotAllowed
from directory.rights import Role
from directory.work import Operator
from tests.directory.back_office import BackOffice


@pytest.fixture
async def root(back_office: BackOffice) -> Operator:
    """An administrator of the platform."""
    return await back_office.operator("root")


async def _added(
    back_office: BackOffice,
    operator: Operator,
    kind: PartyKind,
    code: str,
    parent_id: PartyId = PLATFORM_ID,
    name: str = "Name",
) -> Party:
    return await back_office.run(operator, lambda work: add_party(work, kind, code, name, parent_id))


async def test_tree_is_built(back_office: BackOffice, root: Operator) -> None:
    """Parties are listed each behind the one it hangs under, with names in any script."""
    bank = await _added(back_office, root, PartyKind.ISSUER, "B1", name="城市通")
    host = await _added(back_office, root, PartyKind.PARTNER, "H1")
    agent = await _added(back_office, root, PartyKind.AGENT, "A1", bank.id)

    platform, *others = await back_office.run(root, parties)

    assert (PLATFORM_ID, None) == (platform.id, platform.parent_id)
    assert [bank, agent, host] == others
    assert Party(PartyId(2), PartyKind.ISSUER, PLATFORM_ID, "B1", "城市通") == bank
    assert [host] == await back_office.run(root, lambda work: parties(work, [PartyKind.PARTNER]))


async def test_adding_is_logged(back_office: BackOffice, root: Operator) -> None:
    """What was added stands in the audit, with its place in the tree."""
    await _added(back_office, root, PartyKind.ISSUER, "B1")

    logged = await back_office.rows("SELECT action, kind, subject, party_id, after FROM directory.audit")
    assert [("issuer.add", "party", "2", 2, '{"code":"B1","kind":"issuer","name":"Name","parent":1}')] == [
        tuple(row) for row in logged
    ]


@pytest.mark.parametrize(
    ("kind", "parent"), [("agent", "platform"), ("partner", "issuer"), ("issuer", "issuer")]
)
async def test_party_hangs_where_it_may(
    back_office: BackOffice, root: Operator, kind: str, parent: str
) -> None:
    """An agent belongs to an issuer, issuers and partners to the platform."""
    parent_id = PLATFORM_ID if parent == "platform" else (await back_office.party()).id

    with pytest.raises(InvalidValue, match="parent: "):
        await _added(back_office, root, PartyKind(kind), "X", parent_id)


@pytest.mark.parametrize(
    ("code", "name"), [("", "Name"), (" ", "N"), ("x" * 33, "N"), ("X", "a\nb"), ("X", "")]
)
async def test_code_and_name_are_texts(back_office: BackOffice, root: Operator, code: str, name: str) -> None:
    """Empty, overlong and unprintable texts are refused."""
    with pytest.raises(InvalidValue):
        await _added(back_office, root, PartyKind.ISSUER, code, name=name)


async def test_codes_are_unique_by_kind(back_office: BackOffice, root: Operator) -> None:
    """A code that is taken is refused; another kind may have it."""
    await _added(back_office, root, PartyKind.ISSUER, "X")
    await _added(back_office, root, PartyKind.PARTNER, "X")

    with pytest.raises(AlreadyThere):
        await _added(back_office, root, PartyKind.ISSUER, "X")


async def test_ids_are_unique_at_once(back_office: BackOffice, root: Operator) -> None:
    """Parties added at the same time get ids of their own."""
    added = await asyncio.gather(
        *(_added(back_office, root, PartyKind.ISSUER, f"B{number}") for number in range(8))
    )

    assert [*range(2, 10)] == sorted(each.id for each in added)


async def test_issuer_adds_its_agents_only(back_office: BackOffice, root: Operator) -> None:
    """An issuer's administrator adds agents of that issuer, and nothing anywhere else."""
    issuer, foreign = await back_office.party(), await back_office.party()
    ada = await back_office.operator("ada", Role.ISSUER_ADMIN, issuer.id)

    added = await _added(back_office, ada, PartyKind.AGENT, "A1", issuer.id)

    assert issuer.id == added.parent_id
    for parent_id in (foreign.id, PartyId(99)):
        with pytest.raises(NoSuchRecord, match="no such party"):
            await _added(back_office, ada, PartyKind.AGENT, "A2", parent_id)
    with pytest.raises(NotAllowed):
        await _added(back_office, ada, PartyKind.ISSUER, "B2", PLATFORM_ID)


async def test_foreign_parties_are_not_there(back_office: BackOffice, root: Operator) -> None:
    """Whose records are foreign is found neither by code nor by id, nor listed."""
    issuer, foreign = await back_office.party(), await back_office.party()
    clerk = await back_office.operator("carl", Role.ISSUER_CLERK, issuer.id)

    assert [issuer] == await back_office.run(clerk, parties)
    assert issuer == await back_office.run(clerk, lambda work: find_party(work, issuer.kind, issuer.code))
    assert issuer == await back_office.run(clerk, lambda work: party(work, issuer.id))
    for code in (foreign.code, "nothing"):
        with pytest.raises(NoSuchRecord):
            await back_office.run(clerk, lambda work, code=code: find_party(work, foreign.kind, code))
    for party_id in (foreign.id, PLATFORM_ID, PartyId(99)):
        with pytest.raises(NoSuchRecord):
            await back_office.run(clerk, lambda work, party_id=party_id: party(work, party_id))


async def test_nothing_hangs_under_nothing(back_office: BackOffice, root: Operator) -> None:
    """A service that names a parent that isn't there is told so."""
    with pytest.raises(NoSuchRecord):
        await back_office.run(
            root, lambda work: insert_party(work, PartyKind.MERCHANT, "M", "M", PartyId(99))
        )
