"""Operations on PINs. No PIN goes in or out but inside a block under a PIN key."""

from collections.abc import Callable
from typing import Final

from hsm_soft import pin, pin_verification_value
from hsm_soft.key_block import KeyBlock, KeyBlockRefused, KeyUsage, Refusal
from hsm_soft.key_usage import Action
from hsm_soft.operations.core import Core
from hsm_soft.pin import ChangedPin, PinChange, PinReference, PinResult, verify_pin_block
from hsm_soft.pin_block import PinBlockFormat
from hsm_soft.pin_choice import PinPolicy
from hsm_soft.pin_translation import PinBlockRefused, translate_pin_block
from hsm_soft.pin_verification_value import DecimalisationTable
from hsm_soft.primitives import compare_digest

__all__ = ["PinOperations"]

_STAND_IN: Final = "0000"
_MATCH: Final = PinResult.MATCH
_PVV_FORMATS: Final = frozenset({PinBlockFormat.ISO_0, PinBlockFormat.ISO_3})


class PinOperations(Core):
    """PIN verification, change and translation.

    Every verification is refused with `PinResult.LIMITED` where its card or its key has failed too often.
    """

    def verify_pin(
        self,
        pin_key: KeyBlock,
        pin_block: bytes,
        pan: str,
        wallet_id: int,
        reference: PinReference,
        pin_format: PinBlockFormat | None = None,
    ) -> PinResult:
        """Verify a PIN block against a wallet's reference value.

        Args:
            pin_key: what the block is under.
            pin_block: as received.
            pan: the card number.
            wallet_id: the wallet the reference was made for.
            reference: as stored.
            pin_format: how the block is laid out; by default as is usual under a key of this cipher: format
                0, format 4 of AES, the 16 bytes of SM4.

        Raises:
            KeyBlockRefused: `pin_key` may not decrypt PIN blocks of this format.
            NotAPan: `pan` is not digits.
        """
        keys = self._keys
        read = keys.pin_reader(pin_key) if pin_format is None else keys.pin_reader(pin_key, pin_format)
        if self._failures.refuses(pin_key, pan):
            return PinResult.LIMITED
        result = verify_pin_block(read, self._pin_reference, pin_block, pan, wallet_id, reference)
        if result is not _MATCH:
            self._failures.failed(pin_key, pan)
        return result

    def make_pin_reference(self, pin_text: str, wallet_id: int) -> PinReference:
        """What to store of a wallet's new PIN.

        Raises:
            BadPin: not 4 to 12 digits.
        """
        return pin.make_reference(self._pin_reference, pin_text, wallet_id, self._random)

    def change_pin(
        self,
        pin_key: KeyBlock,
        old_block: bytes,
        new_block: bytes,
        pan: str,
        wallet_id: int,
        reference: PinReference,
        policy: PinPolicy,
        pin_format: PinBlockFormat = PinBlockFormat.ISO_0,
    ) -> ChangedPin:
        """The reference value of a new PIN, if the old one is shown and the policy allows the new one.

        Raises:
            KeyBlockRefused: `pin_key` may not decrypt PIN blocks of this format.
            NotAPan: `pan` is not digits.
        """
        read = self._keys.pin_reader(pin_key, pin_format)
        if self._failures.refuses(pin_key, pan):
            return ChangedPin(PinChange.LIMITED, None)
        changed = pin.change_pin(
            read,
            self._pin_reference,
            (old_block, new_block),
            pan,
            wallet_id,
            reference,
            policy,
            self._random,
        )
        if changed.result in {PinChange.WRONG_PIN, PinChange.UNREADABLE}:
            self._failures.failed(pin_key, pan)
        return changed

    def translate_pin(
        self,
        source_key: KeyBlock,
        source: PinBlockFormat,
        destination_key: KeyBlock,
        destination: PinBlockFormat,
        pin_block: bytes,
        pan: str,
    ) -> bytes:
        """The PIN block under another key, in a format that ISO 9564-1 allows, for the same card number.

        Raises:
            KeyBlockRefused: a key may not decrypt, or encrypt, PIN blocks of its format.
            TranslationForbidden: the pair of formats is not allowed.
            PinBlockRefused: the block is not of its format.
            NotAPan: `pan` is not digits.
        """
        source_cipher, decrypt = self._keys.pin_decryptor(source_key)
        destination_cipher, encrypt = self._keys.pin_encryptor(destination_key)
        if source_cipher is not source.cipher or destination_cipher is not destination.cipher:
            raise KeyBlockRefused(Refusal.ALGORITHM)
        return translate_pin_block(source, decrypt, destination, encrypt, pin_block, pan, self._random)

    def store_decimalisation_table(self, digits: str) -> KeyBlock:
        """A decimalisation table as calls name it: checked, and sealed like a key.

        Raises:
            BadDecimalisationTable: not 16 digits, fewer than 8 different ones, or one more than 4 times.
        """
        table = DecimalisationTable(digits)
        return self._protection.wrap(KeyUsage.DECIMALISATION_TABLE, bytes.fromhex(table.digits), self._random)

    def verify_pin_ibm_3624(
        self,
        pin_key: KeyBlock,
        pin_format: PinBlockFormat,
        pin_block: bytes,
        pan: str,
        verification_key: KeyBlock,
        table: KeyBlock,
        offset: str,
        validation_data: str = "",
    ) -> PinResult:
        """Verify a PIN block against an IBM 3624 offset, whose length is the PIN's.

        Args:
            pin_key: what the block is under.
            pin_format: how the block is laid out.
            pin_block: as received.
            pan: the card number.
            verification_key: the issuer's PIN verification key.
            table: a stored decimalisation table.
            offset: the card's offset.
            validation_data: 16 hexadecimal digits; by default four zeros and twelve digits of `pan`.

        Raises:
            KeyBlockRefused: a key or the table is for another use.
            BadVerificationData: offset or validation data has another form.
            NotAPan: `pan` is not digits.
        """
        encrypt = self._keys.ibm_3624(verification_key, Action.VERIFY)
        data = validation_data or pin_verification_value.standard_validation_data(pan)
        natural = pin_verification_value.ibm_3624_natural_pin(
            encrypt, self._keys.table(table), data, len(offset)
        )
        expected = pin_verification_value.ibm_3624_pin(natural, offset)
        return self._compare(pin_key, pin_format, pin_block, pan, lambda digits: digits, expected)

    def pin_offset_ibm_3624(
        self,
        pin_key: KeyBlock,
        pin_format: PinBlockFormat,
        pin_block: bytes,
        pan: str,
        verification_key: KeyBlock,
        table: KeyBlock,
        validation_data: str = "",
    ) -> str:
        """The IBM 3624 offset to store of the PIN in a block, as long as the PIN.

        Raises:
            KeyBlockRefused: a key or the table is for another use.
            PinBlockRefused: the block is not of its format, or holds no digits.
            BadVerificationData: validation data of another form.
            NotAPan: `pan` is not digits.
        """
        digits = self._digits(pin_key, pin_format, pin_block, pan)
        encrypt = self._keys.ibm_3624(verification_key, Action.GENERATE)
        data = validation_data or pin_verification_value.standard_validation_data(pan)
        natural = pin_verification_value.ibm_3624_natural_pin(
            encrypt, self._keys.table(table), data, len(digits)
        )
        return pin_verification_value.ibm_3624_offset(natural, digits)

    def verify_pin_visa(
        self,
        pin_key: KeyBlock,
        pin_format: PinBlockFormat,
        pin_block: bytes,
        pan: str,
        verification_key: KeyBlock,
        key_index: int,
        pvv: str,
    ) -> PinResult:
        """Verify a PIN block against a Visa PVV, which looks at four digits.

        Raises:
            KeyBlockRefused: a key is for another use.
            BadVerificationData: a key index of more than one digit.
            NotAPan: `pan` is not digits.
        """
        encrypt = self._keys.visa_pvv(verification_key, Action.VERIFY)

        def value(digits: str) -> str:
            return pin_verification_value.visa_pvv(encrypt, pan, key_index, digits)

        return self._compare(pin_key, pin_format, pin_block, pan, value, pvv)

    def pin_value_visa(
        self,
        pin_key: KeyBlock,
        pin_format: PinBlockFormat,
        pin_block: bytes,
        pan: str,
        verification_key: KeyBlock,
        key_index: int,
    ) -> str:
        """The Visa PVV to store of the PIN in a block of format 0 or 3; others don't bind it to the card.

        Raises:
            KeyBlockRefused: a key is for another use.
            PinBlockRefused: another format, or the block is not of its format, or holds no digits.
            BadVerificationData: a key index of more than one digit.
            NotAPan: `pan` is not digits.
        """
        if pin_format not in _PVV_FORMATS:
            raise PinBlockRefused
        digits = self._digits(pin_key, pin_format, pin_block, pan)
        encrypt = self._keys.visa_pvv(verification_key, Action.GENERATE)
        return pin_verification_value.visa_pvv(encrypt, pan, key_index, digits)

    def _digits(self, pin_key: KeyBlock, pin_format: PinBlockFormat, pin_block: bytes, pan: str) -> str:
        digits, well_formed = self._keys.pin_reader(pin_key, pin_format)(pin_block, pan)
        if not (well_formed and digits.isdigit()):
            raise PinBlockRefused
        return digits

    def _compare(
        self,
        pin_key: KeyBlock,
        pin_format: PinBlockFormat,
        pin_block: bytes,
        pan: str,
        value: Callable[[str], str],
        expected: str,
    ) -> PinResult:
        """Verify what `value` makes of the PIN; a block that can't be read gets the work of one that can."""
        read = self._keys.pin_reader(pin_key, pin_format)
        if self._failures.refuses(pin_key, pan):
            return PinResult.LIMITED
        digits, well_formed = read(pin_block, pan)
        readable = well_formed and digits.isdigit()
        computed = value(digits if readable else _STAND_IN)
        matches = compare_digest(computed.encode("ascii"), expected.encode())
        if readable and matches:
            return PinResult.MATCH
        self._failures.failed(pin_key, pan)
        return PinResult.MISMATCH if readable else PinResult.UNREADABLE
