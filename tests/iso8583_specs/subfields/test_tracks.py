"""Goal: tracks are read into card, expiry date, service code and the issuer's data, and show none of them."""

from collections.abc import Callable

import pytest

from iso8583_specs.defects import Defect
from iso8583_specs.subfields.structure import Part, SubField
from iso8583_specs.subfields.tracks import Track1, Track2, Track3
from iso8583_specs.values import Pan

Refuses = Callable[[type[SubField], str | bytes, int, Defect], None]
CannotBe = Callable[[Callable[[], SubField], Defect], None]
NUMBER = "9900010123456781234"
CARD = Pan(NUMBER)
USE = "1561560000000000000003000000114" + "0000"


@pytest.mark.parametrize(
    ("content", "track"),
    [
        (f"{NUMBER}=29121010000012345", Track2(CARD, "2912", "101", "0000012345")),
        (f"{NUMBER}D2912101", Track2(CARD, "2912", "101", separator="D")),
        (f"{NUMBER}===123", Track2(CARD, "=", "=", "123")),
        (f"{NUMBER}==101", Track2(CARD, "=", "101")),
        (f"{NUMBER}=2912=", Track2(CARD, "2912", "=")),
        (f"{NUMBER}=2912", Track2(CARD, "2912")),
        (f"{NUMBER}=", Track2(CARD)),
        (
            "1234567890123456=12345678901234567890",
            Track2(Pan("1234567890123456"), "1234", "567", "8901234567890"),
        ),
        (f"B{NUMBER}^DOE/JANE^29121010000", Track1(CARD, "DOE/JANE", "2912", "101", "0000")),
        (f"B{NUMBER}^DOE/JANE^^^", Track1(CARD, "DOE/JANE", "^", "^")),
        (f"B{NUMBER}^DOE/JANE^", Track1(CARD, "DOE/JANE")),
        (f"99{NUMBER}={USE}49121==000", Track3("99", CARD, USE, "4912", "1==000")),
        (f"99{NUMBER}={USE}=1", Track3("99", CARD, USE, "=", "1")),
        (f"99{NUMBER}D", Track3("99", CARD, separator="D")),
    ],
)
def test_track_has_its_parts(content: str, track: SubField) -> None:
    """A part that the card omits is its separator, and a short track ends where it ends."""
    assert track == type(track).parse(content)
    assert content == track.build()


@pytest.mark.parametrize(
    ("structure", "content", "position"),
    [
        (Track2, "", 0),
        (Track2, "=2912", 0),
        (Track2, NUMBER, 0),
        (Track2, f"{NUMBER}0=2912", 0),
        (Track2, f"{NUMBER}=29", 20),
        (Track2, f"{NUMBER}=291210", 24),
        (Track2, f"{NUMBER}=2912101x", 27),
        (Track2, f"{NUMBER}=٣٣٣٣".encode().decode("latin-1"), 20),
        (Track1, "JPOSJPOSJPOS", 0),
        (Track1, f"A{NUMBER}^DOE/JANE^", 0),
        (Track1, f"B{NUMBER}^D^", 0),
        (Track1, f"B{NUMBER}^DOE/JANE^2912101\n", 37),
        (Track3, "THE QUICK BROWN FOX", 0),
        (Track3, f"99{NUMBER}=156", 22),
    ],
)
def test_what_is_no_track_is_refused(
    refuses: Refuses, structure: type[SubField], content: str, position: int
) -> None:
    """The position is where the track stops being one."""
    refuses(structure, content, position, Defect.NOT_TRACK)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Track2(CARD, "29"),
        lambda: Track2(CARD, "", "101"),
        lambda: Track2(CARD, "2912", "1", "01"),
        lambda: Track2(CARD, separator="^"),
        lambda: Track1(CARD, "x"),
        lambda: Track1(CARD, "DOE^JANE"),
        lambda: Track3("9", CARD),
        lambda: Track3("99", CARD, "", "4912"),
    ],
)
def test_track_that_nobody_could_read_cannot_be(cannot_be: CannotBe, make: Callable[[], SubField]) -> None:
    """Parts have the widths of the standard, and none follows one that is missing."""
    cannot_be(make, Defect.NOT_TRACK)


def test_track_shows_the_ends_of_the_card_only() -> None:
    """Expiry date, service code, name and the rest are hidden; absent parts are left out."""
    assert "Track2(35.1: '990001*********1234')" == repr(Track2(CARD))
    assert "Track1(45.1: '990001*********1234', 45.2: '<8 characters>', 45.3: '<4 characters>')" == repr(
        Track1(CARD, "DOE/JANE", "2912")
    )
    assert Part("36.4", "expiry date", "4912", hidden=True) in Track3("99", CARD, USE, "4912").parts()
