"""Headers of key blocks: what partners write is read, what is written is read back, the rest is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_soft.key_header import BLOCK_BYTES, KeyBlockHeader, header_text, parse_header
from hsm_soft.key_refused import KeyBlockRefused, Refusal

_PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126))


def test_a_published_header_is_read() -> None:
    """Each field of a block of TR-31:2018 (A.7.3.2) is found in its place, its serial number too."""
    header = parse_header("B0104B0TX12S0100KS1800604B120F9292800000" + "0" * 64)

    assert header == ("B", "B0", "T", "X", "12", "S", (("KS", "00604B120F9292800000"),), 40)
    assert header.optional_data("KS") == "00604B120F9292800000"
    assert header.optional_data("IK") is None


@pytest.mark.parametrize(
    ("optional", "expected"),
    [
        ("IK14" + "1234567890123456", ("IK", "1234567890123456")),
        ("KC0C00169CA3", ("KC", "00169CA3")),
        ("KP10012331550BC9", ("KP", "012331550BC9")),
        ("TS1420200818T221218Z", ("TS", "20200818T221218Z")),
        ("LB0Ba label", ("LB", "a label")),
        ("HM0621", ("HM", "21")),
        ("PB04", ("PB", "")),
        ("ZZ06??", ("ZZ", "??")),
        ("CT0002000E" + "0002", ("CT", "0002")),
        ("CT0004" + "0000001F" + "00MIIB" + "A" * 11, ("CT", "00MIIB" + "A" * 11)),
    ],
)
def test_each_optional_block_is_kept(optional: str, expected: tuple[str, str]) -> None:
    """Known blocks of short and extended length, and unknown ones, come with id and data."""
    length = 16 + len(optional)

    assert (expected,) == parse_header(f"D{length:04}P0AE00E0100{optional}").optional


@pytest.mark.parametrize(
    "optional",
    [
        "",
        "K",
        "kc0A00169C",
        "KC03",
        "KCFF00169CA3",
        "KC0A0216",
        "KC0A00169",
        "KS05Z",
        "IK0412",
        "HM0AXXXXXX",
        "TS08YYYY",
        "LB06\x00\x00",
        "CT00",
        "CT000",
        "CT0000",
        "CT0002000",
        "CT00020009",
        "CT0002FFFF",
        "CT0005000000000F" + "A" * 20,
        "CT0002000G",
    ],
)
def test_a_broken_optional_block_is_malformed(optional: str) -> None:
    """Wrong length, wrong form, cut off: refused before anything is computed."""
    with pytest.raises(KeyBlockRefused) as refused:
        parse_header(f"D{16 + len(optional):04}P0AE00E0100{optional}")

    assert Refusal.MALFORMED is refused.value.reason


@pytest.mark.parametrize(
    "block",
    [
        "",
        "D",
        "F0016P0TE00N0000",
        "D0017P0TE00N0000",
        "D0016p0TE00N0000",
        "D0016P0te00N0000",
        "D0016P0TE00A0000",
        "D0016P0TE00NXX00",
        "D0016P0TE\u0660\u0660N0000",
        "D00\u0661\u0666P0TE00N0000",
    ],
)
def test_what_is_no_header_is_malformed(block: str) -> None:
    """Another version, length or character than the standard's."""
    with pytest.raises(KeyBlockRefused) as refused:
        parse_header(block)

    assert Refusal.MALFORMED is refused.value.reason


@given(
    version=st.sampled_from(list(BLOCK_BYTES)),
    optional=st.lists(st.tuples(st.sampled_from(["LB", "CT", "ZZ"]), _PRINTABLE), max_size=3),
)
def test_what_is_written_is_read_back(version: str, optional: list[tuple[str, str]]) -> None:
    """Fields and optional blocks come back, padded to whole cipher blocks."""
    written = KeyBlockHeader(version, "P0", "T", "E", "c1", "E", tuple(optional), 0)
    text = header_text(written, 8)
    read = parse_header(text + "0" * 8)
    kept = tuple(each for each in read.optional if each[0] != "PB")

    assert written == read._replace(optional=kept, length=0)
    assert len(text) == read.length
    assert read.length % BLOCK_BYTES[version] == 0


@pytest.mark.parametrize(
    ("usage", "optional"), [("P", ()), ("P0", (("LB", "é"),)), ("P0", (("CT", "A" * 9_990),))]
)
def test_fields_that_make_no_header_are_refused(usage: str, optional: tuple[tuple[str, str], ...]) -> None:
    """Nothing is written that could not be read, nor more than a block's length can say."""
    with pytest.raises(KeyBlockRefused) as refused:
        header_text(KeyBlockHeader("D", usage, "T", "E", "00", "N", optional, 0), 96)

    assert Refusal.MALFORMED is refused.value.reason
