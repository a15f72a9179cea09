"""Known answers, asked before the HSM serves anyone.

A library that was built or patched wrongly would seal balances nobody can open again and refuse every
terminal. Each check computes a published answer with the functions the HSM itself uses; the first wrong one
stops the start. The keys in here are published test values and protect nothing.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from hsm_soft.key_block import KeyBlockProtection
from hsm_soft.pin import PinResult, make_reference, verify_pin_block
from hsm_soft.pin_block import PinBlockFormat
from hsm_soft.pos_mac import pos_mac
from hsm_soft.primitives import AESGCMSIV, aes_cmac, des_decryptor, des_encryptor, hmac_sha256

__all__ = ["SelfTestFailed", "run_self_test"]


class SelfTestFailed(Exception):
    """An algorithm does not give its known answer: `cryptography` as installed is not to be trusted."""

    def __init__(self, algorithm: str) -> None:
        super().__init__(f"self test failed: {algorithm}")
        self.algorithm = algorithm


def run_self_test() -> None:
    """Returns only if every algorithm gives its known answer.

    Raises:
        SelfTestFailed: the name of the first one that doesn't.
    """
    for algorithm, known_answer_holds in _KNOWN_ANSWERS.items():
        if not known_answer_holds():
            raise SelfTestFailed(algorithm)


def _triple_des_holds() -> bool:
    """The widely published check value of a double-length test key."""
    encrypt = des_encryptor(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"))
    return encrypt(bytes(8))[:3] == bytes.fromhex("08D7B4")


def _aes_cmac_holds() -> bool:
    """NIST SP 800-38B, appendix D.3, example of 40 bytes."""
    key = "603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4"
    data = "6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E5130C81C46A35CE411"
    return aes_cmac(bytes.fromhex(key))(bytes.fromhex(data)).hex() == "aaf3d8f1de5640c232f5b169b9c911e6"


def _hmac_sha256_holds() -> bool:
    """RFC 4231, test case 2."""
    digest = hmac_sha256(b"Jefe")(b"what do ya want for nothing?")
    return digest.hex() == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def _aes_gcm_siv_holds() -> bool:
    """RFC 8452, appendix C.2, one byte of additional data."""
    aead = AESGCMSIV(b"\1" + bytes(31))
    nonce, binding = b"\3" + bytes(11), b"\1"
    data, sealed = b"\2" + bytes(7), bytes.fromhex("1DE22967237A813291213F267E3B452F02D01AE33E4EC854")
    return aead.encrypt(nonce, data, binding) == sealed and aead.decrypt(nonce, sealed, binding) == data


def _key_block_holds() -> bool:
    """ASC X9 TR 31-2018, appendix A.7.4."""
    key = "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6"
    block = (
        "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D2"
        "07E2E417C07156A27E8E31DA05F7425509593D03A457DC34"
    )
    return KeyBlockProtection(bytes.fromhex(key)).open(block)[1].hex() == "3f419e1cb7079442aa37474c2efbf8b8"


def _pos_mac_holds() -> bool:
    """A published worked example, its message folded to its XOR."""
    encrypt = des_encryptor(bytes.fromhex("C24A8FB57AA20123"))
    return pos_mac(encrypt, bytes.fromhex("4D08F434464FE7BF")) == b"8A9E91B8"


def _pin_block_holds() -> bool:
    """ANSI X9.24-1:2009, A.4: PIN 1234, card number 4012345678909."""
    key, authenticate = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"), aes_cmac(bytes(32))
    block = des_encryptor(key)(bytes.fromhex("041274EDCBA9876F"))
    reference = make_reference(authenticate, "1234", 1, bytes)
    result = verify_pin_block(
        PinBlockFormat.ISO_0, des_decryptor(key), authenticate, block, "4012345678909", 1, reference
    )
    return result is PinResult.MATCH


_KNOWN_ANSWERS: Final[Mapping[str, Callable[[], bool]]] = MappingProxyType(
    {
        "triple DES": _triple_des_holds,
        "AES-CMAC": _aes_cmac_holds,
        "HMAC-SHA256": _hmac_sha256_holds,
        "AES-256-GCM-SIV": _aes_gcm_siv_holds,
        "key block": _key_block_holds,
        "POS MAC": _pos_mac_holds,
        "PIN block": _pin_block_holds,
    }
)
