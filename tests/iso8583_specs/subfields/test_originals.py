"""Goal: what names an original is read part by part in each of the three dialects' ways."""

from collections.abc import Callable

import pytest

from iso8583_specs.defects import Defect
from iso8583_specs.subfields.originals import (
    OriginalDataElements1987,
    OriginalDataElements1993,
    OriginalTransaction,
)
from iso8583_specs.subfields.structure import SubField

Refuses = Callable[[type[SubField], str | bytes, int, Defect], None]
CannotBe = Callable[[Callable[[], SubField], Defect], None]


@pytest.mark.parametrize(
    ("content", "original"),
    [
        ("000007000134", OriginalTransaction("000007", "000134")),
        ("0000000000000911", OriginalTransaction("000000", "000000", "0911")),
        (
            "00000700013409110112345678901",
            OriginalTransaction("000007", "000134", "0911", "01", "12345678901"),
        ),
        (
            "313202000033160908064519000000002000000000",
            OriginalDataElements1987("3132", "020000", "3316090806", "45190000000", "02000000000"),
        ),
        (
            "120000000126091116301706123456",
            OriginalDataElements1993("1200", "000001", "260911163017", "123456"),
        ),
        ("120000000126091116301700", OriginalDataElements1993("1200", "000001", "260911163017", "")),
    ],
)
def test_original_has_its_parts(content: str, original: SubField) -> None:
    """A void, a refund, an offline advice; a captured field 90; field 56 with its acquirer's length."""
    assert original == type(original).parse(content)
    assert content == original.build()


def test_absent_parts_are_left_out() -> None:
    """A void's original has no date, and the number of a part is its own."""
    parts = OriginalTransaction("000007", "000134").parts()

    assert [("61.1", "000007"), ("61.2", "000134")] == [(part.label, part.value) for part in parts]


@pytest.mark.parametrize(
    ("structure", "content", "position", "reason"),
    [
        (OriginalTransaction, "00000", 0, Defect.TRUNCATED),
        (OriginalTransaction, "4100:2026-07-31:", 4, Defect.NOT_DIGITS),
        (OriginalTransaction, "0000070001", 6, Defect.TRUNCATED),
        (OriginalTransaction, "0" * 30, 29, Defect.TRAILING_BYTES),
        (OriginalDataElements1987, "0" * 41, 31, Defect.TRUNCATED),
        (OriginalDataElements1987, "0" * 43, 42, Defect.TRAILING_BYTES),
        (OriginalDataElements1993, "0" * 22 + "12" + "0" * 12, 22, Defect.TOO_LONG),
        (OriginalDataElements1993, "0" * 22 + "02" + "0", 24, Defect.TRUNCATED),
        (OriginalDataElements1993, "0" * 25, 24, Defect.TRAILING_BYTES),
    ],
)
def test_wrong_content_is_refused(
    refuses: Refuses, structure: type[SubField], content: str, position: int, reason: Defect
) -> None:
    """Parts are whole and digits, and nothing follows the last one."""
    refuses(structure, content, position, reason)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: OriginalTransaction("", "000134"), Defect.NOT_DIGITS),
        (lambda: OriginalTransaction("000007", "", "0911"), Defect.WRONG_LENGTH),
        (lambda: OriginalDataElements1987("200", "0" * 6, "0" * 10, "0" * 11, "0" * 11), Defect.WRONG_LENGTH),
        (lambda: OriginalDataElements1993("1200", "0" * 6, "0" * 12, "0" * 12), Defect.TOO_LONG),
        (lambda: OriginalDataElements1993("1200", "0" * 6, "0" * 12, "x"), Defect.NOT_DIGITS),
    ],
)
def test_what_does_not_fit_cannot_be(
    cannot_be: CannotBe, make: Callable[[], SubField], reason: Defect
) -> None:
    """Every part has its width."""
    cannot_be(make, reason)
