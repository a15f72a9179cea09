"""The framings by name: what may stand around a message, as data.

A framing is a length prefix and an envelope. The prefixes are those of the common ISO 8583 channels, the
envelopes what terminals, concentrators and networks put between prefix and message; `FRAMINGS` has every
combination, named `<prefix>_<envelope>`, with `none` where there is neither. A new one is a row in one of
the two tables. How a row is applied to bytes is the business of `framing`; what a network's header holds,
that of `headers`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

_MAX_FRAME_BYTES: Final = 8192


class LengthForm(StrEnum):
    """How a length is written."""

    BINARY = "binary"
    DECIMAL = "decimal"
    HEX = "hex"
    BCD = "bcd"


class HeaderForm(StrEnum):
    """What kind of header stands before the message."""

    FIXED = "fixed"
    BASE1 = "base1"
    CUPS = "cups"


@dataclass(frozen=True, slots=True)
class Framing:
    """A frame's parts: `lead`, length, `gap`, TPDU, header, message, `trailer`.

    Attributes:
        name: What configuration calls it.
        length_bytes: Width of the length; 0 where the transport keeps message boundaries itself.
        tpdu_bytes: 5, or 0 without a TPDU.
        header_bytes: Width of the application header, or 0; of a form that says its own width, the least.
        max_frame_bytes: The most that may follow the prefix. The largest real frame known has 467 bytes.
        length_form: How the length is written: big-endian, or most significant digit first.
        length_adds: What the length counts beside the bytes after the prefix: its own width, where it
            counts itself. A trailer is always counted.
        lead: Constant bytes before the length.
        gaps: What may stand between length and content; the first is what is usually written there.
        trailer: Constant bytes after the message.
        keeps_alive: Whether a length of zero is a sign of life, to be answered by the same.
        header_form: How wide the header is, and what becomes of it in an answer.
        is_simple: Whether the prefix is a binary length of what follows and nothing else, no length means a
            sign of life, and the parts have fixed places. Most traffic is such; it takes the short way.
    """

    name: str
    length_bytes: int
    tpdu_bytes: int
    header_bytes: int
    max_frame_bytes: int = _MAX_FRAME_BYTES
    length_form: LengthForm = LengthForm.BINARY
    length_adds: int = 0
    lead: bytes = b""
    gaps: tuple[bytes, ...] = (b"",)
    trailer: bytes = b""
    keeps_alive: bool = False
    header_form: HeaderForm = HeaderForm.FIXED
    is_simple: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        is_simple = (
            self.length_form is LengthForm.BINARY
            and not (self.length_adds or self.lead or self.trailer or self.keeps_alive)
            and self.gaps == (b"",)
            and self.header_form is HeaderForm.FIXED
        )
        object.__setattr__(self, "is_simple", is_simple)

    @property
    def prefix_bytes(self) -> int:
        """Width of all that stands before TPDU, header and message."""
        return len(self.lead) + self.length_bytes + len(self.gaps[0])


_ZEROS: Final = b"\0\0"
# A session's own messages carry the digit 2 where others have a zero.
_VMLH_GAPS: Final = (_ZEROS, b"2\0")

# Of two prefixes with the same bytes the doctor names the first: a length of four bytes below 65536 begins
# with two zeros, and most messages of a session aren't the session's own.
_PREFIXES: Final = (
    Framing("length2", 2, 0, 0),
    Framing("length2_inclusive", 2, 0, 0, length_adds=2),
    Framing("length2_etx", 2, 0, 0, trailer=b"\x03"),
    Framing("length4", 4, 0, 0),
    Framing("length2_zeros", 2, 0, 0, gaps=(_ZEROS,), keeps_alive=True),
    Framing("zeros_length2", 2, 0, 0, lead=_ZEROS),
    Framing("vmlh", 2, 0, 0, gaps=_VMLH_GAPS, max_frame_bytes=2048, keeps_alive=True),
    Framing("ascii4", 4, 0, 0, length_form=LengthForm.DECIMAL, keeps_alive=True),
    Framing("hex4", 4, 0, 0, length_form=LengthForm.HEX),
    Framing("bcd2", 2, 0, 0, length_form=LengthForm.BCD),
    Framing("", 0, 0, 0),
)

# Name, TPDU, header. The caller's number of a dialled line (ANI) is taken as the front of the header.
_ENVELOPES: Final = (
    ("tpdu_header6", 5, 6, HeaderForm.FIXED),
    ("tpdu_header2", 5, 2, HeaderForm.FIXED),
    ("tpdu_ani14_header6", 5, 14 + 6, HeaderForm.FIXED),
    ("tpdu_header6_location50", 5, 6 + 50, HeaderForm.FIXED),
    ("tpdu", 5, 0, HeaderForm.FIXED),
    ("header6", 0, 6, HeaderForm.FIXED),
    ("base1", 0, 22, HeaderForm.BASE1),
    ("cups", 0, 46, HeaderForm.CUPS),
    ("", 0, 0, HeaderForm.FIXED),
)

FRAMINGS: Final[Mapping[str, Framing]] = MappingProxyType(
    {
        framing.name: framing
        for prefix in _PREFIXES
        for envelope, tpdu_bytes, header_bytes, header_form in _ENVELOPES
        for framing in (
            replace(
                prefix,
                name="_".join(filter(None, (prefix.name, envelope))) or "none",
                tpdu_bytes=tpdu_bytes,
                header_bytes=header_bytes,
                header_form=header_form,
            ),
        )
    }
)
