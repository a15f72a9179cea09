"""Stores and service items belong to their merchant, and are kept by who may."""

import pytest

from directory import merchants, stores
from directory.merchants import Merchant, MerchantDetails
from directory.refusals import AlreadyThere, InvalidValue, NoSuchRecord, NotAllowed, Refused
from directory.rights import Role
from directory.stores import Category, ServiceItem, Store, StoreState
from directory.work import Operator, Work

from .back_office import BackOffice

SHOP = "990001000000077"
STORE = Store(SHOP, "S1", "Main street", "1 Main street")
FOOD = Category("FOOD", "Food 食品")
ITEM = ServiceItem(SHOP, "LUNCH", "FOOD", "Lunch", 25_00)


@pytest.fixture
async def merchant(back_office: BackOffice, admin: Operator) -> Merchant:
    """A merchant."""
    return await back_office.run(
        admin, lambda work: merchants.apply(work, SHOP, MerchantDetails("Corner shop", "5411"))
    )


@pytest.fixture
async def admin(back_office: BackOffice) -> Operator:
    """An administrator of the platform."""
    return await back_office.operator("alice")


async def test_store_is_opened_and_closed(
    back_office: BackOffice, admin: Operator, merchant: Merchant
) -> None:
    """It is listed with its state; a code is taken once; what is closed isn't closed again."""
    await back_office.run(admin, lambda work: stores.add_store(work, STORE))
    with pytest.raises(AlreadyThere):
        await back_office.run(admin, lambda work: stores.add_store(work, STORE))
    opened = await back_office.run(admin, lambda work: stores.stores(work, SHOP))
    await back_office.run(admin, lambda work: stores.close_store(work, SHOP, "S1"))
    closed = await back_office.run(admin, lambda work: stores.stores(work, SHOP))

    assert opened == [STORE]
    assert [store.state for store in closed] == [StoreState.CLOSED]
    with pytest.raises(NoSuchRecord):
        await back_office.run(admin, lambda work: stores.close_store(work, SHOP, "S1"))


async def test_items_have_categories(back_office: BackOffice, admin: Operator, merchant: Merchant) -> None:
    """An item is of a category that there is; codes are taken once."""
    with pytest.raises(NoSuchRecord):
        await back_office.run(admin, lambda work: stores.add_item(work, ITEM))
    await back_office.run(admin, lambda work: stores.add_category(work, FOOD))
    await back_office.run(admin, lambda work: stores.add_item(work, ITEM))

    assert [FOOD] == await back_office.run(admin, stores.categories)
    assert [ITEM] == await back_office.run(admin, lambda work: stores.items(work, SHOP))
    for again in (
        lambda work: stores.add_category(work, FOOD),
        lambda work: stores.add_item(work, ITEM),
    ):
        with pytest.raises(AlreadyThere):
            await back_office.run(admin, again)


@pytest.mark.parametrize(
    ("thing", "refused"),
    [
        (Store(SHOP, "no code", "Main street", ""), InvalidValue),
        (Store(SHOP, "S1", "", ""), InvalidValue),
        (Store(SHOP, "S1", "Main street", "x" * 201), InvalidValue),
        (Store("990001000000078", "S1", "Main street", ""), NoSuchRecord),
        (ServiceItem(SHOP, "", "FOOD", "Lunch"), InvalidValue),
        (ServiceItem(SHOP, "LUNCH", "FOOD", "Lunch", -1), InvalidValue),
        (ServiceItem("990001000000078", "LUNCH", "FOOD", "Lunch"), NoSuchRecord),
    ],
)
async def test_nonsense_is_refused(
    back_office: BackOffice,
    admin: Operator,
    merchant: Merchant,
    thing: Store | ServiceItem,
    refused: type[Refused],
) -> None:
    """Codes, names, prices and merchants that can't be are refused."""

    async def add(work: Work) -> object:
        if isinstance(thing, Store):
            return await stores.add_store(work, thing)
        return await stores.add_item(work, thing)

    with pytest.raises(refused):
        await back_office.run(admin, add)


async def test_merchants_people_keep_their_own(
    back_office: BackOffice, admin: Operator, merchant: Merchant
) -> None:
    """A merchant's administrator adds stores to it and to no other; a cashier adds none."""
    manager = await back_office.operator("carol", Role.MERCHANT_ADMIN, merchant.party_id)
    cashier = await back_office.operator("dave", Role.MERCHANT_CASHIER, merchant.party_id)
    other = "990001000000078"
    await back_office.run(
        admin, lambda work: merchants.apply(work, other, MerchantDetails("Other shop", "5411"))
    )

    assert STORE == await back_office.run(manager, lambda work: stores.add_store(work, STORE))
    with pytest.raises(NoSuchRecord):
        await back_office.run(manager, lambda work: stores.stores(work, other))
    with pytest.raises(NotAllowed):
        await back_office.run(cashier, lambda work: stores.close_store(work, SHOP, "S1"))
