"""Offers name services and products, and nobody can name a product out of reach."""

import pytest

from directory.offers import EVERYTHING, Offer, check_offer, product_codes, products_named, services_named
from directory.product_terms import CardService
from directory.records import Product
from directory.refusals import InvalidValue, NoSuchRecord
from directory.rights import Role
from directory.work import Operator

from .back_office import BackOffice
from .conftest import Connection


@pytest.fixture
async def admin(back_office: BackOffice, connection: Connection) -> Operator:
    """An administrator of the platform, where there is a product."""
    return await back_office.operator("alice")


def test_services_are_named() -> None:
    """By the names that products use; no others."""
    assert {CardService.PURCHASE, CardService.REFUND} == services_named(["refund", "purchase", "refund"])
    with pytest.raises(InvalidValue):
        services_named(["flying"])


@pytest.mark.parametrize(
    ("offer", "columns"),
    [
        (EVERYTHING, (None, None)),
        (Offer(frozenset(), frozenset()), ([], [])),
        (Offer(frozenset({CardService.REFUND, CardService.PURCHASE}), None), (["purchase", "refund"], None)),
        (Offer(None, frozenset({9, 3})), (None, [3, 9])),
    ],
)
def test_offer_is_stored_and_told_in_order(
    offer: Offer, columns: tuple[list[str] | None, list[int] | None]
) -> None:
    """Nothing said is null; nothing offered is an empty list."""
    assert columns == offer.columns
    assert {"services": columns[0], "accepts": columns[1]} == offer.told


async def test_products_are_named_by_their_codes(
    back_office: BackOffice, admin: Operator, product: Product
) -> None:
    """A code that isn't there is refused."""
    named = await back_office.run(admin, lambda work: products_named(work, [product.code]))
    codes = await back_office.run(admin, lambda work: product_codes(work, [EVERYTHING, Offer(None, named)]))

    assert {product.id} == named
    assert {product.id: product.code} == codes
    with pytest.raises(NoSuchRecord):
        await back_office.run(admin, lambda work: products_named(work, [product.code, "NONE"]))


async def test_foreign_products_can_not_be_named(
    back_office: BackOffice, admin: Operator, product: Product
) -> None:
    """An issuer's clerk is answered for the platform's product as for one that doesn't exist."""
    issuer = await back_office.party()
    clerk = await back_office.operator("carol", Role.ISSUER_CLERK, issuer.id)

    with pytest.raises(NoSuchRecord):
        await back_office.run(clerk, lambda work: products_named(work, [product.code]))
    with pytest.raises(NoSuchRecord):
        await back_office.run(clerk, lambda work: check_offer(work, Offer(None, frozenset({product.id}))))
    await back_office.run(admin, lambda work: check_offer(work, Offer(None, frozenset({product.id}))))
