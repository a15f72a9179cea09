"""Merchants from the application to the closing, by operators who may."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from directory import fee_plans, merchants
from directory.fee_plans import FeePlanTerms
from directory.merchant_life import MerchantEvent, NotInThisState
from directory.merchants import Cycle, Merchant, MerchantDetails, Method, NotReady, Settlement
from directory.offers import Offer
from directory.parties import PLATFORM_ID, Party, PartyKind
from directory.product_terms import CardService
from directory.proposals import ProposalId
from directory.records import MerchantState, Product
from directory.refusals import (
    AlreadyThere,
    ApprovalNeeded,
    ChangedMeanwhile,
    InvalidValue,
    NoSuchRecord,
    NotAllowed,
    Refused,
)
from directory.rights import Role
from directory.work import Operator, Work

from .back_office import BackOffice
from .conftest import Connection

SHOP = "990001000000077"
DETAILS = MerchantDetails("Corner shop 街角店", "5411")
SETTLEMENT = Settlement(Cycle.WEEKLY, 2, Method.GROSS, "Corner Ltd", "102100099996", b"sealed", "0123")
Change = Callable[[Work], Awaitable[Merchant]]


@pytest.fixture
async def admin(back_office: BackOffice) -> Operator:
    """An administrator of the platform."""
    return await back_office.operator("alice")


@pytest.fixture
async def second(back_office: BackOffice, admin: Operator) -> Operator:
    """Another one."""
    return await back_office.operator("bob")


@pytest.fixture
def office(back_office: BackOffice) -> BackOffice:
    """An office in which merchants' proposals can be approved."""
    return replace(back_office, carried_out=merchants.CARRIED_OUT)


@pytest.fixture
async def applied(office: BackOffice, admin: Operator) -> Merchant:
    """A merchant that has applied, with settlement data and a fee plan."""

    async def apply(work: Work) -> Merchant:
        await fee_plans.add_fee_plan(work, "STANDARD", "Standard", FeePlanTerms(), PLATFORM_ID)
        await merchants.apply(work, SHOP, DETAILS)
        return await merchants.settle(work, SHOP, SETTLEMENT, "STANDARD")

    return await office.run(admin, apply)


@pytest.fixture
async def live(office: BackOffice, applied: Merchant, admin: Operator, second: Operator) -> Merchant:
    """A live merchant."""
    await approved(office, admin, second, moved(MerchantEvent.APPROVE))
    return await office.run(admin, moved(MerchantEvent.GO_LIVE))


def moved(event: MerchantEvent) -> Change:
    """Something happens to the merchant."""
    return lambda work: merchants.move(work, SHOP, event)


async def approved(office: BackOffice, first: Operator, second: Operator, change: Any) -> Any:
    """What a second operator's approval of a proposal returns."""
    with pytest.raises(ApprovalNeeded) as needed:
        await office.run(first, change)
    return await office.office.approve(second, ProposalId(needed.value.proposal_id))


async def stored(office: BackOffice, operator: Operator) -> Merchant:
    """The merchant as the database has it."""
    return await office.run(operator, lambda work: merchants.merchant(work, SHOP))


async def test_merchant_comes_with_a_party_of_its_own(
    office: BackOffice, admin: Operator, applied: Merchant
) -> None:
    """It has applied, is what was said of it, and its party hangs under who brought it."""
    parents = await office.run(admin, lambda work: merchants.parents(work, [applied]))

    assert (MerchantState.APPLIED, DETAILS, "STANDARD", SETTLEMENT) == (
        applied.state,
        applied.details,
        applied.fee_plan,
        applied.settlement,
    )
    assert applied == await stored(office, admin)
    assert {applied.party_id: "platform"} == parents


async def test_life_of_a_merchant(
    office: BackOffice, admin: Operator, second: Operator, live: Merchant
) -> None:
    """Approved by two, it goes live, is suspended, resumes and is closed."""
    events = (MerchantEvent.SUSPEND, MerchantEvent.RESUME, MerchantEvent.CLOSE)

    states = [(await office.run(admin, moved(event))).state for event in events]

    assert live.state is MerchantState.LIVE
    assert states == [MerchantState.SUSPENDED, MerchantState.LIVE, MerchantState.CLOSED]
    assert (await stored(office, admin)).state is MerchantState.CLOSED
    with pytest.raises(NotInThisState):
        await office.run(admin, moved(MerchantEvent.RESUME))


async def test_merchant_is_ready_before_it_is_approved(office: BackOffice, admin: Operator) -> None:
    """Without settlement data and a fee plan nobody can approve it."""
    await office.run(admin, lambda work: merchants.apply(work, SHOP, DETAILS))

    with pytest.raises(NotReady):
        await office.run(admin, moved(MerchantEvent.APPROVE))


async def test_what_was_changed_since_is_not_approved(
    office: BackOffice, admin: Operator, second: Operator, applied: Merchant
) -> None:
    """An account that was exchanged after the proposal was made ends it, be its last digits the same."""
    with pytest.raises(ApprovalNeeded) as needed:
        await office.run(admin, moved(MerchantEvent.APPROVE))
    other = replace(SETTLEMENT, account_sealed=b"another")
    await office.run(admin, lambda work: merchants.settle(work, SHOP, other, "STANDARD"))

    with pytest.raises(ChangedMeanwhile):
        await office.office.approve(second, ProposalId(needed.value.proposal_id))


async def test_payment_of_an_approved_merchant_changes_by_four_eyes(
    office: BackOffice, admin: Operator, second: Operator, live: Merchant
) -> None:
    """Nothing has changed until the second operator agrees, and then exactly what was proposed."""
    other = replace(SETTLEMENT, cycle=Cycle.DAILY, account_sealed=b"another", account_tail="9")

    async def change(work: Work) -> Merchant:
        return await merchants.settle(work, SHOP, other, "STANDARD")

    with pytest.raises(ApprovalNeeded) as needed:
        await office.run(admin, change)
    before = await stored(office, admin)
    await office.office.approve(second, ProposalId(needed.value.proposal_id))

    assert before.settlement == SETTLEMENT
    assert (await stored(office, admin)).settlement == other


async def test_rejected_application_is_closed(office: BackOffice, admin: Operator, applied: Merchant) -> None:
    """It was never approved and will not be."""
    assert (await office.run(admin, moved(MerchantEvent.REJECT))).state is MerchantState.CLOSED


async def test_merchant_changes(
    office: BackOffice, admin: Operator, applied: Merchant, connection: Connection, product: Product
) -> None:
    """Name, category, services and accepted products are those given last."""
    offer = Offer(frozenset({CardService.PURCHASE}), frozenset({product.id}))
    details = MerchantDetails("Another name", "5812", offer)

    changed = await office.run(admin, lambda work: merchants.change(work, SHOP, details))

    assert changed.details == details
    assert (await stored(office, admin)).details == details


async def test_views_and_audit_are_told(office: BackOffice, admin: Operator, live: Merchant) -> None:
    """Each step is in the audit and in the change log; the sealed account is in neither."""
    actions = await office.rows(
        "SELECT action, before || after AS told FROM directory.audit WHERE subject = $1", SHOP
    )
    changes = await office.rows("SELECT count(*) FROM directory.change WHERE kind = 'merchant'")

    assert ["merchant.apply", "merchant.settle", "merchant.approve", "merchant.go_live"] == [
        row["action"] for row in actions
    ]
    assert not [row for row in actions if b"sealed".hex() in row["told"]]
    assert changes[0][0] >= 3


@pytest.mark.parametrize(
    ("merchant_id", "details", "refused"),
    [
        ("short", DETAILS, InvalidValue),
        ("99000100000007 ", DETAILS, InvalidValue),
        ("99000100000007é", DETAILS, InvalidValue),
        ("9900010000000770", DETAILS, InvalidValue),
        (SHOP, replace(DETAILS, name=" "), InvalidValue),
        (SHOP, replace(DETAILS, category="54"), InvalidValue),
        (SHOP, replace(DETAILS, category="\uff15\uff14\uff11\uff11"), InvalidValue),
        (SHOP, replace(DETAILS, offer=Offer(accepts=frozenset({404}))), NoSuchRecord),
    ],
)
async def test_application_that_makes_no_sense_is_refused(
    office: BackOffice,
    admin: Operator,
    merchant_id: str,
    details: MerchantDetails,
    refused: type[Refused],
) -> None:
    """What the tables or the messages could not hold is refused with the rule."""
    with pytest.raises(refused):
        await office.run(admin, lambda work: merchants.apply(work, merchant_id, details))


@pytest.mark.parametrize("days", [-1, 32])
async def test_settlement_that_makes_no_sense_is_refused(
    office: BackOffice, admin: Operator, applied: Merchant, days: int
) -> None:
    """A merchant is paid within a month of the period's end, by a plan that there is."""
    with pytest.raises(InvalidValue):
        await office.run(
            admin,
            lambda work: merchants.settle(work, SHOP, replace(SETTLEMENT, days=days), "STANDARD"),
        )
    with pytest.raises(NoSuchRecord):
        await office.run(admin, lambda work: merchants.settle(work, SHOP, SETTLEMENT, "OTHER"))


async def test_identifier_is_taken_once(office: BackOffice, admin: Operator, applied: Merchant) -> None:
    """A second merchant of the same identifier is refused."""
    with pytest.raises(AlreadyThere):
        await office.run(admin, lambda work: merchants.apply(work, SHOP, DETAILS))


class TestOwnAndForeign:
    """An issuer's people see the merchants that it brought, and merchants themselves."""

    @pytest.fixture
    async def issuers(self, back_office: BackOffice) -> tuple[Party, Party]:
        """Two issuers."""
        return await back_office.party(), await back_office.party()

    @pytest.fixture
    async def clerk(self, office: BackOffice, issuers: tuple[Party, Party]) -> Operator:
        """A clerk of the first issuer."""
        return await office.operator("carol", Role.ISSUER_CLERK, issuers[0].id)

    async def test_clerk_sees_own_merchants_only(
        self, office: BackOffice, admin: Operator, clerk: Operator, issuers: tuple[Party, Party]
    ) -> None:
        """Another issuer's merchant is not there: not by name, in a list, or to be changed."""
        for number, issuer in enumerate(issuers):
            identifier = f"{SHOP[:-1]}{number}"
            await office.run(
                admin,
                lambda work, identifier=identifier, issuer=issuer: merchants.apply(
                    work, identifier, DETAILS, parent_id=issuer.id
                ),
            )
        listed = await office.run(clerk, merchants.merchants)

        assert [f"{SHOP[:-1]}0"] == [each.merchant_id for each in listed]
        for work in (
            lambda work: merchants.merchant(work, f"{SHOP[:-1]}1"),
            lambda work: merchants.change(work, f"{SHOP[:-1]}1", DETAILS),
            lambda work: merchants.apply(work, SHOP, DETAILS, parent_id=issuers[1].id),
        ):
            with pytest.raises(NoSuchRecord):
                await office.run(clerk, work)

    async def test_clerk_approves_nothing(
        self, office: BackOffice, clerk: Operator, issuers: tuple[Party, Party]
    ) -> None:
        """The right to it is an administrator's."""
        await office.run(clerk, lambda work: merchants.apply(work, SHOP, DETAILS, parent_id=issuers[0].id))

        with pytest.raises(NotAllowed):
            await office.run(clerk, moved(MerchantEvent.APPROVE))

    async def test_merchants_people_see_their_merchant(
        self, office: BackOffice, admin: Operator, applied: Merchant
    ) -> None:
        """A cashier sees the merchant and may not change it."""
        cashier = await office.operator("dave", Role.MERCHANT_CASHIER, applied.party_id)
        await office.party(PartyKind.MERCHANT)

        assert [applied] == await office.run(cashier, merchants.merchants)
        with pytest.raises(NotAllowed):
            await office.run(cashier, lambda work: merchants.change(work, SHOP, DETAILS))


async def test_list_comes_in_pages(office: BackOffice, admin: Operator) -> None:
    """By identifier, a page at a time, of one state if that is asked for."""

    async def apply(work: Work) -> None:
        for number in range(5):
            await merchants.apply(work, f"{SHOP[:-1]}{number}", DETAILS)

    await office.run(admin, apply)
    first = await office.run(admin, lambda work: merchants.merchants(work, limit=3))
    rest = await office.run(
        admin, lambda work: merchants.merchants(work, after=first[-1].merchant_id, limit=3)
    )
    none = await office.run(admin, lambda work: merchants.merchants(work, state=MerchantState.LIVE))

    assert ["0", "1", "2", "3", "4"] == [each.merchant_id[-1] for each in (*first, *rest)]
    assert none == []
