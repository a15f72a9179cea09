"""What the directory knows, as values: products and their cards, merchants and their terminals.

These are what the hot path reads, not the rows: a card comes with its product and a terminal with its
merchant and its session keys, so that one look answers every question of a request. They are frozen, and
change by being replaced. No PAN is among them: a card is found by the keyed hash of its PAN. Key blocks,
salts and PIN reference values stay out of every repr.

A state says what the field says; which answer it earns is decided where the answer is made.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from directory.parties import PLATFORM_ID, PartyId
from directory.product_terms import CardService, ProductTerms

PanIndex = NewType("PanIndex", bytes)
"""16 bytes: the keyed hash of a whole PAN, made by the HSM (PCI DSS 4.0.1, requirement 3.5.1.1)."""


class CardState(StrEnum):
    """The life of a card."""

    STOCK = "stock"
    INACTIVE = "inactive"
    ACTIVE = "active"
    FROZEN = "frozen"
    LOST = "lost"
    STOLEN = "stolen"
    REPLACED = "replaced"
    EXPIRED = "expired"
    CLOSED = "closed"


class MerchantState(StrEnum):
    """The life of a merchant; only a live one trades."""

    APPLIED = "applied"
    APPROVED = "approved"
    LIVE = "live"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class TerminalState(StrEnum):
    """The life of a terminal; only an active one is used."""

    INACTIVE = "inactive"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ProductVersion:
    """The terms of a product from a moment on, in microseconds since 1970 (UTC), until the next version's."""

    number: int
    effective_from_us: int
    terms: ProductTerms


@dataclass(frozen=True, slots=True)
class Product:
    """What a kind of card shares.

    Attributes:
        id: Chosen by whoever adds the product.
        code: What people call it by.
        name: For people.
        versions: Its terms, the earliest first; later ones may lie ahead.
        party_id: Whose product it is.
    """

    id: int
    code: str
    name: str
    versions: tuple[ProductVersion, ...]
    party_id: PartyId = PLATFORM_ID

    def at(self, moment_us: int) -> ProductTerms | None:
        """The terms in force at a moment; None before the first version's."""
        for version in reversed(self.versions):
            if version.effective_from_us <= moment_us:
                return version.terms
        return None


@dataclass(frozen=True, slots=True)
class Card:
    """A card, as its PAN's index finds it.

    Attributes:
        wallet_id: The wallet that holds its money; a replacement card keeps it.
        product: Whose terms it follows.
        state: Where it is in its life.
        expiry: YYMM, the last month in which it is good.
        pin_salt: Of the PIN reference value.
        pin_value: The keyed PIN reference value.
        printed_expiry: YYMM as stripe and chip state it: what it was before extensions.
    """

    wallet_id: int
    product: Product
    state: CardState
    expiry: str
    pin_salt: bytes = field(repr=False)
    pin_value: bytes = field(repr=False)
    printed_expiry: str


@dataclass(frozen=True, slots=True)
class Merchant:
    """A merchant.

    Attributes:
        id: Its short name inside the switch.
        merchant_id: The 15 characters of DE 42.
        state: Where it is in its life.
        category: Four digits (ISO 18245).
    """

    id: int
    merchant_id: str
    state: MerchantState
    category: str = ""


@dataclass(frozen=True, slots=True)
class KeySet:
    """The session keys of one sign-on.

    Attributes:
        created_at_us: When the sign-on handed them out, in microseconds since 1970 (UTC); names the set
            within its terminal.
        verified: A message has come whose MAC these keys verify, so the terminal did receive them.
        pin_key: Key block of the PIN encryption key.
        mac_key: Key block of the MAC key.
        track_key: Key block of the track key, if the sign-on asked for one.
    """

    created_at_us: int
    verified: bool
    pin_key: str = field(repr=False)
    mac_key: str = field(repr=False)
    track_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal with its merchant and its session keys.

    Attributes:
        terminal_id: The 8 characters of DE 41.
        merchant: Whose it is; a terminal is named by both identifiers.
        state: Whether it may be used.
        master_key: Key block of the terminal master key; empty if it has none yet.
        batch: The batch that is open, six digits.
        key_sets: The sets a sign-on handed out and no later event dropped, oldest first.
        version: Grows with each change of the terminal, so that of two readings the newer can be told.
        offers: The services that both the merchant and the terminal offer; None for all.
        accepts: The products whose cards both the merchant and the terminal take; None for all.
    """

    terminal_id: str
    merchant: Merchant
    state: TerminalState
    master_key: str = field(repr=False)
    batch: str
    key_sets: tuple[KeySet, ...]
    version: int
    offers: frozenset[CardService] | None = None
    accepts: frozenset[int] | None = None
