"""What the rest of the switch sees of the wire: bytes to message and back, by the name of a dialect.

There is one implementation, `plans.PlannedCodec`: plans compiled for the messages that come often, and the
interpreter behind them, which alone says what is accepted, refused and written.
"""

from functools import cache
from typing import Protocol

from iso8583_specs.defects import Defect, MalformedMessage, UnencodableField
from iso8583_specs.dialects import UnknownDialect, spec_for
from iso8583_specs.message import Message
from iso8583_specs.plans import PlannedCodec

__all__ = ["Codec", "Defect", "MalformedMessage", "UnencodableField", "UnknownDialect", "codec_for"]


class Codec(Protocol):
    """One dialect's wire format; without state, so one serves all connections."""

    dialect: str

    def decode(self, body: bytes) -> Message:
        """The message in a frame's body, which starts at the MTI.

        Raises:
            MalformedMessage: The bytes aren't a message of the dialect. Nothing else is ever raised.
        """
        ...

    def decode_readable(self, body: bytes) -> Message | None:
        """The MTI and the fields before the first defect, to answer a malformed request with what it said.

        None when MTI and bitmap can't be read.
        """
        ...

    def encode(self, message: Message) -> bytes:
        """The body that says the message; of a decoded message the very bytes it came from.

        Raises:
            UnencodableField: A value doesn't fit its field, or the dialect has no such field.
        """
        ...


@cache
def codec_for(dialect: str) -> Codec:
    """The codec of a dialect (`unionpay_pos`) or of one of its profiles (`unionpay_pos.vfwz`).

    Raises:
        UnknownDialect: There is none of that name.
    """
    return PlannedCodec(dialect, spec_for(dialect))
