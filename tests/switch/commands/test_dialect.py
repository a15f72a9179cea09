"""`cardswitch dialect`: what there is, how it writes, and what is wrong with a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import iso8583
import pytest

from iso8583_specs.dialects import DIALECTS

Cardswitch = Callable[..., Any]


def dialect(cardswitch: Cardswitch, *arguments: str) -> Any:
    """Run the command, which needs no settings."""
    return cardswitch("dialect", *arguments, config=None)


@pytest.fixture
def file(tmp_path: Path, own_dialects: None) -> Path:
    """A dialect file; that it was loaded is forgotten after the test."""
    file = tmp_path / "bank.toml"
    file.write_text('extends = "iso1987_ascii"\n[fields.55]\ndata_enc = "b"\nmax_len = 255\n')
    return file


def test_list_names_every_dialect(cardswitch: Cardswitch) -> None:
    """A line for each, with how its head is written; as JSON the same."""
    told, as_json = dialect(cardswitch, "list"), dialect(cardswitch, "list", "--json")

    assert list(DIALECTS) == [line.split()[0] for line in told.out.splitlines()]
    assert list(DIALECTS) == [row["dialect"] for row in as_json.json]
    assert "MTI ASCII, bitmap ASCII hex digits" in told.out


def test_show_has_every_field(cardswitch: Cardswitch) -> None:
    """Format, coding and name of each field, those of a message inside one too."""
    ran = dialect(cardswitch, "show", "iso1987_ascii_binary_bitmap.postilion")

    lines = {line.split()[0]: line for line in ran.out.splitlines()}
    assert lines["2"].split()[1:4] == ["n", "..19", "LL"]
    assert "Switch key" in lines["127.2"]


def test_show_as_json_is_a_specification_of_pyiso8583(cardswitch: Cardswitch) -> None:
    """What is printed can be given to it as it is."""
    spec = dialect(cardswitch, "show", "iso1987_ascii_binary_bitmap.postilion", "--json").json

    assert iso8583.encode({"t": "0800", "11": "000001"}, spec)[0].endswith(b"000001")


def test_show_takes_a_file(cardswitch: Cardswitch, file: Path) -> None:
    """A dialect of one's own is shown like the others."""
    ran = dialect(cardswitch, "show", str(file))

    assert ran.out.startswith("iso1987_ascii.bank: MTI ASCII")
    assert "b ..255 LLL" in ran.out


@pytest.mark.parametrize("name", ["iso1987", "nowhere.toml"])
def test_show_of_nothing_is_refused(cardswitch: Cardswitch, name: str) -> None:
    """An unknown name and a missing file are wrong usage."""
    ran = dialect(cardswitch, "show", name)

    assert ran.status == 2
    assert name in ran.err


def test_check_says_what_a_good_file_is(cardswitch: Cardswitch, file: Path) -> None:
    """Its name, its head and how many fields it has."""
    ran = dialect(cardswitch, "check", str(file))

    assert (0, "") == (ran.status, ran.err)
    assert ran.out.startswith(f"{file}: iso1987_ascii.bank, MTI ASCII")


def test_check_says_what_is_wrong_and_where(cardswitch: Cardswitch, file: Path) -> None:
    """Each problem on a line with file, line, key and reason; the command fails."""
    file.write_text('extends = "iso1987_ascii"\n[fields.55]\nlen_type = 2\n[fields.200]\n')

    ran = dialect(cardswitch, "check", str(file))

    assert (1, "") == (ran.status, ran.out)
    assert ran.err.splitlines() == [
        f"cardswitch: {file} is no dialect",
        f"{file}:2: fields.55.max_len: its length has room for 99 only",
        f"{file}:4: fields.200: is no field; there are h, t, p and 1 to 192",
    ]
