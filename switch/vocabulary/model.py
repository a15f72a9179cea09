"""The canonical request and reply: what every dialect's message is turned into, and made from.

Checks, ledger and flow speak only of these. A dialect's module reads a message into a `Request` and writes a
`Reply` into a message; it decides nothing. A message that breaks the dialect's rules still becomes a request,
with `defect` set: terminals are told 30 in an answer that echoes what could be read.
"""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from iso8583_specs.message import Message
from iso8583_specs.values import Pan
from ledger.outcome import Outcome


class Service(Enum):
    """What a request asks for. `UNSUPPORTED` is a request of the dialect that this switch doesn't offer."""

    SIGN_ON = "sign_on"
    SIGN_OFF = "sign_off"
    ECHO = "echo"
    PURCHASE = "purchase"
    BALANCE_INQUIRY = "balance_inquiry"
    PURCHASE_REVERSAL = "purchase_reversal"
    PURCHASE_VOID = "purchase_void"
    PURCHASE_VOID_REVERSAL = "purchase_void_reversal"
    UNSUPPORTED = "unsupported"

    __hash__ = object.__hash__
    """A member is one object; the hash that Enum gives it is a call in Python, at each look-up."""


class KeyLayout(Enum):
    """Which session keys a sign-on asks for: their length, whether a track key is among them, or SM4 keys."""

    SINGLE = "single"
    DOUBLE = "double"
    DOUBLE_TRACK = "double_track"
    SM4 = "sm4"
    SM4_TRACK = "sm4_track"


@dataclass(slots=True, repr=False)
class Request:
    """One request, in the switch's own terms.

    Attributes:
        service: What is asked for.
        message: The message it was read from; the reply is built on it.
        defect: What breaks the dialect's rules, in words without data; None if nothing does.
        terminal_id, merchant_id: Fields 41 and 42.
        batch, stan: Six digits each.
        amount_minor: In minor units of `currency`, ISO 4217 number as three digits.
        pan: From field 2 or track 2; None if the request names no card.
        cards_agree: False if field 2 and track 2 name different cards.
        expiry: YYMM if the request states one.
        pin_block: Field 52.
        pin_block_usable: Whether field 53 says that the block is one this switch can read.
        original_batch, original_stan: What a void names, and the reversal of a void again: six digits each.
        original_reference: Field 37, by which a void quotes its original, too.
        mac: Field 64, None if absent.
        key_layout: For a sign-on.
        unexpected_fields: How many fields came that the service doesn't need.
        is_repeat: The terminal says that it has sent this before.
    """

    service: Service
    message: Message
    defect: str | None = None
    terminal_id: str = ""
    merchant_id: str = ""
    batch: str = ""
    stan: str = ""
    amount_minor: int = 0
    currency: str = ""
    pan: Pan | None = None
    cards_agree: bool = True
    expiry: str | None = None
    pin_block: bytes | None = None
    pin_block_usable: bool = True
    original_batch: str = ""
    original_stan: str = ""
    original_reference: str = ""
    mac: bytes | None = None
    key_layout: KeyLayout | None = None
    unexpected_fields: int = 0
    is_repeat: bool = False

    def __repr__(self) -> str:
        return f"<Request {self.service.value} {self.terminal_id} {self.batch}/{self.stan}>"


class Reply(NamedTuple):
    """What a request is answered, before it is a message of any dialect.

    Attributes:
        outcome: How it ended.
        reference: The retrieval reference of the transaction, 12 characters: field 37, and source of 38.
        time, date: hhmmss and MMDD of the decision, in the switch's time zone.
        available_minor: The balance, where it was asked for.
        batch: The open batch, for a sign-on.
        session_keys: Field 62 of a sign-on: keys under the terminal's master key.
        has_mac: Whether a MAC will be put on the answer.
    """

    outcome: Outcome
    reference: str
    time: str
    date: str
    available_minor: int | None = None
    batch: str | None = None
    session_keys: bytes | None = None
    has_mac: bool = False

    def __repr__(self) -> str:
        return f"<Reply {self.outcome.name} {self.reference}>"
