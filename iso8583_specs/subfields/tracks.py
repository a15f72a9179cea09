"""The tracks of a magnetic stripe as fields 35 (track 2), 36 (track 3) and 45 (track 1) carry them.

Without start sentinel, end sentinel and check character. A part that the card omits is a separator in its
place, and stands so in the attributes; a part that a shortened track doesn't reach is empty. Sources:
ISO/IEC 7813 (tracks 1 and 2), ISO/IEC 4909 (track 3).
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from iso8583_specs.defects import Defect
from iso8583_specs.subfields.structure import Part, Place, SubField
from iso8583_specs.values import Pan

_TRACK_1: Final = Place("iso7813", 45)
_TRACK_2: Final = Place("iso7813", 35)
_TRACK_3: Final = Place("iso4909", 36)

_FORMAT_1: Final = re.compile(
    r"(?P<format>B)(?P<pan>\d{1,19})\^(?P<name>[ -\]_]{2,26})\^"
    r"((?P<expiry>\d{4}|\^)((?P<service>\d{3}|\^)(?P<rest>[ -~]*))?)?",
    re.ASCII,
)
_FORMAT_2: Final = re.compile(
    r"(?P<pan>\d{1,19})(?P<separator>[=D])"
    r"((?P<expiry>\d{4}|(?P=separator))((?P<service>\d{3}|(?P=separator))(?P<rest>[\d=D]*))?)?",
    re.ASCII,
)
# Behind the PAN: country and currency, exponent, amounts, cycle, retry count, PIN control, interchange
# control, types of the three accounts; then the expiry date.
_FORMAT_3: Final = re.compile(
    r"(?P<format>\d\d)(?P<pan>\d{1,19})(?P<separator>[=D])"
    r"((?P<use>(\d{3}|(?P=separator)){2}\d{16}(\d{6}|(?P=separator))\d{7})"
    r"((?P<expiry>\d{4}|(?P=separator))(?P<rest>[\d=D]*))?)?",
    re.ASCII,
)


def _matched(place: Place, pattern: re.Pattern[str], content: str | bytes) -> dict[str, str]:
    """The named groups of a track; groups that a shortened track doesn't reach are empty."""
    text = place.octets(content).decode("latin-1")
    found = pattern.match(text)
    if found is None:
        raise place.malformed(0, Defect.NOT_TRACK)
    if found.end() < len(text):
        raise place.malformed(found.end(), Defect.NOT_TRACK)
    return found.groupdict(default="")


def _checked(place: Place, pattern: re.Pattern[str], text: str, groups: dict[str, str]) -> str:
    """A track that would be read into these groups again."""
    found = pattern.fullmatch(text)
    if found is None or found.groupdict(default="") != groups:
        raise place.unencodable(Defect.NOT_TRACK)
    return text


@dataclass(frozen=True, slots=True, repr=False)
class Track1(SubField):
    """Track 1, format B: at most 76 characters.

    Attributes:
        pan: The card.
        name: The cardholder's, 2 to 26 characters.
        expiry: YYMM, or the separator `^`.
        service_code: Three digits, or the separator.
        discretionary: The issuer's own.
    """

    pan: Pan
    name: str
    expiry: str = ""
    service_code: str = ""
    discretionary: str = ""

    @classmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read track 1."""
        found = _matched(_TRACK_1, _FORMAT_1, content)
        return cls(Pan(found["pan"]), found["name"], found["expiry"], found["service"], found["rest"])

    def build(self) -> str:
        """The track."""
        end = self.expiry + self.service_code + self.discretionary
        groups = {
            "format": "B",
            "pan": self.pan.clear,
            "name": self.name,
            "expiry": self.expiry,
            "service": self.service_code,
            "rest": self.discretionary,
        }
        return _checked(_TRACK_1, _FORMAT_1, f"B{self.pan.clear}^{self.name}^{end}", groups)

    def parts(self) -> list[Part]:
        """45.1 and on."""
        return _present(
            Part("45.1", "primary account number", self.pan),
            Part("45.2", "cardholder name", self.name, hidden=True),
            Part("45.3", "expiry date", self.expiry, hidden=True),
            Part("45.4", "service code", self.service_code, hidden=True),
            Part("45.5", "discretionary data", self.discretionary, hidden=True),
        )


@dataclass(frozen=True, slots=True, repr=False)
class Track2(SubField):
    """Track 2: at most 37 characters; also the chip's equivalent (EMV tag 57) without its filler.

    Attributes:
        pan: The card.
        expiry: YYMM, or the separator.
        service_code: Three digits, or the separator.
        discretionary: The issuer's own.
        separator: `=`, or the `D` of those who send it as a hex digit.
    """

    pan: Pan
    expiry: str = ""
    service_code: str = ""
    discretionary: str = ""
    separator: str = "="

    @classmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read track 2."""
        found = _matched(_TRACK_2, _FORMAT_2, content)
        parts = (found["expiry"], found["service"], found["rest"], found["separator"])
        return cls(Pan(found["pan"]), *parts)

    def build(self) -> str:
        """The track."""
        end = self.expiry + self.service_code + self.discretionary
        groups = {
            "pan": self.pan.clear,
            "separator": self.separator,
            "expiry": self.expiry,
            "service": self.service_code,
            "rest": self.discretionary,
        }
        return _checked(_TRACK_2, _FORMAT_2, self.pan.clear + self.separator + end, groups)

    def parts(self) -> list[Part]:
        """35.1 and on."""
        return _present(
            Part("35.1", "primary account number", self.pan),
            Part("35.2", "expiry date", self.expiry, hidden=True),
            Part("35.3", "service code", self.service_code, hidden=True),
            Part("35.4", "discretionary data", self.discretionary, hidden=True),
        )


@dataclass(frozen=True, slots=True, repr=False)
class Track3(SubField):
    """Track 3: at most 104 characters.

    Attributes:
        format_code: Two digits.
        pan: The card.
        use_and_security: From the country to the types of the accounts, as on the track.
        expiry: YYMM, or the separator.
        discretionary: Everything behind it: sequence number, further accounts, the issuer's own.
        separator: `=`, or the `D` of those who send it as a hex digit.
    """

    format_code: str
    pan: Pan
    use_and_security: str = ""
    expiry: str = ""
    discretionary: str = ""
    separator: str = "="

    @classmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read track 3."""
        found = _matched(_TRACK_3, _FORMAT_3, content)
        parts = (found["use"], found["expiry"], found["rest"], found["separator"])
        return cls(found["format"], Pan(found["pan"]), *parts)

    def build(self) -> str:
        """The track."""
        start = self.format_code + self.pan.clear + self.separator
        groups = {
            "format": self.format_code,
            "pan": self.pan.clear,
            "separator": self.separator,
            "use": self.use_and_security,
            "expiry": self.expiry,
            "rest": self.discretionary,
        }
        text = start + self.use_and_security + self.expiry + self.discretionary
        return _checked(_TRACK_3, _FORMAT_3, text, groups)

    def parts(self) -> list[Part]:
        """36.1 and on."""
        return _present(
            Part("36.1", "format code", self.format_code),
            Part("36.2", "primary account number", self.pan),
            Part("36.3", "use and security data", self.use_and_security, hidden=True),
            Part("36.4", "expiry date", self.expiry, hidden=True),
            Part("36.5", "discretionary data", self.discretionary, hidden=True),
        )


def _present(*parts: Part) -> list[Part]:
    return [part for part in parts if part.value]
