"""What the rest of the switch sees of the wire: bytes to message and back, by the name of a dialect.

There is one implementation, `plans.PlannedCodec`: plans compiled for the messages that come often, and the
interpreter behind them, which alone says what is accepted, refused and written.

A codec comes in two kinds. The usual one reads and writes exactly what pyiso8583 does by the same table, and
knows nothing of content: a packed amount with a nibble A is an amount with a letter. A strict one, for who
acts on what a message says, also refuses an MTI that isn't four digits, and digits, tracks and hex digits
that are none.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

from iso8583_specs.defects import Defect, MalformedMessage, UnencodableField
from iso8583_specs.dialects import UnknownDialect, spec_for
from iso8583_specs.message import Message, Peek
from iso8583_specs.plans import PlannedCodec
from iso8583_specs.table_check import InvalidDialect, spec_of

__all__ = [
    "Codec",
    "Defect",
    "InvalidDialect",
    "MalformedMessage",
    "Peek",
    "UnencodableField",
    "UnknownDialect",
    "codec_for",
    "codec_of",
]


class Codec(Protocol):
    """One dialect's wire format; without state, so one serves all connections."""

    dialect: str

    def decode(self, body: bytes) -> Message:
        """The message in a frame's body, which starts at the MTI or at the header that the dialect has.

        Raises:
            MalformedMessage: The bytes aren't a message of the dialect. Nothing else is ever raised.
        """
        ...

    def decode_readable(self, body: bytes) -> Message | None:
        """The MTI and the fields before the first defect, to answer a malformed request with what it said.

        None when MTI and bitmap can't be read.
        """
        ...

    def peek(self, body: bytes) -> Peek:
        """What a proxy needs, without the other fields; what stands behind field 41 isn't looked at.

        Raises:
            MalformedMessage: The bytes up to field 41 aren't those of a message of the dialect.
        """
        ...

    def encode(self, message: Message) -> bytes:
        """The body that says the message; of a decoded message the very bytes it came from.

        Raises:
            UnencodableField: A value doesn't fit its field, or the dialect has no such field.
        """
        ...


@cache
def codec_for(dialect: str, *, strict: bool = False) -> Codec:
    """The codec of a dialect (`unionpay_pos`) or of one of its profiles (`unionpay_pos.vfwz`).

    Raises:
        UnknownDialect: There is none of that name.
    """
    return PlannedCodec(dialect, spec_for(dialect), strict=strict)


def codec_of(name: str, table: Mapping[str, Mapping[str, Any]], *, strict: bool = False) -> Codec:
    """The codec of a specification of pyiso8583 as it is, or of one with the keys that `spec` adds.

    Args:
        name: What errors call it.
        table: The specification; later changes of it are not seen.
        strict: As for `codec_for`; of use where the specification gives `content`.

    Raises:
        InvalidDialect: pyiso8583 couldn't use it either.
    """
    return PlannedCodec(name, spec_of(table), strict=strict)
