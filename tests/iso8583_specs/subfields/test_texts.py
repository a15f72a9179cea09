"""Goal: field 63 gives operator or card organisation and the texts behind it, whatever their encoding."""

from collections.abc import Callable

import pytest

from iso8583_specs.defects import Defect
from iso8583_specs.subfields.structure import Part, SubField
from iso8583_specs.subfields.texts import OperatorAndTexts

CannotBe = Callable[[Callable[[], SubField], Defect], None]


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"", OperatorAndTexts(b"")),
        (b"00", OperatorAndTexts(b"00")),
        (b"01 ", OperatorAndTexts(b"01 ")),
        (b"CUP" + b"i" * 20 + b"n" * 5, OperatorAndTexts(b"CUP", b"i" * 20, b"n" * 5)),
        (
            b"CUP" + b"i" * 20 + b"n" * 20 + b"a" * 20 + b"t" * 60 + b"f",
            OperatorAndTexts(b"CUP", b"i" * 20, b"n" * 20, b"a" * 20, b"t" * 60, b"f"),
        ),
    ],
)
def test_content_is_cut_into_its_parts(content: bytes, texts: OperatorAndTexts) -> None:
    """Parts end where the content ends, and what is too much is kept."""
    assert texts == OperatorAndTexts.parse(content)
    assert content == texts.build()


def test_organisation_is_named_and_texts_are_hidden() -> None:
    """The code is shown; texts might be anything."""
    assert [
        Part("63.1", "operator or card organisation", "CUP", "UnionPay"),
        Part("63.2.1", "issuer's text", b"\xbf\xaa", hidden=True),
    ] == OperatorAndTexts(b"CUP", b"\xbf\xaa").parts()
    assert [Part("63.1", "operator or card organisation", "01 ")] == OperatorAndTexts(b"01 ").parts()


@pytest.mark.parametrize(
    "make",
    [
        lambda: OperatorAndTexts(b"CUPS"),
        lambda: OperatorAndTexts(b"", b"text"),
        lambda: OperatorAndTexts(b"CUP", b"short", b"text"),
        lambda: OperatorAndTexts(b"CUP", b"i" * 21),
    ],
)
def test_texts_that_would_shift_cannot_be(cannot_be: CannotBe, make: Callable[[], SubField]) -> None:
    """Only the last part may be short."""
    cannot_be(make, Defect.WRONG_LENGTH)
