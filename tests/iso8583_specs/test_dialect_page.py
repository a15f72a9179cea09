"""Goal: what is said about dialects in words is what their tables say, on the page in the docs too."""

import subprocess
import sys
from pathlib import Path

import pytest

from iso8583_specs.dialect_page import coding_of, format_of, head_of, numbered, page
from iso8583_specs.dialects import DIALECTS, spec_for
from iso8583_specs.spec import FieldSpec

ROOT = Path(__file__).parents[2]


def test_page_is_current() -> None:
    """The page in the docs is what the tables say today."""
    current = (ROOT / "docs/dialect-fields.md").read_text(encoding="utf-8")

    assert page() == current, "run `python -m iso8583_specs.dialect_page > docs/dialect-fields.md`"


def test_command_writes_the_page() -> None:
    """The command in the page's own comment writes the page."""
    command = [sys.executable, "-m", "iso8583_specs.dialect_page"]

    assert page() == subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_page_has_every_dialect_and_field() -> None:
    """Each dialect has a column or a table of its own, and each field of the standards a line."""
    text = page()

    assert not [name for name in DIALECTS if f"- `{name}`: " not in text and f"## `{name}`\n" not in text]
    assert {63, 126} <= {
        section.count("\n| ") - 1 for section in text.split("\n## ") if section.count("\n| ") > 60
    }


@pytest.mark.parametrize(
    ("dialect", "field", "written", "coded"),
    [
        ("unionpay_pos", "2", "n ..19 LL", "packed, filled at the end; length BCD, of digits"),
        ("unionpay_pos", "3", "n 6", "packed"),
        ("unionpay_pos", "23", "n 3", "packed, filled at the front"),
        ("unionpay_pos", "28", "x+n 8", "sign ASCII, digits packed"),
        ("unionpay_pos", "35", "z ..37 LL", "packed, filled at the end; length BCD, of digits"),
        ("unionpay_pos", "54", "ans ..40 LLL", "ASCII; length BCD, of bytes"),
        ("unionpay_pos", "55", "b ..255 LLL", "bytes; length BCD, of bytes"),
        ("iso1987_ascii", "28", "x+n 8", "ASCII"),
        ("iso1987_ascii", "52", "b 8", "ASCII hex digits"),
        ("iso1987_ebcdic", "2", "n ..19 LL", "EBCDIC; length EBCDIC, of bytes"),
        (
            "iso1987_ascii_binary_bitmap.postilion",
            "127",
            "b ..999999 LLLLLL",
            "bytes; length ASCII, of bytes",
        ),
        (
            "iso1987_ascii_binary_bitmap.postilion",
            "127.25",
            "ans ..8000 LLLL",
            "ASCII; length ASCII, of bytes",
        ),
    ],
)
def test_field_is_said_in_the_standards_notation(dialect: str, field: str, written: str, coded: str) -> None:
    """Units are digits, characters and bytes, whatever they take on the wire."""
    row = dict(numbered(spec_for(dialect)))[field]

    assert (written, coded) == (format_of(row), coding_of(row))


@pytest.mark.parametrize(
    ("change", "written", "coded"),
    [
        ({"len_enc": "b", "len_type": 1}, "ans ..25 L", "ASCII; length binary, of bytes"),
        ({"data_enc": "utf-8"}, "ans ..25 LL", "utf-8; length ASCII, of bytes"),
        ({"data_enc": "b", "content": "n"}, "n ..25 LL", "packed; length ASCII, of bytes"),
        ({"len_enc": "cp037"}, "ans ..25 LL", "ASCII; length cp037, of bytes"),
    ],
)
def test_field_of_a_users_dialect_is_said_as_well(change: FieldSpec, written: str, coded: str) -> None:
    """Encodings without a name of their own have Python's."""
    row: FieldSpec = {**spec_for("iso1987_ascii")["44"], **change}

    assert (written, coded) == (format_of(row), coding_of(row))


@pytest.mark.parametrize(
    ("dialect", "said"),
    [
        ("unionpay_pos", "MTI packed, bitmap bytes (primary only)"),
        ("iso1987_ascii", "MTI ASCII, bitmap ASCII hex digits (primary, secondary and tertiary)"),
        (
            "iso1993_ebcdic.routed",
            "header ans 9, MTI EBCDIC, bitmap EBCDIC hex digits (primary, secondary and tertiary)",
        ),
    ],
)
def test_head_is_said(dialect: str, said: str) -> None:
    """Header, MTI and bitmaps in a line."""
    assert said == head_of(spec_for(dialect))
