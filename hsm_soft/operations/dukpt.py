"""Operations for terminals with DUKPT: the key comes from the serial number they send.

The base derivation key's algorithm says which DUKPT it is. TDES terminals have PIN blocks of formats 0, 1 and
3 and a retail MAC over zero padding; AES terminals have format 4 and AES-CMAC. Data, such as a track, is in
CBC from a zero initial vector (X9.24-1:2009 A.4), since its key serves one message. Each operation on what a
terminal sent takes the highest counter stored of the device, refuses a replay before it looks at anything,
and returns the counter to store. PIN and MAC of one message share a serial number, so both are asked with the
same stored counter.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

from hsm_soft import dukpt_aes, dukpt_tdes, mac, pin
from hsm_soft.dukpt import (
    DukptRefusal,
    DukptRefused,
    InitialKey,
    KeySerialNumber,
    TransactionKey,
    accept_counter,
    aes_device,
    aes_serial_number,
    tdes_device,
    tdes_serial_number,
)
from hsm_soft.dukpt_aes import AES_OF_BYTES, AesUsage
from hsm_soft.dukpt_tdes import TdesUsage
from hsm_soft.key_block import KeyBlock, KeyUsage
from hsm_soft.key_refused import KeyBlockRefused, Refusal
from hsm_soft.key_usage import Algorithm
from hsm_soft.mac import MacAlgorithm, MacMethod
from hsm_soft.operations.core import Core
from hsm_soft.pin import PinReference, PinResult
from hsm_soft.pin_block import PinBlockFormat, PinCipher, pin_reader
from hsm_soft.pin_translation import translate_pin_block
from hsm_soft.primitives import (
    AES_BLOCK_BYTES,
    DES_BLOCK_BYTES,
    Keyed,
    aes_cbc_decrypt,
    aes_cbc_encrypt,
    aes_decryptor,
    des_cbc_decrypt,
    des_cbc_encrypt,
    des_decryptor,
)

__all__ = ["DukptData", "DukptOperations", "DukptPin", "DukptPinBlock"]


@dataclass(frozen=True, slots=True)
class DukptPin:
    """What is known of a PIN, and the counter to store of its device."""

    result: PinResult
    counter: int


@dataclass(frozen=True, slots=True)
class DukptPinBlock:
    """A translated PIN block, and the counter to store of its device."""

    pin_block: bytes = field(repr=False)
    counter: int


@dataclass(frozen=True, slots=True)
class DukptData:
    """Deciphered data, and the counter to store of its device."""

    data: bytes = field(repr=False)
    counter: int


class DukptOperations(Core):
    """PINs, MACs and data under keys that are used once."""

    def dukpt_initial_key(self, base_key: KeyBlock, serial_number: bytes) -> KeyBlock:
        """The key a device is to be loaded with, as a key block under the master key.

        Args:
            base_key: the base derivation key.
            serial_number: TDES: any serial number of the device. AES: its initial key id, 8 bytes.

        Raises:
            KeyBlockRefused: `base_key` is not a base derivation key.
            DukptRefused: `serial_number` has another form.
        """
        algorithm = self._keys.base_key(base_key)[0]
        device = tdes_device(serial_number) if algorithm is Algorithm.TDES else aes_device(serial_number)
        initial = self._keys.initial_key(base_key, device)
        return self._protection.wrap(KeyUsage.INITIAL_KEY, initial.key, self._random, algorithm=algorithm)

    def verify_pin_dukpt(
        self,
        base_key: KeyBlock,
        serial_number: bytes,
        last_counter: int,
        pin_format: PinBlockFormat,
        pin_block: bytes,
        pan: str,
        wallet_id: int,
        reference: PinReference,
    ) -> DukptPin:
        """Verify a PIN block of a DUKPT terminal against a wallet's reference value.

        Raises:
            KeyBlockRefused: `base_key` is not a base derivation key, or not of the format's cipher.
            DukptRefused: a serial number of another form, or used before.
            NotAPan: `pan` is not digits.
        """
        algorithm, transaction, counter = self._accepted(base_key, serial_number, last_counter)
        decrypt = _pin_decryptor(algorithm, transaction, pin_format)
        device = transaction.serial_number.device
        if self._failures.refuses(device, pan):
            return DukptPin(PinResult.LIMITED, counter)
        read = pin_reader(pin_format, decrypt)
        result = pin.verify_pin_block(read, self._pin_reference, pin_block, pan, wallet_id, reference)
        if result is not PinResult.MATCH:
            self._failures.failed(device, pan)
        return DukptPin(result, counter)

    def translate_pin_dukpt(
        self,
        base_key: KeyBlock,
        serial_number: bytes,
        last_counter: int,
        source: PinBlockFormat,
        destination_key: KeyBlock,
        destination: PinBlockFormat,
        pin_block: bytes,
        pan: str,
    ) -> DukptPinBlock:
        """The PIN block of a DUKPT terminal under a partner's key; the rules are those of `translate_pin`.

        Raises:
            KeyBlockRefused: a key is for another use or not of its format's cipher.
            DukptRefused: a serial number of another form, or used before.
            TranslationForbidden: the pair of formats is not allowed.
            PinBlockRefused: the block is not of its format.
            NotAPan: `pan` is not digits.
        """
        algorithm, transaction, counter = self._accepted(base_key, serial_number, last_counter)
        decrypt = _pin_decryptor(algorithm, transaction, source)
        encrypt = self._pin_encryptor(destination_key, destination)
        block = translate_pin_block(source, decrypt, destination, encrypt, pin_block, pan, self._random)
        return DukptPinBlock(block, counter)

    def verify_mac_dukpt(
        self,
        base_key: KeyBlock,
        serial_number: bytes,
        last_counter: int,
        data: bytes,
        mac_bytes: bytes,
        length: int,
    ) -> int:
        """The counter to store, if `mac_bytes` is the terminal's MAC over `data`, of the agreed length.

        Raises:
            KeyBlockRefused: `base_key` is not a base derivation key.
            DukptRefused: a serial number of another form, or used before.
            MacMismatch: another MAC.
        """
        algorithm, transaction, counter = self._accepted(base_key, serial_number, last_counter)
        method, authenticate = _mac(algorithm, transaction, length, from_terminal=True)
        mac.verify_mac(authenticate, method, data, mac_bytes)
        return counter

    def make_mac_dukpt(self, base_key: KeyBlock, serial_number: bytes, data: bytes, length: int) -> bytes:
        """The MAC of an answer to a terminal, under the serial number of its request.

        Raises:
            KeyBlockRefused: `base_key` is not a base derivation key.
            DukptRefused: a serial number of another form.
        """
        algorithm, transaction = self._transaction(base_key, serial_number)
        method, authenticate = _mac(algorithm, transaction, length, from_terminal=False)
        return mac.make_mac(authenticate, method, data)

    def decrypt_data_dukpt(
        self, base_key: KeyBlock, serial_number: bytes, last_counter: int, data: bytes
    ) -> DukptData:
        """The data of a DUKPT terminal in clear, with whatever it was filled up with.

        Raises:
            KeyBlockRefused: `base_key` is not a base derivation key.
            DukptRefused: a serial number of another form, or used before; data that is not whole blocks.
        """
        algorithm, transaction, counter = self._accepted(base_key, serial_number, last_counter)
        clear = _data_cipher(algorithm, data).decrypt(transaction, data)
        return DukptData(clear, counter)

    def encrypt_data_dukpt(self, base_key: KeyBlock, serial_number: bytes, data: bytes) -> bytes:
        """Data of an answer to a terminal, under the serial number of its request.

        Raises:
            KeyBlockRefused: `base_key` is not a base derivation key.
            DukptRefused: a serial number of another form; data that is not whole blocks.
        """
        algorithm, transaction = self._transaction(base_key, serial_number)
        return _data_cipher(algorithm, data).encrypt(transaction, data)

    def _accepted(
        self, base_key: KeyBlock, serial_number: bytes, last_counter: int
    ) -> tuple[Algorithm, TransactionKey, int]:
        """Algorithm, key and counter of a transaction that is no replay."""
        algorithm, transaction = self._transaction(base_key, serial_number, last_counter)
        return algorithm, transaction, transaction.serial_number.counter

    def _transaction(
        self, base_key: KeyBlock, serial_number: bytes, last_counter: int = 0
    ) -> tuple[Algorithm, TransactionKey]:
        algorithm = self._keys.base_key(base_key)[0]
        derivation = _DERIVATIONS[algorithm]
        parsed = derivation.serial_number(serial_number)
        accept_counter(parsed, last_counter)
        return algorithm, derivation.transaction_key(self._keys.initial_key(base_key, parsed.device), parsed)


def _pin_decryptor(algorithm: Algorithm, transaction: TransactionKey, pin_format: PinBlockFormat) -> Keyed:
    derivation = _DERIVATIONS[algorithm]
    if pin_format.cipher is not derivation.cipher:
        raise KeyBlockRefused(Refusal.ALGORITHM)
    return derivation.pin_decryptor(transaction)


def _mac(
    algorithm: Algorithm, transaction: TransactionKey, length: int, *, from_terminal: bool
) -> tuple[MacMethod, Keyed]:
    """What a terminal generates it also verifies, under another key: usages are seen from its side."""
    derivation = _DERIVATIONS[algorithm]
    method = MacMethod(derivation.mac, length)
    key = derivation.mac_key(transaction, from_terminal)
    return method, mac.authenticator(method.algorithm, method.padding, key)


class _DataCipher(NamedTuple):
    """How data is enciphered: what a terminal sends, and what it is answered."""

    block_bytes: int
    decrypt: Callable[[TransactionKey, bytes], bytes]
    encrypt: Callable[[TransactionKey, bytes], bytes]


def _data_cipher(algorithm: Algorithm, data: bytes) -> _DataCipher:
    cipher = _DERIVATIONS[algorithm].data
    if not data or len(data) % cipher.block_bytes:
        raise DukptRefused(DukptRefusal.DATA)
    return cipher


class _Derivation(NamedTuple):
    """What a kind of DUKPT does with a transaction."""

    serial_number: Callable[[bytes], KeySerialNumber]
    transaction_key: Callable[[InitialKey, KeySerialNumber], TransactionKey]
    cipher: PinCipher
    pin_decryptor: Callable[[TransactionKey], Keyed]
    mac: MacAlgorithm
    mac_key: Callable[[TransactionKey, bool], bytes]
    data: _DataCipher


def _tdes_pin_decryptor(transaction: TransactionKey) -> Keyed:
    return des_decryptor(dukpt_tdes.working_key(transaction, TdesUsage.PIN).key)


def _tdes_mac_key(transaction: TransactionKey, from_terminal: bool) -> bytes:
    usage = TdesUsage.MAC_REQUEST if from_terminal else TdesUsage.MAC_RESPONSE
    return dukpt_tdes.working_key(transaction, usage).key


def _tdes_decrypt(transaction: TransactionKey, data: bytes) -> bytes:
    key = dukpt_tdes.working_key(transaction, TdesUsage.DATA_REQUEST).key
    return des_cbc_decrypt(key, bytes(DES_BLOCK_BYTES), data)


def _tdes_encrypt(transaction: TransactionKey, data: bytes) -> bytes:
    key = dukpt_tdes.working_key(transaction, TdesUsage.DATA_RESPONSE).key
    return des_cbc_encrypt(key, bytes(DES_BLOCK_BYTES), data)


def _aes_decrypt(transaction: TransactionKey, data: bytes) -> bytes:
    """Usages are seen from the terminal's side: this is what it encrypts with."""
    key = _aes_working_key(transaction, AesUsage.DATA_ENCRYPTION)
    return aes_cbc_decrypt(key, bytes(AES_BLOCK_BYTES), data)


def _aes_encrypt(transaction: TransactionKey, data: bytes) -> bytes:
    key = _aes_working_key(transaction, AesUsage.DATA_DECRYPTION)
    return aes_cbc_encrypt(key, bytes(AES_BLOCK_BYTES), data)


def _aes_pin_decryptor(transaction: TransactionKey) -> Keyed:
    return aes_decryptor(_aes_working_key(transaction, AesUsage.PIN))


def _aes_mac_key(transaction: TransactionKey, from_terminal: bool) -> bytes:
    usage = AesUsage.MAC_GENERATION if from_terminal else AesUsage.MAC_VERIFICATION
    return _aes_working_key(transaction, usage)


def _aes_working_key(transaction: TransactionKey, usage: AesUsage) -> bytes:
    """As long as the base derivation key."""
    return dukpt_aes.working_key(transaction, usage, AES_OF_BYTES[len(transaction.key)]).key


_DERIVATIONS: Final[Mapping[Algorithm, _Derivation]] = MappingProxyType(
    {
        Algorithm.TDES: _Derivation(
            tdes_serial_number,
            dukpt_tdes.transaction_key,
            PinCipher.DES,
            _tdes_pin_decryptor,
            MacAlgorithm.X9_19,
            _tdes_mac_key,
            _DataCipher(DES_BLOCK_BYTES, _tdes_decrypt, _tdes_encrypt),
        ),
        Algorithm.AES: _Derivation(
            aes_serial_number,
            dukpt_aes.transaction_key,
            PinCipher.AES,
            _aes_pin_decryptor,
            MacAlgorithm.AES_CMAC,
            _aes_mac_key,
            _DataCipher(AES_BLOCK_BYTES, _aes_decrypt, _aes_encrypt),
        ),
    }
)
