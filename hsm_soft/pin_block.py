"""PIN blocks: how a PIN travels, as ISO 9564-1 lays it out, written and read in one place.

A clear block is a PIN field: control nibble, length nibble, digits, filler. What makes it differ from card
to card is the format's matter:

    format   control  filler                PAN          bytes  cipher
    ISO_0    0        F                     XOR            8    DES
    ISO_1    1        anything              none           8    DES
    ISO_2    2        F                     none           8    DES; between a terminal and its card only
    ISO_3    3        A to F, random        XOR            8    DES
    ISO_4    4        A, then eight random  between two   16    AES
    SM4      0        F                     XOR           16    SM4; format 0 stretched, of Chinese terminals

XOR is with the twelve rightmost digits before the check digit. Format 4 enciphers the PIN field, adds a PAN
field that has the whole number, and enciphers again (ISO 9564-1:2017, 9.4.5).

Reading takes the same steps for every block and never fails: it gives the characters that stand where the
PIN should, and whether control, length and filler are the format's. Whether the characters are decimal is a
question of its own, because a translation must not answer it: with a card number of the caller's choice the
answers tell the PIN digit by digit (J. Clulow, The design and analysis of cryptographic APIs, 2003).
"""

from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Final, NamedTuple, TypeAlias

from hsm_soft.pan import PAN_LENGTH_MAX, NotAPan
from hsm_soft.primitives import Keyed, Random
from hsm_soft.uniform import uniform_characters

__all__ = [
    "PIN_LENGTH_MAX",
    "PIN_LENGTH_MIN",
    "PinBlockFormat",
    "PinCipher",
    "PinReader",
    "pan_field",
    "pin_field",
    "pin_reader",
    "read_pin",
    "write_pin",
]

PIN_LENGTH_MIN: Final = 4
PIN_LENGTH_MAX: Final = 12

_HEX: Final = "0123456789abcdef"
_LETTERS: Final = "abcdef"
_PIN_FIELD_NIBBLES: Final = 16
_FORMAT_4_RANDOM_BYTES: Final = 8
_FORMAT_4_PAN_DIGITS_MIN: Final = 12


PinReader: TypeAlias = Callable[[bytes, str], tuple[str, bool]]
"""`read_pin` of a format and key: gives digits and soundness of a block for a card number."""


class PinCipher(Enum):
    """The block cipher a PIN block is enciphered with."""

    DES = "DES"
    AES = "AES"
    SM4 = "SM4"


class _Shape(NamedTuple):
    """A clear block whose filler is all F: where its digits end, their bits, and how they are written."""

    filler_bits: int
    filler: int
    digits: int
    as_text: str


def _shape(digits: int, fillers: int) -> _Shape:
    return _Shape(4 * fillers, (1 << 4 * fillers) - 1, (1 << 4 * digits) - 1, f"%0{digits}x")


class PinBlockFormat(Enum):
    """Control nibble, filler characters, nibbles up to the filler's end, nibbles of a block, PAN, cipher.

    Attributes are plain, as reading a block is on the way of every purchase.
    """

    ISO_0 = ("0", "f", 16, 16, True, PinCipher.DES)
    ISO_1 = ("1", _HEX, 16, 16, False, PinCipher.DES)
    ISO_2 = ("2", "f", 16, 16, False, PinCipher.DES)
    ISO_3 = ("3", _LETTERS, 16, 16, True, PinCipher.DES)
    ISO_4 = ("4", "a", 16, 32, True, PinCipher.AES)
    SM4 = ("0", "f", 32, 32, True, PinCipher.SM4)

    def __init__(
        self, control: str, filler: str, filler_end: int, nibbles: int, binds_pan: bool, cipher: PinCipher
    ) -> None:
        self.filler = filler
        self.filler_end = filler_end
        self.nibbles = nibbles
        self.block_bytes = nibbles // 2
        self.binds_pan = binds_pan
        self.cipher = cipher
        self.is_enciphered_twice = cipher is PinCipher.AES
        self.takes_twelve_digits = binds_pan and not self.is_enciphered_twice
        self.stays_as_it_is = len(filler) == 1 and self.takes_twelve_digits
        self.head_of = {n: f"{control}{n:x}" for n in range(PIN_LENGTH_MIN, PIN_LENGTH_MAX + 1)}
        self.end_of = {head: 2 + length for length, head in self.head_of.items()}
        self.shapes = {int(head, 16): _shape(end - 2, nibbles - end) for head, end in self.end_of.items()}


def pin_reader(pin_format: PinBlockFormat, decrypt: Keyed) -> PinReader:
    """`read_pin` for a key that is used again and again, of which every purchase has a block.

    Args:
        pin_format: how blocks are laid out.
        decrypt: ECB decryption under the PIN key, of the format's cipher.
    """
    if not pin_format.stays_as_it_is:
        return partial(_read, pin_format, decrypt)
    size, shape_of, number = pin_format.block_bytes, pin_format.shapes.get, int.from_bytes
    head_at = 8 * size - 8

    def read(block: bytes, pan: str) -> tuple[str, bool]:
        if not (pan.isdigit() and pan.isascii() and len(pan) <= PAN_LENGTH_MAX):
            raise NotAPan
        if len(block) != size:
            return "", False
        field = number(decrypt(block)) ^ int(pan[-13:-1] or "0", 16)
        shape = shape_of(field >> head_at)
        if shape is None:
            return "", False
        filler_bits, filler, digits, as_text = shape
        return as_text % (field >> filler_bits & digits), field & filler == filler

    return read


def read_pin(pin_format: PinBlockFormat, decrypt: Keyed, block: bytes, pan: str) -> tuple[str, bool]:
    """The characters where the PIN should be (0–9, a–f), and whether the rest of the block is the format's.

    A block of the wrong length has no characters and is not.

    Args:
        pin_format: how the block is laid out.
        decrypt: ECB decryption under the PIN key, of the format's cipher.
        block: as received.
        pan: the card number the block was built with; formats 1 and 2 don't look at it.

    Raises:
        NotAPan: `pan` is not digits.
    """
    return pin_reader(pin_format, decrypt)(block, pan)


def _read(pin_format: PinBlockFormat, decrypt: Keyed, block: bytes, pan: str) -> tuple[str, bool]:
    """`read_pin` for any format, by its characters."""
    pan_number = pan_field(pin_format, pan)
    if len(block) != pin_format.block_bytes:
        return "", False
    text = pin_field(pin_format, decrypt, block, pan_number)
    end = pin_format.end_of.get(text[:2], 0)
    return text[2:end], end > 0 and not text[end : pin_format.filler_end].strip(pin_format.filler)


def write_pin(pin_format: PinBlockFormat, encrypt: Keyed, digits: str, pan: str, random: Random) -> bytes:
    """An enciphered PIN block.

    Args:
        pin_format: how the block is laid out.
        encrypt: ECB encryption under the PIN key, of the format's cipher.
        digits: 4 to 12 hexadecimal characters, taken as they are.
        pan: the card number, 1 to 19 digits.
        random: the filler of formats 1 and 3 and the second half of format 4.

    Raises:
        NotAPan: `pan` is not digits.
    """
    pan_number = pan_field(pin_format, pan)
    field = int(pin_format.head_of[len(digits)] + digits + _filler(pin_format, len(digits), random), 16)
    size = pin_format.block_bytes
    if pin_format.is_enciphered_twice:
        field = int.from_bytes(encrypt(field.to_bytes(size, "big")), "big")
    return encrypt((field ^ pan_number).to_bytes(size, "big"))


def pin_field(pin_format: PinBlockFormat, decrypt: Keyed, block: bytes, pan_number: int) -> str:
    """The clear PIN field of a block of the right length, as lower case hexadecimal characters."""
    mixed = int.from_bytes(decrypt(block), "big") ^ pan_number
    if pin_format.is_enciphered_twice:
        return decrypt(mixed.to_bytes(pin_format.block_bytes, "big")).hex()
    return mixed.to_bytes(pin_format.block_bytes, "big").hex()


def pan_field(pin_format: PinBlockFormat, pan: str) -> int:
    """What a format mixes with the PIN field, as a number of the block's size.

    Format 4: length less 12, the whole number, zeros to the right. Otherwise the twelve digits before the
    check digit at the right end, or nothing.

    Raises:
        NotAPan: `pan` is not digits.
    """
    if not (pan.isdigit() and pan.isascii() and len(pan) <= PAN_LENGTH_MAX):
        raise NotAPan
    if pin_format.takes_twelve_digits:
        return int(pan[-13:-1] or "0", 16)
    if not pin_format.binds_pan:
        return 0
    padded = pan.rjust(_FORMAT_4_PAN_DIGITS_MIN, "0")
    field = f"{len(padded) - _FORMAT_4_PAN_DIGITS_MIN}{padded}"
    return int(field.ljust(pin_format.nibbles, "0"), 16)


def _filler(pin_format: PinBlockFormat, length: int, random: Random) -> str:
    """Characters up to the block's end; random ones where the format has a choice."""
    count = pin_format.filler_end - 2 - length
    drawn = random(_FORMAT_4_RANDOM_BYTES) if pin_format.is_enciphered_twice else b""
    return uniform_characters(pin_format.filler, count, random) + drawn.hex()
