"""PIN verification: a PIN block comes in, an answer goes out, the PIN stays here.

The switch keeps no PIN and no PIN block. A card has a reference value,

    AES-CMAC(reference key, wallet id ‖ number of digits ‖ digits ‖ salt)

which nobody can test guesses against without the key; the salt makes equal PINs of two cards look
different, the wallet id stops a value from being moved to another card. All digits count, unlike in a PVV,
which uses four.

A block in format 0 is the PIN field (control 0, length, digits, filler F) XOR the PAN field (0000 and
twelve digits of the PAN without its check digit), encrypted. One that can't be read gets the same work as a
wrong PIN: the time of an answer tells nothing about the block.
"""

from dataclasses import dataclass, field
from enum import Enum
from struct import Struct
from typing import Final

from hsm_soft.pan import pan_digits
from hsm_soft.primitives import DES_BLOCK_BYTES, Keyed, Random, compare_digest

__all__ = ["BadPin", "PinReference", "PinResult", "make_reference", "verify_format_0"]

_PIN_LENGTH_MIN: Final = 4
_PIN_LENGTH_MAX: Final = 12
_SALT_BYTES: Final = 8
_FILLER: Final = b"F" * 16
# Control nibble 0 and length nibble → number of digits; any other first byte makes a block unreadable.
_DIGITS_OF: Final = {b"%02X" % count: count for count in range(_PIN_LENGTH_MIN, _PIN_LENGTH_MAX + 1)}
_reference_head: Final = Struct(">qB").pack


class PinResult(Enum):
    """What is known of a transaction's PIN; ABSENT is for callers whose message carries none."""

    ABSENT = "absent"
    MATCH = "match"
    MISMATCH = "mismatch"
    UNREADABLE = "unreadable"


class BadPin(ValueError):
    """A new PIN that is not 4 to 12 digits (ISO 9564-1)."""

    def __init__(self) -> None:
        super().__init__("a PIN has 4 to 12 digits")


@dataclass(frozen=True, slots=True)
class PinReference:
    """What is stored of a PIN: 8 bytes of salt and 16 of keyed value."""

    salt: bytes = field(repr=False)
    value: bytes = field(repr=False)


def make_reference(authenticate: Keyed, pin: str, wallet_id: int, random: Random) -> PinReference:
    """The reference value of a new PIN.

    Args:
        authenticate: AES-CMAC under the PIN reference key.
        pin: 4 to 12 digits.
        wallet_id: the wallet the PIN belongs to, 64 bits signed.
        random: where the salt comes from.

    Raises:
        BadPin: not 4 to 12 digits.
    """
    if not (pin.isascii() and pin.isdigit() and _PIN_LENGTH_MIN <= len(pin) <= _PIN_LENGTH_MAX):
        raise BadPin
    salt = random(_SALT_BYTES)
    return PinReference(salt, _reference_value(authenticate, wallet_id, pin.encode("ascii"), salt))


def verify_format_0(
    decrypt: Keyed, authenticate: Keyed, pin_block: bytes, pan: str, wallet_id: int, reference: PinReference
) -> PinResult:
    """MATCH, MISMATCH or UNREADABLE for an encrypted PIN block (ISO 9564-1 format 0).

    Args:
        decrypt: ECB decryption under the PIN key.
        authenticate: AES-CMAC under the PIN reference key.
        pin_block: 8 bytes as received; another length is unreadable.
        pan: the card number the terminal built the block with.
        wallet_id: the wallet the reference was made for.
        reference: the stored reference value.

    Raises:
        NotAPan: `pan` is not digits.
    """
    pan_field = _pan_field(pan)
    if len(pin_block) != DES_BLOCK_BYTES:
        return PinResult.UNREADABLE
    digits, readable = _read_format_0(decrypt(pin_block), pan_field)
    value = _reference_value(authenticate, wallet_id, digits, reference.salt)
    matches = compare_digest(value, reference.value)
    if not readable:
        return PinResult.UNREADABLE
    return PinResult.MATCH if matches else PinResult.MISMATCH


def _reference_value(authenticate: Keyed, wallet_id: int, digits: bytes, salt: bytes) -> bytes:
    return authenticate(_reference_head(wallet_id, len(digits)) + digits + salt)


def _pan_field(pan: str) -> int:
    """Four zero nibbles and the rightmost twelve digits before the check digit."""
    return int(pan_digits(pan)[-13:-1] or b"0", 16)


def _read_format_0(clear: bytes, pan_field: int) -> tuple[bytes, bool]:
    """The digits and whether they are a PIN; every block goes through the same steps."""
    text = b"%016X" % (int.from_bytes(clear, "big") ^ pan_field)
    end = 2 + _DIGITS_OF.get(text[:2], 0)
    digits = text[2:end]
    return digits, digits.isdigit() and text[end:] == _FILLER[end:]
