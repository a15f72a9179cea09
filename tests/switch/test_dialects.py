"""Goal: dialect files are found on disk, and what is wrong with them is told by file and line."""

import json
from pathlib import Path

import iso8583.specs
import pytest

from iso8583_specs.codec import codec_for
from iso8583_specs.dialects import DIALECTS
from switch.dialects import DialectFileError, load_dialect, read_dialect


def test_toml_file_becomes_a_dialect(tmp_path: Path, own_dialects: None) -> None:
    """Its name is from then on one like the others."""
    file = tmp_path / "shop_a.toml"
    file.write_text('extends = "unionpay_pos"\n[fields.59]\ndata_enc = "b"')

    loaded = load_dialect(file)

    assert loaded == load_dialect(file)
    assert loaded.spec == DIALECTS["unionpay_pos.shop_a"]
    assert codec_for("unionpay_pos.shop_a").dialect == "unionpay_pos.shop_a"


def test_json_file_is_a_specification_of_pyiso8583(tmp_path: Path, own_dialects: None) -> None:
    """As it is; reading it alone makes it known to nobody."""
    file = tmp_path / "acme.json"
    file.write_text(json.dumps(iso8583.specs.default_ascii))

    name, spec = read_dialect(file)

    assert name == "acme"
    assert spec["2"]["data_enc"] == "ascii"
    assert "acme" not in DIALECTS


def test_name_of_another_dialect_is_refused(tmp_path: Path, own_dialects: None) -> None:
    """A file can't change what a name means."""
    file = tmp_path / "vfwz.toml"
    file.write_text('extends = "unionpay_pos"')

    with pytest.raises(
        DialectFileError, match=r"vfwz\.toml: name: there is another dialect 'unionpay_pos\.vfwz'"
    ):
        load_dialect(file)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.toml", b"\xff", ": is not UTF-8"),
        ("a.toml", b"extends = ]", ":1: is not TOML: Invalid value (at line 1, column 11)"),
        ("a.toml", b'extends = "unionpay_pos"\ncolour = 1', ":2: colour: is no key; there are "),
        ("a.json", b"{\n]", ":2: is not JSON: Expecting property name enclosed in double quotes"),
        ("a.json", b"[]", ": must be an object"),
        ("a.json", b"{}", ": h: is missing"),
    ],
)
def test_problem_is_told_by_file_and_line(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    """The line stands behind the file, as compilers write it."""
    file = tmp_path / name
    file.write_bytes(content)

    with pytest.raises(DialectFileError) as caught:
        read_dialect(file)

    assert str(caught.value).startswith(f"{file}{problem}")


def test_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The system's words for it."""
    with pytest.raises(DialectFileError, match=r"none\.toml: No such file or directory"):
        read_dialect(tmp_path / "none.toml")
