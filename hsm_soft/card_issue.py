"""Secrets of a batch of new cards: first PINs, and the numbers under the scratch-off of recharge cards.

They are drawn here, leave in a sealed file for the printing house (`secret_file`), and stay as what can't be
turned back: a reference value for each PIN, a keyed hash for each recharge secret. Nobody between HSM and
printer sees one.

A PIN also leaves as a mailer record, which is what a PIN-mailer printer with keys of its own takes: serial
number, masked card number, and the PIN block under the printer's key, readable ASCII in one line.

A recharge secret is bought, so it is long: 18 digits are drawn, one in 10^18. Its hash finds the card, and
`single_use` refuses the second use. The hash is an HMAC: a stolen table can't be searched without the key.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from hsm_soft.pan import pan_digits
from hsm_soft.pin import PinReference, make_reference
from hsm_soft.pin_block import PinBlockFormat, write_pin
from hsm_soft.pin_choice import PinPolicy, draw_pin
from hsm_soft.primitives import Keyed, Random, compare_digest
from hsm_soft.secret_file import secret_file
from hsm_soft.uniform import DIGITS, uniform_characters

__all__ = [
    "PINS_PURPOSE",
    "RECHARGE_PURPOSE",
    "RECHARGE_SECRET_DIGITS",
    "BadSerial",
    "CardToIssue",
    "IssuedPins",
    "IssuedRecharges",
    "NotARechargeSecret",
    "PinMailer",
    "issue_pins",
    "issue_recharges",
    "recharge_digest",
    "recharge_matches",
    "refuse_serial",
]

PINS_PURPOSE: Final = "initial-pins"
RECHARGE_PURPOSE: Final = "recharge-secrets"
RECHARGE_SECRET_DIGITS: Final = 18

_SERIAL: Final = re.compile(r"[0-9A-Za-z-]{1,32}")
_DIGEST_BYTES: Final = 16
_SHOWN_FIRST: Final = 6
_SHOWN_LAST: Final = 4


class BadSerial(ValueError):
    """A serial number that is not 1 to 32 letters, digits and hyphens."""

    def __init__(self) -> None:
        super().__init__("a serial number has 1 to 32 letters, digits and hyphens")


class NotARechargeSecret(ValueError):
    """What was typed in can't be the secret of a recharge card."""

    def __init__(self) -> None:
        super().__init__(f"a recharge secret has {RECHARGE_SECRET_DIGITS} digits")


@dataclass(frozen=True, slots=True)
class CardToIssue:
    """A card that gets its first PIN.

    Args:
        serial: what the printing house knows it by.
        pan: its number.
        wallet_id: the wallet it pays from.
    """

    serial: str
    pan: str = field(repr=False)
    wallet_id: int


@dataclass(frozen=True, slots=True)
class PinMailer:
    """A record for a PIN-mailer printer; `pin_block` is under the printer's key."""

    serial: str
    masked_pan: str
    pin_block: bytes = field(repr=False)

    def line(self) -> str:
        """The record as text."""
        return f"{self.serial},{self.masked_pan},{self.pin_block.hex().upper()}"


@dataclass(frozen=True, slots=True)
class IssuedPins:
    """In the order of the cards: what to store, and what goes to the printing house."""

    references: tuple[PinReference, ...]
    file: bytes = field(repr=False)
    mailers: tuple[PinMailer, ...]


@dataclass(frozen=True, slots=True)
class IssuedRecharges:
    """In the order of the serial numbers: the hashes to store, and what goes to the printing house."""

    digests: tuple[bytes, ...]
    file: bytes = field(repr=False)


def issue_pins(
    authenticate: Keyed,
    file_key: bytes,
    mailer: tuple[PinBlockFormat, Keyed],
    cards: Sequence[CardToIssue],
    policy: PinPolicy,
    random: Random,
) -> IssuedPins:
    """First PINs for a batch of cards.

    Args:
        authenticate: AES-CMAC under the PIN reference key.
        file_key: what the file is sealed under.
        mailer: format of the mailer records' PIN blocks, and ECB encryption under the printer's key.
        cards: the batch.
        policy: length of the PINs, and what is excluded.
        random: PINs, salts, fillers, nonce.

    Raises:
        BadSerial: a serial number of another form.
        NotAPan: a card number that is not digits.
    """
    for card in cards:
        refuse_serial(card.serial)
    masked = [_masked(card.pan) for card in cards]
    pins = [draw_pin(policy, random) for _ in cards]
    records = [(card.serial, shown, pin) for card, shown, pin in zip(cards, masked, pins, strict=True)]
    references = [
        make_reference(authenticate, pin, card.wallet_id, random)
        for card, pin in zip(cards, pins, strict=True)
    ]
    pin_format, encrypt = mailer
    mailers = [
        PinMailer(card.serial, shown, write_pin(pin_format, encrypt, pin, card.pan, random))
        for card, shown, pin in zip(cards, masked, pins, strict=True)
    ]
    return IssuedPins(tuple(references), secret_file(file_key, PINS_PURPOSE, records, random), tuple(mailers))


def issue_recharges(
    authenticate: Keyed, file_key: bytes, serials: Sequence[str], random: Random
) -> IssuedRecharges:
    """Secrets for a batch of recharge cards.

    Args:
        authenticate: HMAC-SHA256 under the recharge key.
        file_key: what the file is sealed under.
        serials: the cards' serial numbers.
        random: secrets and nonce.

    Raises:
        BadSerial: a serial number of another form.
    """
    for serial in serials:
        refuse_serial(serial)
    drawn = [uniform_characters(DIGITS, RECHARGE_SECRET_DIGITS, random) for _ in serials]
    digests = tuple(recharge_digest(authenticate, secret) for secret in drawn)
    records = list(zip(serials, drawn, strict=True))
    return IssuedRecharges(digests, secret_file(file_key, RECHARGE_PURPOSE, records, random))


def recharge_digest(authenticate: Keyed, secret: str) -> bytes:
    """16 bytes by which the card of a secret is found; spaces and hyphens between digits don't count.

    Raises:
        NotARechargeSecret: not as many digits as a secret has.
    """
    digits = secret.replace(" ", "").replace("-", "")
    if len(digits) != RECHARGE_SECRET_DIGITS or not (digits.isascii() and digits.isdigit()):
        raise NotARechargeSecret
    return authenticate(digits.encode("ascii"))[:_DIGEST_BYTES]


def recharge_matches(authenticate: Keyed, secret: str, digest: bytes) -> bool:
    """Whether a stored hash is that of a secret.

    Raises:
        NotARechargeSecret: not as many digits as a secret has.
    """
    return compare_digest(recharge_digest(authenticate, secret), digest)


def refuse_serial(serial: str) -> None:
    """Returns only if a serial number has 1 to 32 letters, digits and hyphens.

    Raises:
        BadSerial: it has not.
    """
    if not _SERIAL.fullmatch(serial):
        raise BadSerial


def _masked(pan: str) -> str:
    """First six and last four digits (PCI DSS 3.4.1); of a short number the last four."""
    digits = pan_digits(pan).decode("ascii")
    first = _SHOWN_FIRST if len(digits) > _SHOWN_FIRST + _SHOWN_LAST else 0
    hidden = max(len(digits) - first - _SHOWN_LAST, 0)
    return digits[:first] + "*" * hidden + digits[first + hidden :]
