"""Cards opened in batches: ordered, made part by part, released to the printing house.

    making ──every part made──▶ made ──release, four eyes──▶ released ──deliver──▶ delivered

The order draws all its numbers at once, in one transaction: from then on they are the batch's. It is made in
parts of a thousand cards, each in a transaction that writes the part, its cards and their wallets together.
So whatever interrupts the making, a part is there whole or not at all; what is missing is made by whoever
goes on, and two who go on at once don't make a part twice, because the part's row is written first. A
position of the range gives the same number every time, so no number is drawn again and none is lost.

A part keeps what the printing house needs, sealed for it: a file to make the cards from, a file of PINs, PIN
mailer records. They leave the database (`batch_files`) once a second operator has released the batch, and are
erased here when the printing house has them. A batch whose cards hold money from the start needs a second
operator to be ordered at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

import asyncpg

from directory.card_service import months_after, numbers_at, year_month
from directory.change_log import Change
from directory.commands import CardRow, insert_cards
from directory.content import Content
from directory.parties import PartyId
from directory.ports import CardPorts, CardToMake, WalletToOpen
from directory.product_service import product_for
from directory.range_service import NumberRange, draw_numbers, range_by_bounds, read_range
from directory.records import CardState, PanIndex
from directory.refusals import InvalidValue, NoSuchRecord, Refused, message
from directory.rights import Action
from directory.subjects import Kind
from directory.work import CarryOut, Scope, Subject, Work

CARDS_MAX: Final = 1_000_000
PART_CARDS: Final = 1_000

_COLUMNS: Final = (
    "id, party_id, product_id, range_id, state, cards, recycled, first_position, part_cards, expiry,"
    " service_code, pin_length, initial_minor, asset, printer"
)
_ONE: Final = f"SELECT {_COLUMNS} FROM directory.card_batch WHERE id = $1"
_LOCKED: Final = f"{_ONE} FOR UPDATE"
_LIST: Final = f"""
SELECT {_COLUMNS} FROM directory.card_batch WHERE {Scope("").where("party_id", 1)} ORDER BY id
"""
_NEXT: Final = "SELECT coalesce(max(id), 0) + 1 FROM directory.card_batch"
_INSERT: Final = f"""
INSERT INTO directory.card_batch ({_COLUMNS}, opened_us)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
"""
_RECYCLE: Final = """
INSERT INTO directory.recycled_number (batch_id, ordinal, card_id)
SELECT $1, taken.place - 1, taken.card_id FROM unnest($2::bigint[]) WITH ORDINALITY AS taken (card_id, place)
"""
_RECYCLED: Final = """
SELECT card.id, card.pan_index, card.pan_sealed
FROM directory.recycled_number AS taken JOIN directory.card ON card.id = taken.card_id
WHERE taken.batch_id = $1 AND taken.ordinal >= $2 AND taken.ordinal < $3 ORDER BY taken.ordinal
"""
_NUMBER_GONE: Final = "UPDATE directory.card SET number_until_us = $2 WHERE id = ANY ($1::bigint[])"
_INSERT_PART: Final = """
INSERT INTO directory.card_batch_part (batch_id, part, cards, pins, mailers) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING part
"""
_PARTS: Final = "SELECT part FROM directory.card_batch_part WHERE batch_id = $1"
_FILES: Final = """
SELECT cards, pins, mailers FROM directory.card_batch_part WHERE batch_id = $1 AND part = $2
"""
_ERASE: Final = """
UPDATE directory.card_batch_part SET cards = '', pins = '', mailers = '' WHERE batch_id = $1
"""
_PARTY: Final = "SELECT id FROM directory.party WHERE id = $1"


class BatchState(StrEnum):
    """The life of a batch."""

    MAKING = "making"
    MADE = "made"
    RELEASED = "released"
    DELIVERED = "delivered"


class BatchNotMade(Refused):
    """A batch is released once all its parts are made, and once only."""

    text = message("the batch is {state}, so it can't be released")


class BatchNotReleased(Refused):
    """The files of a batch leave between its release by two operators and its delivery."""

    text = message("the batch is {state}; its files leave while it is released")


@dataclass(frozen=True, slots=True)
class BatchOrder:
    """What is ordered.

    Attributes:
        party_id: Who issues the cards: an issuer or an agent.
        product: Code of the product, theirs or of whom they hang under.
        first: Leading digits of the range's lowest number.
        last: And of its highest.
        cards: How many.
        printer: The printing house, by the name its keys have.
        initial_minor: What each card holds from the start.
        recycle: Use numbers again that have rested long enough.
        expiry: YYMM, the last month the cards are good; None: as long as the product says.
    """

    party_id: PartyId
    product: str
    first: str
    last: str
    cards: int
    printer: str
    initial_minor: int = 0
    recycle: bool = False
    expiry: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it is stored; see the table."""

    id: int
    party_id: PartyId
    product_id: int
    range_id: int
    state: BatchState
    cards: int
    recycled: int
    first_position: int
    part_cards: int
    expiry: str
    service_code: str
    pin_length: int
    initial_minor: int
    asset: int
    printer: str

    @property
    def parts(self) -> int:
        """How many parts it has."""
        return -(-self.cards // self.part_cards)

    def ordinals(self, part: int) -> range:
        """The cards of a part, counted from 0 within the batch."""
        return range(part * self.part_cards, min((part + 1) * self.part_cards, self.cards))

    def serial(self, ordinal: int) -> str:
        """What the printing house knows a card by."""
        return f"B{self.id}-{ordinal + 1:07}"

    @property
    def subject(self) -> Subject:
        """How the audit names it."""
        return Subject(Kind.CARD_BATCH, str(self.id), self.party_id)


class PartFiles(NamedTuple):
    """What the printing house needs of a part, sealed for it."""

    cards: bytes
    pins: bytes
    mailers: str


async def order_batch(work: Work, order: BatchOrder, today: date | None = None) -> Batch:
    """Order cards: their numbers are drawn, and they wait to be made.

    Args:
        work: Of an operator who may.
        order: What is ordered.
        today: The day that their validity counts from, where the order says none itself.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such party, product or range within reach.
        InvalidValue: The number of cards, the amount or the expiry can't be.
        RangeNotOpen: The range gives no numbers.
        RangeExhausted: It has not so many.
        ApprovalNeeded: The cards hold money from the start; it is proposed now.
    """
    action = Action.CARD_OPEN_FUNDED if order.initial_minor else Action.CARD_OPEN
    found = await work.connection.fetchval(_PARTY, order.party_id)
    await work.require(action, found, Kind.PARTY)
    numbers = await _range_of(work, order)
    product = await product_for(work, order.product, order.party_id)
    terms = product.at(work.at_us)
    _check(order)
    if terms is None:
        raise InvalidValue(field="product", reason=message("none of its versions is in force yet"))
    if order.expiry is None:
        assert today is not None
        order = replace(order, expiry=months_after(year_month(today), terms.validity.months))
    content = _content(order)
    await work.approval(action, Subject(Kind.PRODUCT, str(product.id), order.party_id), content)
    _, drawn = await draw_numbers(work, numbers.id, order.cards, recycle=order.recycle)
    await work.hold_audit()
    batch = Batch(
        id=await work.connection.fetchval(_NEXT),
        party_id=order.party_id,
        product_id=product.id,
        range_id=numbers.id,
        state=BatchState.MAKING,
        cards=order.cards,
        recycled=len(drawn.recycled_cards),
        first_position=drawn.first_position,
        part_cards=PART_CARDS,
        expiry=order.expiry or "",
        service_code=terms.service_code,
        pin_length=terms.pin_length,
        initial_minor=order.initial_minor,
        asset=terms.currency,
        printer=order.printer,
    )
    await _insert(work, batch, drawn.recycled_cards)
    work.record(action, batch.subject, after=content)
    return batch


async def missing_parts(work: Work, batch_id: int) -> list[int]:
    """The parts of a batch that aren't made yet.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such batch within reach.
    """
    batch = await _found(work, Action.CARD_OPEN, batch_id)
    made = {row["part"] for row in await work.connection.fetch(_PARTS, batch_id)}
    return [part for part in range(batch.parts) if part not in made]


async def make_part(work: Work, ports: CardPorts, batch_id: int, part: int) -> bool:
    """Make the cards of a part with their wallets.

    Args:
        work: A transaction of its own.
        ports: HSM and ledger.
        batch_id: The batch.
        part: Which of its parts.

    Returns:
        False if somebody else has made it meanwhile.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such batch within reach, or it has no such part.
        NoPrinter: There are no keys of its printing house.
    """
    batch = await _found(work, Action.CARD_OPEN, batch_id)
    if not 0 <= part < batch.parts:
        raise NoSuchRecord(kind=Kind.CARD_BATCH)
    pans = await _numbers(work, ports, batch, batch.ordinals(part))
    to_make = [
        CardToMake(batch.serial(ordinal), pan, ports.wallets.new_id(), batch.expiry, batch.service_code)
        for ordinal, pan in zip(batch.ordinals(part), pans, strict=True)
    ]
    cards = await ports.secrets.make_cards(to_make, batch.printer)
    pins = await ports.secrets.make_pins(to_make, batch.printer, batch.pin_length)
    written = await work.connection.fetchval(
        _INSERT_PART, batch.id, part, cards.file, pins.file, pins.mailers
    )
    if written is None:
        return False
    await _release_recycled(work, batch, batch.ordinals(part))
    rows = [
        CardRow(
            *(pan_index, card.wallet_id, batch.product_id, CardState.STOCK, batch.expiry),
            *(sealed, pin.salt, pin.value),
            party_id=batch.party_id,
            serial=card.serial,
            range_id=batch.range_id,
            batch_id=batch.id,
        )
        for card, pan_index, sealed, pin in zip(
            to_make, cards.pan_indexes, cards.pans_sealed, pins.values, strict=True
        )
    ]
    await insert_cards(work.connection, rows)
    wallets = [WalletToOpen(card.wallet_id, batch.initial_minor) for card in to_make]
    await ports.wallets.open(work.connection, wallets, batch.asset, work.at_us)
    return True


async def finish_batch(work: Work, batch_id: int) -> Batch:
    """Note that a batch is made, if every part of it is.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such batch within reach.
    """
    batch = await _found(work, Action.CARD_OPEN, batch_id, _LOCKED)
    if batch.state is BatchState.MAKING and not await missing_parts(work, batch_id):
        await work.connection.execute(
            "UPDATE directory.card_batch SET state = 'made', made_us = $2 WHERE id = $1", batch.id, work.at_us
        )
        work.record(
            Action.CARD_OPEN,
            batch.subject,
            before={"state": batch.state},
            after={"state": BatchState.MADE, "cards": batch.cards},
        )
    return await _found(work, Action.CARD_OPEN, batch_id)


async def release_batch(work: Work, batch_id: int) -> Batch:
    """Let the files of a batch go to the printing house.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such batch within reach.
        BatchNotMade: Parts are missing, or it is released already.
        ApprovalNeeded: It is proposed now.
    """
    batch = await _found(work, Action.CARD_RELEASE, batch_id, _LOCKED)
    if batch.state is not BatchState.MADE:
        raise BatchNotMade(state=batch.state.value)
    await work.approval(Action.CARD_RELEASE, batch.subject, {"batch": batch_id})
    await work.connection.execute(
        "UPDATE directory.card_batch SET state = 'released', released_us = $2 WHERE id = $1",
        *(batch.id, work.at_us),
    )
    work.record(
        Action.CARD_RELEASE,
        batch.subject,
        before={"state": batch.state},
        after={"state": BatchState.RELEASED, "printer": batch.printer},
    )
    return await _found(work, Action.CARD_RELEASE, batch_id)


async def batch_files(work: Work, batch_id: int, part: int) -> PartFiles:
    """What the printing house needs of a part of a released batch.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such batch within reach, or it has no such part.
        BatchNotReleased: It isn't released.
    """
    batch = await _found(work, Action.CARD_RELEASE, batch_id)
    if batch.state is not BatchState.RELEASED:
        raise BatchNotReleased(state=batch.state.value)
    row = await work.connection.fetchrow(_FILES, batch_id, part)
    if row is None:
        raise NoSuchRecord(kind=Kind.CARD_BATCH)
    return PartFiles(*row)


async def deliver_batch(work: Work, batch_id: int) -> Batch:
    """Note that the printing house has the files, and erase them here.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such batch within reach.
        BatchNotReleased: It isn't released, or was delivered before.
    """
    found = await _found(work, Action.CARD_RELEASE, batch_id, _LOCKED)
    if found.state is not BatchState.RELEASED:
        raise BatchNotReleased(state=found.state.value)
    await work.connection.execute(_ERASE, batch_id)
    await work.connection.execute(
        "UPDATE directory.card_batch SET state = 'delivered', delivered_us = $2 WHERE id = $1",
        *(batch_id, work.at_us),
    )
    work.record(
        Action.CARD_RELEASE,
        found.subject,
        before={"state": found.state},
        after={"state": BatchState.DELIVERED},
    )
    return await _found(work, Action.CARD_RELEASE, batch_id)


async def batch(work: Work, batch_id: int) -> Batch:
    """A batch.

    Raises:
        NotAllowed: The role sees no cards.
        NoSuchRecord: There is none within reach.
    """
    return await _found(work, Action.CARD_SEE, batch_id)


async def batches(work: Work) -> list[Batch]:
    """The batches within reach, oldest first.

    Raises:
        NotAllowed: The role sees no cards.
    """
    scope = work.scope(Action.CARD_SEE)
    return [_batch(row) for row in await work.connection.fetch(_LIST, scope.prefix)]


async def _order_again(work: Work, content: Content) -> object:
    order = _order(content)
    assert order.expiry is not None
    return await order_batch(work, order)


async def _release_again(work: Work, content: Content) -> object:
    batch_id = content["batch"]
    assert isinstance(batch_id, int)
    return await release_batch(work, batch_id)


CARRIED_OUT: Final[Mapping[Action, CarryOut]] = MappingProxyType(
    {Action.CARD_OPEN_FUNDED: _order_again, Action.CARD_RELEASE: _release_again}
)
"""What a second operator's approval does."""


async def _found(work: Work, action: Action, batch_id: int, query: str = _ONE) -> Batch:
    row = await work.connection.fetchrow(query, batch_id)
    await work.require(action, row["party_id"] if row else None, Kind.CARD_BATCH)
    assert row is not None
    return _batch(row)


async def _range_of(work: Work, order: BatchOrder) -> NumberRange:
    numbers = await range_by_bounds(work.connection, order.first, order.last)
    if numbers is None or numbers.party_id != order.party_id:
        raise NoSuchRecord(kind=Kind.RANGE)
    return numbers


async def _insert(work: Work, batch: Batch, recycled: tuple[int, ...]) -> None:
    await work.connection.execute(
        _INSERT,
        *(batch.id, batch.party_id, batch.product_id, batch.range_id, batch.state, batch.cards),
        *(batch.recycled, batch.first_position, batch.part_cards, batch.expiry, batch.service_code),
        *(batch.pin_length, batch.initial_minor, batch.asset, batch.printer, work.at_us),
    )
    if recycled:
        await work.connection.execute(_RECYCLE, batch.id, recycled)


async def _numbers(work: Work, ports: CardPorts, batch: Batch, ordinals: range) -> list[str]:
    """The numbers of some cards of a batch: those that are used again come first."""
    again = [
        await ports.secrets.clear(row["pan_sealed"])
        for row in await work.connection.fetch(_RECYCLED, batch.id, ordinals.start, ordinals.stop)
    ]
    fresh = range(ordinals.start + len(again) - batch.recycled, ordinals.stop - batch.recycled)
    numbers = await read_range(work.connection, batch.range_id)
    positions = range(batch.first_position + fresh.start, batch.first_position + fresh.stop)
    return again + await numbers_at(ports.secrets, numbers, positions)


async def _release_recycled(work: Work, batch: Batch, ordinals: range) -> None:
    """Take their numbers from the closed cards that had them."""
    rows = await work.connection.fetch(_RECYCLED, batch.id, ordinals.start, ordinals.stop)
    if rows:
        await work.connection.execute(_NUMBER_GONE, [row["id"] for row in rows], work.at_us)
    for row in rows:
        work.changed(Change(Kind.CARD, PanIndex(row["pan_index"]).hex()))


def _batch(row: asyncpg.Record) -> Batch:
    party_id, product_id, range_id, state, *rest = list(row)[1:]
    return Batch(row["id"], PartyId(party_id), product_id, range_id, BatchState(state), *rest)


def _check(order: BatchOrder) -> None:
    if not 1 <= order.cards <= CARDS_MAX:
        raise InvalidValue(field="cards", reason=message("1 to 1,000,000"))
    if not 0 <= order.initial_minor <= 10**12:
        raise InvalidValue(field="initial", reason=message("an amount in minor units, not below zero"))
    expiry = order.expiry
    if expiry is not None and not (
        len(expiry) == 4 and expiry.isascii() and expiry.isdigit() and 1 <= int(expiry[2:]) <= 12
    ):
        raise InvalidValue(field="expiry", reason=message("YYMM"))


def _content(order: BatchOrder) -> dict[str, str | int | bool | None]:
    return {
        "party": order.party_id,
        "product": order.product,
        "first": order.first,
        "last": order.last,
        "cards": order.cards,
        "printer": order.printer,
        "initial_minor": order.initial_minor,
        "recycle": order.recycle,
        "expiry": order.expiry,
    }


def _order(content: Content) -> BatchOrder:
    party, cards, initial_minor = content["party"], content["cards"], content["initial_minor"]
    product, first, last = content["product"], content["first"], content["last"]
    printer, recycle, expiry = content["printer"], content["recycle"], content["expiry"]
    assert isinstance(party, int)
    assert isinstance(cards, int)
    assert isinstance(initial_minor, int)
    assert isinstance(product, str)
    assert isinstance(first, str)
    assert isinstance(last, str)
    assert isinstance(printer, str)
    assert isinstance(recycle, bool)
    assert expiry is None or isinstance(expiry, str)
    return BatchOrder(PartyId(party), product, first, last, cards, printer, initial_minor, recycle, expiry)
