"""Fee plans: what a merchant pays, in versions that never change."""

from dataclasses import replace

import pytest

from directory import fee_plans
from directory.fee_plans import BadFeePlan, FeePlan, FeePlanTerms, MerchantFee, fee_plan_terms_of
from directory.parties import PLATFORM_ID
from directory.product_terms import CardClass, CardService
from directory.proposals import ProposalId
from directory.refusals import AlreadyThere, ApprovalNeeded, InvalidValue, NoSuchRecord
from directory.rights import Role
from directory.work import Operator, Work

from .back_office import BackOffice

MEALS = MerchantFee(services=(CardService.PURCHASE,), basis_points=10, card_classes=(CardClass.MEAL,))
SALES = MerchantFee(services=(CardService.PURCHASE, CardService.REFUND), basis_points=60)
TERMS = FeePlanTerms(fees=(MEALS, SALES))
CHEAPER = FeePlanTerms(fees=(SALES.model_copy(update={"basis_points": 30}),))


@pytest.fixture
def office(back_office: BackOffice) -> BackOffice:
    """An office in which fee plans' proposals can be approved."""
    return replace(back_office, carried_out=fee_plans.CARRIED_OUT)


@pytest.fixture
async def admin(back_office: BackOffice) -> Operator:
    """An administrator of the platform."""
    return await back_office.operator("alice")


@pytest.fixture
async def plan(office: BackOffice, admin: Operator) -> FeePlan:
    """A plan in force."""
    return await office.run(
        admin, lambda work: fee_plans.add_fee_plan(work, "STANDARD", "Standard", TERMS, PLATFORM_ID)
    )


@pytest.mark.parametrize(
    ("service", "card_class", "fee"),
    [
        (CardService.PURCHASE, CardClass.MEAL, MEALS),
        (CardService.PURCHASE, CardClass.GIFT, SALES),
        (CardService.REFUND, CardClass.MEAL, SALES),
        (CardService.TOP_UP, CardClass.MEAL, None),
    ],
)
def test_first_fee_that_fits_is_charged(
    service: CardService, card_class: CardClass, fee: MerchantFee | None
) -> None:
    """It names the service and takes the card's class; without one the service is free."""
    assert fee == TERMS.fee_for(service, card_class)


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        '{"fees": [{"services": []}]}',
        '{"fees": [{"services": ["purchase"]}]}',
        '{"fees": [{"services": ["purchase"], "basis_points": 10, "payer": "cardholder"}]}',
        '{"fees": [{"services": ["purchase"], "flat_minor": 1, "card_classes": []}]}',
        '{"rates": []}',
    ],
)
def test_what_is_no_plan_is_refused(document: str) -> None:
    """The fields and rules are named."""
    with pytest.raises(BadFeePlan):
        fee_plan_terms_of(document)


def test_terms_come_back_from_their_document() -> None:
    """What is stored means the same when it is read."""
    assert fee_plan_terms_of(TERMS.model_dump_json()) == TERMS


async def test_plan_comes_back_as_it_was_added(office: BackOffice, admin: Operator, plan: FeePlan) -> None:
    """By its code and in the list, in force from the moment of adding."""
    assert plan == await office.run(admin, lambda work: fee_plans.fee_plan(work, "STANDARD"))
    assert [plan] == await office.run(admin, fee_plans.fee_plans)
    assert plan.at(office.now_us - 1) is None
    assert plan.at(office.now_us) == TERMS


async def test_code_is_taken_once(office: BackOffice, admin: Operator, plan: FeePlan) -> None:
    """A second plan of the same code is refused."""
    with pytest.raises(AlreadyThere):
        await office.run(
            admin, lambda work: fee_plans.add_fee_plan(work, "STANDARD", "Other", TERMS, PLATFORM_ID)
        )


async def test_change_comes_into_force_later_and_by_four_eyes(
    office: BackOffice, admin: Operator, plan: FeePlan
) -> None:
    """What is in force until then stays as it was."""
    second = await office.operator("bob")
    later_us = office.now_us + 1_000

    async def change(work: Work) -> FeePlan:
        return await fee_plans.change_fee_plan(work, "STANDARD", CHEAPER, later_us)

    with pytest.raises(ApprovalNeeded) as needed:
        await office.run(admin, change)
    await office.office.approve(second, ProposalId(needed.value.proposal_id))
    changed = await office.run(admin, lambda work: fee_plans.fee_plan(work, "STANDARD"))

    assert [1, 2] == [version.number for version in changed.versions]
    assert (TERMS, CHEAPER) == (changed.at(later_us - 1), changed.at(later_us))


async def test_past_is_not_changed(office: BackOffice, admin: Operator, plan: FeePlan) -> None:
    """A version that would be in force now, or before an earlier one, is refused."""
    with pytest.raises(InvalidValue):
        await office.run(
            admin, lambda work: fee_plans.change_fee_plan(work, "STANDARD", CHEAPER, office.now_us)
        )


async def test_foreign_plan_is_not_there(office: BackOffice, admin: Operator, plan: FeePlan) -> None:
    """An issuer's people see the issuer's plans, and none of the platform's."""
    issuer = await office.party()
    clerk = await office.operator("carol", Role.ISSUER_CLERK, issuer.id)

    assert await office.run(clerk, fee_plans.fee_plans) == []
    with pytest.raises(NoSuchRecord):
        await office.run(clerk, lambda work: fee_plans.fee_plan(work, "STANDARD"))
