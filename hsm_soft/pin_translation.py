"""PIN translation: a PIN block under one key becomes one under another, and nobody learns the PIN.

ISO 9564-1 and PCI PIN requirement 3 say which formats may follow which:

    from ↓ to →         ISO_0, ISO_3, ISO_4, SM4    ISO_1    ISO_2
    ISO_0 ISO_3 ISO_4 SM4    yes                     no       no
    ISO_1                    yes                     yes      no
    ISO_2                    no                      no       no

A format with a card number never goes to one without: what the number binds would be unbound. There is one
card number and not two, because changing it on the way is the other half of the same attack. Control, length
and filler are checked; the digits are not, they are carried over as they are. Whatever is wrong with a block
gives the same error, so it tells one bit, and whoever serves strangers counts it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from hsm_soft.pin_block import PinBlockFormat, pan_field, read_pin, write_pin
from hsm_soft.primitives import Keyed, Random

__all__ = ["ALLOWED_TRANSLATIONS", "PinBlockRefused", "TranslationForbidden", "translate_pin_block"]

_WITH_PAN: Final = frozenset(
    {PinBlockFormat.ISO_0, PinBlockFormat.ISO_3, PinBlockFormat.ISO_4, PinBlockFormat.SM4}
)

ALLOWED_TRANSLATIONS: Final[Mapping[PinBlockFormat, frozenset[PinBlockFormat]]] = MappingProxyType(
    {
        **dict.fromkeys(_WITH_PAN, _WITH_PAN),
        PinBlockFormat.ISO_1: _WITH_PAN | {PinBlockFormat.ISO_1},
        PinBlockFormat.ISO_2: frozenset(),
    }
)
"""From a format → to which formats."""


class PinBlockRefused(Exception):
    """A PIN block that is not of its format; what is wrong with it stays unsaid."""

    def __init__(self) -> None:
        super().__init__("the PIN block is refused")


class TranslationForbidden(Exception):
    """A pair of formats that ISO 9564-1 does not allow."""

    def __init__(self, source: PinBlockFormat, destination: PinBlockFormat) -> None:
        super().__init__(f"no PIN may go from format {source.name} to format {destination.name}")
        self.source = source
        self.destination = destination


def translate_pin_block(
    source: PinBlockFormat,
    decrypt: Keyed,
    destination: PinBlockFormat,
    encrypt: Keyed,
    pin_block: bytes,
    pan: str,
    random: Random,
) -> bytes:
    """The PIN block under the destination's key and in its format, for the same card number.

    Args:
        source: how the block that came is laid out.
        decrypt: ECB decryption under the key it came under.
        destination: how the new block is laid out.
        encrypt: ECB encryption under the key it leaves under.
        pin_block: as received.
        pan: the card number, the same for both blocks.
        random: filler where the destination has a choice.

    Raises:
        TranslationForbidden: the pair of formats is not allowed.
        PinBlockRefused: the block's length, control, PIN length or filler is not the format's.
        NotAPan: `pan` is not digits.
    """
    if source is destination and source.stays_as_it_is:
        return _only_recrypted(source, decrypt, encrypt, pin_block, pan)
    if destination not in ALLOWED_TRANSLATIONS[source]:
        raise TranslationForbidden(source, destination)
    digits, well_formed = read_pin(source, decrypt, pin_block, pan)
    if not well_formed:
        raise PinBlockRefused
    return write_pin(destination, encrypt, digits, pan, random)


def _only_recrypted(
    pin_format: PinBlockFormat, decrypt: Keyed, encrypt: Keyed, pin_block: bytes, pan: str
) -> bytes:
    """A block that stays what it is: checked as ever, it needn't be taken apart and put together again."""
    pan_number = pan_field(pin_format, pan)
    if len(pin_block) != pin_format.block_bytes:
        raise PinBlockRefused
    clear = decrypt(pin_block)
    text = (int.from_bytes(clear, "big") ^ pan_number).to_bytes(pin_format.block_bytes, "big").hex()
    end = pin_format.end_of.get(text[:2], 0)
    if not end or text[end : pin_format.filler_end].strip(pin_format.filler):
        raise PinBlockRefused
    return encrypt(clear)
