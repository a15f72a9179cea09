"""What is done with customers: who they are, what they hold, and what outside is bound to them.

A customer has one id for life, over all cards and services. Cards point to their holder, as main cards or
as supplementary to a main one, whoever's that is; outside accounts and service numbers (a telephone, a meter)
are bound with attributes of their own. A binding that ends stays as a row, so that what was paid through it
can be explained.

What is personal is sealed by the HSM, field by field, and found by a keyed hash: nobody reads or searches it
in the database. Whoever may see customers sees that they are there; opening what is sealed is a right of its
own, and each time is noted. The audit says which fields were changed, never what they say.
"""

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

import asyncpg

from directory.content import Content
from directory.parties import PartyId
from directory.ports import PersonalData
from directory.reading import Connection
from directory.refusals import AlreadyThere, InvalidValue, NoSuchRecord, message
from directory.rights import Action
from directory.subjects import Kind
from directory.texts import check_code, check_text
from directory.work import Scope, Subject, Work

NAME: Final = "customer name"
DOCUMENT: Final = "customer document"
PHONE: Final = "customer phone"
BINDING: Final = "customer binding"
"""The names under which fields are sealed and hashed."""

_COLUMNS: Final = (
    "id, party_id, state, name_sealed, document_kind, document_sealed, phone_sealed, verified_us"
)
_ONE: Final = f"SELECT {_COLUMNS} FROM directory.customer WHERE id = $1"
_LOCKED: Final = f"{_ONE} FOR UPDATE"
_SCOPED: Final = f"SELECT {_COLUMNS} FROM directory.customer WHERE {Scope('').where('party_id', 1)}"
_LIST: Final = f"{_SCOPED} AND id > $2 ORDER BY id LIMIT $3"
_BY_DOCUMENT: Final = f"{_SCOPED} AND document_kind = $2 AND document_index = $3 ORDER BY id"
_BY_PHONE: Final = f"{_SCOPED} AND phone_index = $2 ORDER BY id"
_COUNT: Final = f"SELECT count(*) FROM directory.customer WHERE {Scope('').where('party_id', 1)}"
_NEXT: Final = "SELECT coalesce(max(id), 0) + 1 FROM directory.customer"
_SAME_DOCUMENT: Final = """
SELECT id FROM directory.customer
WHERE document_kind = $1 AND document_index = $2 AND party_id = $3 AND state = 'open' AND id <> $4
"""
_INSERT: Final = """
INSERT INTO directory.customer
    (id, party_id, state, name_sealed, document_kind, document_sealed, document_index, phone_sealed,
     phone_index, added_us)
VALUES ($1, $2, 'open', $3, $4, $5, $6, $7, $8, $9)
"""
_UPDATE: Final = """
UPDATE directory.customer SET name_sealed = $2, document_kind = $3, document_sealed = $4,
    document_index = $5, phone_sealed = $6, phone_index = $7, verified_by = $8, verified_us = $9
WHERE id = $1
"""
_BINDINGS: Final = """
SELECT id, kind, name, number_sealed, attributes, bound_us, unbound_us FROM directory.customer_binding
WHERE customer_id = $1 ORDER BY id
"""
_NEXT_BINDING: Final = "SELECT coalesce(max(id), 0) + 1 FROM directory.customer_binding"
_BIND: Final = """
INSERT INTO directory.customer_binding
    (id, customer_id, kind, name, number_sealed, number_index, attributes, bound_us)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING id
"""
_UNBIND: Final = """
UPDATE directory.customer_binding SET unbound_us = $3
WHERE id = $2 AND customer_id = $1 AND unbound_us IS NULL RETURNING kind
"""
_HOLDS: Final = """
SELECT id FROM directory.card WHERE customer_id = $1 AND state NOT IN ('replaced', 'closed') LIMIT 1
"""
_PARTY: Final = "SELECT id FROM directory.party WHERE id = $1"
_ATTRIBUTES_MAX: Final = 20


class DocumentKind(StrEnum):
    """What somebody proves their identity with."""

    NONE = "none"
    ID_CARD = "id_card"
    PASSPORT = "passport"
    RESIDENCE_PERMIT = "residence_permit"
    BUSINESS_LICENCE = "business_licence"
    OTHER = "other"


class BindingKind(StrEnum):
    """What is bound to a customer."""

    ACCOUNT = "account"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Person:
    """What is personal of a customer, in the clear; nothing of it is in the repr.

    Attributes:
        name: Of the person or enterprise.
        document_kind: What the number is of; `NONE` without one.
        document_number: As it stands there.
        phone: With country code or without, digits and a leading +.
    """

    name: str = field(repr=False)
    document_kind: DocumentKind = DocumentKind.NONE
    document_number: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer as services see it: what is personal stays sealed."""

    id: int
    party_id: PartyId
    is_open: bool
    document_kind: DocumentKind
    has_phone: bool
    verified_us: int | None

    @property
    def subject(self) -> Subject:
        """How the audit names it."""
        return Subject(Kind.CUSTOMER, str(self.id), self.party_id)


class Binding(NamedTuple):
    """An account or service number of a customer; the number's last four characters are shown."""

    id: int
    kind: BindingKind
    name: str
    number_end: str
    attributes: Mapping[str, str]
    bound_us: int
    unbound_us: int | None


class _Sealed(NamedTuple):
    name_sealed: bytes
    document_kind: DocumentKind
    document_sealed: bytes | None
    document_index: bytes | None
    phone_sealed: bytes | None
    phone_index: bytes | None


async def add_customer(work: Work, personal: PersonalData, party_id: PartyId, person: Person) -> Customer:
    """Add a customer of an issuer or agent.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such party within reach.
        InvalidValue: Something of the person can't be used.
        AlreadyThere: The party has an open customer with this document.
    """
    await work.require(Action.CUSTOMER_ADD, await work.connection.fetchval(_PARTY, party_id), Kind.PARTY)
    sealed = await _sealed(personal, _checked(person))
    await work.hold_audit()
    await _refuse_same_document(work.connection, sealed, party_id, 0)
    customer_id = await work.connection.fetchval(_NEXT)
    await work.connection.execute(_INSERT, customer_id, party_id, *sealed, work.at_us)
    customer = await _found(work, Action.CUSTOMER_ADD, customer_id)
    after: Content = {"document": customer.document_kind, "has_phone": customer.has_phone}
    work.record(Action.CUSTOMER_ADD, customer.subject, after=after)
    return customer


async def change_customer(work: Work, personal: PersonalData, customer_id: int, person: Person) -> Customer:
    """Replace what is known of a customer; another name or document has to be checked again.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such customer within reach.
        InvalidValue: Something of the person can't be used, or the customer is closed.
        AlreadyThere: The party has an open customer with this document.
    """
    before = await _open(work, Action.CUSTOMER_CHANGE, customer_id)
    person = _checked(person)
    known = await _person(work.connection, personal, customer_id)
    sealed = await _sealed(personal, person)
    await _refuse_same_document(work.connection, sealed, before.party_id, customer_id)
    same = (known.name, known.document_kind, known.document_number) == (
        *(person.name, person.document_kind, person.document_number),
    )
    row = await work.connection.fetchrow(
        "SELECT verified_by, verified_us FROM directory.customer WHERE id = $1", customer_id
    )
    assert row is not None
    checked = tuple(row) if same else (None, None)
    await work.connection.execute(_UPDATE, customer_id, *sealed, *checked)
    changed = [
        name
        for name in ("name", "document_kind", "document_number", "phone")
        if getattr(known, name) != getattr(person, name)
    ]
    work.record(Action.CUSTOMER_CHANGE, before.subject, after={"changed": list(changed)})
    return await _found(work, Action.CUSTOMER_CHANGE, customer_id)


async def verify_customer(work: Work, customer_id: int) -> Customer:
    """Note that the operator has checked a customer's identity with the document.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such customer within reach.
        InvalidValue: The customer is closed, or no document is known.
    """
    customer = await _open(work, Action.CUSTOMER_VERIFY, customer_id)
    if customer.document_kind is DocumentKind.NONE:
        raise InvalidValue(field="document", reason=message("none is known"))
    await work.connection.execute(
        "UPDATE directory.customer SET verified_by = $2, verified_us = $3 WHERE id = $1",
        *(customer_id, work.operator.id, work.at_us),
    )
    work.record(Action.CUSTOMER_VERIFY, customer.subject, after={"document": customer.document_kind})
    return await _found(work, Action.CUSTOMER_VERIFY, customer_id)


async def close_customer(work: Work, customer_id: int) -> Customer:
    """Close a customer who holds no card any more; the id is never given again.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such customer within reach.
        InvalidValue: The customer is closed, or holds a card.
    """
    customer = await _open(work, Action.CUSTOMER_CLOSE, customer_id)
    if await work.connection.fetchval(_HOLDS, customer_id) is not None:
        raise InvalidValue(field="customer", reason=message("cards are held still"))
    await work.connection.execute("UPDATE directory.customer SET state = 'closed' WHERE id = $1", customer_id)
    work.record(Action.CUSTOMER_CLOSE, customer.subject, before={"state": "open"}, after={"state": "closed"})
    return await _found(work, Action.CUSTOMER_CLOSE, customer_id)


async def customer(work: Work, customer_id: int) -> Customer:
    """A customer, without what is personal.

    Raises:
        NotAllowed: The role sees no customers.
        NoSuchRecord: There is none within reach.
    """
    return await _found(work, Action.CUSTOMER_SEE, customer_id)


async def customers(work: Work, after_id: int = 0, limit: int = 100) -> list[Customer]:
    """Customers within reach, in the order of their ids.

    Raises:
        NotAllowed: The role sees no customers.
    """
    scope = work.scope(Action.CUSTOMER_SEE)
    rows = await work.connection.fetch(_LIST, scope.prefix, after_id, limit)
    return [_customer(row) for row in rows]


async def count_customers(work: Work) -> int:
    """How many customers are within reach.

    Raises:
        NotAllowed: The role sees no customers.
    """
    scope = work.scope(Action.CUSTOMER_SEE)
    return int(await work.connection.fetchval(_COUNT, scope.prefix))


async def find_by_document(
    work: Work, personal: PersonalData, kind: DocumentKind, number: str
) -> list[Customer]:
    """Customers within reach who have this document.

    Raises:
        NotAllowed: The role sees no customers.
    """
    scope = work.scope(Action.CUSTOMER_SEE)
    index = await personal.index(f"{DOCUMENT} {kind}", _document(number))
    return [_customer(row) for row in await work.connection.fetch(_BY_DOCUMENT, scope.prefix, kind, index)]


async def find_by_phone(work: Work, personal: PersonalData, phone: str) -> list[Customer]:
    """Customers within reach who have this telephone number.

    Raises:
        NotAllowed: The role sees no customers.
    """
    scope = work.scope(Action.CUSTOMER_SEE)
    index = await personal.index(PHONE, _phone(phone))
    return [_customer(row) for row in await work.connection.fetch(_BY_PHONE, scope.prefix, index)]


async def see_person(work: Work, personal: PersonalData, customer_id: int) -> Person:
    """What is personal of a customer, in the clear; that it was looked at is noted.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such customer within reach.
    """
    found = await _found(work, Action.CUSTOMER_SEE_PERSONAL, customer_id)
    work.record(Action.CUSTOMER_SEE_PERSONAL, found.subject)
    return await _person(work.connection, personal, customer_id)


async def bind(
    work: Work,
    personal: PersonalData,
    customer_id: int,
    kind: BindingKind,
    name: str,
    number: str,
    attributes: Mapping[str, str],
) -> int:
    """Bind an outside account or a service number to a customer; the binding's number.

    Args:
        work: Of an operator who may.
        personal: For sealing.
        customer_id: Whose.
        kind: Which of the two.
        name: Of the institution or the service, a short word.
        number: There.
        attributes: Texts by name, nothing personal.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such customer within reach.
        InvalidValue: The customer is closed, or something can't be used.
        AlreadyThere: It is bound already.
    """
    customer = await _open(work, Action.CUSTOMER_BIND, customer_id)
    check_code("name", name)
    check_text("number", number, 64)
    _check_attributes(attributes)
    sealed = await personal.seal(BINDING, number)
    index = await personal.index(f"{BINDING} {kind} {name}", number)
    await work.hold_audit()
    binding_id = await work.connection.fetchval(_NEXT_BINDING)
    bound = await work.connection.fetchval(
        _BIND,
        *(binding_id, customer_id, kind, name, sealed, index),
        *(json.dumps(dict(attributes), ensure_ascii=False, sort_keys=True), work.at_us),
    )
    if bound is None:
        raise AlreadyThere(kind=Kind.CUSTOMER)
    after: Content = {"binding": binding_id, "kind": kind, "name": name, "attributes": dict(attributes)}
    work.record(Action.CUSTOMER_BIND, customer.subject, after=after)
    return int(binding_id)


async def unbind(work: Work, customer_id: int, binding_id: int) -> None:
    """End a binding.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such customer within reach, or no such binding in force.
    """
    customer = await _found(work, Action.CUSTOMER_BIND, customer_id, _LOCKED)
    if await work.connection.fetchval(_UNBIND, customer_id, binding_id, work.at_us) is None:
        raise NoSuchRecord(kind=Kind.CUSTOMER)
    work.record(Action.CUSTOMER_BIND, customer.subject, before={"binding": binding_id})


async def bindings(work: Work, personal: PersonalData, customer_id: int) -> list[Binding]:
    """What is and was bound to a customer.

    Raises:
        NotAllowed: The role sees no customers.
        NoSuchRecord: There is no such customer within reach.
    """
    await _found(work, Action.CUSTOMER_SEE, customer_id)
    found = []
    for row in await work.connection.fetch(_BINDINGS, customer_id):
        number = await personal.open(BINDING, row["number_sealed"])
        found.append(
            Binding(
                *(row["id"], BindingKind(row["kind"]), row["name"], number[-4:]),
                *(json.loads(row["attributes"]), row["bound_us"], row["unbound_us"]),
            )
        )
    return found


async def _found(work: Work, action: Action, customer_id: int, query: str = _ONE) -> Customer:
    row = await work.connection.fetchrow(query, customer_id)
    await work.require(action, row["party_id"] if row else None, Kind.CUSTOMER)
    assert row is not None
    return _customer(row)


async def _open(work: Work, action: Action, customer_id: int) -> Customer:
    found = await _found(work, action, customer_id, _LOCKED)
    if not found.is_open:
        raise InvalidValue(field="customer", reason=message("the customer is closed"))
    return found


async def _person(connection: Connection, personal: PersonalData, customer_id: int) -> Person:
    row = await connection.fetchrow(_ONE, customer_id)
    assert row is not None
    document, phone = row["document_sealed"], row["phone_sealed"]
    return Person(
        await personal.open(NAME, row["name_sealed"]),
        DocumentKind(row["document_kind"]),
        None if document is None else await personal.open(DOCUMENT, document),
        None if phone is None else await personal.open(PHONE, phone),
    )


async def _sealed(personal: PersonalData, person: Person) -> _Sealed:
    document, phone = person.document_number, person.phone
    return _Sealed(
        await personal.seal(NAME, person.name),
        person.document_kind,
        None if document is None else await personal.seal(DOCUMENT, document),
        None if document is None else await personal.index(f"{DOCUMENT} {person.document_kind}", document),
        None if phone is None else await personal.seal(PHONE, phone),
        None if phone is None else await personal.index(PHONE, phone),
    )


async def _refuse_same_document(
    connection: Connection, sealed: _Sealed, party_id: PartyId, customer_id: int
) -> None:
    if sealed.document_index is None:
        return
    same = (sealed.document_kind, sealed.document_index, party_id, customer_id)
    if await connection.fetchval(_SAME_DOCUMENT, *same) is not None:
        raise AlreadyThere(kind=Kind.CUSTOMER)


def _checked(person: Person) -> Person:
    """The person with texts in the one form in which they are sealed and hashed."""
    name = unicodedata.normalize("NFC", person.name).strip()
    check_text("name", name)
    if (person.document_kind is DocumentKind.NONE) is not (person.document_number is None):
        raise InvalidValue(field="document", reason=message("kind and number go together"))
    document = None if person.document_number is None else _document(person.document_number)
    phone = None if person.phone is None else _phone(person.phone)
    return Person(name, person.document_kind, document, phone)


def _document(number: str) -> str:
    compact = "".join(unicodedata.normalize("NFKC", number).split()).replace("-", "").upper()
    if not (compact.isascii() and compact.isalnum() and 4 <= len(compact) <= 32):
        raise InvalidValue(field="document", reason=message("4 to 32 letters and digits"))
    return compact


def _phone(phone: str) -> str:
    compact = "".join(unicodedata.normalize("NFKC", phone).split()).replace("-", "")
    digits = compact.removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and 5 <= len(digits) <= 15):
        raise InvalidValue(field="phone", reason=message("5 to 15 digits, with or without a leading +"))
    return compact


def _check_attributes(attributes: Mapping[str, str]) -> None:
    if len(attributes) > _ATTRIBUTES_MAX:
        raise InvalidValue(field="attributes", reason=message("at most 20"))
    for name, value in attributes.items():
        check_code("attributes", name)
        check_text("attributes", value)


def _customer(row: asyncpg.Record) -> Customer:
    return Customer(
        row["id"],
        PartyId(row["party_id"]),
        row["state"] == "open",
        DocumentKind(row["document_kind"]),
        row["phone_sealed"] is not None,
        row["verified_us"],
    )
