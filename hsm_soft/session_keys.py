"""A terminal's sign-on: new session keys, sent under its master key (TMK) in field 62.

PIK is the PIN key, MAK the MAC key, TDK the track key. A layout is a row of places, one for each key; the key
stands in its place under the TMK, and behind it the first bytes of zeros encrypted under the clear key:

    24 bytes: PIK 8 ‖ check 4 ‖ MAK 8 ‖ check 4
    40 bytes: PIK 16 ‖ check 4 ‖ MAK 8 ‖ eight zero bytes ‖ check 4      the MAC stays single DES
    60 bytes: the 40 ‖ TDK 16 ‖ check 4
    56 bytes: PIK 24 ‖ check 4 ‖ MAK 24 ‖ check 4                        inferred from their lengths
    84 bytes: the 56 ‖ TDK 24 ‖ check 4                                  likewise
    SM4, 48:  PIK 16 ‖ check 8 ‖ MAK 16 ‖ check 8                        keys and checks confirmed, order not
    SM4, 72:  the 48 ‖ TDK 16 ‖ check 8                                  likewise

No terminal says that it wants 56 or 84 bytes: it asks for the double length ones, and gets keys of triple
length if that is the length of its TMK. What goes under a TMK is never stronger than it, and SM4 keys go
under an SM4 key only. Four bytes of check value are the dialect's; outside it no more than three are shown of
a DES key.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NamedTuple

from hsm_soft.key_block import KeyBlock, KeyBlockProtection, algorithm_in, check_use
from hsm_soft.key_refused import KeyBlockRefused, Refusal
from hsm_soft.key_usage import Action, Algorithm, KeyUsage, strength_bits
from hsm_soft.new_keys import new_key
from hsm_soft.primitives import (
    AES_BLOCK_BYTES,
    DES_BLOCK_BYTES,
    Random,
    des_encryptor,
    sm4_encryptor,
)

__all__ = ["Place", "SessionKeys", "SignOnLayout", "check_value", "new_session_keys"]


class Place(NamedTuple):
    """One key's place in field 62: the key, the bytes it takes up, the bytes of its check value."""

    usage: KeyUsage
    algorithm: Algorithm
    key_bytes: int
    place_bytes: int
    check_bytes: int


def _place(usage: KeyUsage, algorithm: Algorithm, key_bytes: int, place_bytes: int | None = None) -> Place:
    check_bytes = 8 if algorithm is Algorithm.SM4 else 4
    return Place(usage, algorithm, key_bytes, place_bytes or key_bytes, check_bytes)


_PIN: Final = KeyUsage.PIN_ENCRYPTION
_MAC: Final = KeyUsage.POS_MAC
_TRACK: Final = KeyUsage.TRACK_ENCRYPTION
_DES, _TDES, _SM4 = Algorithm.DES, Algorithm.TDES, Algorithm.SM4
_DOUBLE: Final = (_place(_PIN, _TDES, 16), _place(_MAC, _DES, 8, 16))
_TRIPLE: Final = (_place(_PIN, _TDES, 24), _place(_MAC, _TDES, 24))
_NATIONAL: Final = (_place(_PIN, _SM4, 16), _place(_MAC, _SM4, 16))


class SignOnLayout(Enum):
    """Layout of field 62 in a sign-on response: its places in their order."""

    SINGLE_24 = (_place(_PIN, _DES, 8), _place(_MAC, _DES, 8))
    DOUBLE_40 = _DOUBLE
    DOUBLE_60 = (*_DOUBLE, _place(_TRACK, _TDES, 16))
    TRIPLE_56 = _TRIPLE
    TRIPLE_84 = (*_TRIPLE, _place(_TRACK, _TDES, 24))
    SM4_48 = _NATIONAL
    SM4_72 = (*_NATIONAL, _place(_TRACK, _SM4, 16))

    def __init__(self, *places: Place) -> None:
        self.places = places

    @property
    def length_bytes(self) -> int:
        """Bytes of field 62."""
        return sum(place.place_bytes + place.check_bytes for place in self.places)

    @property
    def is_sm4(self) -> bool:
        """Whether its keys are SM4 keys."""
        return self.places[0].algorithm is Algorithm.SM4


_OF_TRIPLE_MASTER: Final = {
    SignOnLayout.DOUBLE_40: SignOnLayout.TRIPLE_56,
    SignOnLayout.DOUBLE_60: SignOnLayout.TRIPLE_84,
}
_TRIPLE_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """Field 62 for the terminal, and the same keys as key blocks for the switch; not all have a track key."""

    field_62: bytes = field(repr=False)
    pin_key: KeyBlock = field(repr=False)
    mac_key: KeyBlock = field(repr=False)
    track_key: KeyBlock | None = field(default=None, repr=False)


def new_session_keys(
    protection: KeyBlockProtection, terminal_master: KeyBlock, layout: SignOnLayout, random: Random
) -> SessionKeys:
    """New keys for one terminal.

    Args:
        protection: the master key.
        terminal_master: the terminal's master key.
        layout: what the terminal asks for; under a triple length master key, double length means triple.
        random: where the keys come from.

    Raises:
        KeyBlockRefused: `terminal_master` is not a terminal master key, of another cipher than the layout's
            keys, or weaker than they are.
    """
    header, master = protection.open(terminal_master)
    check_use(header, len(master), KeyUsage.TERMINAL_MASTER, Action.ENCRYPT)
    algorithm = algorithm_in(header)
    encrypt = _ENCRYPTORS[algorithm](master)
    parts, blocks = [], []
    fitting = _OF_TRIPLE_MASTER.get(layout, layout) if len(master) == _TRIPLE_BYTES else layout
    for place in fitting.places:
        _refuse_unfit(place, algorithm, len(master))
        key = new_key(place.algorithm, place.key_bytes, random)
        parts.append(encrypt(key).ljust(place.place_bytes, b"\0") + _check_value(place, key))
        blocks.append(protection.wrap(place.usage, key, random, algorithm=place.algorithm))
    return SessionKeys(b"".join(parts), *blocks)


def check_value(key: bytes) -> bytes:
    """The first four bytes of eight zero bytes encrypted under a DES key, as terminals compare them."""
    return des_encryptor(key)(bytes(DES_BLOCK_BYTES))[:4]


_ENCRYPTORS: Final = {Algorithm.TDES: des_encryptor, Algorithm.SM4: sm4_encryptor}


def _check_value(place: Place, key: bytes) -> bytes:
    if place.algorithm is Algorithm.SM4:
        return sm4_encryptor(key)(bytes(AES_BLOCK_BYTES))[: place.check_bytes]
    return check_value(key)


def _refuse_unfit(place: Place, algorithm: Algorithm, master_bytes: int) -> None:
    if (place.algorithm is Algorithm.SM4) != (algorithm is Algorithm.SM4):
        raise KeyBlockRefused(Refusal.ALGORITHM)
    if strength_bits(place.algorithm, place.key_bytes) > strength_bits(algorithm, master_bytes):
        raise KeyBlockRefused(Refusal.STRENGTH)
