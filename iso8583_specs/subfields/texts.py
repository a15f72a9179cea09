"""Field 63 of UnionPay's terminals: operator or card organisation, and texts for the slip.

The texts are bytes, because they are GBK, or UTF-8, or what the centre likes. Of the parts any prefix may be
there, and the last one may be short: deployments cut and pad as they like.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from types import MappingProxyType
from typing import Final, Self

from iso8583_specs.defects import Defect
from iso8583_specs.subfields.structure import Part, Place, SubField

ORGANISATIONS: Final[Mapping[bytes, str]] = MappingProxyType(
    {
        b"CUP": "UnionPay",
        b"VIS": "Visa",
        b"MCC": "Mastercard",
        b"MAE": "Maestro",
        b"JCB": "JCB",
        b"DCC": "Diners Club",
        b"AMX": "American Express",
    }
)
"""63.1 of answers and refunds; elsewhere it is an operator."""

_F63: Final = Place("unionpay_pos", 63)
_WIDTHS: Final = (3, 20, 20, 20, 60)
_ENDS: Final = tuple(accumulate(_WIDTHS, initial=0))


@dataclass(frozen=True, slots=True, repr=False)
class OperatorAndTexts(SubField):
    """Field 63.

    Attributes:
        code: Operator, or card organisation; at most 3 bytes.
        issuer, network, acquirer: Their texts, at most 20 bytes each.
        terminal: For the terminal, at most 60 bytes.
        further: What some centres send behind it.
    """

    code: bytes
    issuer: bytes = b""
    network: bytes = b""
    acquirer: bytes = b""
    terminal: bytes = b""
    further: bytes = b""

    @classmethod
    def parse(cls, content: str | bytes) -> Self:
        """Read field 63."""
        octets = _F63.octets(content)
        return cls(*_slices(octets))

    def build(self) -> bytes:
        """The bytes of field 63."""
        parts = (self.code, self.issuer, self.network, self.acquirer, self.terminal, self.further)
        content = b"".join(parts)
        if list(parts) != _slices(content):
            raise _F63.unencodable(Defect.WRONG_LENGTH)
        return content

    def parts(self) -> list[Part]:
        """63.1, and the texts by their size."""
        parts = [
            Part("63.1", "operator or card organisation", *self._code()),
            Part("63.2.1", "issuer's text", self.issuer, hidden=True),
            Part("63.2.2", "network's text", self.network, hidden=True),
            Part("63.2.3", "acquirer's text", self.acquirer, hidden=True),
            Part("63.2.4", "text for the terminal", self.terminal, hidden=True),
            Part("63.3", "further data", self.further, hidden=True),
        ]
        return [part for part in parts if part.value]

    def _code(self) -> tuple[str, str]:
        return self.code.decode("latin-1"), ORGANISATIONS.get(self.code, "")


def _slices(octets: bytes) -> list[bytes]:
    return [octets[start:end] for start, end in pairwise((*_ENDS, None))]
