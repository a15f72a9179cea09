"""Goal: field 60 is read part by part, however many of its parts a terminal sends."""

from collections.abc import Callable

import pytest

from iso8583_specs.defects import Defect
from iso8583_specs.subfields.structure import Part, SubField
from iso8583_specs.subfields.transaction import TransactionDetails

Refuses = Callable[[type[SubField], str | bytes, int, Defect], None]
CannotBe = Callable[[Callable[[], SubField], Defect], None]


@pytest.mark.parametrize(
    ("content", "details"),
    [
        ("22000007", TransactionDetails("22", "000007")),
        ("00000007003", TransactionDetails("00", "000007", "003")),
        ("000000010040", TransactionDetails("00", "000001", "004", "0")),
        ("2200000700050", TransactionDetails("22", "000007", "000", "5", "0")),
        ("22000065000501", TransactionDetails("22", "000065", "000", "5", "0", "1")),
        ("22000001000601065", TransactionDetails("22", "000001", "000", "6", "0", "1", "065")),
    ],
)
def test_any_prefix_of_the_parts_is_read(content: str, details: TransactionDetails) -> None:
    """Captured messages have 8, 11, 12, 13 and 14 digits; absent parts are empty."""
    assert details == TransactionDetails.parse(content)


def test_codes_are_said_in_words() -> None:
    """The codes that deployments agree on have meanings, unknown ones none."""
    parts = TransactionDetails("22", "000001", "003", "6", "2", "1", "065").parts()

    assert Part("60.1", "transaction type", "22", "sale") == parts[0]
    assert [
        "sale",
        "",
        "sign-on, double-length keys",
        "contactless chip",
        "last chip could not be read",
        "",
        "alliance points",
    ] == [part.meaning for part in parts]
    assert not any(part.meaning for part in TransactionDetails("77", "000001", "777", "9", "9").parts())


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("800", "electronic signature upload"),
        ("950", "electronic signature upload"),
        ("951", "result of an issuer script"),
        ("799", ""),
    ],
)
def test_codes_from_800_on_are_of_signatures(code: str, meaning: str) -> None:
    """The whole range up to the script results is of electronic slips."""
    assert meaning == TransactionDetails("00", "000001", code).parts()[2].meaning


@pytest.mark.parametrize(
    ("content", "position", "reason"),
    [
        ("", 0, Defect.TRUNCATED),
        ("UVWX", 0, Defect.NOT_DIGITS),
        ("2200000", 2, Defect.TRUNCATED),
        ("220000070", 8, Defect.TRUNCATED),
        ("22000001000601065" + "1", 17, Defect.TRAILING_BYTES),
    ],
)
def test_wrong_content_is_refused(refuses: Refuses, content: str, position: int, reason: Defect) -> None:
    """Parts are whole and digits, and nothing follows the last one."""
    refuses(TransactionDetails, content, position, reason)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: TransactionDetails("2"), Defect.WRONG_LENGTH),
        (lambda: TransactionDetails("22", "", "003"), Defect.WRONG_LENGTH),
        (lambda: TransactionDetails("22", "00000x"), Defect.NOT_DIGITS),
    ],
)
def test_what_does_not_fit_cannot_be(
    cannot_be: CannotBe, make: Callable[[], SubField], reason: Defect
) -> None:
    """No part stands behind an absent one."""
    cannot_be(make, reason)
