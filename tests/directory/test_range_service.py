"""Ranges are registered, allocated, divided and drawn from so that no number belongs to two."""

from typing import Any

import pytest

from directory.numbering import BadRange, CheckDigit, Numbers, Ordering
from directory.parties import PLATFORM_ID, Party, PartyId, PartyKind
from directory.range_service import (
    NumberRange,
    RangeExhausted,
    RangeInUse,
    RangeNotOpen,
    RangeState,
    allocate_range,
    close_range,
    draw_numbers,
    import_range,
    number_range,
    number_ranges,
    read_own_ranges,
    register_range,
)
from directory.refusals import InvalidValue, NoSuchRecord, NotAllowed
from directory.rights import Role

from .card_room import BOUNDS, CardRoom


def numbers(first: str, last: str | None = None, digits: int = 13) -> Numbers:
    """Numbers with check digits."""
    return Numbers(first, last or first, digits, CheckDigit.LUHN)


async def register(room: CardRoom, first: str, last: str | None = None, **changes: Any) -> NumberRange:
    """A range registered by the platform."""
    usual = {"name": "bin", "numbers": numbers(first, last), "ordering": Ordering.SEQUENCE, "days": 10}
    name, of, ordering, days = {**usual, **changes}.values()
    return await room.office.run(room.platform, lambda work: register_range(work, name, of, ordering, days))


async def allocate(
    room: CardRoom, first: str, last: str | None = None, to: PartyId | None = None, **more: Any
) -> NumberRange:
    """A range, or a part of one, allocated by the platform."""
    party_id = room.issuer.id if to is None else to
    return await room.office.run(
        room.platform, lambda work: allocate_range(work, first, last or first, party_id, "part", **more)
    )


async def draw(room: CardRoom, found: NumberRange, count: int, *, recycle: bool = False) -> Any:
    """Some numbers drawn."""
    _, drawn = await room.office.run(
        room.clerk, lambda work: draw_numbers(work, found.id, count, recycle=recycle)
    )
    return drawn


async def agent_of(room: CardRoom) -> Party:
    """An agent under the issuer."""
    return await room.office.party(PartyKind.AGENT, room.issuer.id)


async def test_range_is_registered_and_allocated(room: CardRoom) -> None:
    """A registered range is the platform's until it is allocated, and then open."""
    registered = await register(room, "88", "89")
    allocated = await allocate(room, "88", "89", ordering=Ordering.SCATTERED, quarantine_days=3)

    assert (PLATFORM_ID, RangeState.REGISTERED) == (registered.party_id, registered.state)
    assert (room.issuer.id, RangeState.OPEN) == (allocated.party_id, allocated.state)
    assert (registered.id, Ordering.SCATTERED, 3) == (
        *(allocated.id, allocated.ordering),
        allocated.quarantine_days,
    )


async def test_parts_are_allocated_down_the_tree(room: CardRoom) -> None:
    """An issuer gives its agent a part of its own range; the part inherits what isn't said."""
    agent = await agent_of(room)
    part = await room.office.run(
        room.admin, lambda work: allocate_range(work, "9900551", "9900552", agent.id, "agent's")
    )

    assert part.party_id == agent.id
    assert (13, CheckDigit.LUHN) == (part.numbers.pan_digits, part.numbers.check_digit)
    assert (Ordering.SEQUENCE, 10) == (part.ordering, part.quarantine_days)
    assert part.parent_id == (await room.office.run(room.admin, lambda work: number_range(work, *BOUNDS))).id


@pytest.mark.parametrize(
    ("first", "last"),
    [(BOUNDS[0], BOUNDS[1]), ("9900551", "9900551"), ("9900", "9900"), ("990054", "990056")],
)
async def test_registered_ranges_lie_apart(room: CardRoom, first: str, last: str) -> None:
    """What lies in a range, around one or across its end is not registered."""
    with pytest.raises(BadRange):
        await register(room, first, last)


async def test_parts_do_not_overlap(room: CardRoom) -> None:
    """A part that overlaps another in part is refused."""
    await allocate(room, "9900551", "9900555")
    with pytest.raises(BadRange):
        await allocate(room, "9900553", "9900558")


async def test_divided_range_gives_no_numbers(room: CardRoom) -> None:
    """Numbers come from the part, never from the range around it, which isn't given away either."""
    whole = await room.office.run(room.admin, lambda work: number_range(work, *BOUNDS))
    part = await allocate(room, "9900551")
    with pytest.raises(RangeNotOpen):
        await draw(room, whole, 1)
    with pytest.raises(RangeInUse):
        await allocate(room, *BOUNDS)

    assert (0, 5) == (await draw(room, part, 5))[:2]


async def test_range_with_cards_is_not_divided(room: CardRoom) -> None:
    """Once a number was drawn, no part is cut out, and the range isn't given to another."""
    whole = await room.office.run(room.admin, lambda work: number_range(work, *BOUNDS))
    await draw(room, whole, 1)
    for first in ("9900551", BOUNDS[0]):
        with pytest.raises(RangeInUse):
            await allocate(room, first)


async def test_positions_are_drawn_once(room: CardRoom) -> None:
    """Each drawing begins where the one before ended; too many at once draw none."""
    part = await allocate(room, "99005512345")

    assert (0, 4, ()) == await draw(room, part, 4)
    with pytest.raises(RangeExhausted, match="6 numbers left"):
        await draw(room, part, 7)
    assert (4, 6, ()) == await draw(room, part, 6)


async def test_closed_range_gives_no_numbers(room: CardRoom) -> None:
    """A closed range is seen, and that is all."""
    closed = await room.office.run(room.admin, lambda work: close_range(work, *BOUNDS))
    with pytest.raises(RangeNotOpen):
        await draw(room, closed, 1)
    with pytest.raises(RangeInUse):
        await allocate(room, "9900551")

    assert closed.state is RangeState.CLOSED


async def test_registered_range_gives_no_numbers(room: CardRoom) -> None:
    """Before it is allocated nobody draws from it."""
    with pytest.raises(RangeNotOpen):
        await draw(room, await register(room, "77"), 1)


async def test_ranges_of_others_are_not_there(room: CardRoom) -> None:
    """Another issuer's people neither see nor list nor divide nor close a range, nor get one across."""
    other = await room.office.party()
    eve = await room.office.operator("eve", Role.ISSUER_ADMIN, other.id)
    for service in (
        lambda work: number_range(work, *BOUNDS),
        lambda work: close_range(work, *BOUNDS),
        lambda work: allocate_range(work, "9900551", "9900551", other.id, "mine"),
        lambda work: allocate_range(work, "1234", "1234", other.id, "mine"),
        lambda work: allocate_range(work, "x", "y", other.id, "mine"),
    ):
        with pytest.raises(NoSuchRecord):
            await room.office.run(eve, service)
    with pytest.raises(NoSuchRecord):
        await room.office.run(
            room.admin, lambda work: allocate_range(work, "9900551", "9900551", other.id, "theirs")
        )

    assert await room.office.run(eve, number_ranges) == []


async def test_only_the_platform_registers(room: CardRoom) -> None:
    """An issuer's people divide what they have, and register nothing."""
    with pytest.raises(NotAllowed):
        await room.office.run(
            room.admin, lambda work: register_range(work, "x", numbers("55"), Ordering.SEQUENCE, 1)
        )


@pytest.mark.parametrize("changes", [{"name": ""}, {"days": -1}, {"days": 36_501}])
async def test_names_and_quarantines_are_checked(room: CardRoom, changes: dict[str, Any]) -> None:
    """A range has a name, and numbers rest for a while that ends."""
    with pytest.raises(InvalidValue):
        await register(room, "66", **changes)


async def test_import_finds_the_place_of_each_range(room: CardRoom) -> None:
    """A range within another is allocated as its part; others are registered, and allocated if told so."""
    for first, party_id in (("66", None), ("77", room.issuer.id), ("771", None), ("88", PLATFORM_ID)):
        await room.office.run(
            room.platform,
            lambda work, f=first, p=party_id: import_range(work, "in", numbers(f), Ordering.SEQUENCE, 10, p),
        )
    found = {each.numbers.first: each for each in await room.office.run(room.platform, number_ranges)}

    assert [PLATFORM_ID, room.issuer.id, room.issuer.id, PLATFORM_ID] == [
        found[first].party_id for first in ("66", "77", "771", "88")
    ]
    assert found["771"].parent_id == found["77"].id


async def test_own_ranges_are_those_registered(room: CardRoom) -> None:
    """For routing a range stands for its parts."""
    await allocate(room, "9900551")
    async with room.office.connections() as connection:
        assert [BOUNDS] == await read_own_ranges(connection)
