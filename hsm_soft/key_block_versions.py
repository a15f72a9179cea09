"""How the versions of a key block protect their key: derive, encrypt, authenticate.

Sources: X9.143:2021, TR-31:2018, and ISO 20038:2017 for version E.

    version  the two keys                     encryption, its vector     authenticator
    A, C     protection key XOR 45…, 4D…      TDES-CBC, the header       CBC-MAC of header and ciphertext
    B        TDES-CMAC, counter and purpose   TDES-CBC, authenticator    TDES-CMAC of header and payload
    D        AES-CMAC, counter and purpose    AES-CBC, authenticator     AES-CMAC of header and payload
    E        as D, a purpose of its own       AES-CTR, authenticator     as D

A and C are the same but for what their headers may say. Their MAC has 32 bits and their derivation is an
XOR, so they are for partners who have nothing better. The payload is the length of the key in bits, the key,
and random filler; how much filler is the sender's choice and is accepted as it comes.

The functions take any protection key of the right length, weaker ones than an installation would store, since
test vectors come under such keys. Whether a key may wrap another is decided where keys are imported.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, NewType

from hsm_soft.key_header import BLOCK_BYTES, KeyBlockHeader, header_text, parse_header
from hsm_soft.key_refused import KeyBlockRefused, Refusal
from hsm_soft.primitives import (
    Keyed,
    Random,
    aes_cbc_decrypt,
    aes_cbc_encrypt,
    aes_cmac,
    aes_ctr,
    compare_digest,
    des_cbc_decrypt,
    des_cbc_encrypt,
    des_cbc_encryptor,
    des_cmac,
    xor,
)

__all__ = ["DerivedKeys", "KeyBlock", "KeyBlockCipher", "derive_keys", "open_key_block"]

KeyBlock = NewType("KeyBlock", str)

_HEX: Final = re.compile(r"(?:[0-9A-F]{2})*")
_LENGTH_BYTES: Final = 2
_HEADER_VECTOR_BYTES: Final = 8


class DerivedKeys(NamedTuple):
    """The two keys a protection key stands for (TR-31: KBEK and KBAK)."""

    encryption: bytes
    authentication: bytes


def _cbc_mac(key: bytes) -> Keyed:
    """The last block of a CBC chain (ISO/IEC 9797-1 algorithm 1 over triple DES)."""
    encrypt = des_cbc_encryptor(key)
    return lambda data: encrypt(data)[-8:]


def _derive_variants(protection_key: bytes) -> DerivedKeys:
    length = len(protection_key)
    return DerivedKeys(xor(protection_key, b"\x45" * length), xor(protection_key, b"\x4d" * length))


def _derive_with_des(protection_key: bytes) -> DerivedKeys:
    """Algorithm indicators 0 and 1: triple DES with two and three keys."""
    indicator = {16: 0, 24: 1}[len(protection_key)]
    expand = _expander(des_cmac(protection_key), indicator, len(protection_key), step=8)
    return DerivedKeys(expand(0), expand(1))


def _derive_with_aes(protection_key: bytes) -> DerivedKeys:
    """Algorithm indicators 2, 3 and 4: AES-128, AES-192 and AES-256."""
    expand = _aes_expander(protection_key)
    return DerivedKeys(expand(0), expand(1))


def _derive_for_counter(protection_key: bytes) -> DerivedKeys:
    """As for CBC, but the encryption key has a purpose of its own: 2."""
    expand = _aes_expander(protection_key)
    return DerivedKeys(expand(2), expand(1))


def _aes_expander(protection_key: bytes) -> Callable[[int], bytes]:
    indicator = {16: 2, 24: 3, 32: 4}[len(protection_key)]
    return _expander(aes_cmac(protection_key), indicator, len(protection_key), step=16)


def _expander(authenticate: Keyed, indicator: int, length: int, *, step: int) -> Callable[[int], bytes]:
    """Purpose → key: CMACs over counter, purpose, separator, algorithm and length in bits, joined."""
    tail = bytes((0, 0, indicator)) + (length * 8).to_bytes(2, "big")

    def expand(purpose: int) -> bytes:
        counters = range(1, -(-length // step) + 1)
        parts = [authenticate(bytes((counter, 0, purpose)) + tail) for counter in counters]
        return b"".join(parts)[:length]

    return expand


class _Scheme(NamedTuple):
    """What a version does with a protection key.

    `encrypt` and `decrypt` take key, vector and data. `authenticator_first`: the MAC is made over the clear
    payload and serves as the vector; otherwise over the ciphertext, and the header's start is the vector.
    """

    key_lengths: tuple[int, ...]
    derive: Callable[[bytes], DerivedKeys]
    authenticator: Callable[[bytes], Keyed]
    mac_bytes: int
    encrypt: Callable[[bytes, bytes, bytes], bytes]
    decrypt: Callable[[bytes, bytes, bytes], bytes]
    authenticator_first: bool = True
    whole_blocks: bool = True


_AES_LENGTHS: Final = (16, 24, 32)
_VARIANT: Final = _Scheme(
    (8, 16, 24), _derive_variants, _cbc_mac, 4, des_cbc_encrypt, des_cbc_decrypt, authenticator_first=False
)
_SCHEMES: Final[Mapping[str, _Scheme]] = MappingProxyType(
    {
        "A": _VARIANT,
        "B": _Scheme((16, 24), _derive_with_des, des_cmac, 8, des_cbc_encrypt, des_cbc_decrypt),
        "C": _VARIANT,
        "D": _Scheme(_AES_LENGTHS, _derive_with_aes, aes_cmac, 16, aes_cbc_encrypt, aes_cbc_decrypt),
        "E": _Scheme(_AES_LENGTHS, _derive_for_counter, aes_cmac, 16, aes_ctr, aes_ctr, whole_blocks=False),
    }
)


def derive_keys(version: str, protection_key: bytes) -> DerivedKeys:
    """The encryption and authentication keys of a version under a protection key.

    Args:
        version: A, B, C, D or E.
        protection_key: a DES key of 8 (A and C only), 16 or 24 bytes; for D and E an AES key of 16, 24 or 32.

    Raises:
        KeyBlockRefused: `VERSION`: no such version, or not for a key of that length.
    """
    return _scheme(version, protection_key).derive(protection_key)


def open_key_block(protection_key: bytes, block: str) -> tuple[KeyBlockHeader, bytes]:
    """Header and clear key of a block of any version, as a partner sent it.

    Raises:
        KeyBlockRefused: `MALFORMED`, `VERSION` or `FORGED`.
    """
    return KeyBlockCipher(parse_header(block).version, protection_key).open(block)


class KeyBlockCipher:
    """Makes and opens the blocks of one version under one protection key.

    Raises:
        KeyBlockRefused: `VERSION`: no such version, or not for a key of that length.
    """

    __slots__ = ("_authenticate", "_encryption_key", "_scheme", "version")

    def __init__(self, version: str, protection_key: bytes) -> None:
        self.version = version
        self._scheme = _scheme(version, protection_key)
        derived = self._scheme.derive(protection_key)
        self._encryption_key = derived.encryption
        self._authenticate = self._scheme.authenticator(derived.authentication)

    def __repr__(self) -> str:
        return f"<KeyBlockCipher version {self.version}>"

    def seal(self, header: KeyBlockHeader, key: bytes, padded_key_bytes: int, random: Random) -> KeyBlock:
        """The block of a key.

        Args:
            header: what the block says about the key; its version is this one, its length is not looked at.
            key: the clear key.
            padded_key_bytes: so long the key is made to look, if it is shorter.
            random: where the filler comes from.

        Raises:
            KeyBlockRefused: `MALFORMED`: the header's fields make no header.
        """
        payload = self._payload(key, padded_key_bytes, random)
        text = header_text(header, 2 * (len(payload) + self._scheme.mac_bytes))
        encrypted, mac = self._protect(text.encode("ascii"), payload)
        return KeyBlock(text + (encrypted + mac).hex().upper())

    def open(self, block: str) -> tuple[KeyBlockHeader, bytes]:
        """Header and clear key.

        Raises:
            KeyBlockRefused: `MALFORMED`, `VERSION` (another one) or `FORGED`.
        """
        header = parse_header(block)
        if header.version != self.version:
            raise KeyBlockRefused(Refusal.VERSION)
        if not self._scheme.authenticator_first and header.length % BLOCK_BYTES[self.version]:
            raise KeyBlockRefused(Refusal.MALFORMED)  # a CBC-MAC covers whole blocks only
        encrypted, mac = self._split(block[header.length :])
        return header, _key_of(self._recover(block[: header.length].encode("ascii"), encrypted, mac))

    def _split(self, body: str) -> tuple[bytes, bytes]:
        """Ciphertext and authenticator."""
        if not _HEX.fullmatch(body):
            raise KeyBlockRefused(Refusal.MALFORMED)
        binary = bytes.fromhex(body)
        encrypted, mac = binary[: -self._scheme.mac_bytes], binary[-self._scheme.mac_bytes :]
        whole = not len(encrypted) % BLOCK_BYTES[self.version]
        if len(encrypted) <= _LENGTH_BYTES or (self._scheme.whole_blocks and not whole):
            raise KeyBlockRefused(Refusal.MALFORMED)
        return encrypted, mac

    def _payload(self, key: bytes, padded_key_bytes: int, random: Random) -> bytes:
        """Length in bits, the key, and random filler up to whole cipher blocks of the padded length."""
        wanted = _LENGTH_BYTES + max(len(key), padded_key_bytes)
        filler = random(wanted + -wanted % BLOCK_BYTES[self.version] - _LENGTH_BYTES - len(key))
        return (len(key) * 8).to_bytes(_LENGTH_BYTES, "big") + key + filler

    def _protect(self, header: bytes, payload: bytes) -> tuple[bytes, bytes]:
        """Ciphertext and authenticator."""
        if self._scheme.authenticator_first:
            mac = self._authenticate(header + payload)
            return self._scheme.encrypt(self._encryption_key, mac, payload), mac
        encrypted = self._scheme.encrypt(self._encryption_key, header[:_HEADER_VECTOR_BYTES], payload)
        return encrypted, self._authenticate(header + encrypted)[: self._scheme.mac_bytes]

    def _recover(self, header: bytes, encrypted: bytes, mac: bytes) -> bytes:
        """The payload, authenticated."""
        first = self._scheme.authenticator_first
        vector = mac if first else header[:_HEADER_VECTOR_BYTES]
        payload = self._scheme.decrypt(self._encryption_key, vector, encrypted)
        expected = self._authenticate(header + (payload if first else encrypted))
        if not compare_digest(expected[: self._scheme.mac_bytes], mac):
            raise KeyBlockRefused(Refusal.FORGED)
        return payload


def _scheme(version: str, protection_key: bytes) -> _Scheme:
    scheme = _SCHEMES.get(version)
    if scheme is None or len(protection_key) not in scheme.key_lengths:
        raise KeyBlockRefused(Refusal.VERSION)
    return scheme


def _key_of(payload: bytes) -> bytes:
    bits = int.from_bytes(payload[:_LENGTH_BYTES], "big")
    if not bits or bits % 8 or _LENGTH_BYTES + bits // 8 > len(payload):
        raise KeyBlockRefused(Refusal.MALFORMED)
    return payload[_LENGTH_BYTES : _LENGTH_BYTES + bits // 8]
