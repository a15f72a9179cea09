"""A terminal of a few lines: it makes messages with the project's codec, and keys, MACs and PINs by itself.

Keys come from sign-on answers. `Terminal.sealed` gives a message's bytes with its MAC, `Terminal.opened`
reads an answer and checks its MAC. Nothing here talks to anybody: bytes go to a flow or to a socket as a test
likes.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import ECB

from iso8583_specs.codec import codec_for
from iso8583_specs.message import Message

Value = str | bytes
Changes = Mapping[int, Value | None]

CODEC: Final = codec_for("unionpay_pos", strict=True)
MAC_BYTES: Final = 8
EXPIRY: Final = "3112"
SINGLE, DOUBLE = "001", "003"


@dataclass(frozen=True)
class Card:
    """A card in somebody's hand."""

    pan: str = field(repr=False)
    pin: str = field(repr=False)
    wallet_id: int

    @property
    def track_2(self) -> str:
        """Field 35."""
        return f"{self.pan}={EXPIRY}2200000000000"[:37]


@dataclass
class Terminal:
    """A device with its keys and its trace counter."""

    merchant_id: str
    terminal_id: str
    master_key: bytes = field(repr=False)
    batch: str = "000001"
    pin_key: bytes = field(default=b"", repr=False)
    mac_key: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        self._stans = itertools.count(1)

    def sign_on(self, layout: str = DOUBLE) -> Message:
        """A request for session keys."""
        return self._message("0800", {60: f"00999999{layout}", 63: b"001"})

    def sign_off(self) -> Message:
        """The terminal leaves."""
        return self._message("0820", {60: f"00{self.batch}002"})

    def echo(self) -> Message:
        """Is anybody there?"""
        return self._message("0820", {11: None, 60: f"00{self.batch}301"})

    def purchase(self, card: Card, amount_minor: int = 100, changes: Changes | None = None) -> Message:
        """A swiped purchase with PIN."""
        fields: Changes = {3: "000000", 4: f"{amount_minor:012}", 60: f"22{self.batch}00050"}
        return self._message("0200", {**self._swiped(card), **fields, **(changes or {})})

    def balance(self, card: Card, changes: Changes | None = None) -> Message:
        """A question for the balance, with PIN."""
        fields: Changes = {3: "310000", 60: f"01{self.batch}00050"}
        return self._message("0200", {**self._swiped(card), **fields, **(changes or {})})

    def void(self, purchase: Message, answer: Message, changes: Changes | None = None) -> Message:
        """Take an answered purchase back at the shop's wish, without its card."""
        kept: Changes = {n: purchase.fields.get(n) for n in (4, 25, 49)}
        original = {37: answer.fields[37], 61: f"{self.batch}{purchase.fields[11]}"}
        codes = {3: "200000", 60: f"23{self.batch}00050"}
        return self._message("0200", {**kept, **codes, **original, **(changes or {})})

    def reversal(self, original: Message, changes: Changes | None = None) -> Message:
        """Take a purchase or a void back."""
        kept: Changes = {n: original.fields.get(n) for n in (3, 4, 11, 22, 25, 49, 60, 61)}
        track_2 = str(original.fields.get(35, ""))
        pan = original.fields.get(2) or track_2.partition("=")[0] or None
        return self._message("0400", {**kept, 2: pan, 39: "98", **(changes or {})})

    def _swiped(self, card: Card) -> Changes:
        return {22: "021", 25: "00", 35: card.track_2, 49: "156", **self.pin_fields(card.pin, card.pan)}

    def pin_fields(self, pin: str, pan: str) -> Changes:
        """Fields 26, 52 and 53 of a PIN."""
        algorithm = "6" if len(self.pin_key) == 16 else "0"
        block = encrypt(self.pin_key, clear_pin_block(pin, pan))
        return {26: "12", 52: block, 53: f"2{algorithm}".ljust(16, "0")}

    def _message(self, mti: str, changes: Changes) -> Message:
        fields: Changes = {
            11: f"{next(self._stans):06}",
            41: self.terminal_id,
            42: self.merchant_id,
            **changes,
        }
        return Message(mti, {number: value for number, value in fields.items() if value is not None})

    def sealed(self, message: Message) -> bytes:
        """The bytes of a message; with its MAC where the dialect wants one and the message brings none."""
        if message.mti[1] in "24" and 64 not in message.fields:
            covered = CODEC.encode(Message(message.mti, {**message.fields, 64: bytes(MAC_BYTES)}))[
                :-MAC_BYTES
            ]
            return covered + mac_of(self.mac_key, covered)
        return CODEC.encode(message)

    def opened(self, body: bytes) -> Message:
        """The message of an answer, its MAC checked if it has one."""
        message = CODEC.decode(body)
        if 64 in message.fields:
            assert message.fields[64] == mac_of(self.mac_key, body[:-MAC_BYTES])
        return message

    def take_keys(self, answer: Message) -> None:
        """Use the keys and the batch of a sign-on's answer."""
        field_62, field_60 = answer.fields[62], answer.fields[60]
        assert isinstance(field_62, bytes)
        assert isinstance(field_60, str)
        half = len(field_62) // 2
        self.pin_key = decrypt(self.master_key, field_62[: half - 4])
        self.mac_key = decrypt(self.master_key, field_62[half : half + 8])
        self.batch = field_60[2:8]


def encrypt(key: bytes, data: bytes) -> bytes:
    """DES or triple DES of whole blocks."""
    return Cipher(TripleDES((key * 3)[:24]), ECB()).encryptor().update(data)


def decrypt(key: bytes, data: bytes) -> bytes:
    """The inverse of `encrypt`."""
    return Cipher(TripleDES((key * 3)[:24]), ECB()).decryptor().update(data)


def mac_of(key: bytes, data: bytes) -> bytes:
    """Field 64 over a message up to there."""
    folded = bytearray(8)
    for place, byte in enumerate(data):
        folded[place % 8] ^= byte
    characters = folded.hex().upper().encode()
    mixed = bytes(a ^ b for a, b in zip(encrypt(key, characters[:8]), characters[8:], strict=True))
    return encrypt(key, mixed).hex().upper()[:MAC_BYTES].encode()


def clear_pin_block(pin: str, pan: str) -> bytes:
    """ISO 9564-1 format 0."""
    pin_part = int(f"0{len(pin):X}{pin}".ljust(16, "F"), 16)
    return (pin_part ^ int(pan[-13:-1], 16)).to_bytes(8, "big")
