"""PIN verification: a PIN block comes in, an answer goes out, the PIN stays here.

The switch keeps no PIN and no PIN block. A card has a reference value,

    AES-CMAC(reference key, wallet id ‖ number of digits ‖ digits ‖ salt)

which nobody can test guesses against without the key; the salt makes equal PINs of two cards look
different, the wallet id stops a value from being moved to another card. All digits count, unlike in a PVV,
which uses four.

A PIN block that can't be read gets the same work as a wrong PIN: the time of an answer tells nothing about
the block. A PIN changes only by showing the old one, in a block built like the new one's.
"""

from dataclasses import dataclass, field
from enum import Enum
from struct import Struct
from typing import Final

from hsm_soft.pin_block import PIN_LENGTH_MAX, PIN_LENGTH_MIN, PinReader
from hsm_soft.pin_choice import PinPolicy
from hsm_soft.primitives import Keyed, Random, compare_digest

__all__ = [
    "BadPin",
    "ChangedPin",
    "PinChange",
    "PinReference",
    "PinResult",
    "change_pin",
    "make_reference",
    "verify_pin_block",
]

_SALT_BYTES: Final = 8
_reference_head: Final = Struct(">qB").pack


class PinResult(Enum):
    """What is known of a transaction's PIN.

    ABSENT is for callers whose message carries none. LIMITED: nothing was verified, as the card or the key
    has failed too often in a short time (`hsm_soft.failure_limit`).
    """

    ABSENT = "absent"
    MATCH = "match"
    MISMATCH = "mismatch"
    UNREADABLE = "unreadable"
    LIMITED = "limited"


class BadPin(ValueError):
    """A new PIN that is not 4 to 12 digits (ISO 9564-1)."""

    def __init__(self) -> None:
        super().__init__("a PIN has 4 to 12 digits")


@dataclass(frozen=True, slots=True)
class PinReference:
    """What is stored of a PIN: 8 bytes of salt and 16 of keyed value."""

    salt: bytes = field(repr=False)
    value: bytes = field(repr=False)


class PinChange(Enum):
    """What became of a request to change a PIN."""

    CHANGED = "changed"
    WRONG_PIN = "wrong pin"
    UNREADABLE = "unreadable"
    EXCLUDED = "excluded"
    LIMITED = "limited"


@dataclass(frozen=True, slots=True)
class ChangedPin:
    """What became of it, and if it was changed what to store from now on."""

    result: PinChange
    reference: PinReference | None


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
    if not (pin.isascii() and pin.isdigit() and PIN_LENGTH_MIN <= len(pin) <= PIN_LENGTH_MAX):
        raise BadPin
    salt = random(_SALT_BYTES)
    head = _reference_head(wallet_id, len(pin))
    return PinReference(salt, authenticate(head + pin.encode("ascii") + salt))


def verify_pin_block(
    read: PinReader,
    authenticate: Keyed,
    pin_block: bytes,
    pan: str,
    wallet_id: int,
    reference: PinReference,
) -> PinResult:
    """MATCH, MISMATCH or UNREADABLE for an enciphered PIN block.

    Args:
        read: reads blocks of a format under the PIN key.
        authenticate: AES-CMAC under the PIN reference key.
        pin_block: as received; one of another length is unreadable.
        pan: the card number the terminal built the block with.
        wallet_id: the wallet the reference was made for.
        reference: the stored reference value.

    Raises:
        NotAPan: `pan` is not digits.
    """
    digits, well_formed = read(pin_block, pan)
    head = _reference_head(wallet_id, len(digits))
    matches = compare_digest(authenticate(head + digits.encode() + reference.salt), reference.value)
    if not (well_formed and digits.isdigit()):
        return _UNREADABLE
    return _MATCH if matches else _MISMATCH


# A name of the module is found three times as fast as one of an enumeration.
_MATCH, _MISMATCH, _UNREADABLE = PinResult.MATCH, PinResult.MISMATCH, PinResult.UNREADABLE


def change_pin(
    read: PinReader,
    authenticate: Keyed,
    blocks: tuple[bytes, bytes],
    pan: str,
    wallet_id: int,
    reference: PinReference,
    policy: PinPolicy,
    random: Random,
) -> ChangedPin:
    """The reference value of a new PIN, if the old one is shown and the new one may be chosen.

    Args:
        read: reads blocks of a format under the PIN key.
        authenticate: AES-CMAC under the PIN reference key.
        blocks: old and new PIN, enciphered.
        pan: the card number the terminal built the blocks with.
        wallet_id: the wallet the reference was made for.
        reference: the stored reference value of the old PIN.
        policy: what a cardholder may not choose.
        random: where the new salt comes from.

    Raises:
        NotAPan: `pan` is not digits.
    """
    old, new = blocks
    shown = verify_pin_block(read, authenticate, old, pan, wallet_id, reference)
    if shown is not PinResult.MATCH:
        return ChangedPin(PinChange.WRONG_PIN if shown is PinResult.MISMATCH else PinChange.UNREADABLE, None)
    digits, well_formed = read(new, pan)
    if not (well_formed and digits.isdigit()):
        return ChangedPin(PinChange.UNREADABLE, None)
    if policy.excludes(digits):
        return ChangedPin(PinChange.EXCLUDED, None)
    return ChangedPin(PinChange.CHANGED, make_reference(authenticate, digits, wallet_id, random))
