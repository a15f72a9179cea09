"""Recipes for MACs and for chip card cryptograms, which are MACs under derived keys."""

import re
from typing import Final

from hsm_soft import emv
from hsm_soft.mac import MacAlgorithm, Padding, authenticator
from hsm_soft.pos_mac import pos_mac, sm4_pos_mac, whole_pos_mac, xor_of_blocks
from hsm_soft.primitives import DES_BLOCK_BYTES, des_decryptor, des_encryptor, sm4_encryptor
from hsm_soft.vectors.vector import Answer, NotCovered, Recipe, Vector, answers

__all__ = ["RECIPES"]

_SHORTEST_MAC: Final = 8
_MESSAGE_NAMES: Final = ("message", "data", "msg", "input", "plaintext", "text", "mab")
_PADDING: Final = re.compile(r"pad(?:ding)?(?: method)?[ :]*([123])")
_CARD_KEY_NAMES: Final = ("icc_mk", "mk_icc", "udk", "card_key", "icc_master_key", "icc_key")
_ISSUER_KEY_NAMES: Final = (
    "imk",
    "imk_ac",
    "issuer_master_key",
    "iss_mk",
    "mk_ac",
    "mdk",
    "master_key",
    "key",
)
_SESSION_KEY_NAMES: Final = ("session_key", "sk", "sk_ac")
_SEQUENCE_NUMBER_NAMES: Final = ("psn", "pan_sequence_number", "pan_sequence", "sequence_number", "csn")
_DIVERSIFICATION_NAMES: Final = ("r", "diversification", "atc")
_CRYPTOGRAM_NAMES: Final = ("arqc", "cryptogram", "ac")
_CHIP_DATA_NAMES: Final = ("ac_data", "arqc_data", "transaction_data", "cdol_data", *_MESSAGE_NAMES)
_RESPONSE_CODE_NAMES: Final = ("arc", "arpc_rc", "response_code", "authorisation_response_code")
_PROPRIETARY_NAMES: Final = ("prop_auth_data", "proprietary_authentication_data", "proprietary")
_ALGORITHM: Final = (
    (re.compile(r"hmac"), MacAlgorithm.HMAC_SHA256),
    (re.compile(r"aes.*cmac|cmac.*aes"), MacAlgorithm.AES_CMAC),
    (re.compile(r"cmac|alg(?:orithm|\.)? ?5"), MacAlgorithm.TDES_CMAC),
    (re.compile(r"x9\.19|retail|alg(?:orithm|\.)? ?3"), MacAlgorithm.X9_19),
    (re.compile(r"x9\.9|cbc|alg(?:orithm|\.)? ?1"), MacAlgorithm.X9_9),
)


def _mac(vector: Vector) -> Answer:
    algorithm = next((each for pattern, each in _ALGORITHM if pattern.search(vector.words)), None)
    if algorithm is None or ("hmac" in vector.words and "256" not in vector.words):
        raise NotCovered
    key, message = _key(vector), vector.data(*_MESSAGE_NAMES)
    if algorithm is MacAlgorithm.X9_9 and len(key) > DES_BLOCK_BYTES:
        algorithm = MacAlgorithm.TDES_CBC
    mac = authenticator(algorithm, _padding(vector), key)
    return answers({" mac tag": lambda: mac(message)})


def _key(vector: Vector) -> bytes:
    if vector.has("key1", "k1"):
        return vector.data("key1", "k1") + vector.data("key2", "k2")
    return vector.data("key", "mac_key", "tak", "zak", "mak")


def _padding(vector: Vector) -> Padding:
    names = ("padding_method", "padding", "pad")
    if any(name in vector.inputs for name in names):
        return Padding(vector.number(*names))
    found = _PADDING.search(vector.words)
    return Padding(int(found[1])) if found else Padding.METHOD_1


def _pos_mac(vector: Vector) -> Answer:
    data = vector.data(*_MESSAGE_NAMES)
    clear_names = ("tak_clear", "mak_clear", "key", "mak", "tak")
    under_names = ("tak_under_tmk", "mak_under_tmk", "key_under_tmk")
    if vector.has(*clear_names):
        key = vector.data(*clear_names)
    else:
        key = des_decryptor(vector.data("tmk"))(vector.data(*under_names))
    if "sm4" in vector.words:
        return answers(
            {" mac mac_field_ascii": lambda: sm4_pos_mac(sm4_encryptor(key), data).decode("ascii")}
        )
    encrypt, folded = des_encryptor(key), xor_of_blocks(data)
    return answers(
        {
            " mac mac_field_ascii": lambda: pos_mac(encrypt, data).decode("ascii"),
            "xor_of_blocks": lambda: f"{folded:016X}",
            "cipher_hex": lambda: whole_pos_mac(encrypt, folded),
        }
    )


def _chip(vector: Vector) -> Answer:
    chip = _Chip(vector)
    return answers(
        {
            "": chip.furthest,
            " ".join(_CARD_KEY_NAMES): lambda: chip.card().key,
            " ".join(_SESSION_KEY_NAMES): lambda: chip.session().key,
            "arqc cryptogram ac tc aac": chip.cryptogram,
            "arpc": chip.answer,
        }
    )


class _Chip:
    """The steps of a chip card's transaction; each begins at what the vector gives."""

    def __init__(self, vector: Vector) -> None:
        self._vector = vector

    def furthest(self) -> bytes:
        """What is meant where one value is expected: the furthest step that the algorithm's words name."""
        words = self._vector.words
        if "arpc" in words:
            return self.answer()
        if "arqc" in words or "cryptogram" in words:
            return self.cryptogram()
        return self.session().key if "session" in words else self.card().key

    def card(self) -> emv.ChipCardKey:
        vector = self._vector
        if vector.has(*_CARD_KEY_NAMES):
            return emv.ChipCardKey(vector.data(*_CARD_KEY_NAMES))
        option = emv.CardKeyOption.B if re.search(r"option b|method b", vector.words) else emv.CardKeyOption.A
        if "option" in vector.inputs:
            option = emv.CardKeyOption(vector.text("option").upper())
        given = [name for name in _SEQUENCE_NUMBER_NAMES if name in vector.inputs]
        sequence_number = vector.text(*given).zfill(2) if given else "00"
        return emv.card_key(vector.data(*_ISSUER_KEY_NAMES), vector.text("pan"), sequence_number, option)

    def session(self) -> emv.SessionKey:
        vector = self._vector
        if vector.has(*_SESSION_KEY_NAMES):
            return emv.SessionKey(vector.data(*_SESSION_KEY_NAMES))
        if vector.has(*_DIVERSIFICATION_NAMES):
            return emv.session_key(self.card(), vector.data(*_DIVERSIFICATION_NAMES))
        # Without a counter the card works under its own key, as the oldest cryptogram versions do.
        return emv.SessionKey(self.card().key)

    def cryptogram(self) -> bytes:
        vector = self._vector
        if vector.has(*_CRYPTOGRAM_NAMES):
            return vector.data(*_CRYPTOGRAM_NAMES)
        method = vector.number("padding_method") if "padding_method" in vector.inputs else 2
        found = re.search(r"padding method ([123])", vector.words)
        padding = Padding(int(found[1]) if found else method)
        return emv.arqc(self.session(), vector.data(*_CHIP_DATA_NAMES), padding)

    def answer(self) -> bytes:
        vector = self._vector
        if vector.has("csu"):
            proprietary = vector.data(*_PROPRIETARY_NAMES) if vector.has(*_PROPRIETARY_NAMES) else b""
            return emv.arpc_method_2(self.session(), self.cryptogram(), vector.data("csu"), proprietary)
        code = vector.text(*_RESPONSE_CODE_NAMES)  # two characters, or their hexadecimal form
        code_bytes = code.encode("ascii") if len(code) == 2 else vector.data(*_RESPONSE_CODE_NAMES)
        return emv.arpc_method_1(self.session(), self.cryptogram(), code_bytes)


RECIPES: Final = (
    Recipe(re.compile(r"\barqc\b|\barpc\b|\bemv\b|application cryptogram|icc master"), _chip),
    Recipe(re.compile(r"unionpay|\bpos\b.*mac|ecb.{0,2} mac"), _pos_mac),
    Recipe(re.compile(r"mac|9797"), _mac, _SHORTEST_MAC),
)
