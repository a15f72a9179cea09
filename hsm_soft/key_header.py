"""The readable part of a key block: sixteen characters and optional blocks, in text and in values.

    D 0112 P0 T E 00 N 00 00 | id, length, data | id, length, data …

Version, length of the whole block, usage, algorithm, mode of use, key version, exportability, number of
optional blocks, key context. An optional block's length is two hexadecimal digits that count the block
itself; where they are 00 the length is extended: the number of its bytes, then the length (X9.143:2021 6.2,
TR-31:2018 A.2). Known optional blocks are checked for their form; unknown ones are kept as they came.

Everything here is what a peer may write, so it is bounded by the length the header states (9,999 characters)
and every failure is a `KeyBlockRefused`. Nothing in a header is secret.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from hsm_soft.key_refused import KeyBlockRefused, Refusal

__all__ = ["BLOCK_BYTES", "KeyBlockHeader", "header_text", "parse_header"]

BLOCK_BYTES: Final[Mapping[str, int]] = MappingProxyType({"A": 8, "B": 8, "C": 8, "D": 16, "E": 16})
"""Version → cipher block in bytes; a header's length is a multiple of it."""

_FIXED: Final = re.compile(
    r"([A-E])(\d{4})([0-9A-Z]{2})([0-9A-Z])([0-9A-Z])([0-9A-Za-z]{2})([ENS])(\d\d)[0-9A-Z]{2}", re.ASCII
)
_FIXED_LENGTH: Final = 16
_OPTIONAL: Final = re.compile(r"([0-9A-Z]{2})(?:00([0-9A-F]{2})|([0-9A-F]{2}))")
_OPTIONAL_HEAD: Final = 4
_EXTENDED_HEAD: Final = 6
_SHORT_LENGTH_MAX: Final = 0xFF
_BLOCK_LENGTH_MAX: Final = 9_999

_PRINTABLE: Final = re.compile(r"[ -~]*")
_CHECK_VALUE: Final = re.compile(r"(?:00(?:[0-9A-F]{2}){2,4}|01(?:[0-9A-F]{2}){2,16})")
_FORMS: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {
        "HM": re.compile(r"[0-9A-F]{2}"),
        "IK": re.compile(r"[0-9A-F]{16}"),
        "KC": _CHECK_VALUE,
        "KP": _CHECK_VALUE,
        "KS": re.compile(r"[0-9A-F]{16,24}"),
        "TS": re.compile(r"[0-9][0-9TZ:.-]{7,29}"),
    }
)
"""Optional blocks whose data has a form: hash of an HMAC key, initial key id, check values of the key and of
the key above it, key set or serial number of a TDES DUKPT key, time stamp. LB, PB, CT and what is unknown:
printable characters."""


class KeyBlockHeader(NamedTuple):
    """What a key block says about its key; X9.143 field values as they stand in the block.

    `optional` has id and data of each optional block in their order, padding (PB) included. `length` counts
    the header's characters.
    """

    version: str
    usage: str
    algorithm: str
    mode: str
    key_version: str
    exportability: str
    optional: tuple[tuple[str, str], ...]
    length: int

    def optional_data(self, name: str) -> str | None:
        """The data of the first optional block of that id."""
        return dict(reversed(self.optional)).get(name)


def parse_header(block: str) -> KeyBlockHeader:
    """The header of a whole key block.

    Raises:
        KeyBlockRefused: `MALFORMED`.
    """
    fixed = _FIXED.match(block)
    if fixed is None or int(fixed[2]) != len(block):
        raise KeyBlockRefused(Refusal.MALFORMED)
    position = _FIXED_LENGTH
    optional = []
    for _ in range(int(fixed[8])):
        name, data, position = _parse_optional(block, position)
        optional.append((name, data))
    return KeyBlockHeader(
        fixed[1], fixed[3], fixed[4], fixed[5], fixed[6], fixed[7], tuple(optional), position
    )


def header_text(header: KeyBlockHeader, body_characters: int) -> str:
    """The text of a header that is followed by so many characters; its own `length` is not looked at.

    A PB block is added where the optional blocks don't fill whole cipher blocks.

    Raises:
        KeyBlockRefused: `MALFORMED`: the fields make no header, or the block would get too long.
    """
    parts = [_optional_text(name, data) for name, data in header.optional]
    parts += _padding(sum(map(len, parts)), BLOCK_BYTES[header.version])
    optional = "".join(parts)
    length = _FIXED_LENGTH + len(optional) + body_characters
    if length > _BLOCK_LENGTH_MAX:
        raise KeyBlockRefused(Refusal.MALFORMED)
    text = (
        f"{header.version}{length:04}{header.usage}{header.algorithm}{header.mode}"
        f"{header.key_version}{header.exportability}{len(parts):02}00{optional}"
    )
    parse_header(text + "0" * body_characters)
    return text


def _parse_optional(block: str, position: int) -> tuple[str, str, int]:
    """Name, data and end of the optional block at `position`."""
    start = _OPTIONAL.match(block, position)
    if start is None:
        raise KeyBlockRefused(Refusal.MALFORMED)
    if start[2] is None:
        head, length = _OPTIONAL_HEAD, int(start[3], 16)
    else:
        head, length = _extended_length(block, position, int(start[2], 16) * 2)
    data, end = block[position + head : position + length], position + length
    if length < head or end > len(block) or not _FORMS.get(start[1], _PRINTABLE).fullmatch(data):
        raise KeyBlockRefused(Refusal.MALFORMED)
    return start[1], data, end


def _extended_length(block: str, position: int, digits: int) -> tuple[int, int]:
    """Length of the head, and of the whole optional block."""
    text = block[position + _EXTENDED_HEAD : position + _EXTENDED_HEAD + digits]
    if not re.fullmatch(r"[0-9A-F]{2,8}", text) or len(text) != digits:
        raise KeyBlockRefused(Refusal.MALFORMED)
    return _EXTENDED_HEAD + digits, int(text, 16)


def _optional_text(name: str, data: str) -> str:
    length = _OPTIONAL_HEAD + len(data)
    if length <= _SHORT_LENGTH_MAX:
        return f"{name}{length:02X}{data}"
    return f"{name}0002{_EXTENDED_HEAD + 4 + len(data):04X}{data}"


def _padding(unpadded: int, block_bytes: int) -> Iterable[str]:
    """The shortest PB block is four characters long, and the total a multiple of the cipher block."""
    if unpadded % block_bytes:
        yield _optional_text("PB", "0" * (-(unpadded + _OPTIONAL_HEAD) % block_bytes))
