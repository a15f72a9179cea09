"""One decoded message, the same for every dialect.

A message knows nothing of its wire form except what its dialect would not have written by itself: filler
nibbles, lengths and bitmaps in another spelling. With these it re-encodes to the bytes it came from. Meaning
(what F60 says, which answer is an approval) belongs to the switch's vocabulary, not here.
"""

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from iso8583_specs.values import mask_field

Value: TypeAlias = str | bytes


@dataclass(frozen=True, slots=True)
class Spelling:
    """Parts of a message that the dialect reads, but would write in another way.

    Both count only as long as they say what the message says: a length that no longer fits its field, or a
    bitmap that announces other fields than there are, is ignored.

    Attributes:
        lengths: By number, length indicators such as ` 7` and `+7` where `07` is usual.
        bitmaps: All bitmaps, where the usual ones differ: lower-case hex digits, or a bitmap without a field.
    """

    lengths: dict[int, bytes] = field(default_factory=dict)
    bitmaps: bytes = b""


@dataclass(slots=True, repr=False)
class Message:
    """An MTI and its fields, free to change while being built.

    Attributes:
        mti: Four digits; empty for a message inside a field.
        fields: By number. Digits (n) and tracks (z, with `=` as separator) are text without fillers, text has
            the characters of the dialect's encoding, binary is bytes (hex digits where they are sent so).
        fillers: By number, the upper-case hex digit in the spare nibble of an odd count of digits, where it
            isn't the dialect's own. Without meaning for absent fields and even counts.
        header: What stands before the MTI in dialects that have a header of their own.
        parts: By number, the messages inside fields that hold one. Such a field isn't among `fields`, unless
            its bytes can't be read as a message: then they stand there.
        spelling: Lengths and bitmaps that are written in an unusual way.
    """

    mti: str
    fields: dict[int, Value] = field(default_factory=dict)
    fillers: dict[int, str] = field(default_factory=dict)
    header: Value = ""
    parts: dict[int, "Message"] = field(default_factory=dict)
    spelling: Spelling | None = None

    def __repr__(self) -> str:
        """Masked, so that a log line or a traceback can hold it."""
        shown = {number: f"{mask_field(number, value)!a}" for number, value in self.fields.items()}
        shown |= {number: f"<{len(part.fields)} fields>" for number, part in self.parts.items()}
        fields = ", ".join(f"{number}: {shown[number]}" for number in sorted(shown))
        return f"Message(mti={self.mti!a}, fields={{{fields}}}, fillers={self.fillers})"


PEEKED: Final = (11, 37, 41)
"""The fields of a `Peek`, in their order there."""

Peek: TypeAlias = tuple[str, Value | None, Value | None, Value | None, bytes]
"""What a proxy needs of a message to pass it on; None for a field that is absent.

MTI, STAN (field 11), RRN (field 37), terminal (field 41), and all bitmaps as they stand in the message. It is
a plain tuple, to be unpacked at once: with names it would take a sixth longer.
"""
