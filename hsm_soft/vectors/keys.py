"""Recipes for key blocks, check values, key transport, ciphers and hashes."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from hsm_soft.audit.merkle import leaf_hash, root_hash
from hsm_soft.key_block_versions import derive_keys, open_key_block
from hsm_soft.primitives import (
    AES_BLOCK_BYTES,
    AESGCM,
    AESGCMSIV,
    DES_BLOCK_BYTES,
    aes_cbc_encrypt,
    aes_cmac,
    aes_ctr,
    aes_encryptor,
    aes_key_wrap,
    des_cbc_encrypt,
    des_cmac,
    des_decryptor,
    des_encryptor,
    hmac_sha256,
    sm3,
    sm4_cbc_encrypt,
    sm4_ctr,
    sm4_decryptor,
    sm4_encryptor,
    sm4_gcm_seal,
)
from hsm_soft.variant_lmk import key_under_lmk, open_variant_key
from hsm_soft.vectors.vector import Answer, BadInput, NotCovered, Recipe, Vector, answers

__all__ = ["RECIPES"]

_SHORTEST_CHECK_VALUE: Final = 4
_TAG_BYTES: Final = 16
_KEY_NAMES: Final = ("key", "clear_key")

# Words of an algorithm → what the check value is cut from; the first that fits.
_CHECK_VALUES: Final[tuple[tuple[re.Pattern[str], Callable[[bytes], bytes]], ...]] = (
    (re.compile(r"sm4"), lambda key: sm4_encryptor(key)(bytes(AES_BLOCK_BYTES))),
    (re.compile(r"hmac"), lambda key: hmac_sha256(key)(b"")),
    (re.compile(r"aes.*cmac|cmac.*aes"), lambda key: aes_cmac(key)(bytes(AES_BLOCK_BYTES))),
    (re.compile(r"aes"), lambda key: aes_encryptor(key)(bytes(AES_BLOCK_BYTES))),
    (re.compile(r"cmac"), lambda key: des_cmac(key)(bytes(DES_BLOCK_BYTES))),
    (re.compile(r"des|kcv|check value"), lambda key: des_encryptor(key)(bytes(DES_BLOCK_BYTES))),
)
_VERSION: Final = re.compile(r"\bv(?:ersion)?\.? ?([a-e])\b")
_CIPHER: Final = re.compile(
    r"\b(aes|sm4|tdes|3des|tdea|des)(?:[-_ ]?\d{3})?[-_ ]?(ecb|cbc|ctr|gcm[-_ ]?siv|gcm)\b(?![-_ ]?mac)"
)

_Encrypt = Callable[[bytes, bytes, bytes, bytes], bytes]
# Cipher and mode → ciphertext of key, vector, data and additional data.
_CIPHERS: Final[Mapping[tuple[str, str], _Encrypt]] = MappingProxyType(
    {
        ("des", "ecb"): lambda key, _iv, data, _aad: des_encryptor(key)(data),
        ("des", "cbc"): lambda key, iv, data, _aad: des_cbc_encrypt(key, iv, data),
        ("aes", "ecb"): lambda key, _iv, data, _aad: aes_encryptor(key)(data),
        ("aes", "cbc"): lambda key, iv, data, _aad: aes_cbc_encrypt(key, iv, data),
        ("aes", "ctr"): lambda key, iv, data, _aad: aes_ctr(key, iv, data),
        ("aes", "gcm"): lambda key, iv, data, aad: AESGCM(key).encrypt(iv, data, aad),
        ("aes", "gcmsiv"): lambda key, iv, data, aad: AESGCMSIV(key).encrypt(iv, data, aad),
        ("sm4", "ecb"): lambda key, _iv, data, _aad: sm4_encryptor(key)(data),
        ("sm4", "cbc"): lambda key, iv, data, _aad: sm4_cbc_encrypt(key, iv, data),
        ("sm4", "ctr"): lambda key, iv, data, _aad: sm4_ctr(key, iv, data),
        ("sm4", "gcm"): sm4_gcm_seal,
    }
)


def _key_block(vector: Vector) -> Answer:
    if not vector.has("key_block", "block"):
        return _derived(vector)
    header, key = open_key_block(vector.data("kbpk", "kek"), vector.text("key_block", "block"))
    check = _check_value_function("aes" if header.algorithm == "A" else "des")
    # An AES key's check value is shown by either method: CMAC of zeros, or zeros encrypted.
    if header.algorithm == "A" and not _expects(vector, "kcv", check(key)):
        check = _check_value_function("aes cmac")
    return answers({" key": lambda: key, "kcv": lambda: check(key)[:5]})


def _expects(vector: Vector, name: str, value: bytes) -> bool:
    expected = vector.expected.get(name) if isinstance(vector.expected, Mapping) else None
    return isinstance(expected, str) and value.hex().upper().startswith(expected.upper())


def _derived(vector: Vector) -> Answer:
    found = _VERSION.search(vector.words)
    if found is None:
        raise NotCovered
    keys = derive_keys(found[1].upper(), vector.data("kbpk", "kek"))
    return answers({"kbek": lambda: keys.encryption, "kbak": lambda: keys.authentication})


def _check_value_function(words: str) -> Callable[[bytes], bytes]:
    return next(compute for pattern, compute in _CHECK_VALUES if pattern.search(words))


def _check_value(vector: Vector) -> Answer:
    compute, key = _check_value_function(vector.words), vector.data(*_KEY_NAMES)
    return answers({" kcv check_value": lambda: compute(key)})


def _key_download(vector: Vector) -> Answer:
    """A terminal's working key under its master key, in either direction."""
    sm4 = "sm4" in vector.words
    master, under = vector.data("tmk", "key_encryption_key"), ("key_under_tmk", "encrypted_key")
    encryptor, decryptor = (sm4_encryptor, sm4_decryptor) if sm4 else (des_encryptor, des_decryptor)
    clear = decryptor(master)(vector.data(*under)) if vector.has(*under) else vector.data(*_KEY_NAMES)
    check = _check_value_function("sm4" if sm4 else "des")
    return answers(
        {
            " kcv check_value": lambda: check(clear),
            "key clear_key": lambda: clear,
            "key_under_tmk encrypted_key": lambda: encryptor(master)(clear),
        }
    )


def _variant_lmk(vector: Vector) -> Answer:
    pair, variant = vector.data("lmk_pair", "lmk"), vector.number("variant")
    check = _check_value_function("des")
    if vector.has("key_under_lmk"):
        clear = open_variant_key(pair, variant, vector.text("key_under_lmk"))
        return answers({" clear_key key": lambda: clear, "kcv": lambda: check(clear)})
    clear = vector.data("clear_key", "key")
    found = re.search(r"scheme ([ztux])\b", vector.words)
    scheme = found[1].upper() if found else {8: "Z", 16: "U", 24: "T"}.get(len(clear), "")
    under = key_under_lmk(pair, variant, scheme, clear)
    return answers({" key_under_lmk": lambda: under, "kcv check_value": lambda: check(clear)})


def _cipher(vector: Vector) -> Answer:
    found = _CIPHER.search(vector.words)
    name = "des" if found is None or "d" in found[1] else found[1]
    encrypt = _CIPHERS.get((name, re.sub(r"[-_ ]", "", found[2]))) if found else None
    if encrypt is None:
        raise NotCovered
    key = vector.data("key")
    vector_bytes = vector.data("iv", "nonce", "counter") if vector.has("iv", "nonce", "counter") else b""
    additional = vector.data("aad") if vector.has("aad") else b""

    def run(data: bytes) -> bytes:
        return encrypt(key, vector_bytes, data, additional)

    if not vector.has("plaintext", "data", "message"):
        return _decrypted(vector, run)
    sealed = run(vector.data("plaintext", "data", "message"))
    body = sealed[:-_TAG_BYTES] if "gcm" in vector.words else sealed
    return answers({"": lambda: sealed, "ciphertext": lambda: body, "tag": lambda: sealed[len(body) :]})


def _decrypted(vector: Vector, run: Callable[[bytes], bytes]) -> Answer:
    """Ciphers are one to one: what encrypts to the given ciphertext is what it decrypts to."""
    given = vector.data("ciphertext") + (vector.data("tag") if vector.has("tag") else b"")
    expected = vector.expected
    if isinstance(expected, Mapping):
        expected = expected.get("plaintext")
    if not isinstance(expected, str):
        raise NotCovered
    return answers({" plaintext": lambda: expected if run(bytes.fromhex(expected)) == given else ""})


def _key_wrap(vector: Vector) -> Answer:
    wrapped = aes_key_wrap(vector.data("kek"), vector.data("key", "plaintext"))
    return answers({" wrapped wrapped_key ciphertext": lambda: wrapped})


def _sm3(vector: Vector) -> Answer:
    message = vector.data("message", "data", "msg")
    return answers({" digest hash": lambda: sm3(message)})


def _tree_head(vector: Vector) -> Answer:
    leaves = vector.inputs.get("leaves_hex")
    if not isinstance(leaves, list):
        raise NotCovered
    if not all(isinstance(leaf, str) for leaf in leaves):
        raise BadInput("leaves_hex")
    root = root_hash(leaf_hash(bytes.fromhex(leaf)) for leaf in leaves)
    return answers({" root root_hash": lambda: root})


RECIPES: Final = (
    Recipe(re.compile(r"\blmk\b"), _variant_lmk, _SHORTEST_CHECK_VALUE),
    Recipe(re.compile(r"\btmk\b|key download|working key"), _key_download, _SHORTEST_CHECK_VALUE),
    Recipe(re.compile(r"\bkcv\b|check (?:value|digits)"), _check_value, _SHORTEST_CHECK_VALUE),
    Recipe(re.compile(r"tr-?31|x9\.143|key ?block|20038"), _key_block, _SHORTEST_CHECK_VALUE),
    Recipe(re.compile(r"6962|merkle"), _tree_head),
    Recipe(re.compile(r"key wrap|3394|\bkw\b"), _key_wrap),
    Recipe(re.compile(r"\bsm3\b"), _sm3),
    Recipe(_CIPHER, _cipher),
)
