"""A merchant's stores, and what it sells: service items, each of a category that merchants have in common."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from directory.content import Content
from directory.merchants import Merchant, required
from directory.parties import PLATFORM_ID, PartyId
from directory.refusals import AlreadyThere, InvalidValue, NoSuchRecord, message
from directory.rights import Action
from directory.subjects import Kind
from directory.texts import check_code, check_text
from directory.work import Subject, Work

_ADDRESS_LENGTH_MAX: Final = 200


class StoreState(StrEnum):
    """Whether a store is open."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Store:
    """A place where a merchant sells; `code` names it within the merchant."""

    merchant_id: str
    code: str
    name: str
    address: str
    state: StoreState = StoreState.OPEN


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of thing that merchants sell."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class ServiceItem:
    """A thing that a merchant sells; `price_minor` is None for what has no fixed price."""

    merchant_id: str
    code: str
    category: str
    name: str
    price_minor: int | None = None


_STORES: Final = """
SELECT merchant_id, code, name, address, state FROM directory.store WHERE merchant_id = $1 ORDER BY code
"""
_ADD_STORE: Final = """
INSERT INTO directory.store (merchant_id, code, name, address, state) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING code
"""
_CLOSE_STORE: Final = """
UPDATE directory.store SET state = 'closed'
WHERE merchant_id = $1 AND code = $2 AND state = 'open' RETURNING code
"""
_CATEGORIES: Final = "SELECT code, name FROM directory.service_category ORDER BY code"
_ADD_CATEGORY: Final = """
INSERT INTO directory.service_category (code, party_id, name) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING RETURNING code
"""
_CATEGORY_THERE: Final = "SELECT FROM directory.service_category WHERE code = $1"
_ITEMS: Final = """
SELECT merchant_id, code, category, name, price_minor FROM directory.service_item
WHERE merchant_id = $1 ORDER BY code
"""
_ADD_ITEM: Final = """
INSERT INTO directory.service_item (merchant_id, code, category, name, price_minor)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING code
"""


async def add_store(work: Work, store: Store) -> Store:
    """Add a store to a merchant.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such merchant within reach.
        InvalidValue: Something of it can't be used.
        AlreadyThere: The merchant has one of this code.
    """
    check_code("code", store.code)
    check_text("name", store.name)
    if store.address:
        check_text("address", store.address, _ADDRESS_LENGTH_MAX)
    merchant = await required(work, Action.MERCHANT_STORE, store.merchant_id)
    row = (store.merchant_id, store.code, store.name, store.address, store.state)
    if await work.connection.fetchval(_ADD_STORE, *row) is None:
        raise AlreadyThere(kind=Kind.STORE)
    after: Content = {"name": store.name, "address": store.address, "state": store.state}
    work.record(Action.MERCHANT_STORE, _subject(Kind.STORE, merchant, store.code), after=after)
    return store


async def close_store(work: Work, merchant_id: str, code: str) -> None:
    """Close a store; its terminals stay as they are.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such merchant within reach, or it has no such open store.
    """
    merchant = await required(work, Action.MERCHANT_STORE, merchant_id)
    if await work.connection.fetchval(_CLOSE_STORE, merchant_id, code) is None:
        raise NoSuchRecord(kind=Kind.STORE)
    work.record(
        Action.MERCHANT_STORE,
        _subject(Kind.STORE, merchant, code),
        before={"state": StoreState.OPEN},
        after={"state": StoreState.CLOSED},
    )


async def stores(work: Work, merchant_id: str) -> list[Store]:
    """A merchant's stores by code.

    Raises:
        NotAllowed: The role sees no merchants.
        NoSuchRecord: There is no such merchant within reach.
    """
    await required(work, Action.MERCHANT_SEE, merchant_id)
    rows = await work.connection.fetch(_STORES, merchant_id)
    return [Store(row[0], row[1], row[2], row[3], StoreState(row[4])) for row in rows]


async def add_category(work: Work, category: Category, party_id: PartyId = PLATFORM_ID) -> Category:
    """Add a category for every merchant's items.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: The party isn't within reach.
        InvalidValue: Something of it can't be used.
        AlreadyThere: The code is taken.
    """
    check_code("code", category.code)
    check_text("name", category.name)
    await work.require(Action.CATEGORY_ADD, party_id, Kind.PARTY)
    if await work.connection.fetchval(_ADD_CATEGORY, category.code, party_id, category.name) is None:
        raise AlreadyThere(kind=Kind.CATEGORY)
    subject = Subject(Kind.CATEGORY, category.code, party_id)
    work.record(Action.CATEGORY_ADD, subject, after={"name": category.name})
    return category


async def categories(work: Work) -> list[Category]:
    """The categories by code.

    Raises:
        NotAllowed: The role sees no merchants.
    """
    work.may(Action.MERCHANT_SEE)
    return [Category(*row) for row in await work.connection.fetch(_CATEGORIES)]


async def add_item(work: Work, item: ServiceItem) -> ServiceItem:
    """Add a thing that a merchant sells.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such merchant within reach, or no such category.
        InvalidValue: Something of it can't be used.
        AlreadyThere: The merchant has one of this code.
    """
    check_code("code", item.code)
    check_text("name", item.name)
    if item.price_minor is not None and item.price_minor < 0:
        raise InvalidValue(field="price_minor", reason=message("no negative amount is wanted"))
    merchant = await required(work, Action.MERCHANT_ITEM, item.merchant_id)
    if await work.connection.fetchrow(_CATEGORY_THERE, item.category) is None:
        raise NoSuchRecord(kind=Kind.CATEGORY)
    row = (item.merchant_id, item.code, item.category, item.name, item.price_minor)
    if await work.connection.fetchval(_ADD_ITEM, *row) is None:
        raise AlreadyThere(kind=Kind.SERVICE_ITEM)
    after: Content = {"name": item.name, "category": item.category, "price_minor": item.price_minor}
    work.record(Action.MERCHANT_ITEM, _subject(Kind.SERVICE_ITEM, merchant, item.code), after=after)
    return item


async def items(work: Work, merchant_id: str) -> list[ServiceItem]:
    """What a merchant sells, by code.

    Raises:
        NotAllowed: The role sees no merchants.
        NoSuchRecord: There is no such merchant within reach.
    """
    await required(work, Action.MERCHANT_SEE, merchant_id)
    return [ServiceItem(*row) for row in await work.connection.fetch(_ITEMS, merchant_id)]


def _subject(kind: Kind, merchant: Merchant, code: str) -> Subject:
    return Subject(kind, f"{merchant.merchant_id}/{code}", merchant.party_id)
