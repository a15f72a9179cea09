"""The file from which a printing house makes cards: number, expiry, service code and track 2 of each.

Card numbers leave only in a sealed file (`secret_file`), a line a card:

    serial number, PAN, expiry YYMM, service code, track 2

Track 2 (ISO/IEC 7813) is the PAN, a separator, expiry, service code and the issuer's digits: five zeros,
where others keep a PIN verification value, then the card verification value, or zeros without a key for it.
First PINs go in a file of their own (`card_issue`), so that nobody who makes cards has their PINs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from hsm_soft.card_issue import refuse_serial
from hsm_soft.card_values import BadCardData, CardValueKey, card_value
from hsm_soft.pan import refuse_other_than_pan
from hsm_soft.primitives import Random
from hsm_soft.secret_file import secret_file

__all__ = ["CARDS_PURPOSE", "CardData", "CardIdentity", "IssuedCards", "cards_file", "track2"]

CARDS_PURPOSE: Final = "cards"
_NO_PIN_VALUE: Final = "00000"
_NO_CARD_VALUE: Final = "000"
_EXPIRY_LENGTH: Final = 4
_SERVICE_CODE_LENGTH: Final = 3


@dataclass(frozen=True, slots=True)
class CardData:
    """A card to be made.

    Args:
        serial: what the printing house knows it by.
        pan: its number.
        expiry: YYMM.
        service_code: three digits.
    """

    serial: str
    pan: str = field(repr=False)
    expiry: str
    service_code: str


@dataclass(frozen=True, slots=True)
class CardIdentity:
    """What the database keeps of a card number: its keyed hash and the number sealed."""

    pan_index: bytes
    pan_sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class IssuedCards:
    """In the order of the cards: what to store, and what goes to the printing house."""

    identities: tuple[CardIdentity, ...]
    file: bytes = field(repr=False)


def cards_file(
    file_key: bytes, stripe_key: CardValueKey | None, cards: Sequence[CardData], random: Random
) -> bytes:
    """The file of a batch of cards.

    Args:
        file_key: what the file is sealed under.
        stripe_key: for the verification value on the stripe; None for zeros.
        cards: the batch.
        random: where the nonce comes from.

    Raises:
        BadSerial: a serial number of another form.
        NotAPan: a card number that is not digits.
        BadCardData: an expiry that is not four digits or a service code that is not three.
    """
    records = [
        (card.serial, card.pan, card.expiry, card.service_code, track2(stripe_key, card)) for card in cards
    ]
    return secret_file(file_key, CARDS_PURPOSE, records, random)


def track2(stripe_key: CardValueKey | None, card: CardData) -> str:
    """Track 2 of a card, without sentinels; at most 35 characters.

    Raises:
        BadSerial: as `cards_file`.
        NotAPan: as `cards_file`.
        BadCardData: as `cards_file`.
    """
    refuse_serial(card.serial)
    refuse_other_than_pan(card.pan)
    digits = card.expiry + card.service_code
    if (
        len(card.expiry) != _EXPIRY_LENGTH
        or len(card.service_code) != _SERVICE_CODE_LENGTH
        or not (digits.isascii() and digits.isdigit())
    ):
        raise BadCardData
    value = _NO_CARD_VALUE
    if stripe_key is not None:
        value = card_value(stripe_key, card.pan, card.expiry, card.service_code)
    return f"{card.pan}={digits}{_NO_PIN_VALUE}{value}"
