"""Goal: what terminals say at settlement and batch upload is read as numbers, and their cards stay masked."""

from collections.abc import Callable

import pytest

from iso8583_specs.defects import Defect
from iso8583_specs.subfields.settlement import (
    BatchDetail,
    BatchDetails,
    BatchEnd,
    SettlementTotals,
    Totals,
)
from iso8583_specs.subfields.structure import Part, SubField
from iso8583_specs.values import Pan

Refuses = Callable[[type[SubField], str | bytes, int, Defect], None]
CannotBe = Callable[[Callable[[], SubField], Defect], None]
NOTHING = Totals(0, 0, 0, 0, "1")
DETAIL = BatchDetail("00", "000001", Pan("9900010123456781234"), 100)


def test_totals_are_amounts_counts_and_results() -> None:
    """A captured settlement's answer has debits, credits and a result for each kind of cards."""
    totals = SettlementTotals.parse("00000000001101100000000000200210000000000000000000000000000001")

    assert SettlementTotals(Totals(11, 11, 2, 2, "1"), NOTHING) == totals
    assert Part("48.5", "domestic result", "1", "balanced") == totals.parts()[4]
    assert ["48.1", "48.10"] == [totals.parts()[place].label for place in (0, -1)]


def test_details_have_cards() -> None:
    """A detail's card stands without the zeros before it, and nobody sees it whole."""
    content = "01" + "00" + "000001" + "09900010123456781234" + "000000000100"
    details = BatchDetails.parse(content)

    assert BatchDetails((DETAIL,)) == details
    assert "48.1.3: '990001*********1234'" in repr(details)
    assert Part("48.1.1", "card class", "00", "domestic") == details.parts()[0]


def test_end_counts_records() -> None:
    """The end of an upload is a count."""
    assert BatchEnd(12) == BatchEnd.parse("0012")
    assert [Part("48.1", "records sent", "0012")] == BatchEnd(12).parts()


@pytest.mark.parametrize(
    ("structure", "content", "position", "reason"),
    [
        (SettlementTotals, "0" * 61, 61, Defect.TRUNCATED),
        (SettlementTotals, "0" * 63, 62, Defect.TRAILING_BYTES),
        (SettlementTotals, "0" * 30 + "x" + "0" * 31, 30, Defect.NOT_DIGITS),
        (BatchDetails, "09", 0, Defect.TOO_LONG),
        (BatchDetails, "01", 2, Defect.TRUNCATED),
        (BatchDetails, "01" + "0" * 8 + "9" * 20 + "0" * 12, 10, Defect.TOO_LONG),
        (BatchDetails, "000", 2, Defect.TRAILING_BYTES),
        (BatchEnd, "00120", 4, Defect.TRAILING_BYTES),
        (BatchEnd, "", 0, Defect.TRUNCATED),
    ],
)
def test_wrong_content_is_refused(
    refuses: Refuses, structure: type[SubField], content: str, position: int, reason: Defect
) -> None:
    """Widths, counts and digits must fit."""
    refuses(structure, content, position, reason)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: SettlementTotals(Totals(10**12, 0, 0, 0, "0"), NOTHING), Defect.TOO_LONG),
        (lambda: SettlementTotals(Totals(0, 1000, 0, 0, "0"), NOTHING), Defect.TOO_LONG),
        (lambda: SettlementTotals(NOTHING, Totals(0, 0, -1, 0, "0")), Defect.NOT_DIGITS),
        (lambda: SettlementTotals(NOTHING, Totals(0, 0, 0, 0, "")), Defect.NOT_DIGITS),
        (lambda: BatchDetails((DETAIL,) * 9), Defect.TOO_LONG),
        (lambda: BatchEnd(10_000), Defect.TOO_LONG),
    ],
)
def test_what_does_not_fit_cannot_be(
    cannot_be: CannotBe, make: Callable[[], SubField], reason: Defect
) -> None:
    """A batch of more than 999 transactions has no totals, and a message no more than eight details."""
    cannot_be(make, reason)
