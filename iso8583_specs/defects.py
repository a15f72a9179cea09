"""What can be wrong with a message, and the two exceptions that say so.

Neither exception ever holds data of the message, nor is it raised while another one that does is being
handled: dialect, field, position and reason are all there is to print, log or send to another process.
"""

from enum import StrEnum


class Defect(StrEnum):
    """Why bytes aren't a message, or why a value has no bytes."""

    BAD_MTI = "the message type is not four digits"
    TRUNCATED = "the message ends too early"
    UNDEFINED_FIELD = "the dialect does not define the field"
    BAD_BITMAP = "the bitmap is not hex digits"
    BAD_LENGTH = "the length indicator is not decimal"
    TOO_LONG = "longer than the field's maximum"
    WRONG_LENGTH = "not the field's fixed length"
    NOT_DIGITS = "not only decimal digits"
    NOT_TRACK = "not only digits and separators"
    NOT_HEX = "not only hex digits"
    NOT_TEXT = "bytes that are no text"
    NOT_LATIN_1 = "a character that has no byte"
    GIVEN_TWICE = "both a value and a message"
    WRONG_TYPE = "text where the field is binary, or the reverse"
    NO_FILLER = "an odd count of digits, and the dialect has no filler"
    BAD_FILLER = "the filler is not one upper-case hex digit"
    TRAILING_BYTES = "bytes after the last field"
    BAD_TAG = "the tag has no end within four bytes"
    BAD_TLV_LENGTH = "the length is indefinite or reserved"
    BAD_SIGN = "the sign is neither C nor D"


class MalformedMessage(Exception):
    """Bytes that aren't a message of the dialect.

    Attributes:
        dialect: The dialect they were read as.
        field: The field that could not be read; None for the MTI, the bitmap and what follows the last field.
        position: Byte offset in the body, of the length indicator if that is the defect, else of the content.
        reason: What is wrong there.
    """

    def __init__(self, dialect: str, field: int | None, position: int, reason: Defect) -> None:
        super().__init__(dialect, field, position, reason)
        self.dialect = dialect
        self.field = field
        self.position = position
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.dialect}: {_place(self.field)} at byte {self.position}: {self.reason}"


class UnencodableField(Exception):
    """A value that the dialect has no bytes for.

    Attributes:
        dialect: The dialect it should have been written in.
        field: The field; None for the MTI.
        reason: What doesn't fit.
    """

    def __init__(self, dialect: str, field: int | None, reason: Defect) -> None:
        super().__init__(dialect, field, reason)
        self.dialect = dialect
        self.field = field
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.dialect}: {_place(self.field)}: {self.reason}"


def _place(field: int | None) -> str:
    return "message" if field is None else f"field {field}"
