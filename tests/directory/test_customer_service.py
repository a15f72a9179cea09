"""Customers: one id for life, and nothing personal outside its seal."""

from typing import Any

import pytest

from directory.customer_service import (
    Binding,
    BindingKind,
    Customer,
    DocumentKind,
    Person,
    add_customer,
    bind,
    bindings,
    change_customer,
    close_customer,
    count_customers,
    customer,
    customers,
    find_by_document,
    find_by_phone,
    see_person,
    unbind,
    verify_customer,
)
from directory.refusals import AlreadyThere, InvalidValue, NoSuchRecord, NotAllowed
from directory.rights import Role

from .card_room import CardRoom

PERSON = Person("王小明", DocumentKind.ID_CARD, "11010519491231002x", "+86 138-0013-8000")
STORED = Person("王小明", DocumentKind.ID_CARD, "11010519491231002X", "+8613800138000")


async def add(room: CardRoom, person: Person = PERSON) -> Customer:
    """A customer of the issuer."""
    return await room.office.run(
        room.clerk, lambda work: add_customer(work, room.vault, room.issuer.id, person)
    )


async def person_of(room: CardRoom, who: Customer) -> Person:
    """What is known of a customer."""
    return await room.office.run(room.clerk, lambda work: see_person(work, room.vault, who.id))


async def bound(room: CardRoom, who: Customer, **changes: Any) -> int:
    """An account bound to a customer."""
    kind, name, number, attributes = {
        "kind": BindingKind.ACCOUNT,
        "name": "ICBC",
        "number": "6222020200012345",
        "attributes": {"currency": "CNY"},
        **changes,
    }.values()
    return await room.office.run(
        room.clerk, lambda work: bind(work, room.vault, who.id, kind, name, number, attributes)
    )


async def test_customer_is_added_sealed(room: CardRoom) -> None:
    """What is personal is stored in one form, sealed and hashed, and logged not at all."""
    added = await add(room)
    (row,) = await room.office.rows("SELECT * FROM directory.customer")

    assert (1, True, DocumentKind.ID_CARD, True, None) == (
        *(added.id, added.is_open, added.document_kind, added.has_phone, added.verified_us),
    )
    assert STORED == await person_of(room, added)
    assert row["document_sealed"].decode() == "customer document|11010519491231002X"
    audit = await room.office.rows("SELECT concat(before, after, why) AS text FROM directory.audit")
    assert not any("小明" in each["text"] or "4912" in each["text"] for each in audit)


async def test_person_hides() -> None:
    """A person's repr says what kind of document, and nothing else."""
    assert repr(PERSON) == "Person(document_kind=<DocumentKind.ID_CARD: 'id_card'>)"


async def test_looking_at_a_person_is_noted(room: CardRoom) -> None:
    """Who opens what is sealed stands in the audit."""
    await person_of(room, await add(room))

    assert ["clare"] == [each["operator"] for each in await room.audited("customer.see_personal")]


async def test_auditors_see_no_persons(room: CardRoom) -> None:
    """Who sees that customers are there doesn't see who they are."""
    added = await add(room)
    otto = await room.office.operator("otto", Role.AUDITOR, room.issuer.id)
    with pytest.raises(NotAllowed):
        await room.office.run(otto, lambda work: see_person(work, room.vault, added.id))

    assert added == await room.office.run(otto, lambda work: customer(work, added.id))


async def test_customers_are_found_without_opening_anything(room: CardRoom) -> None:
    """A document or telephone number leads to its customers, however it is written."""
    added = await add(room)
    await add(room, Person("李四"))

    async def by_document(number: str, kind: DocumentKind = DocumentKind.ID_CARD) -> list[Customer]:
        return await room.office.run(
            room.clerk, lambda work: find_by_document(work, room.vault, kind, number)
        )

    assert (
        [added]
        == await by_document("110105 19491231 002x")
        == await by_document("\uff11\uff11010519491231002X")
    )
    assert (
        []
        == await by_document("110105194912310021")
        == await by_document("11010519491231002X", DocumentKind.PASSPORT)
    )
    phones = [
        await room.office.run(room.clerk, lambda work, p=phone: find_by_phone(work, room.vault, p))
        for phone in ("+8613800138000", "+86 1380 0138 000", "13800138000")
    ]
    assert [[added], [added], []] == phones


async def test_one_document_is_one_customer_of_a_party(room: CardRoom) -> None:
    """A document that is known makes no second customer; another party has customers of its own."""
    await add(room)
    with pytest.raises(AlreadyThere):
        await add(room)
    other = await room.office.party()
    eve = await room.office.operator("eve", Role.ISSUER_CLERK, other.id)

    there = await room.office.run(eve, lambda work: add_customer(work, room.vault, other.id, PERSON))
    assert there.id == 2


async def test_identity_is_checked_with_a_document(room: CardRoom) -> None:
    """Who checked it and when is kept; without a document there is nothing to check with."""
    added, nameless = await add(room), await add(room, Person("李四"))
    checked = await room.office.run(room.clerk, lambda work: verify_customer(work, added.id))
    with pytest.raises(InvalidValue):
        await room.office.run(room.clerk, lambda work: verify_customer(work, nameless.id))

    assert room.office.now_us == checked.verified_us


@pytest.mark.parametrize(
    ("person", "still_checked"),
    [
        (Person("王小明", DocumentKind.ID_CARD, "11010519491231002X"), True),
        (Person("王大明", DocumentKind.ID_CARD, "11010519491231002X"), False),
        (Person("王小明", DocumentKind.PASSPORT, "11010519491231002X"), False),
        (Person("王小明"), False),
    ],
)
async def test_change_of_a_person(room: CardRoom, person: Person, still_checked: bool) -> None:
    """Another name or document has to be checked again; the audit names the fields that changed."""
    added = await add(room)
    await room.office.run(room.clerk, lambda work: verify_customer(work, added.id))
    changed = await room.office.run(
        room.clerk, lambda work: change_customer(work, room.vault, added.id, person)
    )
    (row,) = await room.audited("customer.change")

    assert person == await person_of(room, changed)
    assert still_checked is (changed.verified_us is not None)
    assert "phone" in row["after"]


async def test_change_takes_no_others_document(room: CardRoom) -> None:
    """A customer doesn't become another one by a change."""
    await add(room)
    second = await add(room, Person("李四"))
    with pytest.raises(AlreadyThere):
        await room.office.run(room.clerk, lambda work: change_customer(work, room.vault, second.id, PERSON))


@pytest.mark.parametrize(
    "person",
    [
        Person(""),
        Person("a\nb"),
        Person("x" * 101),
        Person("x", DocumentKind.ID_CARD),
        Person("x", DocumentKind.NONE, "A1234"),
        Person("x", DocumentKind.OTHER, "A12"),
        Person("x", DocumentKind.OTHER, "A" * 33),
        Person("x", DocumentKind.OTHER, "A1_234"),
        Person("x", phone="12"),
        Person("x", phone="++123456"),
        Person("x", phone="1" * 16),
    ],
)
async def test_what_is_no_person(room: CardRoom, person: Person) -> None:
    """Name, document and telephone number have their forms, and a refusal quotes none."""
    with pytest.raises(InvalidValue) as refused:
        await add(room, person)

    assert person.name in ("", "x") or person.name not in str(refused.value)
    assert await room.office.run(room.clerk, count_customers) == 0


async def test_closed_customers_stay_closed(room: CardRoom) -> None:
    """The id stays, nothing is changed any more, and the document is free for a new customer."""
    added = await add(room)
    closed = await room.office.run(room.admin, lambda work: close_customer(work, added.id))
    for service in (
        lambda work: change_customer(work, room.vault, added.id, PERSON),
        lambda work: verify_customer(work, added.id),
        lambda work: close_customer(work, added.id),
        lambda work: bind(work, room.vault, added.id, BindingKind.SERVICE, "GAS", "1", {}),
    ):
        with pytest.raises(InvalidValue):
            await room.office.run(room.admin, service)

    assert not closed.is_open
    assert (await add(room)).id == 2


async def test_accounts_and_service_numbers_are_bound(room: CardRoom) -> None:
    """A binding is listed with its number's end and its attributes; ended, it stays as a row."""
    added = await add(room)
    account = await bound(room, added)
    meter = await bound(room, added, kind=BindingKind.SERVICE, name="GAS", number="M-77", attributes={})
    await room.office.run(room.clerk, lambda work: unbind(work, added.id, meter))
    listed = await room.office.run(room.clerk, lambda work: bindings(work, room.vault, added.id))

    now_us = room.office.now_us
    assert [
        Binding(account, BindingKind.ACCOUNT, "ICBC", "2345", {"currency": "CNY"}, now_us, None),
        Binding(meter, BindingKind.SERVICE, "GAS", "M-77", {}, now_us, now_us),
    ] == listed
    assert "6222020200012345" not in str(await room.audited("customer.bind"))


async def test_binding_is_in_force_once(room: CardRoom) -> None:
    """The same number isn't bound twice at a time, but again after it ended; what isn't there doesn't end."""
    added = await add(room)
    first = await bound(room, added)
    with pytest.raises(AlreadyThere):
        await bound(room, added)
    await room.office.run(room.clerk, lambda work: unbind(work, added.id, first))
    for number in (first, 99):
        with pytest.raises(NoSuchRecord):
            await room.office.run(room.clerk, lambda work, n=number: unbind(work, added.id, n))

    assert await bound(room, added) == first + 1


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "no code"},
        {"number": ""},
        {"attributes": {"no code": "x"}},
        {"attributes": {"a": ""}},
        {"attributes": {f"a{number}": "x" for number in range(21)}},
    ],
)
async def test_what_is_no_binding(room: CardRoom, changes: dict[str, Any]) -> None:
    """Name, number and attributes have their forms."""
    added = await add(room)
    with pytest.raises(InvalidValue):
        await bound(room, added, **changes)


async def test_customers_of_others_are_not_there(room: CardRoom) -> None:
    """Another issuer's people can't see, find, list, count or change a customer by any service."""
    added = await add(room)
    other = await room.office.party()
    eve = await room.office.operator("eve", Role.ISSUER_ADMIN, other.id)
    for service in (
        lambda work: customer(work, added.id),
        lambda work: see_person(work, room.vault, added.id),
        lambda work: change_customer(work, room.vault, added.id, PERSON),
        lambda work: verify_customer(work, added.id),
        lambda work: close_customer(work, added.id),
        lambda work: bind(work, room.vault, added.id, BindingKind.SERVICE, "GAS", "1", {}),
        lambda work: unbind(work, added.id, 1),
        lambda work: bindings(work, room.vault, added.id),
        lambda work: add_customer(work, room.vault, room.issuer.id, Person("x")),
    ):
        with pytest.raises(NoSuchRecord):
            await room.office.run(eve, service)

    assert await room.office.run(eve, customers) == []
    assert await room.office.run(eve, count_customers) == 0
    number, phone = PERSON.document_number or "", PERSON.phone or ""
    assert await room.office.run(eve, lambda work: find_by_phone(work, room.vault, phone)) == []
    found = await room.office.run(
        eve, lambda work: find_by_document(work, room.vault, DocumentKind.ID_CARD, number)
    )
    assert found == []
    assert [added] == await room.office.run(room.clerk, customers)
