"""Batches: every number once and none lost, whatever interrupts the making."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from directory.card_batches import (
    BatchNotMade,
    BatchNotReleased,
    BatchState,
    batch,
    batch_files,
    batches,
    deliver_batch,
    finish_batch,
    make_part,
    missing_parts,
    order_batch,
    release_batch,
)
from directory.card_life import CardEvent
from directory.card_reading import CardFilter, count_cards
from directory.numbering import Ordering
from directory.parties import PartyId
from directory.ports import NoPrinter
from directory.proposals import OwnProposal
from directory.range_service import RangeExhausted, RangeNotOpen
from directory.records import CardState
from directory.refusals import ApprovalNeeded, InvalidValue, NoSuchRecord
from directory.rights import Role

from .card_room import TERMS, TODAY, CardRoom

DAY_US = 86_400_000_000


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of four cards."""
    monkeypatch.setattr("directory.card_batches.PART_CARDS", 4)


async def numbers_of(room: CardRoom) -> list[str]:
    """The numbers of all cards that have one, in the order of their serial numbers."""
    rows = await room.office.rows(
        "SELECT pan_sealed FROM directory.card WHERE number_until_us IS NULL ORDER BY batch_id, serial"
    )
    return [row["pan_sealed"].decode() for row in rows]


async def test_cards_come_into_stock_with_wallets(room: CardRoom) -> None:
    """A made batch has its cards in stock, each with a number, an expiry, a PIN and a wallet of its own."""
    made = await room.made(await room.ordered())
    rows = await room.office.rows(
        "SELECT * FROM directory.card JOIN directory.opened ON opened.id = wallet_id"
    )

    assert (BatchState.MADE, 3, "3001") == (made.state, len(rows), made.expiry)
    assert {("stock", "3001", "3001", 0)} == {
        (row["state"], row["expiry"], row["printed_expiry"], row["balance"]) for row in rows
    }
    assert ["9900550000006", "9900550000014", "9900550000022"] == await numbers_of(room)
    assert ["B1-0000001", "B1-0000002", "B1-0000003"] == sorted(row["serial"] for row in rows)
    assert len({row["pin_value"] for row in rows}) == 3


async def test_scattered_numbers(room: CardRoom) -> None:
    """A scattered range gives the places of its permutation."""
    await room.range("77", "77", ordering=Ordering.SCATTERED)
    await room.made(await room.ordered(first="77", last="77"))

    assert ["779999999999", "779999999998"] == [number[:12] for number in (await numbers_of(room))[:2]]


@pytest.mark.usefixtures("small_parts")
async def test_what_is_missing_is_made_once(room: CardRoom) -> None:
    """After an interruption the missing parts are made, in any order, and the made ones left alone."""
    ordered = await room.ordered(cards=10)
    assert await room.make(ordered, 1)
    half = await room.office.run(room.clerk, lambda work: finish_batch(work, ordered.id))
    missing = await room.office.run(room.clerk, lambda work: missing_parts(work, ordered.id))
    assert not await room.make(ordered, 1)
    made = await room.made(ordered)
    numbers = await numbers_of(room)

    assert (BatchState.MAKING, [0, 2]) == (half.state, missing)
    assert (BatchState.MADE, 10, 10) == (made.state, len(numbers), len(set(numbers)))
    assert [f"990055{place:06}" for place in range(10)] == sorted(number[:12] for number in numbers)


@pytest.mark.usefixtures("small_parts")
async def test_two_who_make_a_part_at_once_make_it_once(room: CardRoom) -> None:
    """The second finds the part there and leaves nothing of its own."""
    ordered = await room.ordered(cards=4)
    made = await asyncio.gather(*(room.make(ordered, 0) for _ in range(4)))

    assert [False, False, False, True] == sorted(made)
    assert len(await numbers_of(room)) == 4


async def test_two_batches_share_no_number(room: CardRoom) -> None:
    """Batches ordered at once draw numbers that are all different."""
    ordered = await asyncio.gather(*(room.ordered(cards=5) for _ in range(4)))
    for each in ordered:
        await room.made(each)
    numbers = await numbers_of(room)

    assert (20, 20) == (len(numbers), len(set(numbers)))


async def test_failed_order_draws_nothing(room: CardRoom) -> None:
    """An order that is refused leaves the range as it was."""
    await room.range("7777777777", "7777777777")
    with pytest.raises(RangeExhausted):
        await room.ordered(first="7777777777", last="7777777777", cards=101)
    whole = await room.ordered(first="7777777777", last="7777777777", cards=100)

    assert whole.first_position == 0


async def test_numbers_of_closed_cards_are_used_again(room: CardRoom) -> None:
    """After the quarantine a closed card's number goes to a new card; the old card keeps its row, not it."""
    old = await room.cards(CardEvent.CLOSE)
    room.office.now_us += 9 * DAY_US
    too_soon = await room.made(await room.ordered(recycle=True))
    room.office.now_us += 2 * DAY_US
    again = await room.made(await room.ordered(recycle=True, cards=4))
    rows = await room.office.rows(
        "SELECT pan_index, id FROM directory.card WHERE batch_id = $1 ORDER BY serial", again.id
    )

    assert (0, 3) == (too_soon.recycled, again.recycled)
    assert [card.pan_index for card in old] == [row["pan_index"] for row in rows[:3]]
    assert {card.id for card in old}.isdisjoint(row["id"] for row in rows)
    assert len(set(await numbers_of(room))) == 7


@pytest.mark.usefixtures("small_parts")
async def test_recycled_and_fresh_numbers_meet_inside_a_part(room: CardRoom) -> None:
    """Where the numbers that are used again end, the fresh ones go on, whatever the parts are."""
    await room.cards(CardEvent.CLOSE, cards=6)
    room.office.now_us += 11 * DAY_US
    await room.made(await room.ordered(recycle=True, cards=13))

    assert [f"990055{place:06}" for place in range(13)] == sorted(
        number[:12] for number in await numbers_of(room)
    )


async def test_numbers_taken_for_a_batch_are_not_taken_twice(room: CardRoom) -> None:
    """What waits to be made again is not drawn by another batch meanwhile."""
    await room.cards(CardEvent.CLOSE)
    room.office.now_us += 11 * DAY_US
    ordered = [await room.ordered(recycle=True) for _ in range(2)]

    assert [3, 0] == [each.recycled for each in ordered]


async def test_money_from_the_start_needs_a_second_operator(room: CardRoom) -> None:
    """A funded batch is ordered by one and approved by another; only then are its numbers drawn."""
    with pytest.raises(ApprovalNeeded) as needed:
        await room.ordered(initial_minor=5_000)
    assert await room.office.run(room.clerk, batches) == []
    await room.office.office.approve(room.admin, needed.value.proposal_id)
    (ordered,) = await room.office.run(room.clerk, batches)
    await room.made(ordered)

    assert [5_000] * 3 == [row["balance"] for row in await room.office.rows("SELECT * FROM directory.opened")]
    assert ordered.expiry == "3001"


async def test_files_leave_when_two_have_released_them(room: CardRoom) -> None:
    """Before the release nobody gets a file; proposer and approver are two."""
    made = await room.made(await room.ordered())
    with pytest.raises(BatchNotReleased):
        await room.office.run(room.admin, lambda work: batch_files(work, made.id, 0))
    with pytest.raises(ApprovalNeeded) as needed:
        await room.office.run(room.clerk, lambda work: release_batch(work, made.id))
    with pytest.raises(OwnProposal):
        await room.office.office.approve(room.clerk, needed.value.proposal_id)
    await room.office.office.approve(room.admin, needed.value.proposal_id)
    files = await room.office.run(room.clerk, lambda work: batch_files(work, made.id, 0))
    with pytest.raises(NoSuchRecord):
        await room.office.run(room.admin, lambda work: batch_files(work, made.id, 1))

    delivered = await room.office.run(room.clerk, lambda work: deliver_batch(work, made.id))
    for service in (
        lambda work: batch_files(work, made.id, 0),
        lambda work: deliver_batch(work, made.id),
    ):
        with pytest.raises(BatchNotReleased):
            await room.office.run(room.clerk, service)
    (part,) = await room.office.rows("SELECT cards, pins, mailers FROM directory.card_batch_part")

    assert (BatchState.DELIVERED, (b"", b"", "")) == (delivered.state, tuple(part))
    assert files.cards.decode().splitlines()[0] == "B1-0000001 9900550000006 3001 220"
    assert files.pins.decode().splitlines() == files.mailers.splitlines()
    assert len(await room.audited("card.release")) == 2


async def test_batch_is_released_once_it_is_made_and_once_only(room: CardRoom) -> None:
    """Neither half a batch nor a released one is released."""
    ordered = await room.ordered()
    with pytest.raises(BatchNotMade):
        await room.office.run(room.admin, lambda work: release_batch(work, ordered.id))
    await room.made(ordered)
    with pytest.raises(ApprovalNeeded) as needed:
        await room.office.run(room.clerk, lambda work: release_batch(work, ordered.id))
    await room.office.office.approve(room.admin, needed.value.proposal_id)
    with pytest.raises(BatchNotMade):
        await room.office.run(room.admin, lambda work: release_batch(work, ordered.id))


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"cards": 0}, InvalidValue),
        ({"cards": 1_000_001}, InvalidValue),
        ({"initial_minor": -1}, InvalidValue),
        ({"expiry": "3013"}, InvalidValue),
        ({"expiry": "30"}, InvalidValue),
        ({"product": "NONE"}, NoSuchRecord),
        ({"first": "1234", "last": "1234"}, NoSuchRecord),
        ({"party_id": PartyId(99)}, NoSuchRecord),
        ({"party_id": PartyId(1)}, NoSuchRecord),
    ],
)
async def test_order_that_cannot_be(
    room: CardRoom, changes: dict[str, Any], refusal: type[Exception]
) -> None:
    """Count, amount, expiry, product, range and party are checked."""
    with pytest.raises(refusal):
        await room.ordered(**changes)


async def test_product_must_be_in_force(room: CardRoom) -> None:
    """Cards of a product that begins later are not opened yet."""
    await room.product("SOON", TERMS)
    room.office.now_us -= DAY_US
    with pytest.raises(InvalidValue, match="in force"):
        await room.ordered(product="SOON")


async def test_closed_range_opens_no_cards(room: CardRoom) -> None:
    """What isn't open gives nothing."""
    await room.office.execute("UPDATE directory.number_range SET state = 'closed'")
    with pytest.raises(RangeNotOpen):
        await room.ordered()


async def test_unknown_printing_house_makes_no_cards(room: CardRoom) -> None:
    """Without keys for its files nothing is made; the order stays."""
    ordered = await room.ordered(printer="nobody")
    with pytest.raises(NoPrinter):
        await room.make(ordered, 0)

    assert await numbers_of(room) == []


async def test_there_are_no_other_parts(room: CardRoom) -> None:
    """A batch has the parts it has."""
    ordered = await room.ordered()
    for part in (-1, 1):
        with pytest.raises(NoSuchRecord):
            await room.make(ordered, part)


async def test_batches_of_others_are_not_there(room: CardRoom) -> None:
    """Another issuer's people can't see, list, count, make, release or export a batch or its cards."""
    made = await room.made(await room.ordered())
    other = await room.office.party()
    eve = await room.office.operator("eve", Role.ISSUER_ADMIN, other.id)
    for service in (
        lambda work: batch(work, made.id),
        lambda work: missing_parts(work, made.id),
        lambda work: make_part(work, room.ports, made.id, 0),
        lambda work: finish_batch(work, made.id),
        lambda work: release_batch(work, made.id),
        lambda work: batch_files(work, made.id, 0),
        lambda work: deliver_batch(work, made.id),
        lambda work: order_batch(work, room.order(), TODAY),
        lambda work: order_batch(work, replace(room.order(), party_id=other.id), TODAY),
    ):
        with pytest.raises(NoSuchRecord):
            await room.office.run(eve, service)

    assert await room.office.run(eve, batches) == []
    assert await room.office.run(eve, lambda work: count_cards(work, CardFilter())) == {}
    assert await room.office.run(room.admin, lambda work: count_cards(work, CardFilter())) == {
        CardState.STOCK: 3
    }
    assert (await room.office.run(room.clerk, lambda work: batch(work, made.id))).cards == 3
