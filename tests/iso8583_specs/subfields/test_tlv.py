"""Goal: tagged data keep every object in its place, and hide what isn't known to be harmless."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iso8583_specs.defects import Defect
from iso8583_specs.subfields.structure import Part, SubField
from iso8583_specs.subfields.tlv import AsciiObject, AsciiTlv, BerObject, BerTlv
from iso8583_specs.values import Pan

Refuses = Callable[[type[SubField], str | bytes, int, Defect], None]
CannotBe = Callable[[Callable[[], SubField], Defect], None]


@pytest.mark.parametrize(
    ("hex_text", "objects"),
    [
        ("9F36020047", [BerObject("9F36", b"\0\x47")]),
        ("9F360200479F36020048", [BerObject("9F36", b"\0\x47"), BerObject("9F36", b"\0\x48")]),
        ("910A42FE066E2918B0883030", [BerObject("91", bytes.fromhex("42FE066E2918B0883030"))]),
        ("FF0101AA", [BerObject("FF01", b"\xaa")]),
        ("DF812900", [BerObject("DF8129", b"")]),
        ("9F80810100", [BerObject("9F808101", b"")]),
        ("00950000", [BerObject("00", b""), BerObject("95", b""), BerObject("00", b"")]),
        ("958101AA", [BerObject("95", b"\xaa", length_bytes=2)]),
        ("9584000000 01AA", [BerObject("95", b"\xaa", length_bytes=5)]),
        ("958180" + "AA" * 128, [BerObject("95", b"\xaa" * 128)]),
        ("95820080" + "AA" * 128, [BerObject("95", b"\xaa" * 128, length_bytes=3)]),
        ("95820100" + "AA" * 256, [BerObject("95", b"\xaa" * 256)]),
        ("71049F180100", [BerObject("71", bytes.fromhex("9F180100"))]),
    ],
)
def test_objects_stay_as_they_are(hex_text: str, objects: list[BerObject]) -> None:
    """Unknown, repeated and constructed objects, padding and long-winded lengths are kept and built again."""
    content = bytes.fromhex(hex_text)

    assert BerTlv(tuple(objects)) == BerTlv.parse(content)
    assert content == BerTlv(tuple(objects)).build()


@pytest.mark.parametrize(
    ("hex_text", "position", "reason"),
    [
        ("9F", 0, Defect.TRUNCATED),
        ("9F3602004795", 6, Defect.TRUNCATED),
        ("9F36020047DF81", 5, Defect.TRUNCATED),
        ("DF8181810100", 0, Defect.BAD_TAG),
        ("9580", 1, Defect.BAD_TLV_LENGTH),
        ("95800000", 1, Defect.BAD_TLV_LENGTH),
        ("95850000000001AA", 1, Defect.BAD_TLV_LENGTH),
        ("95FF", 1, Defect.BAD_TLV_LENGTH),
        ("9581", 1, Defect.TRUNCATED),
        ("9584FFFFFF", 1, Defect.TRUNCATED),
        ("9584FFFFFFFF", 1, Defect.TRUNCATED),
        ("950200", 1, Defect.TRUNCATED),
        ("9F3605 0047", 2, Defect.TRUNCATED),
    ],
)
def test_broken_objects_are_refused_where_they_break(
    refuses: Refuses, hex_text: str, position: int, reason: Defect
) -> None:
    """Tags without end, indefinite lengths, and lengths that reach behind the content."""
    refuses(BerTlv, bytes.fromhex(hex_text), position, reason)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (BerObject("", b""), Defect.BAD_TAG),
        (BerObject("9f36", b""), Defect.BAD_TAG),
        (BerObject("9F3", b""), Defect.BAD_TAG),
        (BerObject("9F", b""), Defect.BAD_TAG),
        (BerObject("95AA", b""), Defect.BAD_TAG),
        (BerObject("9F81", b""), Defect.BAD_TAG),
        (BerObject("9F0101", b""), Defect.BAD_TAG),
        (BerObject("DF81818101", b""), Defect.BAD_TAG),
        (BerObject("0001", b""), Defect.BAD_TAG),
        (BerObject("00", b"a"), Defect.WRONG_LENGTH),
        (BerObject("00", b"", length_bytes=2), Defect.WRONG_LENGTH),
        (BerObject("95", b"a", length_bytes=1), Defect.BAD_TLV_LENGTH),
        (BerObject("95", b"a", length_bytes=6), Defect.BAD_TLV_LENGTH),
        (BerObject("95", b"a" * 200, length_bytes=2), Defect.BAD_TLV_LENGTH),
    ],
)
def test_object_that_nobody_could_read_cannot_be(
    cannot_be: CannotBe, found: BerObject, reason: Defect
) -> None:
    """Tags are those of the encoding rules, and lengths are written longer than needed or not at all."""
    cannot_be(lambda: BerTlv((found,)), reason)


TAGS = st.sampled_from(["95", "5A", "9F36", "DF8129", "FF00", "71", "E1", "DF818101"])


@given(st.lists(st.tuples(TAGS, st.binary(max_size=300), st.integers(0, 5))))
def test_any_objects_survive_the_round_trip(rows: list[tuple[str, bytes, int]]) -> None:
    """What is built is read again, in the same order and with the same lengths."""
    # Four bytes and more are too many for any of these values; fewer may be what is needed anyway.
    objects = tuple(BerObject(tag, value, size if size > 3 else 0) for tag, value, size in rows)
    tlv = BerTlv(objects)

    assert tlv == BerTlv.parse(tlv.build())


def test_first_object_with_a_tag_is_found() -> None:
    """Looking one up gives the first value, or nothing."""
    ber = BerTlv((BerObject("9F36", b"1"), BerObject("9F36", b"2")))
    text = AsciiTlv((AsciiObject("A4", "1"), AsciiObject("A4", "2")))

    assert (b"1", None) == (ber.get("9F36"), ber.get("95"))
    assert ("1", None) == (text.get("A4"), text.get("A5"))


@pytest.mark.parametrize(
    ("found", "part"),
    [
        (BerObject("9F36", b"\0\x47"), Part("9F36", "application transaction counter", b"\0\x47")),
        (BerObject("00", b""), Part("00", "padding", "")),
        (BerObject("FF01", b"x"), Part("FF01", "unknown tag", b"x", hidden=True)),
        (BerObject("57", b"x"), Part("57", "track 2 equivalent data", b"x", hidden=True)),
        (
            BerObject("5A", bytes.fromhex("9900010123456781234F")),
            Part("5A", "primary account number", Pan("9900010123456781234")),
        ),
        (BerObject("5A", b"\xff"), Part("5A", "primary account number", b"\xff", hidden=True)),
        (BerObject("5A", bytes(10)), Part("5A", "primary account number", bytes(10), hidden=True)),
        (BerObject("5A", b"\x1a"), Part("5A", "primary account number", b"\x1a", hidden=True)),
    ],
)
def test_only_harmless_objects_are_shown(found: BerObject, part: Part) -> None:
    """A card number shows its ends if it is one; what isn't known is hidden."""
    assert [part] == BerTlv((found,)).parts()


def test_objects_show_tag_and_size() -> None:
    """An object alone shows no value either."""
    assert "BerObject(5A, 2 bytes)" == repr(BerObject("5A", b"\x99\x00"))
    assert "AsciiObject('A4', 3 characters)" == repr(AsciiObject("A4", "abc"))


def test_ascii_objects_have_tags_and_lengths_of_characters() -> None:
    """The answer to a QR sale holds the payment code, which is hidden."""
    content = "A4020" + "6" * 20 + "B1000"
    tlv = AsciiTlv.parse(content)

    assert (AsciiObject("A4", "6" * 20), AsciiObject("B1", "")) == tlv.objects
    assert [
        Part("A4", "payment code", "6" * 20, hidden=True),
        Part("B1", "unknown tag", "", hidden=True),
    ] == tlv.parts()


@pytest.mark.parametrize(
    ("content", "position", "reason"),
    [
        ("A", 0, Defect.TRUNCATED),
        ("A402", 2, Defect.TRUNCATED),
        ("A4 20", 2, Defect.BAD_LENGTH),
        ("A4²²²", 2, Defect.BAD_LENGTH),
        ("A4002a", 5, Defect.TRUNCATED),
    ],
)
def test_broken_ascii_objects_are_refused(
    refuses: Refuses, content: str, position: int, reason: Defect
) -> None:
    """A length is three digits, and the value is as long."""
    refuses(AsciiTlv, content, position, reason)


@pytest.mark.parametrize(
    ("found", "reason"),
    [(AsciiObject("A", ""), Defect.WRONG_LENGTH), (AsciiObject("A4", "x" * 1000), Defect.TOO_LONG)],
)
def test_ascii_object_without_a_place_cannot_be(
    cannot_be: CannotBe, found: AsciiObject, reason: Defect
) -> None:
    """Tags have two characters, and values at most 999."""
    cannot_be(lambda: AsciiTlv((found,)), reason)
