"""Recipes for PIN blocks, PIN values and card values."""

import re
from collections.abc import Callable
from typing import Final

from hsm_soft.card_values import CVV2_SERVICE_CODE, ICVV_SERVICE_CODE, CardValueKey, card_value
from hsm_soft.pin_block import PinBlockFormat, PinCipher, pan_field, pin_field, read_pin, write_pin
from hsm_soft.pin_translation import PinBlockRefused
from hsm_soft.pin_verification_value import (
    DecimalisationTable,
    ibm_3624_natural_pin,
    ibm_3624_offset,
    ibm_3624_pin,
    standard_validation_data,
    visa_pvv,
)
from hsm_soft.primitives import (
    Keyed,
    aes_decryptor,
    aes_encryptor,
    des_decryptor,
    des_encryptor,
    sm4_decryptor,
    sm4_encryptor,
)
from hsm_soft.vectors.vector import Answer, BadInput, NotCovered, Recipe, Vector, answers

__all__ = ["RECIPES"]

_FORMAT: Final = re.compile(r"(?:format|fmt)[ _-]*([0-4])|\biso[ _-]?([0-4])\b")
_FORMATS: Final = {
    "0": PinBlockFormat.ISO_0,
    "1": PinBlockFormat.ISO_1,
    "2": PinBlockFormat.ISO_2,
    "3": PinBlockFormat.ISO_3,
    "4": PinBlockFormat.ISO_4,
}
_ENCRYPTORS: Final = {
    PinCipher.DES: des_encryptor,
    PinCipher.AES: aes_encryptor,
    PinCipher.SM4: sm4_encryptor,
}
_DECRYPTORS: Final = {
    PinCipher.DES: des_decryptor,
    PinCipher.AES: aes_decryptor,
    PinCipher.SM4: sm4_decryptor,
}
# How the filler of a format is drawn from bytes, so that a given filler can be handed in.
_FILLER_BYTES: Final[dict[PinBlockFormat, Callable[[str], bytes]]] = {
    PinBlockFormat.ISO_1: lambda text: bytes(int(character, 16) for character in text),
    PinBlockFormat.ISO_3: lambda text: bytes(int(character, 16) - 10 for character in text),
    PinBlockFormat.ISO_4: bytes.fromhex,
}
_FILLER_NAMES: Final = ("random", "fill", "filler", "padding", "transaction_field", "unique")
_KEY_NAMES: Final = ("key", "pin_key", "zpk", "tpk", "pik", "pek")
_NO_PAN: Final = "0"


def _pin_block(vector: Vector) -> Answer:
    pin_format = _format_of(vector)
    if vector.has("clear_pin_field") and vector.has(*_KEY_NAMES):
        return answers({" pin_block encrypted_pin_block": lambda: _enciphered_field(vector, pin_format)})
    if vector.has(*_KEY_NAMES) and vector.has("pin_block", "encrypted_pin_block"):
        return _decipher(vector, pin_format)
    if vector.has("pin_block_clear", "clear_pin_block", "pin_block"):
        block = vector.data("pin_block_clear", "clear_pin_block", "pin_block")
        return answers({" pin": lambda: _read(vector, pin_format, bytes, block)})
    if "pin" in vector.inputs:
        return _encode(vector, pin_format)
    if pin_format is PinBlockFormat.ISO_4:
        return answers({" pan_field": lambda: f"{pan_field(pin_format, _pan(vector)):032X}"})
    raise NotCovered


def _format_of(vector: Vector) -> PinBlockFormat:
    if "sm4" in vector.words:
        return PinBlockFormat.SM4
    found = _FORMAT.search(vector.words)
    if found:
        return _FORMATS[found[1] or found[2]]
    if "x9.8" in vector.words:
        return PinBlockFormat.ISO_0
    raise NotCovered


def _pan(vector: Vector) -> str:
    if "pan_12_right_excl_check" in vector.inputs:
        return vector.text("pan_12_right_excl_check") + "0"
    return vector.text("pan", "account_number") if vector.has("pan", "account_number") else _NO_PAN


def _read(vector: Vector, pin_format: PinBlockFormat, decrypt: Keyed, block: bytes) -> str:
    digits, well_formed = read_pin(pin_format, decrypt, block, _pan(vector))
    if not (well_formed and digits.isdigit()):
        raise PinBlockRefused
    return digits


def _decipher(vector: Vector, pin_format: PinBlockFormat) -> Answer:
    """The PIN, or where the expected value is as long as a block the clear PIN field."""
    decrypt = _DECRYPTORS[pin_format.cipher](vector.data(*_KEY_NAMES))
    block = vector.data("pin_block", "encrypted_pin_block")

    def pin() -> str:
        return _read(vector, pin_format, decrypt, block)

    def field() -> str:
        return pin_field(pin_format, decrypt, block, pan_field(pin_format, _pan(vector)))

    whole = isinstance(vector.expected, str) and len(vector.expected) == pin_format.nibbles
    return answers({"": field if whole else pin, "pin": pin, "pin_field clear_pin_field": field})


def _enciphered_field(vector: Vector, pin_format: PinBlockFormat) -> bytes:
    """Format 4 from a PIN field that is given, random part included."""
    if pin_format is not PinBlockFormat.ISO_4:
        raise NotCovered
    return enciphered_format_4(vector.data(*_KEY_NAMES), vector.data("clear_pin_field"), _pan(vector))


def enciphered_format_4(key: bytes, clear_field: bytes, pan: str) -> bytes:
    """A format 4 block made from a whole PIN field: PIN and random half are taken from it."""
    encrypt, text = aes_encryptor(key), clear_field.hex()
    digits = text[2 : 2 + int(text[1], 16)]
    return write_pin(PinBlockFormat.ISO_4, encrypt, digits, pan, lambda _: clear_field[8:])


def _encode(vector: Vector, pin_format: PinBlockFormat) -> Answer:
    digits = vector.text("pin")
    if len(digits) not in pin_format.head_of:
        raise PinBlockRefused
    keyed = vector.has(*_KEY_NAMES)
    encrypt = _ENCRYPTORS[pin_format.cipher](vector.data(*_KEY_NAMES)) if keyed else bytes
    # A clear format 4 field has no PAN in it: that is mixed in between two encipherments.
    pan = _NO_PAN if pin_format is PinBlockFormat.ISO_4 and not keyed else _pan(vector)

    def block() -> str:
        if pin_format not in _FILLER_BYTES:
            return write_pin(pin_format, encrypt, digits, pan, bytes).hex().upper()
        if any(name in vector.inputs for name in _FILLER_NAMES):
            drawn = _given_filler(vector, pin_format, len(digits))
            return write_pin(pin_format, encrypt, digits, pan, lambda _: drawn).hex().upper()
        return _fixed_part(vector, write_pin(pin_format, encrypt, digits, pan, bytes), len(digits))

    return answers({" pin_block clear_pin_block encrypted_pin_block": block})


def _given_filler(vector: Vector, pin_format: PinBlockFormat, length: int) -> bytes:
    """The bytes that the format's filler is drawn from, as many as it draws."""
    drawn = _FILLER_BYTES[pin_format](vector.text(*_FILLER_NAMES))
    needed = 8 if pin_format is PinBlockFormat.ISO_4 else pin_format.filler_end - 2 - length
    if len(drawn) != needed:
        raise BadInput(_FILLER_NAMES[0])
    return drawn


def _fixed_part(vector: Vector, block: bytes, length: int) -> str:
    """What doesn't depend on the filler: control, length and digits."""
    fixed = block.hex().upper()[: 2 + length]
    if isinstance(vector.expected, str) and len(vector.expected) == len(fixed):
        return fixed
    raise NotCovered


def _card_value(vector: Vector) -> Answer:
    first = ("cvk", "key", "cvk_a", "cvka", "key_a")
    second = ("cvk_b", "cvkb", "key_b")
    key = vector.data(*first) + (vector.data(*second) if vector.has(*second) else b"")
    service_code = ICVV_SERVICE_CODE if "icvv" in vector.words else CVV2_SERVICE_CODE
    if "service_code" in vector.inputs:
        service_code = vector.text("service_code")
    expiry = vector.text("expiry", "expiration", "expiry_date", "exp")
    value = card_value(CardValueKey(key), vector.text("pan"), expiry, service_code)
    return answers({" cvv cvv2 icvv cvc cvc2": lambda: value})


def _pvv(vector: Vector) -> Answer:
    second = ("pvk_b", "pvkb")
    key = vector.data("pvk", "key", "pvk_a", "pvka") + (vector.data(*second) if vector.has(*second) else b"")
    digits = vector.text("pin")
    value = visa_pvv(des_encryptor(key), vector.text("pan"), vector.number("pvki", "key_index"), digits)
    return answers({" pvv": lambda: value})


def _ibm_3624(vector: Vector) -> Answer:
    table = DecimalisationTable(vector.text("decimalisation_table", "decimalization_table", "dec_table"))
    encrypt = des_encryptor(vector.data("pvk", "key"))
    data = (
        vector.text("validation_data")
        if "validation_data" in vector.inputs
        else standard_validation_data(_pan(vector))
    )
    given = [name for name in ("pin", "offset") if name in vector.inputs]
    length = len(vector.text(*given)) if given else vector.number("pin_length", "check_length")
    natural = ibm_3624_natural_pin(encrypt, table, data, length)

    def offset() -> str:
        return ibm_3624_offset(natural, vector.text("pin"))

    def pin() -> str:
        return ibm_3624_pin(natural, vector.text("offset"))

    def natural_pin() -> str:
        return natural

    only = {"pin": offset, "offset": pin}[given[0]] if given else natural_pin
    return answers({"": only, "natural_pin": natural_pin, "offset": offset, "pin": pin})


RECIPES: Final = (
    Recipe(re.compile(r"\bpvv\b"), _pvv),
    Recipe(re.compile(r"\b(i|d)?(cvv|cvc)2?\b"), _card_value),
    Recipe(re.compile(r"3624"), _ibm_3624),
    Recipe(re.compile(r"9564|pin[ -]?block|x9\.8|format [0-4]"), _pin_block),
)
