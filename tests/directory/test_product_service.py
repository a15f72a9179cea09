"""Products are changed by further versions, and what was promised stays."""

from typing import Any

import pytest

from directory.parties import PLATFORM_ID
from directory.product_service import (
    VersionInForce,
    add_product,
    change_product,
    moment_us,
    product,
    product_for,
    products,
    withdraw_version,
)
from directory.product_terms import Limits, ProductTerms, Purse, PurseKind
from directory.records import Product
from directory.refusals import AlreadyThere, ApprovalNeeded, InvalidValue, NoSuchRecord, NotAllowed
from directory.rights import Role
from directory.work import Operator

from .card_room import TERMS, CardRoom

MORE = TERMS.model_copy(update={"limits": Limits(transaction_max_minor=10_000)})
HOUR_US = 3_600_000_000


async def change(room: CardRoom, terms: ProductTerms, moment: int | None = None) -> Product:
    """The product GIFT, changed by the issuer's admin and approved by the platform's."""
    with pytest.raises(ApprovalNeeded) as needed:
        await room.office.run(room.admin, lambda work: change_product(work, "GIFT", terms, moment))
    await room.office.office.approve(room.platform, needed.value.proposal_id)
    return await seen(room)


async def seen(room: CardRoom, by: Operator | None = None) -> Product:
    """The product GIFT as somebody sees it."""
    return await room.office.run(by or room.clerk, lambda work: product(work, "GIFT"))


async def test_product_begins_with_its_first_version(room: CardRoom) -> None:
    """A product's first version is in force from the moment it is added on."""
    found = await seen(room)

    assert [(1, room.office.now_us)] == [(each.number, each.effective_from_us) for each in found.versions]
    assert TERMS == found.at(room.office.now_us)
    assert found.at(room.office.now_us - 1) is None


async def test_change_is_another_version(room: CardRoom) -> None:
    """What was decided before a change is decided by the terms of that time."""
    added_us = room.office.now_us
    room.office.now_us += HOUR_US
    found = await change(room, MORE)

    assert [1, 2] == [each.number for each in found.versions]
    assert (TERMS, TERMS, MORE) == (
        *(found.at(added_us), found.at(room.office.now_us - 1)),
        found.at(room.office.now_us),
    )


async def test_change_may_lie_ahead(room: CardRoom) -> None:
    """A version comes into force by itself at its moment."""
    later = room.office.now_us + HOUR_US
    found = await change(room, MORE, later)

    assert (TERMS, MORE) == (found.at(later - 1), found.at(later))


async def test_version_that_lies_ahead_can_be_withdrawn(room: CardRoom) -> None:
    """It is as if it had never been, and its number is free."""
    await change(room, MORE, room.office.now_us + HOUR_US)
    await room.office.run(room.admin, lambda work: withdraw_version(work, "GIFT", 2))

    assert len((await seen(room)).versions) == 1
    assert len(await room.audited("product.withdraw")) == 1


@pytest.mark.parametrize(("number", "refusal"), [(1, VersionInForce), (2, VersionInForce), (3, NoSuchRecord)])
async def test_version_in_force_stays(room: CardRoom, number: int, refusal: type[Exception]) -> None:
    """Neither the first version nor one that has begun is withdrawn."""
    await change(room, MORE, room.office.now_us + HOUR_US)
    room.office.now_us += HOUR_US
    with pytest.raises(refusal):
        await room.office.run(room.admin, lambda work: withdraw_version(work, "GIFT", number))

    assert len((await seen(room)).versions) == 2


async def test_only_version_stays(room: CardRoom) -> None:
    """A product that begins later keeps its first version."""
    later = room.office.now_us + HOUR_US
    await room.office.run(
        room.admin, lambda work: add_product(work, room.issuer.id, "LATER", "Later", TERMS, later)
    )
    with pytest.raises(VersionInForce):
        await room.office.run(room.admin, lambda work: withdraw_version(work, "LATER", 1))

    (known,) = [each for each in await room.office.run(room.clerk, products) if each.code == "LATER"]
    assert known.at(later - 1) is None


async def test_database_refuses_to_change_a_version(room: CardRoom) -> None:
    """Not even by hand is a stored version changed."""
    with pytest.raises(Exception, match="refused"):
        await room.office.execute("UPDATE directory.product_version SET effective_from_us = 0")

    assert TERMS == (await seen(room)).at(room.office.now_us)


@pytest.mark.parametrize(
    ("terms", "offset_us"),
    [
        (MORE, -1),
        (MORE, 0),
        (TERMS.model_copy(update={"currency": 840}), 1),
        (
            TERMS.model_copy(
                update={"purses": (Purse(number=2, name="p", kind=PurseKind.POINTS, asset=1001),)}
            ),
            1,
        ),
    ],
)
async def test_change_that_cannot_be(room: CardRoom, terms: ProductTerms, offset_us: int) -> None:
    """A change is not made in the past, nor twice for one moment, nor to money that cards hold."""
    moment = room.office.now_us + offset_us
    with pytest.raises(InvalidValue):
        await room.office.run(room.admin, lambda work: change_product(work, "GIFT", terms, moment))

    assert len((await seen(room)).versions) == 1


async def test_approval_that_comes_too_late_is_refused(room: CardRoom) -> None:
    """A version whose moment passes while it waits for approval never comes into force."""
    moment = room.office.now_us + 5
    with pytest.raises(ApprovalNeeded) as needed:
        await room.office.run(room.admin, lambda work: change_product(work, "GIFT", MORE, moment))
    room.office.now_us += 10
    with pytest.raises(InvalidValue):
        await room.office.office.approve(room.platform, needed.value.proposal_id)

    assert len((await seen(room)).versions) == 1


async def test_purse_may_be_added(room: CardRoom) -> None:
    """A further purse is a change like others."""
    points = Purse(number=2, name="points", kind=PurseKind.POINTS, asset=1001)
    room.office.now_us += 1
    found = await change(room, TERMS.model_copy(update={"purses": (*TERMS.purses, points)}))

    assert len(found.versions[-1].terms.purses) == 2


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"code": "GIFT"}, AlreadyThere),
        ({"code": "no code"}, InvalidValue),
        ({"name": ""}, InvalidValue),
        ({"effective_from_us": 5}, InvalidValue),
        ({"party_id": 99}, NoSuchRecord),
        ({"party_id": PLATFORM_ID}, NoSuchRecord),
    ],
)
async def test_product_that_cannot_be_added(
    room: CardRoom, values: dict[str, Any], refusal: type[Exception]
) -> None:
    """Code, name, moment and party are checked, and a foreign party is as none."""
    usual = {"party_id": room.issuer.id, "code": "NEW", "name": "New", "terms": TERMS}
    with pytest.raises(refusal):
        await room.office.run(room.admin, lambda work: add_product(work, **{**usual, **values}))

    assert ["GIFT"] == [each.code for each in await room.office.run(room.admin, products)]


async def test_clerks_change_no_products(room: CardRoom) -> None:
    """Whoever only issues cards doesn't decide what they are."""
    with pytest.raises(NotAllowed):
        await room.office.run(room.clerk, lambda work: change_product(work, "GIFT", MORE))


async def test_products_of_others_are_not_there(room: CardRoom) -> None:
    """Another issuer's people neither see nor list nor change a product."""
    other = await room.office.party()
    eve = await room.office.operator("eve", Role.ISSUER_ADMIN, other.id)
    for service in (
        lambda work: product(work, "GIFT"),
        lambda work: change_product(work, "GIFT", MORE),
        lambda work: withdraw_version(work, "GIFT", 1),
    ):
        with pytest.raises(NoSuchRecord):
            await room.office.run(eve, service)

    assert await room.office.run(eve, products) == []


async def test_cards_are_issued_of_ones_own_or_upper_products(room: CardRoom) -> None:
    """An agent issues its issuer's products; another issuer's it can't."""
    other = await room.office.party()
    found = await room.office.run(room.admin, lambda work: product_for(work, "GIFT", room.issuer.id))

    assert found.code == "GIFT"
    for party_id, code in ((other.id, "GIFT"), (room.issuer.id, "NONE")):
        with pytest.raises(NoSuchRecord):
            await room.office.run(room.admin, lambda work, p=party_id, c=code: product_for(work, c, p))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2027-01-01", 1_798_761_600), ("2027-01-01T08:00:00+08:00", 1_798_761_600)],
)
def test_moments_are_written_as_iso_8601(text: str, seconds: int) -> None:
    """A date begins at midnight UTC; an offset counts."""
    assert seconds * 1_000_000 == moment_us(text)


def test_what_is_no_moment() -> None:
    """Anything else is refused."""
    with pytest.raises(InvalidValue):
        moment_us("tomorrow")


async def test_audit_says_what_changed(room: CardRoom) -> None:
    """Adding and changing are logged with the terms before and after."""
    room.office.now_us += 1
    await change(room, MORE)
    (added,), (changed,) = await room.audited("product.add"), await room.audited("product.change")

    assert (added["before"], added["operator"]) == ("null", "ada")
    assert "10000" in changed["after"]
    assert "10000" not in changed["before"]
