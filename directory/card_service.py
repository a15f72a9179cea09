"""What happens to a card: each event of its life, its holder, its PIN, its replacement.

What an event needs and where it leads is `card_life`; here its right is asked for, its conditions are looked
at, and the row is changed under its lock. Amounts are the ledger's: a replacement keeps the wallet, and the
wallet of a closed card stays where it is until the ledger pays it out.

A card whose product wants a holder that is known, or whose identity is checked, isn't activated without. A
replacement has a new number and a new PIN, and begins inactive: it is activated when it has arrived. It
states the expiry of the card it replaces, unless that has passed or the product renews it.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Final, NamedTuple

from directory.card_life import CardEvent, Standing, after
from directory.card_reading import CardName, CardRecord, Relation, find_card
from directory.commands import CardRow, insert_cards
from directory.numbering import Ordering
from directory.ports import CardPorts, CardSecrets, CardToMake, MadePins
from directory.product_terms import IdentityRule, ProductTerms
from directory.range_service import Drawn, NumberRange, draw_numbers
from directory.reading import read_products
from directory.records import CardState
from directory.refusals import InvalidValue, NoSuchRecord, Refused, message
from directory.rights import Action
from directory.subjects import Kind
from directory.work import Work

EVENTS: Final[Mapping[CardEvent, Action]] = MappingProxyType(
    {
        CardEvent.ISSUE: Action.CARD_ISSUE,
        CardEvent.ACTIVATE: Action.CARD_ACTIVATE,
        CardEvent.FREEZE: Action.CARD_FREEZE,
        CardEvent.UNFREEZE: Action.CARD_UNFREEZE,
        CardEvent.REPORT_LOST: Action.CARD_REPORT,
        CardEvent.REPORT_STOLEN: Action.CARD_REPORT,
        CardEvent.RECOVER: Action.CARD_RECOVER,
        CardEvent.REPLACE: Action.CARD_REPLACE,
        CardEvent.EXPIRE: Action.CARD_EXPIRE,
        CardEvent.EXTEND: Action.CARD_EXTEND,
        CardEvent.CLOSE: Action.CARD_CLOSE,
    }
)
"""The right that each event needs."""

SIMPLE: Final = frozenset(CardEvent) - {CardEvent.REPLACE, CardEvent.EXPIRE, CardEvent.EXTEND}
"""Events that change nothing but the card's state."""

_SWEEP: Final = 2_000
_HOLDING: Final = (CardState.INACTIVE, CardState.ACTIVE, CardState.FROZEN)
_CHANGE: Final = """
UPDATE directory.card SET state = $2, state_before = $3, expiry = $4, closed_us = $5 WHERE id = $1
"""
_HOLD: Final = "UPDATE directory.card SET customer_id = $2, relation = $3, main_card_id = $4 WHERE id = $1"
_HOLDER: Final = "SELECT party_id, state, verified_us FROM directory.customer WHERE id = $1"
_DUE: Final = """
UPDATE directory.card AS card SET state = 'expired', state_before = due.state
FROM (SELECT id, state FROM directory.card
      WHERE expiry < $1 AND state = ANY ($2::text[]) AND party_id IN
            (SELECT id FROM directory.party WHERE starts_with(lineage, $3))
      ORDER BY id LIMIT $4 FOR UPDATE) AS due
WHERE card.id = due.id RETURNING card.pan_index
"""


class HolderNeeded(Refused):
    """The product's cards are used by somebody who is known."""

    text = message("the card needs a holder first")


class IdentityNotChecked(Refused):
    """The product's cards are used by somebody whose identity is checked."""

    text = message("the holder's identity has to be checked first")


class NotReplaceable(Refused):
    """The product's cards are not replaced."""

    text = message("cards of this product are not replaced")


class NotExtendable(Refused):
    """The product's cards are not good for longer than they state."""

    text = message("cards of this product are not extended")


class Replacement(NamedTuple):
    """A card that takes over a wallet, and what the printing house needs for it."""

    serial: str
    cards_file: bytes
    pins: MadePins


async def happen(work: Work, event: CardEvent, name: CardName) -> CardRecord:
    """Let one of the simple events happen to a card.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such card within reach.
        NotPossible: A card in this state does not take the event.
        HolderNeeded: It is to be activated and its product wants a holder.
        IdentityNotChecked: It is to be activated and its product wants the holder's identity checked.
    """
    assert event in SIMPLE
    card = await find_card(work, EVENTS[event], name, lock=True)
    following = after(card.standing, event)
    if event is CardEvent.ACTIVATE:
        await _refuse_unknown_holder(work, card)
    await _change(work, event, card, following)
    return await find_card(work, EVENTS[event], CardName(id=card.id))


async def set_holder(
    work: Work, name: CardName, customer_id: int, main_card: CardName | None = None
) -> CardRecord:
    """Say who holds a card.

    Args:
        work: Of an operator who may.
        name: The card.
        customer_id: Who.
        main_card: The main card that this one is supplementary to; None: it is a main card.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such card, main card or customer within reach.
        InvalidValue: The customer is closed, the card has come to its end, or the other is no main card.
    """
    card = await find_card(work, Action.CARD_ISSUE, name, lock=True)
    holder = await work.connection.fetchrow(_HOLDER, customer_id)
    await work.require(Action.CARD_ISSUE, holder["party_id"] if holder else None, Kind.CUSTOMER)
    assert holder is not None
    if holder["state"] != "open" or card.standing.state in (CardState.CLOSED, CardState.REPLACED):
        raise InvalidValue(field="card", reason=message("card and customer must still be open"))
    main = None if main_card is None else await find_card(work, Action.CARD_ISSUE, main_card, lock=True)
    if main is not None and (main.relation is not Relation.MAIN or main.id == card.id):
        raise InvalidValue(field="main card", reason=message("it is no main card"))
    relation = Relation.MAIN if main is None else Relation.SUPPLEMENTARY
    await work.connection.execute(_HOLD, card.id, customer_id, relation, main.id if main else None)
    work.record(
        Action.CARD_ISSUE,
        card.subject,
        before={"customer": card.customer_id, "relation": card.relation},
        after={"customer": customer_id, "relation": relation},
    )
    return await find_card(work, Action.CARD_ISSUE, CardName(id=card.id))


async def extend_card(work: Work, name: CardName, today: date) -> CardRecord:
    """Let a card be good for longer, by what its product grants.

    The stripe keeps stating what it was printed with, and that goes on being accepted.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such card within reach.
        NotPossible: A card in this state is not extended.
        NotExtendable: The product grants nothing.
    """
    card = await find_card(work, Action.CARD_EXTEND, name, lock=True)
    following = after(card.standing, CardEvent.EXTEND)
    terms = await terms_for(work, card.product_id)
    if not terms.validity.extension_months:
        raise NotExtendable
    expiry = months_after(max(card.expiry, year_month(today)), terms.validity.extension_months)
    await _change(work, CardEvent.EXTEND, card, following, expiry=expiry)
    return await find_card(work, Action.CARD_EXTEND, CardName(id=card.id))


async def expire_cards(work: Work, today: date) -> int:
    """Note of cards whose last month has passed that they are expired; a few thousand at a time.

    Returns:
        How many; as long as it isn't zero there may be more.

    Raises:
        NotAllowed: The role may not.
    """
    scope = work.scope(Action.CARD_EXPIRE)
    due = await work.connection.fetch(_DUE, year_month(today), _HOLDING, scope.prefix, _SWEEP)
    for row in due:
        card = await find_card(work, Action.CARD_EXPIRE, CardName(pan_index=row["pan_index"]))
        before = {"state": card.standing.before}
        work.record(Action.CARD_EXPIRE, card.subject, before=before, after={"state": CardState.EXPIRED})
    return len(due)


async def reset_pin(work: Work, ports: CardPorts, name: CardName, printer: str) -> MadePins:
    """Give a card a new PIN, drawn by the HSM and sent to its holder by the printing house.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such card within reach.
        InvalidValue: The card has come to its end.
        NoPrinter: There are no keys of such a printing house.
    """
    card = await find_card(work, Action.CARD_RESET_PIN, name, lock=True)
    if card.standing.state in (CardState.CLOSED, CardState.REPLACED):
        raise InvalidValue(field="card", reason=message("it has come to its end"))
    terms = await terms_for(work, card.product_id)
    pan = await ports.secrets.clear(card.pan_sealed)
    to_make = CardToMake(
        card.serial or str(card.id), pan, card.wallet_id, card.printed_expiry, terms.service_code
    )
    made = await ports.secrets.make_pins([to_make], printer, terms.pin_length)
    await work.connection.execute(
        "UPDATE directory.card SET pin_salt = $2, pin_value = $3 WHERE id = $1",
        *(card.id, made.values[0].salt, made.values[0].value),
    )
    work.record(Action.CARD_RESET_PIN, card.subject, after={"printer": printer})
    return made


async def replace_card(
    work: Work, ports: CardPorts, name: CardName, printer: str, today: date
) -> Replacement:
    """Replace a card by one with another number and PIN on the same wallet.

    Raises:
        NotAllowed: The role may not.
        NoSuchRecord: There is no such card within reach.
        NotPossible: A card in this state is not replaced.
        NotReplaceable: The product's cards aren't.
        RangeNotOpen: The range that the card's number is from gives none any more.
        RangeExhausted: It has none left.
        NoPrinter: There are no keys of such a printing house.
    """
    card = await find_card(work, Action.CARD_REPLACE, name, lock=True)
    following = after(card.standing, CardEvent.REPLACE)
    terms = await terms_for(work, card.product_id)
    if not terms.replacement.allowed:
        raise NotReplaceable
    if card.range_id is None:
        raise NoSuchRecord(kind=Kind.RANGE)
    drawn_from, drawn = await draw_numbers(work, card.range_id, 1, recycle=False)
    (pan,) = await fresh_numbers(ports.secrets, drawn_from, drawn)
    expiry = _replacement_expiry(card, terms, year_month(today))
    card_id = ports.wallets.new_id()
    made = CardToMake(f"R{card_id}", pan, card.wallet_id, expiry, terms.service_code)
    await _change(work, CardEvent.REPLACE, card, following)
    replacement = await _take_over(work, ports, card, card_id, made, printer, terms.pin_length)
    await work.connection.execute(
        "UPDATE directory.card SET main_card_id = $2 WHERE main_card_id = $1", card.id, card_id
    )
    return replacement


async def terms_for(work: Work, product_id: int) -> ProductTerms:
    """The terms of a product as they are now.

    Raises:
        InvalidValue: None are in force yet.
    """
    product = (await read_products(work.connection, [product_id]))[product_id]
    terms = product.at(work.at_us)
    if terms is None:
        raise InvalidValue(field="product", reason=message("none of its versions is in force yet"))
    return terms


async def fresh_numbers(secrets: CardSecrets, drawn_from: NumberRange, drawn: Drawn) -> list[str]:
    """The fresh numbers that were drawn from a range, in the clear."""
    return await numbers_at(
        secrets, drawn_from, range(drawn.first_position, drawn.first_position + drawn.fresh)
    )


async def numbers_at(secrets: CardSecrets, of: NumberRange, positions: range) -> list[str]:
    """The numbers of a range at some positions of its order, in the clear."""
    places: Sequence[int] = positions
    if of.ordering is Ordering.SCATTERED:
        places = await secrets.places(of.id, of.numbers.size, positions)
    return [of.numbers.number(place) for place in places]


def year_month(day: date) -> str:
    """A day's month as YYMM."""
    return f"{day:%y%m}"


def months_after(expiry: str, months: int) -> str:
    """The month so many months after another, both YYMM."""
    years, month = divmod(int(expiry[:2]) * 12 + int(expiry[2:]) - 1 + months, 12)
    if years > 99:
        raise InvalidValue(field="expiry", reason=message("it is past the century"))
    return f"{years:02}{month + 1:02}"


async def _take_over(
    work: Work,
    ports: CardPorts,
    old: CardRecord,
    card_id: int,
    made: CardToMake,
    printer: str,
    pin_length: int,
) -> Replacement:
    cards = await ports.secrets.make_cards([made], printer)
    pins = await ports.secrets.make_pins([made], printer, pin_length)
    row = CardRow(
        *(cards.pan_indexes[0], old.wallet_id, old.product_id, CardState.INACTIVE, made.expiry),
        *(cards.pans_sealed[0], pins.values[0].salt, pins.values[0].value),
        id=card_id,
        party_id=old.party_id,
        serial=made.serial,
        range_id=old.range_id,
        customer_id=old.customer_id,
        relation=old.relation,
        main_card_id=old.main_card_id,
        replaces_id=old.id,
    )
    await insert_cards(work.connection, [row])
    new = await find_card(work, Action.CARD_REPLACE, CardName(id=card_id))
    work.record(
        Action.CARD_REPLACE,
        new.subject,
        after={"state": CardState.INACTIVE, "replaces": old.pan_index.hex(), "expiry": made.expiry},
    )
    return Replacement(made.serial, cards.file, pins)


async def _change(
    work: Work,
    event: CardEvent,
    card: CardRecord,
    following: Standing,
    *,
    expiry: str | None = None,
) -> None:
    ended = following.state in (CardState.CLOSED, CardState.REPLACED)
    await work.connection.execute(
        _CHANGE,
        card.id,
        following.state,
        following.before,
        expiry or card.expiry,
        work.at_us if ended else None,
    )
    before = {"state": card.standing.state, "expiry": card.expiry}
    work.record(
        EVENTS[event],
        card.subject,
        before=before,
        after={"event": event, "state": following.state, "expiry": expiry or card.expiry},
    )


async def _refuse_unknown_holder(work: Work, card: CardRecord) -> None:
    rule = (await terms_for(work, card.product_id)).identity
    if rule is IdentityRule.ANONYMOUS:
        return
    if card.customer_id is None:
        raise HolderNeeded
    holder = await work.connection.fetchrow(_HOLDER, card.customer_id)
    assert holder is not None
    if rule is IdentityRule.VERIFIED and holder["verified_us"] is None:
        raise IdentityNotChecked


def _replacement_expiry(card: CardRecord, terms: ProductTerms, this_month: str) -> str:
    if terms.replacement.renews_validity or card.expiry < this_month:
        return months_after(this_month, terms.validity.months)
    return card.expiry
