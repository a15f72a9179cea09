"""The UnionPay POS dialect on the wire, written from published facts on pyiso8583 and cryptography alone.

The field table, the key download, the MAC and the PIN block, as a terminal needs them. Nothing of the project
may be imported here: the black-box tests are worth what their independence is. `test_plain_terminal.py` holds
all of it to published messages, keys and check values.

Messages are pyiso8583 documents: field number to text, `t` is the MTI; F35 has D for its separator, binary
fields are hexadecimal.
"""

from dataclasses import dataclass, field
from typing import Final, Self

import iso8583
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import ECB

Message = dict[str, str]

MAC_BYTES: Final = 8
CHECK_VALUE_BYTES: Final = 4


class WrongAnswer(AssertionError):
    """An answer that a terminal must refuse, or none where one was due."""


def _digits(count: int, *, prefix_bytes: int = 0, filler: str = "right_pad") -> dict[str, object]:
    return {
        "data_enc": "b",
        "len_enc": "bcd",
        "len_type": prefix_bytes,
        "len_count": "nibbles",
        "max_len": count,
        filler: "0",
    }


def _text(count: int, *, prefix_bytes: int = 0) -> dict[str, object]:
    return {"data_enc": "latin-1", "len_enc": "bcd", "len_type": prefix_bytes, "max_len": count}


def _binary(count: int, *, prefix_bytes: int = 0) -> dict[str, object]:
    return {"data_enc": "b", "len_enc": "bcd", "len_type": prefix_bytes, "max_len": count}


SPEC: Final[dict[str, dict[str, object]]] = {
    "h": _text(0),
    "t": _digits(4),
    "p": _binary(8),
    "1": _binary(8),
    "2": _digits(19, prefix_bytes=1),
    "3": _digits(6),
    "4": _digits(12),
    "11": _digits(6),
    "12": _digits(6),
    "13": _digits(4),
    "14": _digits(4),
    "15": _digits(4),
    "22": _digits(3),
    "23": _digits(3, filler="left_pad"),
    "25": _digits(2),
    "26": _digits(2),
    "32": _digits(11, prefix_bytes=1),
    "35": _digits(37, prefix_bytes=1),
    "36": _digits(104, prefix_bytes=2),
    "37": _text(12),
    "38": _text(6),
    "39": _text(2),
    "41": _text(8),
    "42": _text(15),
    "44": _text(25, prefix_bytes=1),
    "48": _digits(322, prefix_bytes=2),
    "49": _text(3),
    "52": _binary(8),
    "53": _digits(16),
    "54": _text(40, prefix_bytes=2),
    "55": _binary(255, prefix_bytes=2),
    "58": _text(100, prefix_bytes=2),
    "59": _text(999, prefix_bytes=2),
    "60": _digits(17, prefix_bytes=2),
    "61": _digits(29, prefix_bytes=2),
    "62": _binary(512, prefix_bytes=2),
    "63": _text(163, prefix_bytes=2),
    "64": _text(8),
}


def encode(message: Message) -> bytes:
    """The message on the wire, from the MTI on."""
    body, _ = iso8583.encode(dict(message), SPEC)
    return bytes(body)


def decode(body: bytes) -> Message:
    """The fields of a message on the wire.

    Raises:
        iso8583.DecodeError: The bytes are not a message of this dialect.
    """
    fields, _ = iso8583.decode(body, SPEC)
    return fields


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def _cipher(key: bytes) -> Cipher[ECB]:
    # Two-key 3DES repeats its first half, and single DES is 3DES with one key three times.
    return Cipher(TripleDES((key * 3)[:24]), ECB())


def encrypt(key: bytes, data: bytes) -> bytes:
    """Whole 8-byte blocks under an 8-byte (DES) or 16-byte (3DES) key."""
    return _cipher(key).encryptor().update(data)


def decrypt(key: bytes, data: bytes) -> bytes:
    """The inverse of `encrypt`."""
    return _cipher(key).decryptor().update(data)


def check_value(key: bytes) -> bytes:
    """Four bytes that tell whether a key arrived whole: eight zero bytes encrypted, cut."""
    return encrypt(key, bytes(8))[:CHECK_VALUE_BYTES]


def mac_of(key: bytes, data: bytes) -> str:
    """The UnionPay "ECB" MAC of a message up to F64: 8 upper-case hexadecimal characters."""
    block = bytes(8)
    for start in range(0, len(data), 8):
        block = _xor(block, data[start : start + 8].ljust(8, b"\0"))
    characters = block.hex().upper().encode()
    mixed = _xor(encrypt(key, characters[:8]), characters[8:])
    return encrypt(key, mixed).hex().upper()[:MAC_BYTES]


def pin_block(pin: str, pan: str) -> bytes:
    """The clear ISO 9564-1 format 0 block of a PIN and the account number it belongs to."""
    pin_part = bytes.fromhex(f"0{len(pin):X}{pin}".ljust(16, "F"))
    return _xor(pin_part, bytes.fromhex("0000" + pan[-13:-1]))


@dataclass(frozen=True, slots=True)
class WorkingKeys:
    """The clear session keys of one sign-on."""

    pin_key: bytes = field(repr=False)
    mac_key: bytes = field(repr=False)

    @classmethod
    def unwrapped(cls, master_key: bytes, field_62: bytes) -> Self:
        """Take the keys of a sign-on answer: each half of F62 is a wrapped key and its check value.

        Raises:
            WrongAnswer: The length, the zero half of a MAC key or a check value is not right.
        """
        if len(field_62) not in {24, 40}:
            raise WrongAnswer(f"F62 has {len(field_62)} bytes")
        half = len(field_62) // 2
        wrapped_pin_key, pin_check = field_62[: half - 4], field_62[half - 4 : half]
        wrapped_mac_key, mac_check = field_62[half : half + 8], field_62[-4:]
        if any(field_62[half + 8 : -4]):
            raise WrongAnswer("the second half of the MAC key is not zero")
        keys = cls(decrypt(master_key, wrapped_pin_key), decrypt(master_key, wrapped_mac_key))
        if (check_value(keys.pin_key), check_value(keys.mac_key)) != (pin_check, mac_check):
            raise WrongAnswer("a check value of a session key differs")
        return keys
