"""The original of a void, reversal, refund or completion: fields 61 (UnionPay), 90 (1987) and 56 (1993).

None of them holds card data. A terminal fills what it doesn't know with zeros: a refund states nothing of its
original but the date.
"""

from dataclasses import dataclass
from typing import Final, Self

from iso8583_specs.defects import Defect
from iso8583_specs.subfields.structure import Part, Place, SubField

_F61: Final = Place("unionpay_pos", 61)
_F90: Final = Place("iso1987", 90)
_F56: Final = Place("iso1993", 56)
_ACQUIRER_DIGITS_MAX: Final = 11


@dataclass(frozen=True, slots=True, repr=False)
class OriginalTransaction(SubField):
    """Field 61 of UnionPay's terminals; any prefix of the parts, an absent part is empty.

    Attributes:
        batch, stan: Six digits each.
        date: MMDD.
        authorisation_mode: Two digits.
        authoriser: The institution that authorised, eleven digits.
    """

    batch: str
    stan: str = ""
    date: str = ""
    authorisation_mode: str = ""
    authoriser: str = ""

    @classmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read field 61."""
        reader = _F61.reader(content)
        batch = reader.digits(6)
        original = cls(batch, *map(reader.optional_digits, (6, 4, 2, 11)))
        reader.end()
        return original

    def build(self) -> str:
        """The digits of field 61."""
        later = [(self.stan, 6), (self.date, 4), (self.authorisation_mode, 2), (self.authoriser, 11)]
        return _F61.digits(self.batch, 6) + _F61.optional_digits(later)

    def parts(self) -> list[Part]:
        """61.1 to 61.5."""
        parts = [
            Part("61.1", "original batch", self.batch),
            Part("61.2", "original STAN", self.stan),
            Part("61.3", "original date", self.date),
            Part("61.4", "authorisation mode", self.authorisation_mode),
            Part("61.5", "authorising institution", self.authoriser),
        ]
        return [part for part in parts if part.value]


@dataclass(frozen=True, slots=True, repr=False)
class OriginalDataElements1987(SubField):
    """Field 90 of ISO 8583:1987.

    Attributes:
        mti: Four digits.
        stan: Field 11 of the original, six digits.
        transmitted: Field 7 of the original, MMDDhhmmss.
        acquirer, forwarder: Fields 32 and 33 of the original, zeros in front up to eleven digits.
    """

    mti: str
    stan: str
    transmitted: str
    acquirer: str
    forwarder: str

    @classmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read field 90."""
        reader = _F90.reader(content)
        original = cls(*map(reader.digits, (4, 6, 10, 11, 11)))
        reader.end()
        return original

    def build(self) -> str:
        """The 42 digits of field 90."""
        parts = (self.mti, self.stan, self.transmitted, self.acquirer, self.forwarder)
        return "".join(map(_F90.digits, parts, (4, 6, 10, 11, 11)))

    def parts(self) -> list[Part]:
        """90.1 to 90.5."""
        return [
            Part("90.1", "original message type", self.mti),
            Part("90.2", "original STAN", self.stan),
            Part("90.3", "original transmission date and time", self.transmitted),
            Part("90.4", "original acquirer", self.acquirer),
            Part("90.5", "original forwarder", self.forwarder),
        ]


@dataclass(frozen=True, slots=True, repr=False)
class OriginalDataElements1993(SubField):
    """Field 56 of ISO 8583:1993.

    Attributes:
        mti: Four digits.
        stan: Field 11 of the original, six digits.
        local: Field 12 of the original, YYMMDDhhmmss.
        acquirer: Field 32 of the original, at most eleven digits.
    """

    mti: str
    stan: str
    local: str
    acquirer: str

    @classmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read field 56."""
        reader = _F56.reader(content)
        fixed = reader.digits(4), reader.digits(6), reader.digits(12)
        start = reader.position
        length = reader.number(2)
        if length > _ACQUIRER_DIGITS_MAX:
            raise _F56.malformed(start, Defect.TOO_LONG)
        original = cls(*fixed, reader.digits(length) if length else "")
        reader.end()
        return original

    def build(self) -> str:
        """The digits of field 56."""
        parts = (self.mti, self.stan, self.local)
        length = len(self.acquirer)
        if length > _ACQUIRER_DIGITS_MAX:
            raise _F56.unencodable(Defect.TOO_LONG)
        acquirer = _F56.digits(self.acquirer, length) if length else ""
        return "".join(map(_F56.digits, parts, (4, 6, 12))) + f"{length:02}" + acquirer

    def parts(self) -> list[Part]:
        """56.1 to 56.4."""
        return [
            Part("56.1", "original message type", self.mti),
            Part("56.2", "original STAN", self.stan),
            Part("56.3", "original local date and time", self.local),
            Part("56.4", "original acquirer", self.acquirer),
        ]
