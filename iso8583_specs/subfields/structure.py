"""What all structures inside a field share: how they are read, written and shown.

A structure is a frozen dataclass with three verbs: `parse` reads a field's content, `build` writes the same
content again, `parts` lists what is in it for people. Content is what a decoded message holds: text with a
character for each byte, or bytes; `parse` takes both. Whatever parses builds to exactly what it was parsed
from, so a part keeps its digits as text where zeros or gaps would be lost as a number.

Content that doesn't fit raises `MalformedSubField`. A structure checks itself when it is made, with
`UnencodableField` for a part that doesn't fit its place, so one that exists builds. Neither error holds data,
and the repr of every structure is made of `parts`, where each part says whether it may be seen: a new
structure is masked by what it is, not by remembering to.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from iso8583_specs.defects import Defect, MalformedMessage, UnencodableField
from iso8583_specs.values import BinDigits, Pan, clear_text, masked, size_of

LONGEST: Final = 4096
"""Characters or bytes in a field with structure, four times what a length of three digits can say."""


class MalformedSubField(MalformedMessage):
    """Content of a field that isn't laid out as its structure says.

    `dialect` is the one that defines the structure; `position` counts from the content's first character.
    """

    def __str__(self) -> str:
        return f"{self.dialect}: inside field {self.field} at {self.position}: {self.reason}"


class Part(NamedTuple):
    """One part of a structure, for people.

    Attributes:
        label: Its number or tag, as in 60.1 or 9F26.
        name: What it is.
        value: Text, bytes, or a PAN.
        meaning: What the value says, in words; empty if that is all there is to say.
        hidden: Whether only the size may be seen, unless somebody asks for clear data.
    """

    label: str
    name: str
    value: str | bytes | Pan
    meaning: str = ""
    hidden: bool = False

    def shown(self, *, clear: bool = False, bin_digits: BinDigits = 6) -> str:
        """The value as far as it may be seen; bytes as upper-case hex digits."""
        if isinstance(self.value, Pan):
            return self.value.clear if clear else masked(self.value.clear, bin_digits)
        if self.hidden and not clear:
            return size_of(self.value)
        return clear_text(self.value)


class SubField(ABC):
    """The protocol of a structure.

    Raises:
        UnencodableField: When made with a part that doesn't fit its place.
    """

    __slots__ = ()

    def __post_init__(self) -> None:
        self.build()

    @classmethod
    @abstractmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read the content of a field.

        Raises:
            MalformedSubField: It isn't laid out so.
        """

    @abstractmethod
    def build(self) -> str | bytes:
        """The content: bytes for binary structures, else text."""

    @abstractmethod
    def parts(self) -> list[Part]:
        """What is in it, in order; absent parts are left out."""

    def __repr__(self) -> str:
        """Masked, so that a log line or a traceback can hold it."""
        shown = ", ".join(f"{part.label}: {part.shown()!a}" for part in self.parts())
        return f"{type(self).__name__}({shown})"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a structure stands, for its errors.

    Attributes:
        dialect: The dialect, or the standard, that defines it.
        field: The field that it is usually in.
    """

    dialect: str
    field: int

    def malformed(self, position: int, reason: Defect) -> MalformedSubField:
        """The error for content with a defect at a position."""
        return MalformedSubField(self.dialect, self.field, position, reason)

    def unencodable(self, reason: Defect) -> UnencodableField:
        """The error for a value that has no place in the structure."""
        return UnencodableField(self.dialect, self.field, reason)

    def octets(self, content: str | bytes) -> bytes:
        """Content as bytes, of a bounded size."""
        if len(content) > LONGEST:
            raise self.malformed(LONGEST, Defect.TOO_LONG)
        if isinstance(content, bytes):
            return content
        wrong = next((at for at, character in enumerate(content) if character > "\xff"), None)
        if wrong is not None:
            raise self.malformed(wrong, Defect.NOT_LATIN_1)
        return content.encode("latin-1")

    def reader(self, content: str | bytes) -> "Reader":
        """A reader at the beginning of the content."""
        if len(content) > LONGEST:
            raise self.malformed(LONGEST, Defect.TOO_LONG)
        return Reader(self, content.decode("latin-1") if isinstance(content, bytes) else content)

    def digits(self, value: str, width: int) -> str:
        """A value for `width` digits, checked."""
        if not is_digits(value):
            raise self.unencodable(Defect.NOT_DIGITS)
        return self.text(value, width)

    def optional_digits(self, values: list[tuple[str, int]]) -> str:
        """Digits that may be left out from some part on; each value with its width."""
        present = [pair for pair in values if pair[0]]
        if present != values[: len(present)]:
            raise self.unencodable(Defect.WRONG_LENGTH)
        return "".join(self.digits(value, width) for value, width in present)

    def number(self, value: int, width: int) -> str:
        """A number as `width` digits with leading zeros."""
        if value < 0:
            raise self.unencodable(Defect.NOT_DIGITS)
        if value >= 10**width:
            raise self.unencodable(Defect.TOO_LONG)
        return f"{value:0{width}}"

    def text(self, value: str, width: int) -> str:
        """A value for `width` characters, checked."""
        if len(value) != width:
            raise self.unencodable(Defect.WRONG_LENGTH)
        return value


class Reader:
    """Takes parts off the front of a content, and knows where it is."""

    __slots__ = ("_content", "_place", "position")

    def __init__(self, place: Place, content: str) -> None:
        self._place = place
        self._content = content
        self.position = 0

    @property
    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self.position == len(self._content)

    def ahead(self, width: int) -> str:
        """The next `width` characters, or what there is of them, without taking them."""
        return self._content[self.position : self.position + width]

    def text(self, width: int) -> str:
        """The next `width` characters."""
        taken = self.ahead(width)
        if len(taken) < width:
            raise self.defect(Defect.TRUNCATED)
        self.position += width
        return taken

    def digits(self, width: int) -> str:
        """The next `width` characters, all digits."""
        start = self.position
        taken = self.text(width)
        if not is_digits(taken):
            wrong = next(at for at, letter in enumerate(taken) if not is_digits(letter))
            raise self.defect(Defect.NOT_DIGITS, start + wrong)
        return taken

    def number(self, width: int) -> int:
        """The next `width` digits as a number."""
        return int(self.digits(width))

    def optional_digits(self, width: int) -> str:
        """The next `width` digits, or nothing at the end of the content."""
        return "" if self.at_end else self.digits(width)

    def rest(self) -> str:
        """Everything that is left."""
        return self.text(len(self._content) - self.position)

    def end(self) -> None:
        """Make sure that nothing is left."""
        if not self.at_end:
            raise self.defect(Defect.TRAILING_BYTES)

    def defect(self, reason: Defect, position: int | None = None) -> MalformedSubField:
        """The error for a defect at a position, or where the reader is."""
        return self._place.malformed(self.position if position is None else position, reason)


def is_digits(text: str) -> bool:
    """Whether it is one or more ASCII digits."""
    return text.isascii() and text.isdecimal()
