"""One decoded message, the same for every dialect.

A message knows nothing of its wire form except the filler nibbles that the dialect would not have written
by itself; with them it re-encodes to the bytes it came from. Meaning (what F60 says, which answer is an
approval) belongs to the switch's vocabulary, not here.
"""

from dataclasses import dataclass, field

from iso8583_specs.values import mask_field


@dataclass(slots=True, repr=False)
class Message:
    """An MTI and its fields, free to change while being built.

    Attributes:
        mti: Four digits.
        fields: By number. Digits (n) and tracks (z, with `=` as separator) are text without fillers, text has
            one character for each byte (latin-1), binary is bytes.
        fillers: By number, the upper-case hex digit in the spare nibble of an odd count of digits, where it
            isn't the dialect's own. Without meaning for absent fields and even counts.
    """

    mti: str
    fields: dict[int, str | bytes] = field(default_factory=dict)
    fillers: dict[int, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Masked, so that a log line or a traceback can hold it."""
        shown = ", ".join(
            f"{number}: {mask_field(number, self.fields[number])!a}" for number in sorted(self.fields)
        )
        return f"Message(mti={self.mti!a}, fields={{{shown}}}, fillers={self.fillers})"
