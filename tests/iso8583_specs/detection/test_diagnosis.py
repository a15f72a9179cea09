"""Goal: framing and dialect are named, first and with the reason, from the bytes alone.

Method: the real samples, untold; messages put into every framing; and bytes that are wrong in a usual way.
"""

import re
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iso8583_specs.codec import codec_for
from iso8583_specs.conversion import convert
from iso8583_specs.detection.diagnosis import CAPTURES_MAX, Candidate, diagnose, diagnose_any
from iso8583_specs.framing import FRAMINGS, write_frame

TPDU = bytes.fromhex("6000030000")
HEADER = bytes.fromhex("603100311108")
POS = "length2_tpdu_header6"
# A blog's exercise whose length prefix counts hex characters instead of bytes.
HAND_BUILT = bytes.fromhex(
    "0072600010000001000800203801000404000880000000000110101112240009303030313531000800350004343136310009303030303031"
    "303031"
)
# A purchase with a made-up card, as a terminal sends it.
PURCHASE = bytes.fromhex(
    "0200302004C020C098110000000000000888001001750210001235 6221550000000004D1511101000000000000"
    "3130343231363935 383734333530333537323232343731 313536 F421C8F4FFE584DC 2000000000000000"
    "000822000001 3246394433453536"
)


def framed(framing: str, body: bytes, header: bytes | None = None) -> bytes:
    """A body in a framing, with a TPDU and a header if it has them."""
    row = FRAMINGS[framing]
    known = HEADER[: row.header_bytes] if header is None else header
    return write_frame(row, TPDU[: row.tpdu_bytes], known, body)


def best(*captures: bytes) -> Candidate:
    """The first candidate."""
    return diagnose(captures)[0]


def as_dialect(dialect: str) -> bytes:
    """The purchase in another dialect, with the fields that have another meaning there left out."""
    message = codec_for("unionpay_pos").decode(PURCHASE)
    return codec_for(dialect).encode(convert(message, "unionpay_pos", dialect, 2026).message)


def names(candidate: Candidate) -> tuple[str, str]:
    """What the candidate is called."""
    return candidate.dialect, candidate.framing.name


def test_samples_are_named(sample: SimpleNamespace) -> None:
    """Of each real message framing and dialect come first, the dialect before its profile if it will do."""
    candidate = best(bytes.fromhex(sample.hex))

    assert sample.framing == candidate.framing.name
    assert candidate.dialect in (sample.profile, sample.profile.partition(".")[0])
    assert candidate.is_whole


def test_no_data_is_told(sample: SimpleNamespace) -> None:
    """Reasons hold no run of digits that could be card data, and no more of the message than its type."""
    for candidate in diagnose([bytes.fromhex(sample.hex)]):
        assert not re.search(r"\d{5}", " ".join(candidate.reasons))


@pytest.mark.parametrize(
    "dialect",
    [
        "unionpay_pos",
        "iso1987_ascii",
        "iso1987_ascii_binary_bitmap",
        "iso1987_binary",
        "iso1987_ebcdic",
        "iso1987_ebcdic.hex_bitmap",
        "iso1993_ascii",
        "iso1993_binary",
    ],
)
@pytest.mark.parametrize(
    "framing", ["none", "length2", "length2_inclusive", "length2_etx", "length4", "ascii4", "hex4"]
)
def test_dialects_are_told_apart_in_every_framing(dialect: str, framing: str) -> None:
    """The same purchase is recognised however it is written and whatever stands before it."""
    assert (dialect, framing) == names(best(framed(framing, as_dialect(dialect))))


@pytest.mark.parametrize(
    ("framing", "header"),
    [
        ("bcd2_tpdu_header6", HEADER),
        ("length2_tpdu_header2", bytes.fromhex("0100")),
        ("length2_tpdu_ani14_header6", b"02161234567   " + HEADER),
        ("length2_tpdu_header6_location50", HEADER + b"SHOP 17, HIGH STREET".ljust(50)),
        ("length2_tpdu", b""),
        ("length2_header6", HEADER),
        ("length2_zeros_base1", bytes.fromhex("160102007b 123456 654321") + bytes(11)),
        ("length2_zeros_base1", bytes.fromhex("1601020073 123456 654321") + bytes(11)),
        (
            "length2_cups",
            b"\x2e\x020140" + b"00010000   03050000   " + bytes(4) + b"0" * 8 + b"\0" + b"0" * 5,
        ),
    ],
)
def test_headers_are_named(framing: str, header: bytes) -> None:
    """What stands between prefix and message is recognised by its form."""
    assert ("unionpay_pos", framing) == names(best(framed(framing, PURCHASE, header)))


@pytest.mark.parametrize(
    ("raw", "framing", "reason"),
    [
        (HAND_BUILT, "length2_tpdu_header2", "counts hexadecimal characters, two for each byte (byte 0: 114"),
        (
            framed("length2_inclusive_tpdu_header6", PURCHASE),
            "length2_inclusive_tpdu_header6",
            "counts itself",
        ),
        (b"0116" + framed("tpdu_header6", PURCHASE), "ascii4_tpdu_header6", "counts itself"),
        (b"\x70\0" + framed("tpdu_header6", PURCHASE), POS, "little-endian"),
        (b"\0\x6b" + framed("tpdu_header6", PURCHASE), POS, "does not count the TPDU"),
        (b"\0\x65" + framed("tpdu_header6", PURCHASE), POS, "does not count what stands before the message"),
        (b"\0\x65" + PURCHASE + b"\3", "length2_etx", "does not count the trailer"),
        (b"\0\x6f" + framed("tpdu_header6", PURCHASE), POS, "wrong or the capture is cut off"),
        (framed(POS, PURCHASE)[:-20], POS, "wrong or the capture is cut off (byte 0: 112, 92 bytes follow)"),
    ],
)
def test_wrong_prefix_is_explained(raw: bytes, framing: str, reason: str) -> None:
    """A length that doesn't fit is told with what it counts, where it stands, and what is there."""
    candidate = best(raw)

    assert framing == candidate.framing.name
    assert any(reason in each for each in candidate.reasons)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (PURCHASE.replace(b"\x35\x62", b"\0\x35\x62"), "field 35 has a two-byte length here (byte 26)"),
        (PURCHASE.replace(b"\0\x08\x22", b"\x08\x22"), "field 60 has a one-byte length here (byte 87)"),
        (
            PURCHASE.replace(bytes.fromhex("0008220000 01"), b"\0\x0822000001"),
            "field 60 is text, and its length counts bytes here (byte 87)",
        ),
    ],
)
def test_field_that_is_written_otherwise_is_pointed_at(body: bytes, reason: str) -> None:
    """A message that breaks at a field is read to its end with that field varied, which is told."""
    candidate = best(framed(POS, body))

    assert POS == candidate.framing.name
    assert candidate.is_whole
    assert reason in candidate.reasons


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (as_dialect("iso1987_ebcdic")[:4] + as_dialect("iso1987_ascii")[4:], "EBCDIC MTI, the rest in ASCII"),
        (b"\2\0" + as_dialect("iso1987_ascii")[4:], "BCD MTI, the rest in characters"),
        (b"0200" + as_dialect("iso1987_binary")[2:], "ASCII MTI, the rest in BCD"),
        (b"\xf0\xf2\xf0\xf0" + as_dialect("iso1987_binary")[2:], "EBCDIC MTI, the rest in BCD"),
        (
            as_dialect("iso1993_ascii")[:4]
            + bytes.fromhex(as_dialect("iso1993_ascii")[4:20].decode())
            + as_dialect("iso1993_ascii")[20:],
            "the bitmap is binary here",
        ),
        (
            as_dialect("iso1993_binary")[:2]
            + as_dialect("iso1993_binary")[2:10].hex().encode()
            + as_dialect("iso1993_binary")[10:],
            "the bitmap is hexadecimal characters here",
        ),
        (
            b"ISO025000055" + as_dialect("iso1987_ascii"),
            "12 bytes stand before the message that no framing here knows",
        ),
        (as_dialect("iso1987_ascii")[:-10], "breaks at field 60, byte 146: the message ends too early"),
        (
            as_dialect("iso1987_ascii") + b"?" * 40,
            "breaks after the last field, byte 157: bytes after the last field",
        ),
    ],
)
def test_message_that_nearly_is_one_is_explained(body: bytes, reason: str) -> None:
    """What differs from the nearest dialect is said, at the byte where it does."""
    assert reason in best(body).reasons


def test_undefined_field_is_told() -> None:
    """A bit without a field in the dialect is where the message breaks, and no change of a field mends it."""
    body = PURCHASE[:2] + b"\xb0" + PURCHASE[3:]

    assert "breaks at field 1, byte 10: the dialect does not define the field" in [
        reason for candidate in diagnose([framed(POS, body)]) for reason in candidate.reasons
    ]


def test_forms_are_named() -> None:
    """How MTI, bitmap and lengths are written stands among the reasons."""
    assert "EBCDIC MTI, bitmap binary, lengths EBCDIC" in best(as_dialect("iso1987_ebcdic")).reasons
    assert (
        "ASCII MTI, bitmap ASCII hexadecimal characters, lengths ASCII"
        in best(as_dialect("iso1987_ascii")).reasons
    )


@pytest.mark.parametrize("body", [PURCHASE, PURCHASE.replace(b"\0\x08\x22", b"\x08\x22")])
def test_dialect_comes_before_its_profiles(body: bytes) -> None:
    """Where a dialect and its profiles explain the same, the dialect stands first and the others say so."""
    first, *others = diagnose([framed(POS, body)])

    assert first.dialect == "unionpay_pos"
    profiles = [other for other in others if other.is_whole]
    assert profiles
    assert all("unionpay_pos explains as much" in profile.reasons for profile in profiles)
    scores = [each.score for each in (first, *others)]
    assert scores == sorted(scores, reverse=True)


def test_several_frames_are_taken_together() -> None:
    """Frames behind each other, with a sign of life between them, and frames of other captures agree."""
    frame = framed("ascii4", as_dialect("iso1987_ascii"))

    candidate = best(b"0000" + frame + frame, frame)

    assert ("iso1987_ascii", "ascii4", True) == (*names(candidate), candidate.is_whole)
    assert {"2 frames follow each other", "there are signs of life between the frames"} <= set(
        candidate.reasons
    )


def test_endless_signs_of_life_are_no_frames() -> None:
    """A stream of nothing but signs of life isn't followed to its end."""
    assert not diagnose([bytes(16_000)])


def test_capture_that_does_not_fit_is_held_against_a_candidate() -> None:
    """A second capture in another framing, or of no message, makes the first one's candidate doubtful."""
    frame = framed(POS, PURCHASE)

    assert "the framing does not fit another of the captures" in best(frame, b"\1" * 50).reasons
    assert (
        "another of the captures is no message of the dialect" in best(frame, framed(POS, bytes(40))).reasons
    )


def test_last_frame_may_be_cut_off() -> None:
    """A stream that ends within a frame is still named, and the doubt is told."""
    frame = framed(POS, PURCHASE)

    candidate = best(frame + frame[:50])

    assert (names(candidate), candidate.is_whole) == (("unionpay_pos", POS), False)
    assert "the last frame is not whole" in candidate.reasons


@pytest.mark.parametrize("captures", [[], [b""], [b"\xff" * 40], [bytes(range(7, 200))]])
def test_noise_has_no_candidate(captures: list[bytes]) -> None:
    """What is no message of anything gets no name."""
    assert not diagnose(captures)


def test_way_that_makes_most_sense_is_taken() -> None:
    """Of several ways to read an input the one that gives whole messages wins."""
    frame = framed(POS, PURCHASE)

    candidates = diagnose_any([[frame.hex().encode()], [frame[:40], frame[40:]], [frame], [b""]])

    assert names(candidates[0]) == ("unionpay_pos", POS)
    assert not diagnose_any([])


def test_captures_beyond_the_limit_are_left_out() -> None:
    """Only so many captures are looked at."""
    assert best(*[framed(POS, PURCHASE)] * CAPTURES_MAX, b"noise").is_whole


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_damage_never_raises(
    data: st.DataObject, damaged: Callable[[bytes], st.SearchStrategy[bytes]]
) -> None:
    """Whatever happened to a frame, there is an answer or none, and never an exception."""
    raw = data.draw(damaged(framed(POS, PURCHASE)))

    assert all(0 <= candidate.score <= 100 for candidate in diagnose([raw]))
