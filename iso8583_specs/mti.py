"""The message type indicator: four digits, each with a meaning of its own (ISO 8583, "Message type").

Reserved digits are accepted, since the wire has them; they are called so. What a digit means is the
standard's; which messages a switch answers is its vocabulary's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

VERSIONS: Final = MappingProxyType({"0": "1987", "1": "1993", "2": "2003", "8": "national", "9": "private"})
CLASSES: Final = MappingProxyType(
    {
        "1": "authorisation",
        "2": "financial",
        "3": "file action",
        "4": "reversal",
        "5": "reconciliation",
        "6": "administrative",
        "7": "fee collection",
        "8": "network management",
    }
)
FUNCTIONS: Final = MappingProxyType(
    {
        "0": "request",
        "1": "response",
        "2": "advice",
        "3": "advice response",
        "4": "notification",
        "5": "notification acknowledgement",
    }
)
ORIGINS: Final = MappingProxyType(
    {
        "0": "acquirer",
        "1": "acquirer, repeat",
        "2": "issuer",
        "3": "issuer, repeat",
        "4": "other",
        "5": "other, repeat",
    }
)
_RESERVED: Final = "reserved"
_ANSWERS: Final[Mapping[str, str]] = MappingProxyType({"0": "1", "2": "3", "4": "5"})
_REPEATS: Final[Mapping[str, str]] = MappingProxyType({"0": "1", "2": "3", "4": "5"})
_FIRSTS: Final = MappingProxyType({repeat: first for first, repeat in _REPEATS.items()})
# In 1987 nobody answers a notification; the acknowledgement is of 1993.
_UNANSWERED: Final = ("0", "4")


@dataclass(frozen=True, slots=True)
class Mti:
    """A message type indicator.

    Attributes:
        text: Four digits.

    Raises:
        ValueError: It isn't four digits.
    """

    text: str

    def __post_init__(self) -> None:
        if not (len(self.text) == 4 and self.text.isascii() and self.text.isdecimal()):
            raise ValueError("an MTI has four digits")

    @property
    def version(self) -> str:
        """The edition of the standard, as in `1987`."""
        return VERSIONS.get(self.text[0], _RESERVED)

    @property
    def message_class(self) -> str:
        """What the message is about, as in `financial`."""
        return CLASSES.get(self.text[1], _RESERVED)

    @property
    def function(self) -> str:
        """Its part in the conversation, as in `request`."""
        return FUNCTIONS.get(self.text[2], _RESERVED)

    @property
    def origin(self) -> str:
        """Who began, as in `acquirer, repeat`."""
        return ORIGINS.get(self.text[3], _RESERVED)

    @property
    def is_repeat(self) -> bool:
        """Whether it was sent before."""
        return self.text[3] in _FIRSTS

    @property
    def first(self) -> "Mti":
        """The MTI of the first sending."""
        return Mti(self.text[:3] + _FIRSTS.get(self.text[3], self.text[3]))

    @property
    def repeat(self) -> "Mti":
        """The MTI of a repeat; of a repeat, itself."""
        return Mti(self.text[:3] + _REPEATS.get(self.text[3], self.text[3]))

    @property
    def response(self) -> "Mti | None":
        """The MTI of the answer, which a repeat shares with its first sending; None if nobody answers."""
        function = _ANSWERS.get(self.text[2])
        if function is None or (self.text[0], self.text[2]) == _UNANSWERED:
            return None
        return Mti(self.text[:2] + function + self.first.text[3])

    def is_response_to(self, request: "Mti") -> bool:
        """Whether it is the MTI of the answer to that request."""
        return self == request.response

    def __str__(self) -> str:
        return self.text

    @property
    def meaning(self) -> str:
        """All four digits in words: `1987 financial request, acquirer`."""
        return f"{self.version} {self.message_class} {self.function}, {self.origin}"
