"""What is done with number ranges: registering, allocating, drawing numbers, taking them back, seeing.

    registered ──allocate whole──▶ open ──close──▶ closed         numbers are drawn from an open range
    registered ──allocate a part──▶ (a range of its own below it, open)

The platform registers a range (卡BIN) and allocates it, or parts of it (卡段), to issuers; these allocate
parts of their own to their agents. A range that has parts draws no numbers, and one that has drawn some is
not divided: so no number belongs to two. How many fresh numbers were drawn is one counter, raised under the
row's lock in the transaction of whoever draws; it never goes back. Numbers of cards closed or replaced for
longer than the range's quarantine are drawn again before fresh ones, where that is asked for.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

import asyncpg

from directory.numbering import BadRange, CheckDigit, Numbers, Ordering, refuse_conflict
from directory.parties import PLATFORM_ID, PartyId
from directory.reading import Connection
from directory.refusals import NoSuchRecord, Refused, message
from directory.rights import Action
from directory.subjects import Kind
from directory.texts import check_text
from directory.work import Scope, Subject, Work
from storage.database import database_errors

_DAY_US: Final = 86_400_000_000
_COLUMNS: Final = (
    "id, party_id, parent_id, name, first, last, pan_digits, ordering, check_digit, quarantine_days, state,"
    " next_position"
)
_ALL: Final = f"SELECT {_COLUMNS} FROM directory.number_range ORDER BY first, last DESC"
_LIST: Final = f"""
SELECT {_COLUMNS} FROM directory.number_range
WHERE {Scope("").where("party_id", 1)} ORDER BY first, last DESC
"""
_BY_ID: Final = f"SELECT {_COLUMNS} FROM directory.number_range WHERE id = $1"
_LOCKED: Final = f"{_BY_ID} FOR UPDATE"
_BY_BOUNDS: Final = f"SELECT {_COLUMNS} FROM directory.number_range WHERE first = $1 AND last = $2"
_DIVIDED: Final = "SELECT id FROM directory.number_range WHERE parent_id = $1 LIMIT 1"
_NEXT: Final = "SELECT coalesce(max(id), 0) + 1 FROM directory.number_range"
_INSERT: Final = f"""
INSERT INTO directory.number_range ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0)
"""
_UNDER: Final = """
SELECT below.id FROM directory.party AS above JOIN directory.party AS below
    ON starts_with(below.lineage, above.lineage)
WHERE above.id = $1 AND below.id = $2
"""
_RECYCLABLE: Final = """
SELECT card.id FROM directory.card
WHERE card.range_id = $1 AND card.closed_us <= $2 AND card.number_until_us IS NULL
  AND NOT EXISTS (SELECT 1 FROM directory.recycled_number WHERE recycled_number.card_id = card.id)
ORDER BY card.closed_us, card.id LIMIT $3
"""
_OWN: Final = "SELECT first, last FROM directory.number_range WHERE parent_id IS NULL"


class RangeState(StrEnum):
    """The life of a range."""

    REGISTERED = "registered"
    OPEN = "open"
    CLOSED = "closed"


class RangeInUse(Refused):
    """A range has drawn numbers or has parts, so it can't be divided or given away any more."""

    text = message("the range has parts, or cards have numbers of it")


class RangeNotOpen(Refused):
    """Numbers are drawn from a range that is open and has no parts."""

    text = message("the range is not open for drawing numbers")


class RangeExhausted(Refused):
    """A range has fewer numbers left than are asked for."""

    text = message("the range has {left} numbers left")


@dataclass(frozen=True, slots=True)
class NumberRange:
    """A range as it is stored.

    Attributes:
        id: A small number.
        party_id: Who may draw from it or allocate parts of it.
        parent_id: The range it is a part of.
        name: For people.
        numbers: What its numbers are.
        ordering: In which order they are drawn.
        quarantine_days: How long the number of a closed card rests.
        state: Where it is in its life.
        drawn: How many fresh numbers were drawn.
    """

    id: int
    party_id: PartyId
    parent_id: int | None
    name: str
    numbers: Numbers
    ordering: Ordering
    quarantine_days: int
    state: RangeState
    drawn: int


class Drawn(NamedTuple):
    """Numbers drawn for a batch: fresh ones from a position on, and closed cards whose numbers go on."""

    first_position: int
    fresh: int
    recycled_cards: tuple[int, ...]


async def register_range(
    work: Work, name: str, numbers: Numbers, ordering: Ordering, quarantine_days: int
) -> NumberRange:
    """Register a range for the platform.

    Raises:
        NotAllowed: The role may not.
        BadRange: It overlaps another in part, or is there already, or lies in another or around one.
        InvalidValue: The name can't be used.
    """
    await work.require(Action.RANGE_REGISTER, PLATFORM_ID, Kind.RANGE)
    _check(name, quarantine_days)
    await work.hold_audit()
    there = await _ranges(work.connection)
    refuse_conflict(numbers, [each.numbers for each in there])
    low, high = numbers.bounds
    if any(each.numbers.bounds[0] <= high and low <= each.numbers.bounds[1] for each in there):
        raise BadRange(field="first", reason=message("it is part of a range, or around one; allocate parts"))
    made = await _insert(
        work, PLATFORM_ID, None, name, numbers, ordering, quarantine_days, RangeState.REGISTERED
    )
    work.record(Action.RANGE_REGISTER, _subject(made), after=_told(made))
    return made


async def allocate_range(
    work: Work,
    first: str,
    last: str,
    party_id: PartyId,
    name: str,
    ordering: Ordering | None = None,
    quarantine_days: int | None = None,
) -> NumberRange:
    """Allocate a range that is there, or a part of one, to a party.

    Args:
        work: Of an operator who may.
        first: Leading digits of the lowest number.
        last: Leading digits of the highest.
        party_id: To whom: the holder of the range around it, or one that hangs under them.
        name: For people.
        ordering: In which order numbers are drawn; None: as in the range around it.
        quarantine_days: None: as in the range around it.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: No range within reach holds these, or there is no such party below its holder.
        RangeInUse: The range has drawn numbers, or, to be given whole, has parts.
        BadRange: The part overlaps another in part.
    """
    await work.hold_audit()
    around = await _around(work, first, last)
    await work.require(Action.RANGE_ALLOCATE, around.party_id if around else None, Kind.RANGE)
    assert around is not None
    await _refuse_foreign_party(work, around, party_id)
    await work.connection.fetchrow(_LOCKED, around.id)
    if around.drawn or around.state is RangeState.CLOSED:
        raise RangeInUse
    days = around.quarantine_days if quarantine_days is None else quarantine_days
    _check(name, days)
    if (first, last) == (around.numbers.first, around.numbers.last):
        return await _give(work, around, party_id, name, ordering or around.ordering, days)
    numbers = Numbers(first, last, around.numbers.pan_digits, around.numbers.check_digit)
    refuse_conflict(numbers, [each.numbers for each in await _ranges(work.connection)])
    part = await _insert(
        work, party_id, around.id, name, numbers, ordering or around.ordering, days, RangeState.OPEN
    )
    work.record(Action.RANGE_ALLOCATE, _subject(part), after=_told(part))
    return part


async def import_range(
    work: Work,
    name: str,
    numbers: Numbers,
    ordering: Ordering,
    quarantine_days: int,
    party_id: PartyId | None,
) -> NumberRange:
    """Take in a range: as a part of the one that holds it; else by registering and, if told, allocating it.

    Raises:
        Refused: What registering or allocating refuses.
    """
    bounds = numbers.first, numbers.last
    around = await _around(work, *bounds)
    if around is not None and (around.numbers.first, around.numbers.last) != bounds:
        holder = around.party_id if party_id is None else party_id
        return await allocate_range(work, *bounds, holder, name, ordering, quarantine_days)
    registered = await register_range(work, name, numbers, ordering, quarantine_days)
    if party_id in (None, PLATFORM_ID):
        return registered
    return await allocate_range(work, *bounds, PartyId(party_id or 0), name)


async def close_range(work: Work, first: str, last: str) -> NumberRange:
    """Draw no more numbers from a range; cards that have some keep them.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such range within reach.
    """
    found = await _found(work, Action.RANGE_CLOSE, first, last)
    await work.connection.execute(
        "UPDATE directory.number_range SET state = $2 WHERE id = $1", found.id, RangeState.CLOSED
    )
    work.record(
        Action.RANGE_CLOSE,
        _subject(found),
        before={"state": found.state},
        after={"state": RangeState.CLOSED},
    )
    return await _found(work, Action.RANGE_CLOSE, first, last)


async def number_range(work: Work, first: str, last: str) -> NumberRange:
    """A range by its bounds.

    Raises:
        NotAllowed: The role sees no ranges.
        NoSuchRecord: There is none within reach.
    """
    return await _found(work, Action.RANGE_SEE, first, last)


async def number_ranges(work: Work) -> list[NumberRange]:
    """The ranges within reach, in the order of their numbers, each before its parts.

    Raises:
        NotAllowed: The role sees no ranges.
    """
    scope = work.scope(Action.RANGE_SEE)
    return [_range(row) for row in await work.connection.fetch(_LIST, scope.prefix)]


async def range_by_bounds(connection: Connection, first: str, last: str) -> NumberRange | None:
    """A range by its bounds, for a service that asks for the right itself."""
    row = await connection.fetchrow(_BY_BOUNDS, first, last)
    return None if row is None else _range(row)


async def read_range(connection: Connection, range_id: int) -> NumberRange:
    """A range that exists, by its id."""
    row = await connection.fetchrow(_BY_ID, range_id)
    assert row is not None
    return _range(row)


async def draw_numbers(work: Work, range_id: int, count: int, *, recycle: bool) -> tuple[NumberRange, Drawn]:
    """Draw numbers within the work's transaction, for a service that has asked for the right.

    Args:
        work: The transaction.
        range_id: A range that exists.
        count: How many.
        recycle: Take numbers that have rested long enough before fresh ones.

    Raises:
        RangeNotOpen: It is not open, or has parts.
        RangeExhausted: It has not so many left; none is drawn.
    """
    row = await work.connection.fetchrow(_LOCKED, range_id)
    assert row is not None
    found = _range(row)
    if found.state is not RangeState.OPEN or await work.connection.fetchval(_DIVIDED, range_id) is not None:
        raise RangeNotOpen
    rested_us = work.at_us - found.quarantine_days * _DAY_US
    again = await work.connection.fetch(_RECYCLABLE, range_id, rested_us, count) if recycle else []
    fresh = count - len(again)
    left = found.numbers.size - found.drawn
    if fresh > left:
        raise RangeExhausted(left=left + len(again))
    await work.connection.execute(
        "UPDATE directory.number_range SET next_position = next_position + $2 WHERE id = $1", range_id, fresh
    )
    return found, Drawn(found.drawn, fresh, tuple(each["id"] for each in again))


async def read_own_ranges(connection: Connection) -> list[tuple[str, str]]:
    """First and last leading digits of every registered range: whose cards the own ledger authorises.

    Raises:
        DatabaseUnavailable: They could not be read.
    """
    with database_errors():
        return [(row["first"], row["last"]) for row in await connection.fetch(_OWN)]


async def _ranges(connection: Connection) -> list[NumberRange]:
    return [_range(row) for row in await connection.fetch(_ALL)]


async def _around(work: Work, first: str, last: str) -> NumberRange | None:
    """The smallest range that holds these bounds, itself included."""
    if not (first.isascii() and first.isdigit() and last.isascii() and last.isdigit()):
        return None
    low, high = int(first.ljust(19, "0")), int(last.ljust(19, "9"))
    holding = [
        each
        for each in await _ranges(work.connection)
        if each.numbers.bounds[0] <= low and high <= each.numbers.bounds[1]
    ]
    return min(holding, key=lambda each: each.numbers.bounds[1] - each.numbers.bounds[0], default=None)


async def _refuse_foreign_party(work: Work, around: NumberRange, party_id: PartyId) -> None:
    if await work.connection.fetchval(_UNDER, around.party_id, party_id) is None:
        raise NoSuchRecord(kind=Kind.PARTY)


async def _give(
    work: Work, given: NumberRange, party_id: PartyId, name: str, ordering: Ordering, days: int
) -> NumberRange:
    if await work.connection.fetchval(_DIVIDED, given.id) is not None:
        raise RangeInUse
    await work.connection.execute(
        """UPDATE directory.number_range SET party_id = $2, name = $3, ordering = $4, quarantine_days = $5,
               state = $6 WHERE id = $1""",
        *(given.id, party_id, name, ordering, days, RangeState.OPEN),
    )
    after = await range_by_bounds(work.connection, given.numbers.first, given.numbers.last)
    assert after is not None
    work.record(Action.RANGE_ALLOCATE, _subject(after), before=_told(given), after=_told(after))
    return after


async def _insert(
    work: Work,
    party_id: PartyId,
    parent_id: int | None,
    name: str,
    numbers: Numbers,
    ordering: Ordering,
    quarantine_days: int,
    state: RangeState,
) -> NumberRange:
    made = NumberRange(
        await work.connection.fetchval(_NEXT),
        *(party_id, parent_id, name, numbers, ordering, quarantine_days, state),
        drawn=0,
    )
    await work.connection.execute(
        _INSERT,
        *(made.id, party_id, parent_id, name, numbers.first, numbers.last, numbers.pan_digits, ordering),
        *(numbers.check_digit, quarantine_days, state),
    )
    return made


async def _found(work: Work, action: Action, first: str, last: str) -> NumberRange:
    found = await range_by_bounds(work.connection, first, last)
    await work.require(action, found.party_id if found else None, Kind.RANGE)
    assert found is not None
    return found


def _range(row: asyncpg.Record) -> NumberRange:
    return NumberRange(
        *(row["id"], PartyId(row["party_id"]), row["parent_id"], row["name"]),
        Numbers(row["first"], row["last"], row["pan_digits"], CheckDigit(row["check_digit"])),
        Ordering(row["ordering"]),
        row["quarantine_days"],
        RangeState(row["state"]),
        row["next_position"],
    )


def _subject(of: NumberRange) -> Subject:
    return Subject(Kind.RANGE, str(of.id), of.party_id)


def _told(of: NumberRange) -> dict[str, str | int]:
    return {
        "name": of.name,
        "first": of.numbers.first,
        "last": of.numbers.last,
        "digits": of.numbers.pan_digits,
        "check_digit": of.numbers.check_digit,
        "ordering": of.ordering,
        "quarantine_days": of.quarantine_days,
        "state": of.state,
        "party": of.party_id,
    }


def _check(name: str, quarantine_days: int) -> None:
    check_text("name", name)
    if not 0 <= quarantine_days <= 36_500:
        raise BadRange(field="quarantine", reason=message("0 to 36,500 days"))
