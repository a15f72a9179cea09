"""What happens to cards, one by one."""

from datetime import date
from typing import Any

import pytest

from directory.card_life import CardEvent, NotPossible, Standing
from directory.card_reading import (
    CardFilter,
    CardName,
    CardRecord,
    Relation,
    count_cards,
    find_card,
    list_cards,
    show_card,
)
from directory.card_service import (
    EVENTS,
    HolderNeeded,
    IdentityNotChecked,
    NotExtendable,
    NotReplaceable,
    Replacement,
    expire_cards,
    extend_card,
    happen,
    months_after,
    replace_card,
    reset_pin,
    set_holder,
)
from directory.customer_service import (
    Customer,
    DocumentKind,
    Person,
    add_customer,
    close_customer,
    verify_customer,
)
from directory.ports import NoPrinter
from directory.product_terms import IdentityRule, ProductTerms, Validity
from directory.product_terms import Replacement as ReplacementTerms
from directory.records import CardState
from directory.refusals import InvalidValue, NoSuchRecord, NotAllowed
from directory.rights import Action, Role

from .card_room import PRINTER, TERMS, TODAY, CardRoom

OPEN = (CardEvent.ISSUE, CardEvent.ACTIVATE)
LATER = date(2031, 2, 1)


def named(card: CardRecord) -> CardName:
    """A card by its number."""
    return CardName(pan_index=card.pan_index)


def with_terms(**changes: Any) -> ProductTerms:
    """The usual terms, with some changed."""
    return TERMS.model_copy(update=changes)


async def holder(room: CardRoom, *, verified: bool = False, number: str = "A1234") -> Customer:
    """A customer of the issuer."""
    person = Person("王小明", DocumentKind.PASSPORT, number)
    customer = await room.office.run(
        room.clerk, lambda work: add_customer(work, room.vault, room.issuer.id, person)
    )
    if verified:
        return await room.office.run(room.clerk, lambda work: verify_customer(work, customer.id))
    return customer


async def hold(
    room: CardRoom, card: CardRecord, customer: Customer, main: CardRecord | None = None
) -> CardRecord:
    """A card, held by a customer."""
    main_name = None if main is None else named(main)
    return await room.office.run(
        room.clerk, lambda work: set_holder(work, named(card), customer.id, main_name)
    )


async def replaced(room: CardRoom, card: CardRecord, day: date = TODAY) -> tuple[Replacement, CardRecord]:
    """What the printing house gets, and the new card."""
    made = await room.office.run(
        room.clerk, lambda work: replace_card(work, room.ports, named(card), PRINTER, day)
    )
    return made, await found(room, CardName(serial=made.serial))


async def found(room: CardRoom, name: CardName) -> CardRecord:
    """A card as it is now."""
    return await room.office.run(room.admin, lambda work: find_card(work, Action.CARD_SEE, name))


async def test_a_life(room: CardRoom) -> None:
    """Each event takes the card on, and the audit says from where to where."""
    card = await room.card()
    states = [card.standing.state]
    for event in (
        *(CardEvent.ISSUE, CardEvent.ACTIVATE, CardEvent.FREEZE, CardEvent.REPORT_LOST),
        *(CardEvent.RECOVER, CardEvent.UNFREEZE, CardEvent.REPORT_STOLEN, CardEvent.CLOSE),
    ):
        card = await room.happens(event, card)
        states.append(card.standing.state)

    assert [
        *("stock", "inactive", "active", "frozen", "lost", "frozen", "active", "stolen", "closed"),
    ] == states
    assert room.office.now_us == card.closed_us
    (lost, stolen) = await room.audited("card.report")
    assert ('"state":"frozen"' in lost["before"], '"state":"lost"' in lost["after"]) == (True, True)
    assert (lost["subject"], stolen["kind"]) == (card.pan_index.hex(), "card")


async def test_nodes_are_told(room: CardRoom) -> None:
    """A change of a card is noted for the views, by the keyed hash of its number."""
    card = await room.card(*OPEN)
    rows = await room.office.rows("SELECT key FROM directory.change WHERE kind = 'card'")

    assert {card.pan_index.hex()} == {row["key"] for row in rows}


@pytest.mark.parametrize("name", ["pan_index", "serial", "id"])
async def test_card_is_named_in_three_ways(room: CardRoom, name: str) -> None:
    """Number, serial number and id lead to the same card, and what leads nowhere is refused alike."""
    card = await room.card()

    assert card == await found(room, CardName(**{name: getattr(card, name)}))
    for nothing in (CardName(b"0" * 16), CardName(serial="none"), CardName(id=5)):
        with pytest.raises(NoSuchRecord):
            await found(room, nothing)


async def test_impossible_event_changes_nothing(room: CardRoom) -> None:
    """What a state doesn't take is refused, and the card stays."""
    card = await room.card()
    with pytest.raises(NotPossible):
        await room.happens(CardEvent.ACTIVATE, card)

    assert card == await found(room, named(card))


def test_every_event_has_its_right() -> None:
    """The table of rights is total."""
    assert set(EVENTS) == set(CardEvent)


async def test_clerks_do_not_unfreeze_or_close(room: CardRoom) -> None:
    """What undoes a safeguard, or ends a card, takes an administrator."""
    card = await room.card(*OPEN, CardEvent.FREEZE)
    for event in (CardEvent.UNFREEZE, CardEvent.CLOSE):
        with pytest.raises(NotAllowed):
            await room.happens(event, card, by=room.clerk)


async def test_cards_of_others_are_not_there(room: CardRoom) -> None:
    """Another issuer's people can't see, find, list, count or change a card by any service."""
    card = await room.card(*OPEN)
    other = await room.office.party()
    eve = await room.office.operator("eve", Role.ISSUER_ADMIN, other.id)
    customer = await holder(room)
    for service in (
        lambda work: show_card(work, room.ports.secrets, named(card)),
        lambda work: happen(work, CardEvent.FREEZE, named(card)),
        lambda work: extend_card(work, named(card), TODAY),
        lambda work: reset_pin(work, room.ports, named(card), PRINTER),
        lambda work: replace_card(work, room.ports, named(card), PRINTER, TODAY),
        lambda work: set_holder(work, named(card), customer.id),
    ):
        with pytest.raises(NoSuchRecord):
            await room.office.run(eve, service)

    assert await room.office.run(eve, lambda work: list_cards(work, room.ports.secrets, CardFilter())) == []
    assert await room.office.run(eve, lambda work: count_cards(work, CardFilter())) == {}
    assert await room.office.run(eve, lambda work: expire_cards(work, LATER)) == 0


async def test_lists_are_filtered_and_paged(room: CardRoom) -> None:
    """Cards are listed by state, product, holder or batch, in pages that follow each other."""
    cards = await room.cards(cards=5)
    await room.happens(CardEvent.ISSUE, cards[0])

    async def listed(*which: Any, after: int = -1, limit: int = 100) -> list[int]:
        shown = await room.office.run(
            room.clerk,
            lambda work: list_cards(work, room.ports.secrets, CardFilter(*which), after, limit),
        )
        return [each.card.id for each in shown]

    ids = [card.id for card in cards]
    assert (ids[:1], ids[1:]) == (await listed(CardState.INACTIVE), await listed(CardState.STOCK))
    assert (ids, []) == (await listed(None, "GIFT"), await listed(None, "NONE"))
    assert ([], ids) == (await listed(None, None, 7), await listed(None, None, None, cards[0].batch_id))
    assert (ids[:2], ids[2:]) == (await listed(limit=2), await listed(after=ids[1]))
    shown = await room.office.run(
        room.clerk, lambda work: show_card(work, room.ports.secrets, named(cards[0]))
    )
    assert shown.masked_pan.startswith("…")
    assert cards[0].pan_sealed.decode() not in repr(shown)


@pytest.mark.parametrize(
    ("rule", "refusal"),
    [(IdentityRule.NAMED, HolderNeeded), (IdentityRule.VERIFIED, HolderNeeded)],
)
async def test_named_cards_need_a_holder(
    room: CardRoom, rule: IdentityRule, refusal: type[Exception]
) -> None:
    """A card of a product for people who are known isn't activated without a holder."""
    await room.product("NAMED", with_terms(identity=rule))
    card = await room.card(CardEvent.ISSUE, product="NAMED")
    with pytest.raises(refusal):
        await room.happens(CardEvent.ACTIVATE, card)


@pytest.mark.parametrize("rule", [IdentityRule.NAMED, IdentityRule.VERIFIED])
async def test_identity_is_checked_for_what_needs_it(room: CardRoom, rule: IdentityRule) -> None:
    """A holder is enough for a named card; where identity counts it has to be checked."""
    await room.product("NAMED", with_terms(identity=rule))
    card = await room.card(CardEvent.ISSUE, product="NAMED")
    customer = await holder(room)
    await hold(room, card, customer)
    if rule is IdentityRule.VERIFIED:
        with pytest.raises(IdentityNotChecked):
            await room.happens(CardEvent.ACTIVATE, card)
        await room.office.run(room.clerk, lambda work: verify_customer(work, customer.id))

    assert (await room.happens(CardEvent.ACTIVATE, card)).standing.state is CardState.ACTIVE


async def test_main_and_supplementary_cards(room: CardRoom) -> None:
    """A person holds several cards, and others hold cards that are supplementary to them."""
    main, second, extra = await room.cards(*OPEN)
    father, child = await holder(room), await holder(room, number="B1234")
    main, second = await hold(room, main, father), await hold(room, second, father)
    extra = await hold(room, extra, child, main=main)

    assert (Relation.MAIN, father.id, None) == (second.relation, second.customer_id, second.main_card_id)
    assert (Relation.SUPPLEMENTARY, child.id, main.id) == (
        *(extra.relation, extra.customer_id),
        extra.main_card_id,
    )
    for wrong in (extra, second):
        with pytest.raises(InvalidValue):
            await hold(room, second, father, main=wrong)


async def test_ended_cards_and_customers_are_not_joined(room: CardRoom) -> None:
    """A closed card gets no holder, a closed customer no card, and a foreign customer is none."""
    closed, card, _ = await room.cards(*OPEN)
    closed = await room.happens(CardEvent.CLOSE, closed)
    customer, gone = await holder(room), await holder(room, number="B1234")
    await room.office.run(room.admin, lambda work: close_customer(work, gone.id))
    for pair in ((closed, customer), (card, gone)):
        with pytest.raises(InvalidValue):
            await hold(room, *pair)
    with pytest.raises(NoSuchRecord):
        await room.office.run(room.clerk, lambda work: set_holder(work, named(card), 999))


async def test_customer_who_holds_a_card_stays(room: CardRoom) -> None:
    """A customer is closed when the last card has come to its end."""
    card, customer = await room.card(*OPEN), await holder(room)
    await hold(room, card, customer)
    with pytest.raises(InvalidValue):
        await room.office.run(room.admin, lambda work: close_customer(work, customer.id))
    await room.happens(CardEvent.CLOSE, card)

    assert not (await room.office.run(room.admin, lambda work: close_customer(work, customer.id))).is_open


async def test_replacement_takes_over(room: CardRoom) -> None:
    """The new card has wallet, holder and expiry of the old one, another number and PIN, and is inactive."""
    main, extra, _ = await room.cards(*OPEN)
    main = await hold(room, main, await holder(room))
    extra = await hold(room, extra, await holder(room, number="B1234"), main=main)
    await room.happens(CardEvent.REPORT_LOST, main)
    made, new = await replaced(room, main)
    old = await found(room, named(main))

    assert (CardState.REPLACED, CardState.INACTIVE) == (old.standing.state, new.standing.state)
    assert (main.wallet_id, main.customer_id, main.expiry) == (new.wallet_id, new.customer_id, new.expiry)
    assert (Relation.MAIN, main.id) == (new.relation, new.replaces_id)
    assert new.id == (await found(room, named(extra))).main_card_id
    assert new.pan_index != main.pan_index
    assert (made.cards_file.decode().split()[0], made.pins.file.decode().split()[0]) == (made.serial,) * 2
    rows = await room.office.rows("SELECT pin_value FROM directory.card WHERE wallet_id = $1", main.wallet_id)
    assert len({row["pin_value"] for row in rows}) == 2
    assert [CardState.REPLACED, CardState.INACTIVE] == [
        CardState(row["after"].split('"state":"')[1].split('"')[0])
        for row in await room.audited("card.replace")
    ]


@pytest.mark.parametrize(("renews", "day", "expiry"), [(False, LATER, "3402"), (True, TODAY, "3001")])
async def test_replacement_states_a_month_that_lies_ahead(
    room: CardRoom, renews: bool, day: date, expiry: str
) -> None:
    """What has expired, or is renewed by its product, is replaced by a card that is good from now on."""
    await room.product("RENEW", with_terms(replacement=ReplacementTerms(renews_validity=renews)))
    card = await room.card(*OPEN, product="RENEW", expiry="2705")
    _, new = await replaced(room, card, day)

    assert (expiry, expiry) == (new.expiry, new.printed_expiry)


async def test_card_that_is_not_replaced(room: CardRoom) -> None:
    """Neither a frozen card is, nor one of a product without replacement, nor one of no range."""
    await room.product("ONCE", with_terms(replacement=ReplacementTerms(allowed=False)))
    frozen, card = await room.card(*OPEN, CardEvent.FREEZE), await room.card(*OPEN, product="ONCE")
    stray = await room.card(*OPEN)
    await room.office.execute("UPDATE directory.card SET range_id = NULL WHERE id = $1", stray.id)
    for one, refusal in ((frozen, NotPossible), (card, NotReplaceable), (stray, NoSuchRecord)):
        with pytest.raises(refusal):
            await replaced(room, one)


async def test_extension(room: CardRoom) -> None:
    """A card is good for a year more from where it ends, or from now if that is over; its stripe stays."""
    card = await room.card(*OPEN, expiry="2712")
    extended = await room.office.run(room.admin, lambda work: extend_card(work, named(card), TODAY))
    much_later = await room.office.run(room.admin, lambda work: extend_card(work, named(card), LATER))

    assert ("2812", "2712") == (extended.expiry, extended.printed_expiry)
    assert ("3202", CardState.ACTIVE) == (much_later.expiry, much_later.standing.state)


async def test_card_that_is_not_extended(room: CardRoom) -> None:
    """Neither is one whose product grants nothing, nor one that has come to its end."""
    await room.product("ONCE", with_terms(validity=Validity(extension_months=0)))
    card, closed = await room.card(*OPEN, product="ONCE"), await room.card(*OPEN, CardEvent.CLOSE)
    for name, refusal in ((named(card), NotExtendable), (named(closed), NotPossible)):
        with pytest.raises(refusal):
            await room.office.run(room.admin, lambda work, name=name: extend_card(work, name, TODAY))


async def test_cards_expire_and_come_back(room: CardRoom) -> None:
    """When its last month has passed a card is expired, whatever it was in hand; an extension undoes it."""
    cards = await room.cards(CardEvent.ISSUE, expiry="2701")
    active, frozen, _ = cards
    for card, events in ((active, OPEN[1:]), (frozen, (*OPEN[1:], CardEvent.FREEZE))):
        for event in events:
            await room.happens(event, card)
    await room.cards(expiry="2701")
    in_time = await room.office.run(room.admin, lambda work: expire_cards(work, date(2027, 1, 31)))
    over = await room.office.run(room.admin, lambda work: expire_cards(work, date(2027, 2, 1)))
    again = await room.office.run(room.admin, lambda work: expire_cards(work, date(2027, 2, 1)))
    standings = [(await found(room, named(card))).standing for card in cards]
    back = await room.office.run(room.admin, lambda work: extend_card(work, named(frozen), TODAY))

    assert (0, 3, 0) == (in_time, over, again)
    assert [
        Standing(CardState.EXPIRED, before)
        for before in (CardState.ACTIVE, CardState.FROZEN, CardState.INACTIVE)
    ] == standings
    assert back.standing == Standing(CardState.FROZEN)
    assert len(await room.audited("card.expire")) == 3


async def test_new_pin(room: CardRoom) -> None:
    """A reset changes what is stored of the PIN, sends the new one out, and is logged without it."""
    card = await room.card(*OPEN)
    made = await room.office.run(room.clerk, lambda work: reset_pin(work, room.ports, named(card), PRINTER))
    (row,) = await room.office.rows("SELECT pin_value FROM directory.card WHERE id = $1", card.id)
    pin = made.file.decode().split()[1]

    assert (pin.encode(), card.serial) == (row["pin_value"], made.file.decode().split()[0])
    assert all(pin not in row["after"] for row in await room.audited("card.reset_pin"))


async def test_pin_that_is_not_reset(room: CardRoom) -> None:
    """A card that has ended has no PIN to reset, and without a printing house nobody would learn it."""
    card, closed = await room.card(*OPEN), await room.card(CardEvent.CLOSE)
    with pytest.raises(InvalidValue):
        await room.office.run(room.clerk, lambda work: reset_pin(work, room.ports, named(closed), PRINTER))
    with pytest.raises(NoPrinter):
        await room.office.run(room.clerk, lambda work: reset_pin(work, room.ports, named(card), "nobody"))


@pytest.mark.parametrize(
    ("expiry", "months", "after"), [("2712", 1, "2801"), ("2701", 11, "2712"), ("2706", 36, "3006")]
)
def test_months_are_counted(expiry: str, months: int, after: str) -> None:
    """Months go over the end of a year."""
    assert after == months_after(expiry, months)


def test_months_end_with_the_century() -> None:
    """A year of two digits has no next century."""
    with pytest.raises(InvalidValue):
        months_after("9912", 1)


async def test_card_of_a_product_not_in_force(room: CardRoom) -> None:
    """Without terms nothing can be said of a card's PIN."""
    card = await room.card()
    room.office.now_us -= 1
    with pytest.raises(InvalidValue, match="in force"):
        await room.office.run(room.clerk, lambda work: reset_pin(work, room.ports, named(card), PRINTER))
