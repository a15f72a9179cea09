"""The page about framings has a row for each prefix and each envelope, and for nothing else."""

import re
from pathlib import Path

from iso8583_specs.framing import FRAMINGS

PAGE = Path(__file__).parents[2] / "docs" / "wire-doctor.md"


def test_page_has_the_rows_of_the_tables() -> None:
    """Every framing's name is made of a prefix and an envelope that the page explains."""
    tables = re.split(r"\n\n(?=\| (?:prefix|envelope) )", PAGE.read_text(encoding="utf-8"))[1:]
    prefixes, envelopes = (["", *re.findall(r"^\| `(\w+)` ", table, re.MULTILINE)] for table in tables)

    names = {
        "_".join(filter(None, (prefix, envelope))) or "none" for prefix in prefixes for envelope in envelopes
    }

    assert names == FRAMINGS.keys()
