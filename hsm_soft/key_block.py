"""X9.143 (TR-31) key blocks, version D: the only form in which a key leaves the HSM.

A block is readable ASCII: a header that says what the key may do, then the key, encrypted, then a MAC over
both:

    D 0112 P0 T D 00 N 00 00 | optional blocks | hex of AES-CBC(length ‖ key ‖ random) | hex of AES-CMAC

The MAC covers the header, so nobody who can write to the database can turn a MAC key into a PIN key. It is
also the CBC initial vector, so the same key never looks the same twice. Both keys, for encryption and for
authentication, are derived from the protection key (here: the master key). The random filler brings every
key of an algorithm to the same length, which hides whether a DES key is single or double.

`KeyUsage` is the table of what this HSM uses keys for. Every call names the usage it needs, and `unwrap`
refuses a block made for anything else. Where two usages share an X9.143 code (two data encryption keys, two
HMAC keys) an LB block, authenticated like the rest of the header, names the purpose and keeps them apart.
"""

import re
from collections.abc import Mapping
from enum import Enum
from typing import Final, NamedTuple, NewType

from hsm_soft.primitives import Random, aes_cbc_decrypt, aes_cbc_encrypt, aes_cmac, compare_digest

__all__ = ["KeyBlock", "KeyBlockHeader", "KeyBlockProtection", "KeyBlockRefused", "KeyUsage", "Refusal"]

KeyBlock = NewType("KeyBlock", str)

_BLOCK_BYTES: Final = 16
_FIXED_HEADER: Final = re.compile(r"D(\d{4})([0-9A-Z]{2})([A-Z])([A-Z])([0-9A-Za-z]{2})([ENS])(\d\d)\d\d")
_FIXED_HEADER_LENGTH: Final = 16
_OPTIONAL: Final = re.compile(r"([0-9A-Z]{2})([0-9A-F]{2})")
_OPTIONAL_LENGTH_MIN: Final = 4
_BODY: Final = re.compile(r"(?:[0-9A-F]{32}){2,}")

# X9.143 wants every key padded to the longest of its algorithm; for HMAC it is the length made here.
_PADDED_KEY_BYTES: Final = {"D": 24, "T": 24, "A": 32, "H": 32, "E": 32}

_HMAC_HASH_SHA256: Final = ("HM", "21")


class KeyUsage(Enum):
    """What a key is for: X9.143 usage code, key length in bytes → algorithm, mode of use, label.

    POS_MAC is M1 (ISO 9797-1 algorithm 1) because the terminals' MAC is that CBC-MAC over 16 characters.
    AUDIT_SIGNING is an Ed25519 seed (RFC 8032).
    """

    TERMINAL_MASTER = ("K0", {16: "T"}, "E", "")
    PIN_ENCRYPTION = ("P0", {8: "D", 16: "T"}, "D", "")
    POS_MAC = ("M1", {8: "D", 16: "T"}, "C", "")
    PIN_REFERENCE = ("V0", {32: "A"}, "C", "pin reference")
    WALLET_SEALING = ("D0", {32: "A"}, "B", "wallet sealing")
    PAN_ENCRYPTION = ("D0", {32: "A"}, "B", "pan encryption")
    PAN_INDEX = ("M7", {32: "H"}, "C", "pan index")
    FINGERPRINT = ("M7", {32: "H"}, "C", "fingerprint")
    DATA_KEY_WRAPPING = ("K0", {32: "A"}, "B", "data keys")
    AUDIT_SIGNING = ("S0", {32: "E"}, "S", "audit signing")

    def __init__(self, code: str, algorithms: Mapping[int, str], mode: str, label: str) -> None:
        self.code = code
        self.algorithms = algorithms
        self.mode = mode
        self.label = label

    @property
    def optional_blocks(self) -> tuple[tuple[str, str], ...]:
        """The optional blocks, padding apart, that a block of this usage has: X9.143 HM and LB."""
        hash_algorithm = (_HMAC_HASH_SHA256,) if "H" in self.algorithms.values() else ()
        return hash_algorithm + ((("LB", self.label),) if self.label else ())


class Refusal(Enum):
    """Why a key or a key block is refused."""

    MALFORMED = "it is not a version D key block"
    FORGED = "its authentication fails: it was changed or made under another master key"
    USAGE = "it was made for another usage"
    ALGORITHM = "its algorithm does not fit the usage"
    MODE = "its mode of use does not fit the usage"
    PURPOSE = "its optional blocks name another purpose"
    LENGTH = "the key has the wrong length for the usage"
    WEAK = "the key is weak"


class KeyBlockRefused(Exception):
    """A key or key block that may not be used for what was asked; says why and nothing else."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(f"key refused: {reason.value}")
        self.reason = reason


class KeyBlockHeader(NamedTuple):
    """What a key block says about its key; X9.143 field values as they stand in the block."""

    usage: str
    algorithm: str
    mode: str
    key_version: str
    exportability: str
    optional: tuple[tuple[str, str], ...]
    length: int


class KeyBlockProtection:
    """Wraps and unwraps keys under one AES-256 protection key (X9.143, TR-31:2018; version D)."""

    __slots__ = ("_authenticate", "_encryption_key")

    def __init__(self, protection_key: bytes) -> None:
        if len(protection_key) != 32:
            raise KeyBlockRefused(Refusal.LENGTH)
        derive = aes_cmac(protection_key)
        self._encryption_key = b"".join(derive(_derivation_data(0, part)) for part in (1, 2))
        self._authenticate = aes_cmac(b"".join(derive(_derivation_data(1, part)) for part in (1, 2)))

    def __repr__(self) -> str:
        return "<KeyBlockProtection version D>"

    def wrap(self, usage: KeyUsage, key: bytes, random: Random) -> KeyBlock:
        """The key block of a clear key.

        Raises:
            KeyBlockRefused: the key's length does not fit the usage.
        """
        algorithm = usage.algorithms.get(len(key))
        if algorithm is None:
            raise KeyBlockRefused(Refusal.LENGTH)
        payload = _payload(key, _PADDED_KEY_BYTES[algorithm], random)
        header = _header_text(usage, algorithm, len(payload))
        mac = self._authenticate(header.encode("ascii") + payload)
        encrypted = aes_cbc_encrypt(self._encryption_key, mac, payload)
        return KeyBlock(header + (encrypted + mac).hex().upper())

    def unwrap(self, block: str, usage: KeyUsage) -> bytes:
        """The clear key of a block made for exactly this usage.

        Raises:
            KeyBlockRefused: broken, made under another protection key, or made for another usage.
        """
        header, key = self.open(block)
        if header.usage != usage.code:
            raise KeyBlockRefused(Refusal.USAGE)
        if header.algorithm != usage.algorithms.get(len(key)):
            raise KeyBlockRefused(Refusal.ALGORITHM)
        if header.mode != usage.mode:
            raise KeyBlockRefused(Refusal.MODE)
        if tuple(part for part in header.optional if part[0] != "PB") != usage.optional_blocks:
            raise KeyBlockRefused(Refusal.PURPOSE)
        return key

    def open(self, block: str) -> tuple[KeyBlockHeader, bytes]:
        """Header and clear key of any version D block, whatever its usage.

        Raises:
            KeyBlockRefused: `MALFORMED` or `FORGED`.
        """
        header = _parse_header(block)
        body = block[header.length :]
        if not _BODY.fullmatch(body):
            raise KeyBlockRefused(Refusal.MALFORMED)
        encrypted, mac = bytes.fromhex(body[:-32]), bytes.fromhex(body[-32:])
        payload = aes_cbc_decrypt(self._encryption_key, mac, encrypted)
        if not compare_digest(self._authenticate(block[: header.length].encode("ascii") + payload), mac):
            raise KeyBlockRefused(Refusal.FORGED)
        return header, _key_of(payload)


def _derivation_data(purpose: int, part: int) -> bytes:
    """Counter, key usage (0 encryption, 1 MAC), separator, algorithm AES-256, length in bits."""
    return bytes((part, 0, purpose, 0, 0, 4)) + (256).to_bytes(2, "big")


def _payload(key: bytes, padded_key_bytes: int, random: Random) -> bytes:
    """Length in bits, the key, and random filler up to whole blocks of the longest key."""
    length_bytes = -(-(2 + padded_key_bytes) // _BLOCK_BYTES) * _BLOCK_BYTES
    return (len(key) * 8).to_bytes(2, "big") + key + random(length_bytes - 2 - len(key))


def _key_of(payload: bytes) -> bytes:
    key_bits = int.from_bytes(payload[:2], "big")
    if key_bits % 8 or 2 + key_bits // 8 > len(payload):
        raise KeyBlockRefused(Refusal.MALFORMED)
    return payload[2 : 2 + key_bits // 8]


def _header_text(usage: KeyUsage, algorithm: str, payload_bytes: int) -> str:
    """The header of a block made here: key version unused, not exportable, optional blocks padded."""
    blocks = list(usage.optional_blocks)
    unpadded = sum(_OPTIONAL_LENGTH_MIN + len(data) for _, data in blocks)
    if unpadded % _BLOCK_BYTES:
        # The shortest PB block is four characters long and the total a multiple of sixteen.
        blocks.append(("PB", "0" * (-(unpadded + _OPTIONAL_LENGTH_MIN) % _BLOCK_BYTES)))
    optional = "".join(f"{name}{_OPTIONAL_LENGTH_MIN + len(data):02X}{data}" for name, data in blocks)
    length = _FIXED_HEADER_LENGTH + len(optional) + 2 * (payload_bytes + _BLOCK_BYTES)
    return f"D{length:04}{usage.code}{algorithm}{usage.mode}00N{len(blocks):02}00{optional}"


def _parse_header(block: str) -> KeyBlockHeader:
    fixed = _FIXED_HEADER.match(block) if block.isascii() else None
    if fixed is None or int(fixed[1]) != len(block):
        raise KeyBlockRefused(Refusal.MALFORMED)
    position = _FIXED_HEADER_LENGTH
    optional = []
    for _ in range(int(fixed[7])):
        name, data, position = _parse_optional(block, position)
        optional.append((name, data))
    return KeyBlockHeader(fixed[2], fixed[3], fixed[4], fixed[5], fixed[6], tuple(optional), position)


def _parse_optional(block: str, position: int) -> tuple[str, str, int]:
    """Name, data and end of the optional block at `position`; extended lengths (00) are not used here."""
    start = _OPTIONAL.match(block, position)
    length = int(start[2], 16) if start else 0
    if start is None or length < _OPTIONAL_LENGTH_MIN:
        raise KeyBlockRefused(Refusal.MALFORMED)
    end = position + length
    return start[1], block[position + _OPTIONAL_LENGTH_MIN : end], end
