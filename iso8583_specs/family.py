"""The families of dialects: those that share what their fields mean, however they are written.

A dialect's name begins with its family's, as `iso1987_ebcdic` and `unionpay_pos.vfwz` do; a dialect of
another name has no family, and of its private fields nothing is known.
"""

from enum import StrEnum


class Family(StrEnum):
    """A vocabulary that several dialects write."""

    UNIONPAY_POS = "unionpay_pos"
    ISO1987 = "iso1987"
    ISO1993 = "iso1993"


def family_of(dialect: str) -> Family | None:
    """The family that a dialect's name says, None if it says none."""
    return next((family for family in Family if dialect.startswith(family)), None)
