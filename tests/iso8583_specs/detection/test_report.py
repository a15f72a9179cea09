"""Goal: what the doctor says can be pasted, by programs and by people."""

import tomllib

import pytest

from iso8583_specs.detection.diagnosis import Candidate, diagnose
from iso8583_specs.detection.report import candidates_as_json, dialect_file, settings, told
from iso8583_specs.dialect_files import dialect_in

# A sign-on request, and the same with a length of one byte on field 60.
SIGN_ON = bytes.fromhex(
    "003c6006010000603200324017 0800 0020000000c00012 000121 3130303238303331 333038363430343031313130303033"
    "0011 000000020030 0003 303031"
)
SHORT_60 = b"\0\x3b" + SIGN_ON[2:].replace(b"\0\x11\0\0\0\2", b"\x11\0\0\0\2")


def candidates(raw: bytes) -> list[Candidate]:
    """What the doctor says."""
    return diagnose([raw])


def test_settings_are_a_listener() -> None:
    """The settings are TOML with a listener's dialect and framing."""
    listener = tomllib.loads("\n".join(settings(candidates(SIGN_ON)[0])))["listeners"]["pos"]

    assert listener == {"dialect": "unionpay_pos", "framing": "length2_tpdu_header6"}


def test_dialect_file_reads_the_message() -> None:
    """Where a field differs, the file beside the settings describes a dialect that reads the bytes."""
    candidate = candidates(SHORT_60)[0]

    dialect = dialect_in("\n".join(dialect_file(candidate)), "captured")

    pasted = tomllib.loads("\n".join(settings(candidate)))
    assert (dialect.name, ["captured.toml"]) == (
        pasted["listeners"]["pos"]["dialect"],
        pasted["dialects"]["files"],
    )
    assert (1, "n") == (dialect.spec["60"]["len_type"], dialect.spec["60"]["content"])


def test_dialect_file_says_what_is_written_otherwise_at_the_head() -> None:
    """Bitmaps in another form than the dialect's are said row by row, and the reason once."""
    body = b"1804" + bytes.fromhex("8030010000000000 0000000000000001") + b"000121" + b"261231235959" + b"801"

    candidate = candidates(body + b"0" * 16)[0]
    text = "\n".join(dialect_file(candidate))

    assert candidate.dialect == "iso1993_ascii"
    assert text.count("# the bitmap is binary here") == 1
    assert ("b", "b") == tuple(dialect_in(text, "captured").spec[key]["data_enc"] for key in ("p", "1"))


def test_what_settings_cannot_say_is_a_comment() -> None:
    """A framing without a length and a header that nobody knows are told in comments."""
    without_length = list(settings(candidates(SIGN_ON[2:])[0]))
    with_header = list(settings(candidates(b"ISO026000" + SIGN_ON[13:])[0]))

    assert without_length[0].startswith("# framing tpdu_header6 has no length")
    assert "# before each message stand 9 bytes more" in with_header


def test_json_has_a_row_for_each_candidate() -> None:
    """Programs get names, score, reasons and settings of each candidate, the best first."""
    rows = candidates_as_json(candidates(SHORT_60))

    assert ("unionpay_pos", "length2_tpdu_header6") == (rows[0]["dialect"], rows[0]["framing"])
    assert "field 60 has a one-byte length here (byte 36)" in rows[0]["reasons"]
    assert "[fields.60]" in rows[0]["dialect_file"]
    assert candidates_as_json(candidates(SIGN_ON))[0]["dialect_file"] is None
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)


@pytest.mark.parametrize("raw", [SIGN_ON, SHORT_60])
def test_people_are_told_the_best_and_the_others(raw: bytes) -> None:
    """The best candidate comes with all its reasons and settings, the others in a line each."""
    found = candidates(raw)

    text = list(told(found))

    assert text[:2] == ["dialect  unionpay_pos", "framing  length2_tpdu_header6"]
    assert [f"  - {reason}" for reason in found[0].reasons] == text[3 : 3 + len(found[0].reasons)]
    assert ("and the dialect file captured.toml" in text) is (raw is SHORT_60)
    assert "  [listeners.pos]" in text


def test_only_candidate_stands_alone() -> None:
    """Without others nothing is said of them."""
    assert "less likely" not in list(told(candidates(SIGN_ON)[:1]))
