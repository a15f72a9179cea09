"""Cards as people see and find them: names in, rows out. What is shown of a number is its mask.

A card is named by its number (as keyed hash), by its serial number, or by its id. Which of these was used
makes no difference to what is found or refused.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

import asyncpg

from directory.card_life import Standing
from directory.parties import PartyId
from directory.ports import CardSecrets
from directory.records import CardState, PanIndex
from directory.rights import Action
from directory.subjects import Kind
from directory.work import Scope, Subject, Work

PAGE_MAX: Final = 1_000
"""Most cards in one list."""

_COLUMNS: Final = (
    "card.id, card.pan_index, card.party_id, card.product_id, product.code AS product, card.wallet_id,"
    " card.state, card.state_before, card.expiry, card.printed_expiry, card.pan_sealed, card.serial,"
    " card.range_id, card.batch_id, card.customer_id, card.relation, card.main_card_id, card.replaces_id,"
    " card.closed_us"
)
_FROM: Final = f"SELECT {_COLUMNS} FROM directory.card JOIN directory.product ON product.id = card.product_id"
_BY_INDEX: Final = f"{_FROM} WHERE card.pan_index = $1 AND card.number_until_us IS NULL"
_BY_SERIAL: Final = f"{_FROM} WHERE card.serial = $1"
_BY_ID: Final = f"{_FROM} WHERE card.id = $1"
_LOCK: Final = "SELECT id FROM directory.card WHERE id = $1 FOR UPDATE"
_FILTER: Final = f"""
WHERE {Scope("").where("card.party_id", 1)} AND ($2::text IS NULL OR card.state = $2::text)
  AND ($3::text IS NULL OR product.code = $3::text) AND ($4::bigint IS NULL OR card.customer_id = $4::bigint)
  AND ($5::bigint IS NULL OR card.batch_id = $5::bigint)
"""
_LIST: Final = f"{_FROM} {_FILTER} AND card.id > $6 ORDER BY card.id LIMIT $7"
_COUNT: Final = f"""
SELECT card.state, count(*) AS cards FROM directory.card
JOIN directory.product ON product.id = card.product_id {_FILTER} GROUP BY card.state
"""


class Relation(StrEnum):
    """What a card is to its holder's cards."""

    MAIN = "main"
    SUPPLEMENTARY = "supplementary"


class CardName(NamedTuple):
    """How somebody names a card: one of these."""

    pan_index: PanIndex | None = None
    serial: str | None = None
    id: int | None = None


class CardFilter(NamedTuple):
    """Which cards to list or count; None: any."""

    state: CardState | None = None
    product: str | None = None
    customer_id: int | None = None
    batch_id: int | None = None


@dataclass(frozen=True, slots=True)
class CardRecord:
    """A card as services see it."""

    id: int
    pan_index: PanIndex
    party_id: PartyId
    product_id: int
    product: str
    wallet_id: int
    standing: Standing
    expiry: str
    printed_expiry: str
    pan_sealed: bytes = field(repr=False)
    serial: str | None
    range_id: int | None
    batch_id: int | None
    customer_id: int | None
    relation: Relation | None
    main_card_id: int | None
    replaces_id: int | None
    closed_us: int | None

    @property
    def subject(self) -> Subject:
        """How audit and change log name it."""
        return Subject(Kind.CARD, self.pan_index.hex(), self.party_id)


class ShownCard(NamedTuple):
    """A card as it is shown: the record, and its number masked."""

    card: CardRecord
    masked_pan: str


async def find_card(work: Work, action: Action, name: CardName, *, lock: bool = False) -> CardRecord:
    """A card that an operator may do something to.

    Args:
        work: Of the operator.
        action: What is about to be done.
        name: Which card.
        lock: Keep others from changing it until the work ends.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is none within reach.
    """
    found = await _read(work, name)
    await work.require(action, found.party_id if found else None, Kind.CARD)
    assert found is not None
    if lock:
        await work.connection.execute(_LOCK, found.id)
        locked = await _read(work, CardName(id=found.id))
        assert locked is not None
        return locked
    return found


async def show_card(work: Work, secrets: CardSecrets, name: CardName) -> ShownCard:
    """A card, to be shown.

    Raises:
        NotAllowed: The role sees no cards.
        NoSuchRecord: There is none within reach.
    """
    card = await find_card(work, Action.CARD_SEE, name)
    return ShownCard(card, (await secrets.masked([card.pan_sealed]))[0])


async def list_cards(
    work: Work, secrets: CardSecrets, which: CardFilter, after_id: int = -1, limit: int = 100
) -> list[ShownCard]:
    """Cards within reach, in the order of their ids.

    Args:
        work: Of an operator who sees cards.
        secrets: For the masks.
        which: Which of them.
        after_id: Of the last card of the list before.
        limit: How many at most, up to `PAGE_MAX`.

    Raises:
        NotAllowed: The role sees no cards.
    """
    scope = work.scope(Action.CARD_SEE)
    rows = await work.connection.fetch(_LIST, scope.prefix, *which, after_id, min(limit, PAGE_MAX))
    cards = [_record(row) for row in rows]
    masks = await secrets.masked([card.pan_sealed for card in cards])
    return [ShownCard(card, mask) for card, mask in zip(cards, masks, strict=True)]


async def count_cards(work: Work, which: CardFilter) -> dict[CardState, int]:
    """How many cards within reach are in each state.

    Raises:
        NotAllowed: The role sees no cards.
    """
    scope = work.scope(Action.CARD_SEE)
    rows = await work.connection.fetch(_COUNT, scope.prefix, *which)
    return {CardState(row["state"]): row["cards"] for row in rows}


async def _read(work: Work, name: CardName) -> CardRecord | None:
    if name.pan_index is not None:
        row = await work.connection.fetchrow(_BY_INDEX, name.pan_index)
    elif name.serial is not None:
        row = await work.connection.fetchrow(_BY_SERIAL, name.serial)
    else:
        row = await work.connection.fetchrow(_BY_ID, name.id)
    return None if row is None else _record(row)


def _record(row: asyncpg.Record) -> CardRecord:
    before, relation = row["state_before"], row["relation"]
    return CardRecord(
        id=row["id"],
        pan_index=row["pan_index"],
        party_id=PartyId(row["party_id"]),
        product_id=row["product_id"],
        product=row["product"],
        wallet_id=row["wallet_id"],
        standing=Standing(CardState(row["state"]), CardState(before) if before else None),
        expiry=row["expiry"],
        printed_expiry=row["printed_expiry"],
        pan_sealed=row["pan_sealed"],
        serial=row["serial"],
        range_id=row["range_id"],
        batch_id=row["batch_id"],
        customer_id=row["customer_id"],
        relation=Relation(relation) if relation else None,
        main_card_id=row["main_card_id"],
        replaces_id=row["replaces_id"],
        closed_us=row["closed_us"],
    )
