"""Card verification values: three digits that only the issuer can compute.

CVV on the magnetic stripe, iCVV in the chip and CVV2 printed on the card are one computation that differs in
the service code: the card's own, 999, and 000. A stripe copied from chip data then fails, and so does a
printed number read from a stripe. For each of the three an issuer has a key of its own.

    block 1, block 2 = PAN ‖ expiry ‖ service code, filled with zeros to 32 digits
    E(A, D(B, E(A, E(A, block 1) XOR block 2)))      single DES under the halves A and B of the key
    the first three decimal digits of the result, then letters less ten
"""

from typing import Final

from hsm_soft.pan import pan_digits
from hsm_soft.pin_verification_value import decimal_digits
from hsm_soft.primitives import DES_BLOCK_BYTES, Keyed, des_encryptor, xor

__all__ = ["CVV2_SERVICE_CODE", "ICVV_SERVICE_CODE", "BadCardData", "CardValueKey", "card_value"]

CVV2_SERVICE_CODE: Final = "000"
ICVV_SERVICE_CODE: Final = "999"

_VALUE_LENGTH: Final = 3
_EXPIRY_LENGTH: Final = 4
_SERVICE_CODE_LENGTH: Final = 3
_BLOCKS_DIGITS: Final = 32


class BadCardData(ValueError):
    """An expiry that is not four digits or a service code that is not three."""

    def __init__(self) -> None:
        super().__init__("an expiry has 4 digits and a service code 3")


class CardValueKey:
    """A pair of card verification keys, ready to use."""

    __slots__ = ("_both_halves", "_first_half")

    def __init__(self, double_length: bytes) -> None:
        self._first_half: Keyed = des_encryptor(double_length[:DES_BLOCK_BYTES])
        self._both_halves: Keyed = des_encryptor(double_length)

    def __repr__(self) -> str:
        return "<CardValueKey>"

    def value_of(self, digits: str) -> str:
        """Three digits over at most 32 digits."""
        blocks = bytes.fromhex(digits.ljust(_BLOCKS_DIGITS, "0"))
        first = self._first_half(blocks[:DES_BLOCK_BYTES])
        return decimal_digits(self._both_halves(xor(first, blocks[DES_BLOCK_BYTES:])))[:_VALUE_LENGTH]


def card_value(key: CardValueKey, pan: str, expiry: str, service_code: str) -> str:
    """CVV, CVV2 or iCVV of a card, three digits.

    Args:
        key: the pair of keys for this kind of value.
        pan: the card number.
        expiry: four digits, in the order the scheme uses: YYMM on stripe and chip, mostly MMYY for CVV2.
        service_code: the stripe's for CVV, `CVV2_SERVICE_CODE`, or `ICVV_SERVICE_CODE`.

    Raises:
        NotAPan: `pan` is not digits.
        BadCardData: expiry or service code has another form.
    """
    digits = expiry + service_code
    if (
        len(expiry) != _EXPIRY_LENGTH
        or len(service_code) != _SERVICE_CODE_LENGTH
        or not (digits.isascii() and digits.isdigit())
    ):
        raise BadCardData
    return key.value_of(pan_digits(pan).decode("ascii") + digits)
