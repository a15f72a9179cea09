"""Chip cards of our own: the card's cryptogram is checked and the issuer's answer to it computed.

    issuer master key ── card key (PAN, sequence number) ── session key (transaction counter)

The application cryptogram (ARQC) is a retail MAC under the session key over data that card and terminal agree
on; the answer (ARPC) proves to the card that its issuer saw it. Derivations and MAC are those of EMV 4.3 book
2: card key option A (A1.4.1) and B (A1.4.2), common session key (A1.3.1), ARQC (8.1.1), ARPC method 1 (8.2.1)
and 2 (8.2.2). Which padding a card uses is its cryptogram version's matter: method 2 in EMV's own.
"""

import hashlib
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from hsm_soft.mac import MacAlgorithm, Padding, authenticator
from hsm_soft.pan import pan_digits
from hsm_soft.pin_verification_value import decimal_digits
from hsm_soft.primitives import DES_BLOCK_BYTES, compare_digest, des_encryptor, odd_parity, xor

__all__ = [
    "BadChipData",
    "CardKeyOption",
    "ChipCardKey",
    "SessionKey",
    "arpc_method_1",
    "arpc_method_2",
    "arqc",
    "card_key",
    "session_key",
    "verify_arqc",
]

_CARD_DIGITS: Final = 16
_SEQUENCE_NUMBER_LENGTH: Final = 2
_CRYPTOGRAM_BYTES: Final = 8
_COUNTER_BYTES: Final = 2
_RESPONSE_CODE_BYTES: Final = 2
_STATUS_UPDATE_BYTES: Final = 4
_PROPRIETARY_BYTES_MAX: Final = 8
_ARPC_2_BYTES: Final = 4
_FIRST_HALF: Final = b"\xf0"
_SECOND_HALF: Final = b"\x0f"


class BadChipData(ValueError):
    """A value of the wrong length where EMV gives one."""

    def __init__(self) -> None:
        super().__init__("chip data has the wrong length")


class CardKeyOption(Enum):
    """How card keys are derived: from the last 16 digits, or for PANs over 16 digits from a hash of all."""

    A = "A"
    B = "B"


@dataclass(frozen=True, slots=True)
class ChipCardKey:
    """A card's own key, double length."""

    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SessionKey:
    """A card's key in one transaction, double length."""

    key: bytes = field(repr=False)


def card_key(issuer_master: bytes, pan: str, sequence_number: str, option: CardKeyOption) -> ChipCardKey:
    """The key that was put into a card.

    Args:
        issuer_master: the issuer's master key for application cryptograms, 16 bytes.
        pan: the card number.
        sequence_number: field 23 or tag 5F34, two digits.
        option: the issuer's way of deriving.

    Raises:
        NotAPan: `pan` is not digits.
        BadChipData: `sequence_number` is not two digits.
    """
    digits = pan_digits(pan)
    if len(sequence_number) != _SEQUENCE_NUMBER_LENGTH or not (
        sequence_number.isascii() and sequence_number.isdigit()
    ):
        raise BadChipData
    whole = digits.decode("ascii") + sequence_number
    if option is CardKeyOption.B and len(digits) > _CARD_DIGITS:
        whole = _hashed(whole)
    left = bytes.fromhex(whole[-_CARD_DIGITS:].rjust(_CARD_DIGITS, "0"))
    return ChipCardKey(odd_parity(des_encryptor(issuer_master)(left + xor(left, b"\xff" * len(left)))))


def session_key(card: ChipCardKey, transaction_counter: bytes) -> SessionKey:
    """The common session key of a transaction.

    Args:
        card: the card's key.
        transaction_counter: tag 9F36, 2 bytes; or all 8 bytes of a diversification value that is not the
            counter followed by zeros.

    Raises:
        BadChipData: another length.
    """
    if len(transaction_counter) not in (_COUNTER_BYTES, DES_BLOCK_BYTES):
        raise BadChipData
    value = transaction_counter.ljust(DES_BLOCK_BYTES, b"\0")
    halves = b"".join(value[:2] + middle + value[3:] for middle in (_FIRST_HALF, _SECOND_HALF))
    return SessionKey(odd_parity(des_encryptor(card.key)(halves)))


def arqc(session: SessionKey, data: bytes, padding: Padding = Padding.METHOD_2) -> bytes:
    """The application cryptogram over the data of tag 8C's list, 8 bytes."""
    return authenticator(MacAlgorithm.X9_19, padding, session.key)(data)


def verify_arqc(
    session: SessionKey, data: bytes, cryptogram: bytes, padding: Padding = Padding.METHOD_2
) -> bool:
    """Whether `cryptogram` is the card's."""
    return compare_digest(arqc(session, data, padding), cryptogram)


def arpc_method_1(session: SessionKey, cryptogram: bytes, response_code: bytes) -> bytes:
    """The issuer's answer, 8 bytes: E(ARQC XOR response code ‖ zeros).

    Args:
        session: the session key; some cards take the card's key in its place.
        cryptogram: the ARQC, 8 bytes.
        response_code: 2 bytes, as tag 8A.

    Raises:
        BadChipData: another length.
    """
    if len(cryptogram) != _CRYPTOGRAM_BYTES or len(response_code) != _RESPONSE_CODE_BYTES:
        raise BadChipData
    return des_encryptor(session.key)(xor(cryptogram, response_code.ljust(_CRYPTOGRAM_BYTES, b"\0")))


def arpc_method_2(
    session: SessionKey, cryptogram: bytes, status_update: bytes, proprietary: bytes = b""
) -> bytes:
    """The issuer's answer, 4 bytes: a retail MAC over ARQC ‖ card status update ‖ proprietary data.

    Raises:
        BadChipData: not 8, 4, and up to 8 bytes.
    """
    if (
        len(cryptogram) != _CRYPTOGRAM_BYTES
        or len(status_update) != _STATUS_UPDATE_BYTES
        or len(proprietary) > _PROPRIETARY_BYTES_MAX
    ):
        raise BadChipData
    return arqc(session, cryptogram + status_update + proprietary)[:_ARPC_2_BYTES]


def _hashed(digits: str) -> str:
    """Option B: sixteen decimal digits of the SHA-1 of PAN and sequence number."""
    even = digits.rjust(len(digits) + len(digits) % 2, "0")
    # EMV prescribes SHA-1; nothing rests on it here, the key does the work.
    digest = hashlib.sha1(bytes.fromhex(even), usedforsecurity=False)
    return decimal_digits(digest.digest())[:_CARD_DIGITS]
