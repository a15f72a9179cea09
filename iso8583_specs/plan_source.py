"""What the writers of plans share: tables of length indicators, encodings, and how lines become a function.

A plan is straight-line code made from the dialect's table for one set of fields: slices at known places, no
loop and no call for each field. It knows the regular case only and gives up on everything else, by returning
None or by one of the exceptions in `GIVES_UP`; the interpreter then does the message from the start.
"""

import codecs
from collections.abc import Mapping
from functools import cache
from typing import Final

from iso8583_specs.defects import MalformedMessage, UnencodableField
from iso8583_specs.spec import BCD_LENGTH, RAW, FieldSpec

GIVES_UP: Final = (LookupError, ValueError, TypeError, AttributeError, MalformedMessage, UnencodableField)
"""What a plan may end in where the message isn't regular: a length that is none, a value of another type."""

_TABLE_MAX: Final = 9999


class NoPlan(Exception):
    """A field that plans don't know; it and nothing else makes a table's message the interpreter's."""


@cache
def is_single_byte(encoding: str) -> bool:
    """Whether each byte is a character, so that whole messages can be decoded at once."""
    if codecs.lookup(encoding).name == "ascii":
        return True
    try:
        return all(len(bytes((value,)).decode(encoding)) == 1 for value in range(256))
    except ValueError:
        return False


def whole(encoding: str) -> str:
    """The encoding in which a whole message is decoded to slice text of this one from it."""
    return "latin-1" if codecs.lookup(encoding).name in ("ascii", "iso8859-1") else encoding


def is_ascii(encoding: str) -> bool:
    """Whether bytes from 128 on are no characters."""
    return codecs.lookup(encoding).name == "ascii"


def has_table(spec: FieldSpec) -> bool:
    """Whether the field's lengths are few enough for a table."""
    return spec["max_len"] <= _TABLE_MAX


@cache
def counts_by_text(width: int, most: int) -> Mapping[str, int]:
    """The counts of the usual indicators in characters."""
    return {f"{count:0{width}}": count for count in range(min(most, 10**width - 1) + 1)}


@cache
def counts_by_bytes(width: int, most: int, encoding: str) -> Mapping[bytes, int]:
    """The counts of the usual indicators in bytes; BCD or binary."""
    return {indicator: count for count, indicator in enumerate(indicators(width, most, encoding))}


@cache
def counts_by_byte(most: int, encoding: str) -> Mapping[int, int]:
    """The counts of the usual indicators of one byte."""
    return {indicator[0]: count for count, indicator in enumerate(indicators(1, most, encoding))}


@cache
def indicators(width: int, most: int, encoding: str) -> tuple[bytes, ...]:
    """The usual indicators by count, as many as have room."""
    if encoding == RAW:
        return tuple(count.to_bytes(width, "big") for count in range(min(most, 256**width - 1) + 1))
    if encoding == BCD_LENGTH:
        return tuple(bytes.fromhex(f"{count:0{2 * width}}") for count in range(min(most, 100**width - 1) + 1))
    return tuple(f"{count:0{width}}".encode(encoding) for count in range(min(most, 10**width - 1) + 1))


@cache
def indicator_texts(width: int, most: int, encoding: str, text: str) -> tuple[str, ...]:
    """The usual indicators as characters of another encoding, to be joined to text in it."""
    return tuple(indicator.decode(text) for indicator in indicators(width, most, encoding))


@cache
def indicator_digits(width: int, most: int, encoding: str) -> tuple[str, ...]:
    """The usual indicators as hex digits."""
    return tuple(indicator.hex() for indicator in indicators(width, most, encoding))


class Names:
    """The objects that a plan's code refers to."""

    __slots__ = ("_names", "_numbers")

    def __init__(self) -> None:
        self._names: dict[str, object] = {"fromhex": bytes.fromhex}
        self._numbers: dict[int, str] = {}

    def name(self, thing: object) -> str:
        """The name of an object in the code."""
        known = self._numbers.get(id(thing))
        if known is None:
            known = self._numbers[id(thing)] = f"c{len(self._numbers)}"
            self._names[known] = thing
        return known

    def compiled(self, arguments: str, lines: list[str]) -> object:
        """A function of generated lines; they hold the table's data and our names."""
        source = f"def plan({arguments}):\n" + "\n".join(f"    {line}" for line in lines)
        names = dict(self._names)
        exec(source, names)  # noqa: S102 - made of the dialect's table alone
        return names["plan"]
