"""An issuer's room: people, a product, a range of numbers, and an HSM and a ledger that hide nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from itertools import count
from typing import Any

from directory.card_batches import CARRIED_OUT as OF_BATCHES
from directory.card_batches import Batch, BatchOrder, finish_batch, make_part, order_batch
from directory.card_life import CardEvent
from directory.card_reading import CardFilter, CardName, CardRecord, list_cards
from directory.card_service import happen
from directory.numbering import CheckDigit, Numbers, Ordering
from directory.parties import Party
from directory.ports import (
    CardPorts,
    CardToMake,
    MadeCards,
    MadePins,
    NoPrinter,
    PinValue,
    WalletToOpen,
)
from directory.product_service import CARRIED_OUT as OF_PRODUCTS
from directory.product_service import add_product
from directory.product_terms import ProductTerms, terms_of
from directory.range_service import allocate_range, register_range
from directory.reading import Connection
from directory.records import PanIndex, Product
from directory.refusals import InvalidValue
from directory.rights import Role
from directory.work import Operator
from tests.directory.back_office import BackOffice

PRINTER = "printer"
TODAY = date(2027, 1, 15)
BOUNDS = ("990055", "990055")
TERMS = terms_of('{"card_class": "gift", "currency": 156, "services": ["purchase"]}')
CARRIED_OUT = {**OF_BATCHES, **OF_PRODUCTS}


class GlassHsm:
    """Seals nothing that a test could not read."""

    def __init__(self) -> None:
        self.pins = count(1)

    async def places(self, range_id: int, size: int, positions: Sequence[int]) -> Sequence[int]:
        """The range upside down."""
        return [size - 1 - position for position in positions]

    async def make_cards(self, cards: Sequence[CardToMake], printer: str) -> MadeCards:
        """The numbers, as they are."""
        self._check(printer)
        indexes = tuple([await self.index(card.pan) for card in cards])
        file = "".join(f"{card.serial} {card.pan} {card.expiry} {card.service_code}\n" for card in cards)
        return MadeCards(indexes, tuple(card.pan.encode() for card in cards), file.encode())

    async def make_pins(self, cards: Sequence[CardToMake], printer: str, pin_length: int) -> MadePins:
        """PINs that count up."""
        self._check(printer)
        pins = [f"{next(self.pins):0{pin_length}}" for _ in cards]
        values = tuple(PinValue(b"salt", pin.encode()) for pin in pins)
        file = "".join(f"{card.serial} {pin}\n" for card, pin in zip(cards, pins, strict=True))
        return MadePins(values, file.encode(), file)

    async def index(self, pan: str) -> PanIndex:
        """A hash that has no key."""
        if not pan.isdigit():
            raise InvalidValue(field="card", reason="digits")
        return PanIndex(blake2b(pan.encode(), digest_size=16).digest())

    async def clear(self, pan_sealed: bytes) -> str:
        """The number."""
        return pan_sealed.decode()

    async def masked(self, pans_sealed: Sequence[bytes]) -> Sequence[str]:
        """The numbers' ends."""
        return [f"…{sealed.decode()[-4:]}" for sealed in pans_sealed]

    def _check(self, printer: str) -> None:
        if printer != PRINTER:
            raise NoPrinter


class GlassVault:
    """Personal data with the field's name before it."""

    async def seal(self, field: str, text: str) -> bytes:
        """The text behind the field's name."""
        return f"{field}|{text}".encode()

    async def open(self, field: str, sealed: bytes) -> str:
        """The text again, if it is of this field."""
        name, _, text = sealed.decode().partition("|")
        assert name == field
        return text

    async def index(self, field: str, text: str) -> bytes:
        """A hash that has no key."""
        return blake2b(f"{field}|{text}".encode(), digest_size=16).digest()


@dataclass
class Wallets:
    """Remembers what was opened by work that was not undone."""

    ids: Any = field(default_factory=lambda: count(10**15))

    def new_id(self) -> int:
        """The next number."""
        return int(next(self.ids))

    async def open(
        self, connection: Connection, wallets: Sequence[WalletToOpen], currency: int, at_us: int
    ) -> None:
        """Note them in a table of the test's, inside the transaction."""
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS directory.opened (id bigint PRIMARY KEY, balance bigint)"
        )
        await connection.executemany("INSERT INTO directory.opened VALUES ($1, $2)", wallets)


@dataclass
class CardRoom:
    """What tests of cards work with."""

    office: BackOffice
    issuer: Party
    platform: Operator
    admin: Operator
    clerk: Operator
    ports: CardPorts
    vault: GlassVault = field(default_factory=GlassVault)

    @classmethod
    async def furnished(cls, office: BackOffice) -> "CardRoom":
        """With an issuer, its people, the product GIFT and a range of a million numbers."""
        office.carried_out = CARRIED_OUT
        issuer = await office.party()
        platform = await office.operator("root")
        admin = await office.operator("ada", Role.ISSUER_ADMIN, issuer.id)
        clerk = await office.operator("clare", Role.ISSUER_CLERK, issuer.id)
        room = cls(office, issuer, platform, admin, clerk, CardPorts(GlassHsm(), Wallets()))
        await room.product("GIFT", TERMS)
        await room.range(*BOUNDS)
        return room

    async def product(self, code: str, terms: ProductTerms) -> Product:
        """A product of the issuer, in force from now on."""
        return await self.office.run(
            self.admin, lambda work: add_product(work, self.issuer.id, code, f"{code} card", terms)
        )

    async def range(
        self, first: str, last: str, digits: int = 13, ordering: Ordering = Ordering.SEQUENCE
    ) -> None:
        """A range of the issuer; numbers of closed cards rest for ten days."""
        numbers = Numbers(first, last, digits, CheckDigit.LUHN)
        await self.office.run(self.platform, lambda work: register_range(work, "bin", numbers, ordering, 10))
        await self.office.run(
            self.platform, lambda work: allocate_range(work, first, last, self.issuer.id, "cards")
        )

    def order(self, **changes: Any) -> BatchOrder:
        """An order of three cards, with some of it changed."""
        usual = {
            "party_id": self.issuer.id,
            "product": "GIFT",
            "first": BOUNDS[0],
            "last": BOUNDS[1],
            "cards": 3,
            "printer": PRINTER,
        }
        return BatchOrder(**{**usual, **changes})

    async def made(self, batch: Batch) -> Batch:
        """A batch with all its parts."""
        for part in range(batch.parts):
            await self.make(batch, part)
        return await self.office.run(self.clerk, lambda work: finish_batch(work, batch.id))

    async def make(self, batch: Batch, part: int) -> bool:
        """One part of a batch."""
        return await self.office.run(self.clerk, lambda work: make_part(work, self.ports, batch.id, part))

    async def ordered(self, **changes: Any) -> Batch:
        """A batch with its numbers drawn."""
        order = self.order(**changes)
        return await self.office.run(self.clerk, lambda work: order_batch(work, order, TODAY))

    async def cards(self, *events: CardEvent, **changes: Any) -> list[CardRecord]:
        """New cards to which some events have happened."""
        batch = await self.made(await self.ordered(**changes))
        shown = await self.office.run(
            self.admin,
            lambda work: list_cards(work, self.ports.secrets, CardFilter(batch_id=batch.id), limit=1000),
        )
        cards = [each.card for each in shown]
        for event in events:
            cards = [await self.happens(event, card) for card in cards]
        return cards

    async def card(self, *events: CardEvent, **changes: Any) -> CardRecord:
        """One new card to which some events have happened."""
        (card,) = await self.cards(*events, cards=1, **changes)
        return card

    async def happens(self, event: CardEvent, card: CardRecord, by: Operator | None = None) -> CardRecord:
        """Let an event happen to a card."""
        name = CardName(id=card.id)
        return await self.office.run(by or self.admin, lambda work: happen(work, event, name))

    async def audited(self, action: str) -> list[dict[str, Any]]:
        """What the audit says of an action, oldest first."""
        rows = await self.office.rows("SELECT * FROM directory.audit WHERE action = $1 ORDER BY seq", action)
        return [dict(row) for row in rows]
