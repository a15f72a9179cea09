"""QR codes of wallets: one that is printed on a card, and one that a phone shows for a minute.

    card code     wallet, issue                          for ever; says who pays, and needs the PIN to pay
    payment code  wallet, asset, ceiling, end            once, up to the ceiling, until the end

Whoever photographs a card code has a wallet's name and nothing more: the switch takes it for a PIN
transaction only, and a new issue number makes older codes worthless. A payment code is worth its ceiling
until it ends, so it ends soon, and its identity, 12 random bytes, is stored when it is used: `single_use`
refuses the second use.

Both are sealed with AES-256-GCM-SIV under keys of their own, so a code shows neither wallet nor card number
and can't be made or changed outside. Bytes: kind 1 ‖ identity 12 (the nonce) ‖ ciphertext ‖ tag 16. Text:
base 32 without padding, which QR codes hold as characters of five and a half bits.
"""

import base64
import binascii
from dataclasses import dataclass
from enum import Enum
from struct import Struct
from typing import Final

from hsm_soft.primitives import AESGCMSIV, InvalidTag, Random

__all__ = [
    "PAYMENT_CODE_LIFETIME_MAX_S",
    "CardCode",
    "CardCodes",
    "PaymentCode",
    "PaymentCodes",
    "TokenRefusal",
    "TokenRefused",
]

PAYMENT_CODE_LIFETIME_MAX_S: Final = 300

_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_CARD: Final = b"\x01"
_PAYMENT: Final = b"\x02"
_card_code: Final = Struct(">qI")
_payment_code: Final = Struct(">qIqq")
_TEXT_LENGTH_MAX: Final = 128


class TokenRefusal(Enum):
    """Why a code is refused."""

    MALFORMED = "it is not a code of this kind"
    FORGED = "it was not made here, or was changed"
    EXPIRED = "its time is over"
    LIFETIME = "it would live longer than a payment code may"
    ASSET = "it is for another asset"
    CEILING = "the amount is above its ceiling"


class TokenRefused(Exception):
    """A code that gets nothing; says why, and nothing of what is in it."""

    def __init__(self, reason: TokenRefusal) -> None:
        super().__init__(f"code refused: {reason.value}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class CardCode:
    """Who a card code names. It allows nothing without the PIN of this wallet."""

    wallet_id: int
    issue: int


@dataclass(frozen=True, slots=True)
class PaymentCode:
    """What a payment code allows, once.

    Args:
        code_id: 12 bytes; stored at use, so that there is no second one.
        wallet_id: who pays.
        asset: in which asset.
        ceiling_minor: how much at most.
        expires_at_s: until when, seconds since 1970.
    """

    code_id: bytes
    wallet_id: int
    asset: int
    ceiling_minor: int
    expires_at_s: int


class CardCodes:
    """Makes and opens card codes under one AES-256 key."""

    __slots__ = ("_aead",)

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCMSIV(key)

    def __repr__(self) -> str:
        return "<CardCodes>"

    def make(self, wallet_id: int, issue: int, random: Random) -> str:
        """A card code; `wallet_id` has 64 bits, signed, `issue` 32."""
        return _sealed(self._aead, _CARD, random(_NONCE_BYTES), _card_code.pack(wallet_id, issue))

    def open(self, text: str) -> CardCode:
        """Who a code names.

        Raises:
            TokenRefused: MALFORMED or FORGED.
        """
        return CardCode(*_card_code.unpack(_opened(self._aead, _CARD, text, _card_code.size)[1]))


class PaymentCodes:
    """Makes and opens payment codes under one AES-256 key."""

    __slots__ = ("_aead",)

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCMSIV(key)

    def __repr__(self) -> str:
        return "<PaymentCodes>"

    def make(
        self, wallet_id: int, asset: int, ceiling_minor: int, now_s: int, lifetime_s: int, random: Random
    ) -> str:
        """A payment code.

        Args:
            wallet_id: who pays, 64 bits, signed.
            asset: in which asset, 32 bits.
            ceiling_minor: how much at most.
            now_s: seconds since 1970.
            lifetime_s: seconds it may be used, at most `PAYMENT_CODE_LIFETIME_MAX_S`.
            random: the code's identity.

        Raises:
            TokenRefused: LIFETIME.
        """
        if not 0 < lifetime_s <= PAYMENT_CODE_LIFETIME_MAX_S:
            raise TokenRefused(TokenRefusal.LIFETIME)
        content = _payment_code.pack(wallet_id, asset, ceiling_minor, now_s + lifetime_s)
        return _sealed(self._aead, _PAYMENT, random(_NONCE_BYTES), content)

    def open(self, text: str, asset: int, amount_minor: int, now_s: int) -> PaymentCode:
        """What a code allows, if it allows this amount now.

        Raises:
            TokenRefused: any reason.
        """
        nonce, content = _opened(self._aead, _PAYMENT, text, _payment_code.size)
        code = PaymentCode(nonce, *_payment_code.unpack(content))
        if now_s >= code.expires_at_s:
            raise TokenRefused(TokenRefusal.EXPIRED)
        if asset != code.asset:
            raise TokenRefused(TokenRefusal.ASSET)
        if amount_minor > code.ceiling_minor:
            raise TokenRefused(TokenRefusal.CEILING)
        return code


def _sealed(aead: AESGCMSIV, kind: bytes, nonce: bytes, content: bytes) -> str:
    binary = kind + nonce + aead.encrypt(nonce, content, kind)
    return base64.b32encode(binary).rstrip(b"=").decode("ascii")


def _opened(aead: AESGCMSIV, kind: bytes, text: str, content_bytes: int) -> tuple[bytes, bytes]:
    """Nonce and content."""
    binary = _binary(text)
    if binary[:1] != kind or len(binary) != 1 + _NONCE_BYTES + content_bytes + _TAG_BYTES:
        raise TokenRefused(TokenRefusal.MALFORMED)
    nonce = binary[1 : 1 + _NONCE_BYTES]
    try:
        return nonce, aead.decrypt(nonce, binary[1 + _NONCE_BYTES :], kind)
    except InvalidTag:
        raise TokenRefused(TokenRefusal.FORGED) from None


def _binary(text: str) -> bytes:
    if len(text) > _TEXT_LENGTH_MAX:
        raise TokenRefused(TokenRefusal.MALFORMED)
    try:
        return base64.b32decode(text + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        raise TokenRefused(TokenRefusal.MALFORMED) from None
