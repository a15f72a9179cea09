"""What is done with products: adding, changing by a further version, withdrawing one that lies ahead, seeing.

A version, once stored, is never changed (the database refuses it), and it goes only while it lies ahead: what
was decided by it stays explained by it. A change needs four eyes, since it may raise limits. It keeps the
currency and the purses that are there, because wallets hold money in them; a purse may be added, and one that
shall not be used any more is allowed no service.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from directory.content import Content
from directory.parties import PartyId
from directory.product_terms import ProductTerms, Purse, document_of, terms_of
from directory.reading import microseconds, moment_of, read_products
from directory.records import Product, ProductVersion
from directory.refusals import AlreadyThere, InvalidValue, NoSuchRecord, Refused, message
from directory.rights import Action
from directory.subjects import Kind
from directory.texts import check_code, check_text
from directory.work import CarryOut, Scope, Subject, Work

_BY_CODE: Final = "SELECT id, party_id FROM directory.product WHERE code = $1"
_LOCKED: Final = f"{_BY_CODE} FOR UPDATE"
_NEXT: Final = "SELECT coalesce(max(id), 0) + 1 FROM directory.product"
_INSERT: Final = """
INSERT INTO directory.product (id, party_id, code, name) VALUES ($1, $2, $3, $4)
ON CONFLICT (code) DO NOTHING RETURNING id
"""
_INSERT_VERSION: Final = """
INSERT INTO directory.product_version (product_id, version, effective_from_us, terms, added_us)
VALUES ($1, $2, $3, $4, $5)
"""
_WITHDRAW: Final = "DELETE FROM directory.product_version WHERE product_id = $1 AND version = $2"
_LIST: Final = f"""
SELECT id FROM directory.product WHERE {Scope("").where("party_id", 1)} ORDER BY code
"""
_ABOVE: Final = """
SELECT above.id FROM directory.party AS below JOIN directory.party AS above
    ON starts_with(below.lineage, above.lineage)
WHERE below.id = $1
"""


class VersionInForce(Refused):
    """A version has begun, or is the only one; what was decided by it must stay explained."""

    text = message("this version is in force or the product's only one, and stays")


async def add_product(
    work: Work,
    party_id: PartyId,
    code: str,
    name: str,
    terms: ProductTerms,
    effective_from_us: int | None = None,
) -> Product:
    """Add a product with its first version.

    Args:
        work: Of an operator who may.
        party_id: The issuer's, or the platform's.
        code: What people call it, unique.
        name: For people.
        terms: Of its first version.
        effective_from_us: From when on, in microseconds since 1970 (UTC); None: from now on.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such party within reach.
        InvalidValue: Code or name can't be used, or the moment has passed.
        AlreadyThere: The code is taken.
    """
    found = await work.connection.fetchval("SELECT id FROM directory.party WHERE id = $1", party_id)
    await work.require(Action.PRODUCT_ADD, found, Kind.PARTY)
    check_code("code", code)
    check_text("name", name)
    version = ProductVersion(1, _moment(work, effective_from_us), terms)
    await work.hold_audit()
    product = Product(await work.connection.fetchval(_NEXT), code, name, (version,), party_id)
    if await work.connection.fetchval(_INSERT, product.id, party_id, code, name) is None:
        raise AlreadyThere(kind=Kind.PRODUCT)
    await _insert(work, product.id, version)
    work.record(Action.PRODUCT_ADD, _subject(product), after={"code": code, "name": name, **_told(version)})
    return product


async def change_product(
    work: Work, code: str, terms: ProductTerms, effective_from_us: int | None = None
) -> Product:
    """Add a further version to a product.

    Args:
        work: Of an operator who may.
        code: Of the product.
        terms: All of them, as they are from then on.
        effective_from_us: From when on, in microseconds since 1970 (UTC); None: from the approval on.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such product within reach.
        InvalidValue: The moment has passed or has a version, or currency or purses changed.
        ApprovalNeeded: It is proposed now.
    """
    product = await _found(work, Action.PRODUCT_CHANGE, code, _LOCKED)
    content = {"code": code, "terms": document_of(terms), "effective_from_us": effective_from_us}
    before = product.versions[-1]
    _refuse_other_money(before.terms, terms)
    version = ProductVersion(
        max(each.number for each in product.versions) + 1, _moment(work, effective_from_us), terms
    )
    if any(each.effective_from_us == version.effective_from_us for each in product.versions):
        raise InvalidValue(field="effective from", reason=message("another version begins at that moment"))
    await work.approval(Action.PRODUCT_CHANGE, _subject(product), content)
    await _insert(work, product.id, version)
    work.record(Action.PRODUCT_CHANGE, _subject(product), before=_told(before), after=_told(version))
    return (await read_products(work.connection, [product.id]))[product.id]


async def withdraw_version(work: Work, code: str, number: int) -> Product:
    """Take back a version that lies ahead.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such product within reach, or no such version.
        VersionInForce: It has begun, or it is the only one.
    """
    product = await _found(work, Action.PRODUCT_WITHDRAW, code, _LOCKED)
    version = next((each for each in product.versions if each.number == number), None)
    if version is None:
        raise NoSuchRecord(kind=Kind.PRODUCT)
    if version.effective_from_us <= work.at_us or len(product.versions) == 1:
        raise VersionInForce
    await work.connection.execute(_WITHDRAW, product.id, number)
    work.record(Action.PRODUCT_WITHDRAW, _subject(product), before=_told(version))
    return (await read_products(work.connection, [product.id]))[product.id]


async def product(work: Work, code: str) -> Product:
    """A product with all its versions.

    Raises:
        NotAllowed: The role sees no products.
        NoSuchRecord: There is none within reach.
    """
    return await _found(work, Action.PRODUCT_SEE, code)


async def products(work: Work) -> list[Product]:
    """The products within reach, by their codes.

    Raises:
        NotAllowed: The role sees no products.
    """
    scope = work.scope(Action.PRODUCT_SEE)
    ids = [row["id"] for row in await work.connection.fetch(_LIST, scope.prefix)]
    found = await read_products(work.connection, ids)
    return [found[product_id] for product_id in ids]


async def product_for(work: Work, code: str, party_id: PartyId) -> Product:
    """The product that a party may issue cards of: its own, or one of whom it hangs under.

    Raises:
        NoSuchRecord: There is none.
    """
    row = await work.connection.fetchrow(_BY_CODE, code)
    above = {each["id"] for each in await work.connection.fetch(_ABOVE, party_id)}
    if row is None or row["party_id"] not in above:
        raise NoSuchRecord(kind=Kind.PRODUCT)
    return (await read_products(work.connection, [row["id"]]))[row["id"]]


async def _change_again(work: Work, content: Content) -> object:
    code, terms, effective_from_us = content["code"], content["terms"], content["effective_from_us"]
    assert isinstance(code, str)
    assert isinstance(terms, str)
    assert effective_from_us is None or isinstance(effective_from_us, int)
    return await change_product(work, code, terms_of(terms), effective_from_us)


CARRIED_OUT: Final[Mapping[Action, CarryOut]] = MappingProxyType({Action.PRODUCT_CHANGE: _change_again})
"""What a second operator's approval does."""


async def _found(work: Work, action: Action, code: str, query: str = _BY_CODE) -> Product:
    row = await work.connection.fetchrow(query, code)
    await work.require(action, row["party_id"] if row else None, Kind.PRODUCT)
    assert row is not None
    return (await read_products(work.connection, [row["id"]]))[row["id"]]


async def _insert(work: Work, product_id: int, version: ProductVersion) -> None:
    await work.connection.execute(
        _INSERT_VERSION,
        *(product_id, version.number, version.effective_from_us, document_of(version.terms), work.at_us),
    )


def _subject(product: Product) -> Subject:
    return Subject(Kind.PRODUCT, str(product.id), product.party_id)


def _told(version: ProductVersion) -> dict[str, str | int]:
    from_when = moment_of(version.effective_from_us).isoformat()
    return {
        "version": version.number,
        "effective_from": from_when,
        "terms": document_of(version.terms),
    }


def _moment(work: Work, effective_from_us: int | None) -> int:
    if effective_from_us is None:
        return work.at_us
    if effective_from_us < work.at_us:
        raise InvalidValue(field="effective from", reason=message("the moment has passed"))
    return effective_from_us


def _refuse_other_money(before: ProductTerms, after: ProductTerms) -> None:
    if before.currency != after.currency:
        raise InvalidValue(field="currency", reason=message("cards hold money in the one there is"))
    kept = {purse.number: _money(purse) for purse in after.purses}
    if any(kept.get(purse.number) != _money(purse) for purse in before.purses):
        raise InvalidValue(field="purses", reason=message("cards may hold money in each that there is"))


def _money(purse: Purse) -> tuple[str, int | None]:
    return purse.kind, purse.asset


def moment_us(text: str) -> int:
    """A moment that somebody wrote: ISO 8601 with its offset, or a date, which begins at midnight UTC.

    Raises:
        InvalidValue: It is neither.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidValue(field="effective from", reason=message("a date or a moment in ISO 8601")) from None
    return microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
