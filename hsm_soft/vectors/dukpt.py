"""Recipes for DUKPT: initial, transaction and working keys, and what terminals do with them."""

import re
from collections.abc import Callable
from functools import cache
from typing import Final

from hsm_soft import dukpt_aes, dukpt_tdes
from hsm_soft.dukpt import (
    InitialKey,
    KeySerialNumber,
    TransactionKey,
    aes_serial_number,
    tdes_device,
    tdes_serial_number,
)
from hsm_soft.dukpt_aes import AesUsage, WorkingAlgorithm
from hsm_soft.dukpt_tdes import TdesUsage
from hsm_soft.mac import MacAlgorithm, Padding, authenticator, padded
from hsm_soft.pin_block import PinBlockFormat, write_pin
from hsm_soft.primitives import des_cbc_encryptor, des_encryptor
from hsm_soft.vectors.pins import enciphered_format_4
from hsm_soft.vectors.vector import Answer, NotCovered, Recipe, Vector, answers, hex_text

__all__ = ["RECIPES"]

_SHORTEST_MAC: Final = 8
_INITIAL_NAMES: Final = ("initial_key", "ik", "ipek")
_ABOUT_INITIAL: Final = re.compile(r"initial|ipek|\bik\b")

_USAGES: Final = {
    "key_encryption": AesUsage.KEY_ENCRYPTION,
    "pin": AesUsage.PIN,
    "pin_encryption": AesUsage.PIN,
    "mac_generation": AesUsage.MAC_GENERATION,
    "mac_verification": AesUsage.MAC_VERIFICATION,
    "mac": AesUsage.MAC_BOTH_WAYS,
    "mac_both": AesUsage.MAC_BOTH_WAYS,
    "data_encrypt": AesUsage.DATA_ENCRYPTION,
    "data_encryption": AesUsage.DATA_ENCRYPTION,
    "data_decrypt": AesUsage.DATA_DECRYPTION,
    "data_decryption": AesUsage.DATA_DECRYPTION,
    "data": AesUsage.DATA_BOTH_WAYS,
    "data_both": AesUsage.DATA_BOTH_WAYS,
}
_ALGORITHMS: Final = {
    "aes128": WorkingAlgorithm.AES_128,
    "aes192": WorkingAlgorithm.AES_192,
    "aes256": WorkingAlgorithm.AES_256,
    "tdea2": WorkingAlgorithm.TDES_2_KEY,
    "tdea3": WorkingAlgorithm.TDES_3_KEY,
    "tdes2": WorkingAlgorithm.TDES_2_KEY,
    "tdes3": WorkingAlgorithm.TDES_3_KEY,
    "2tdea": WorkingAlgorithm.TDES_2_KEY,
    "3tdea": WorkingAlgorithm.TDES_3_KEY,
    "hmac128": WorkingAlgorithm.HMAC_128,
    "hmac192": WorkingAlgorithm.HMAC_192,
    "hmac256": WorkingAlgorithm.HMAC_256,
}
_AES_OF_BYTES: Final = {16: "aes128", 24: "aes192", 32: "aes256"}
_WORKING_KEY: Final = re.compile(r"([a-z_]+?)_key(?:_([a-z0-9]+))?")
_PIN_BLOCK: Final = re.compile(r"(?:encrypted_)?pin_block(?:_fmt4)?(?:_(aes\d+))?")


def _tdes(vector: Vector) -> Answer:
    ksn = vector.data("ksn")

    @cache
    def initial() -> InitialKey:
        if vector.has(*_INITIAL_NAMES):
            return InitialKey(vector.data(*_INITIAL_NAMES))
        return dukpt_tdes.initial_key(vector.data("bdk"), tdes_device(ksn))

    @cache
    def transaction() -> TransactionKey:
        return dukpt_tdes.transaction_key(initial(), tdes_serial_number(ksn))

    def working(usage: TdesUsage) -> bytes:
        return dukpt_tdes.working_key(transaction(), usage).key

    return answers(_tdes_values(vector, initial, transaction, working))


def _tdes_values(
    vector: Vector,
    initial: Callable[[], InitialKey],
    transaction: Callable[[], TransactionKey],
    working: Callable[[TdesUsage], bytes],
) -> dict[str, Callable[[], bytes | str]]:
    def message() -> bytes:
        return vector.data("txn_data", "message", "data")

    def mac(usage: TdesUsage) -> bytes:
        return authenticator(MacAlgorithm.X9_19, Padding.METHOD_1, working(usage))(message())

    def enciphered(usage: TdesUsage) -> bytes:
        return des_cbc_encryptor(working(usage))(padded(Padding.METHOD_1, message()))

    def pin_block() -> bytes:
        return des_encryptor(working(TdesUsage.PIN))(_clear_block(vector))

    def only() -> bytes:
        return initial().key if _ABOUT_INITIAL.search(vector.words) else transaction().key

    return {
        "": only,
        "initial_key ik ipek": lambda: initial().key,
        "transaction_key derived_key derivation_key session_key": lambda: transaction().key,
        "pin_key": lambda: working(TdesUsage.PIN),
        "mac_key mac_request_key": lambda: working(TdesUsage.MAC_REQUEST),
        "mac_response_key": lambda: working(TdesUsage.MAC_RESPONSE),
        "data_key data_request_key": lambda: working(TdesUsage.DATA_REQUEST),
        "data_response_key": lambda: working(TdesUsage.DATA_RESPONSE),
        "encrypted_pin_block pin_block": pin_block,
        "mac mac_request": lambda: mac(TdesUsage.MAC_REQUEST),
        "mac_response": lambda: mac(TdesUsage.MAC_RESPONSE),
        "encrypted_txn_request encrypted_request": lambda: enciphered(TdesUsage.DATA_REQUEST),
        "encrypted_txn_response encrypted_response": lambda: enciphered(TdesUsage.DATA_RESPONSE),
    }


def _clear_block(vector: Vector) -> bytes:
    if vector.has("clear_pin_block"):
        return vector.data("clear_pin_block")
    digits = vector.text("pin")
    return write_pin(PinBlockFormat.ISO_0, bytes, digits, vector.text("pan"), bytes)


def _aes(vector: Vector) -> Answer:
    device = vector.data("ksn", "initial_key_id", "ikid")[:8]
    if vector.has(*_INITIAL_NAMES):
        initial = InitialKey(vector.data(*_INITIAL_NAMES))
    else:
        initial = dukpt_aes.initial_key(vector.data("bdk"), device)

    @cache
    def transaction() -> TransactionKey:
        return dukpt_aes.transaction_key(initial, _aes_serial(vector))

    def answer(name: str) -> str:
        if name in _INITIAL_NAMES or (not name and _ABOUT_INITIAL.search(vector.words)):
            return hex_text(initial.key)
        if name in {"update_key", "key_update_key"} or (not name and "update" in vector.words):
            return hex_text(dukpt_aes.update_key(initial, device).key)
        if name in {"", "derivation_key", "transaction_key", "intermediate_derivation_key"}:
            return hex_text(transaction().key)
        return hex_text(_aes_value(vector, transaction(), name))

    return answer


def _aes_serial(vector: Vector) -> KeySerialNumber:
    if vector.has("ksn"):
        return aes_serial_number(vector.data("ksn"))
    return aes_serial_number(
        vector.data("initial_key_id", "ikid") + vector.data("transaction_counter", "counter")
    )


def _aes_value(vector: Vector, transaction: TransactionKey, name: str) -> bytes:
    own = _AES_OF_BYTES[len(transaction.key)]
    if found := _PIN_BLOCK.fullmatch(name):
        key = _aes_working_key(transaction, "pin", found[1] or own)
        if vector.has("clear_pin_field"):
            return enciphered_format_4(key, vector.data("clear_pin_field"), vector.text("pan"))
    elif found := _WORKING_KEY.fullmatch(name):
        return _aes_working_key(transaction, found[1], found[2] or own)
    raise NotCovered


def _aes_working_key(transaction: TransactionKey, usage: str, algorithm: str) -> bytes:
    if usage not in _USAGES or algorithm not in _ALGORITHMS:
        raise NotCovered
    return dukpt_aes.working_key(transaction, _USAGES[usage], _ALGORITHMS[algorithm]).key


RECIPES: Final = (
    Recipe(re.compile(r"aes.*dukpt|dukpt.*aes"), _aes),
    Recipe(re.compile(r"^(?!.*\baes\b).*dukpt"), _tdes, _SHORTEST_MAC),
)
