"""The one error of everything that handles keys: it says why, and nothing of the key.

A refusal is about a key or a key block; what the block holds never gets into the text.
"""

from enum import Enum

__all__ = ["KeyBlockRefused", "Refusal"]


class Refusal(Enum):
    """Why a key or a key block is refused."""

    MALFORMED = "it is not a key block"
    FORGED = "its authentication fails: it was changed or made under another key"
    VERSION = "its version does not fit the key it is under"
    USAGE = "it was made for another usage"
    ALGORITHM = "its algorithm does not fit the usage"
    MODE = "its mode of use does not fit the usage"
    PURPOSE = "its optional blocks name another purpose"
    LENGTH = "the key has the wrong length for the usage"
    WEAK = "the key is weak"
    STRENGTH = "the wrapping key is weaker than the key"
    EXPORT = "the key may not be exported in this form"
    COMPONENT = "it holds a component and not a whole key"
    COMPONENTS = "a key has two to nine different components"
    CHECK_VALUE = "its check value does not fit"
    PARITY = "it has no odd parity"
    TABLE = "it is no decimalisation table: 16 decimal digits, 8 of them different, none more than 4 times"
    GIVEN = "a decimalisation table is given by the issuer: it is imported, never made"


class KeyBlockRefused(Exception):
    """A key or key block that may not be used for what was asked; says why and nothing else."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(f"key refused: {reason.value}")
        self.reason = reason
