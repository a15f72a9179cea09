"""Key blocks opened for what they are about to do, and kept open as contexts.

Each method is one thing a key may be used for: it says usage and action, and a block that was made for
another is refused. What comes back computes, and but for keys that only derive it is a cipher context.
Opening costs ten times the use, so what was opened is kept, and the least recently used is forgotten first.
The limits bound memory at some 1.5 kB a key: terminals are many, partners and issuers few.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Final, NamedTuple

from hsm_soft import dukpt_aes, dukpt_tdes
from hsm_soft.card_values import CardValueKey
from hsm_soft.dukpt import InitialKey
from hsm_soft.key_block import KeyBlock, KeyBlockProtection, KeyUsage, algorithm_in, check_use
from hsm_soft.key_refused import KeyBlockRefused, Refusal
from hsm_soft.key_usage import Action, Algorithm
from hsm_soft.mac import MacAlgorithm, MacMethod, authenticator
from hsm_soft.pin_block import PinBlockFormat, PinCipher, PinReader, pin_reader
from hsm_soft.pin_verification_value import DecimalisationTable
from hsm_soft.pos_mac import pos_mac_under, sm4_pos_mac
from hsm_soft.primitives import (
    Keyed,
    aes_decryptor,
    aes_encryptor,
    des_decryptor,
    des_encryptor,
    hmac_sha256,
    sm4_decryptor,
    sm4_encryptor,
)
from hsm_soft.qr_token import CardCodes, PaymentCodes

__all__ = ["OpenKeys", "PinKey"]

_TERMINAL_KEYS_MAX: Final = 20_000
_PARTNER_KEYS_MAX: Final = 1_000

_PIN_CIPHERS: Final[Mapping[Algorithm, PinCipher]] = MappingProxyType(
    {
        Algorithm.DES: PinCipher.DES,
        Algorithm.TDES: PinCipher.DES,
        Algorithm.AES: PinCipher.AES,
        Algorithm.SM4: PinCipher.SM4,
    }
)
_ENCRYPTORS: Final[Mapping[PinCipher, Callable[[bytes], Keyed]]] = MappingProxyType(
    {PinCipher.DES: des_encryptor, PinCipher.AES: aes_encryptor, PinCipher.SM4: sm4_encryptor}
)
_DECRYPTORS: Final[Mapping[PinCipher, Callable[[bytes], Keyed]]] = MappingProxyType(
    {PinCipher.DES: des_decryptor, PinCipher.AES: aes_decryptor, PinCipher.SM4: sm4_decryptor}
)
_MAC_USAGES: Final[Mapping[MacAlgorithm, KeyUsage]] = MappingProxyType(
    {
        MacAlgorithm.X9_9: KeyUsage.CBC_MAC,
        MacAlgorithm.X9_19: KeyUsage.RETAIL_MAC,
        MacAlgorithm.TDES_CBC: KeyUsage.TDES_CBC_MAC,
        MacAlgorithm.TDES_CMAC: KeyUsage.CMAC,
        MacAlgorithm.AES_CMAC: KeyUsage.CMAC,
        MacAlgorithm.HMAC_SHA256: KeyUsage.HMAC,
    }
)
_CMAC_ALGORITHMS: Final = {MacAlgorithm.TDES_CMAC: Algorithm.TDES, MacAlgorithm.AES_CMAC: Algorithm.AES}


_USUAL_FORMATS: Final[Mapping[PinCipher, PinBlockFormat]] = MappingProxyType(
    {
        PinCipher.DES: PinBlockFormat.ISO_0,
        PinCipher.AES: PinBlockFormat.ISO_4,
        PinCipher.SM4: PinBlockFormat.SM4,
    }
)


class PinKey(NamedTuple):
    """A PIN key in one direction."""

    cipher: PinCipher
    run: Keyed


class OpenKeys:
    """The contexts of one HSM.

    Args:
        protection: what key blocks are under.
        sm4_pos_mac: compute the unverified POS MAC of SM4 keys, which are refused otherwise.
    """

    def __init__(self, protection: KeyBlockProtection, *, sm4_pos_mac: bool) -> None:
        self._protection = protection
        self.computes_sm4_pos_mac = sm4_pos_mac
        self.pin_decryptor = lru_cache(_TERMINAL_KEYS_MAX)(self._pin_decryptor)
        self.pin_reader = lru_cache(_TERMINAL_KEYS_MAX)(self._pin_reader)
        self.pos_mac = lru_cache(_TERMINAL_KEYS_MAX)(self._pos_mac)
        self.pin_encryptor = lru_cache(_PARTNER_KEYS_MAX)(self._pin_encryptor)
        self.mac = lru_cache(_PARTNER_KEYS_MAX)(self._mac)
        self.ibm_3624 = lru_cache(_PARTNER_KEYS_MAX)(partial(self._encryptor, KeyUsage.PIN_IBM_3624))
        self.visa_pvv = lru_cache(_PARTNER_KEYS_MAX)(partial(self._encryptor, KeyUsage.PIN_VISA))
        self.card_value = lru_cache(_PARTNER_KEYS_MAX)(self._card_value)
        self.base_key = lru_cache(_PARTNER_KEYS_MAX)(self._base_key)
        self.initial_key = lru_cache(_TERMINAL_KEYS_MAX)(self._initial_key)
        self.card_codes = lru_cache(_PARTNER_KEYS_MAX)(self._card_codes)
        self.payment_codes = lru_cache(_PARTNER_KEYS_MAX)(self._payment_codes)

    def __repr__(self) -> str:
        terminals = self.pos_mac.cache_info().currsize, self.pin_decryptor.cache_info().currsize
        return f"<OpenKeys, {terminals[0]} MAC keys, {terminals[1]} PIN keys>"

    def opened(self, block: KeyBlock, usage: KeyUsage, action: Action) -> tuple[Algorithm, bytes]:
        """Algorithm and clear key of a block; for what is used once and not kept.

        Raises:
            KeyBlockRefused: broken, or made for another use.
        """
        header, key = self._protection.open(block)
        check_use(header, len(key), usage, action)
        return algorithm_in(header), key

    def chip_master(self, block: KeyBlock) -> bytes:
        """An issuer's master key for application cryptograms, double length."""
        algorithm, key = self.opened(block, KeyUsage.EMV_CRYPTOGRAM, Action.DERIVE)
        if algorithm is not Algorithm.TDES:
            raise KeyBlockRefused(Refusal.ALGORITHM)
        return key

    def recharge(self, block: KeyBlock, action: Action) -> Keyed:
        """HMAC-SHA256 of recharge secrets."""
        return hmac_sha256(self.opened(block, KeyUsage.RECHARGE_SECRET, action)[1])

    def table(self, block: KeyBlock) -> DecimalisationTable:
        """A stored decimalisation table, checked again."""
        digits = self.opened(block, KeyUsage.DECIMALISATION_TABLE, Action.VERIFY)[1].hex()
        return DecimalisationTable(digits)

    def _pin_decryptor(self, block: KeyBlock) -> PinKey:
        algorithm, key = self.opened(block, KeyUsage.PIN_ENCRYPTION, Action.DECRYPT)
        cipher = _PIN_CIPHERS[algorithm]
        return PinKey(cipher, _DECRYPTORS[cipher](key))

    def _pin_encryptor(self, block: KeyBlock) -> PinKey:
        algorithm, key = self.opened(block, KeyUsage.PIN_ENCRYPTION, Action.ENCRYPT)
        cipher = _PIN_CIPHERS[algorithm]
        return PinKey(cipher, _ENCRYPTORS[cipher](key))

    def _pin_reader(self, block: KeyBlock, pin_format: PinBlockFormat | None = None) -> PinReader:
        """Reads PIN blocks of a format, or of the one that is usual under a key of this cipher."""
        cipher, decrypt = self.pin_decryptor(block)
        wanted = pin_format or _USUAL_FORMATS[cipher]
        if cipher is not wanted.cipher:
            raise KeyBlockRefused(Refusal.ALGORITHM)
        return pin_reader(wanted, decrypt)

    def _pos_mac(self, block: KeyBlock) -> Keyed:
        """Field 64 as a function of the message. The key of a terminal makes and checks."""
        header, key = self._protection.open(block)
        check_use(header, len(key), KeyUsage.POS_MAC, None)
        if algorithm_in(header) is not Algorithm.SM4:
            return pos_mac_under(des_encryptor(key))
        if not self.computes_sm4_pos_mac:
            raise KeyBlockRefused(Refusal.ALGORITHM)
        return partial(sm4_pos_mac, sm4_encryptor(key))

    def _mac(self, block: KeyBlock, method: MacMethod, action: Action) -> Keyed:
        algorithm, key = self.opened(block, _MAC_USAGES[method.algorithm], action)
        if algorithm is not _CMAC_ALGORITHMS.get(method.algorithm, algorithm):
            raise KeyBlockRefused(Refusal.ALGORITHM)
        return authenticator(method.algorithm, method.padding, key)

    def _encryptor(self, usage: KeyUsage, block: KeyBlock, action: Action) -> Keyed:
        return des_encryptor(self.opened(block, usage, action)[1])

    def _card_value(self, block: KeyBlock, action: Action) -> CardValueKey:
        return CardValueKey(self.opened(block, KeyUsage.CARD_VERIFICATION, action)[1])

    def _base_key(self, block: KeyBlock) -> tuple[Algorithm, bytes]:
        return self.opened(block, KeyUsage.BASE_DERIVATION, Action.DERIVE)

    def _initial_key(self, base_key: KeyBlock, device: bytes) -> InitialKey:
        """The initial key of a DUKPT device, which saves a derivation at each of its transactions."""
        algorithm, key = self.base_key(base_key)
        derive = dukpt_tdes.initial_key if algorithm is Algorithm.TDES else dukpt_aes.initial_key
        return derive(key, device)

    def _card_codes(self, block: KeyBlock, action: Action) -> CardCodes:
        return CardCodes(self.opened(block, KeyUsage.CARD_CODE, action)[1])

    def _payment_codes(self, block: KeyBlock, action: Action) -> PaymentCodes:
        return PaymentCodes(self.opened(block, KeyUsage.PAYMENT_CODE, action)[1])
