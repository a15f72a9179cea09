"""Goal: a user's dialect is one file, and what is wrong in it is told with key, reason and line."""

from typing import Any

import pytest

from iso8583_specs.codec import codec_of
from iso8583_specs.dialect_files import dialect_in
from iso8583_specs.dialects import DIALECTS, spec_for
from iso8583_specs.message import Message
from iso8583_specs.table_check import InvalidDialect

EXTENDING = """\
extends = "iso1987_ascii"

[fields.55]  # chip data
data_enc = "b"
max_len = 255
"""
WHOLE = """\
[fields]
h = {data_enc = "b", len_type = 0, max_len = 0}
t = {data_enc = "ascii"}
p = {data_enc = "b"}
2 = {data_enc = "ascii", len_enc = "ascii", len_type = 2, max_len = 19}
"""
ROUTED = """\
extends = "iso1987_ascii_binary_bitmap.postilion"
name = "bank_a"

[fields.127.fields.40]
data_enc = "latin-1"
len_type = 0
max_len = 2
"""


def problems(text: str, stem: str = "bank") -> list[tuple[str, int | None, str]]:
    """Key, line and reason of each problem."""
    with pytest.raises(InvalidDialect) as caught:
        dialect_in(text, stem)
    return [(problem.key, problem.line, problem.reason) for problem in caught.value.problems]


def test_file_says_what_differs() -> None:
    """Keys are laid over the field's, everything else is as in the dialect extended."""
    name, spec = dialect_in(EXTENDING, "bank_a")

    base = spec_for("iso1987_ascii")
    assert name == "iso1987_ascii.bank_a"
    assert {**base["55"], "data_enc": "b", "max_len": 255, "content": "b"} == spec["55"]
    assert {key: row for key, row in base.items() if key != "55"} == {
        key: row for key, row in spec.items() if key != "55"
    }


def test_file_may_describe_a_dialect_of_its_own() -> None:
    """Without `extends` it gives every field, and the name stands alone."""
    name, spec = dialect_in(WHOLE, "small")
    message = Message("0200", {2: "4242424242424242"})

    assert name == "small"
    assert (
        codec_of(name, spec).encode(message)
        == b"0200" + bytes.fromhex("4000000000000000") + b"16" + b"42" * 8
    )


def test_file_may_extend_a_message_inside_a_field() -> None:
    """The fields inside are laid over those inside, one by one."""
    name, spec = dialect_in(ROUTED, "unused")
    inside = spec["127"]["fields"]

    assert name == "iso1987_ascii_binary_bitmap.postilion.bank_a"
    assert inside["40"]["max_len"] == 2
    assert spec_for("iso1987_ascii_binary_bitmap.postilion")["127"]["fields"]["2"] == inside["2"]


def test_file_may_bring_a_message_into_a_field() -> None:
    """A field that was text becomes one with a table."""
    text = EXTENDING + '[fields.55.fields]\np = {data_enc = "b", len_type = 0, max_len = 8}\n'
    codec = codec_of("x", dialect_in(text, "bank").spec)
    message = Message("0200", parts={55: Message("")})

    assert message == codec.decode(codec.encode(message))


def test_encoding_takes_the_place_of_the_dialects() -> None:
    """All text changes, with lengths and messages inside; packed digits, bytes and BCD lengths don't."""
    base = "iso1987_ascii_binary_bitmap.postilion"
    spec = dialect_in(f'extends = "{base}"\nencoding = "cp037"', "x").spec
    packed = dialect_in('extends = "unionpay_pos"\nencoding = "gbk"', "x").spec

    assert {"cp037"} == {spec["t"]["data_enc"], spec["2"]["data_enc"], spec["2"]["len_enc"]}
    assert {"cp037"} == {spec["127"]["len_enc"], spec["127"]["fields"]["2"]["data_enc"]}
    assert ("b", "b") == (spec["52"]["data_enc"], spec["127"]["data_enc"])
    assert ("b", "bcd", "gbk") == (packed["2"]["data_enc"], packed["2"]["len_enc"], packed["41"]["data_enc"])


def test_fields_can_be_removed() -> None:
    """A deployment without secondary bitmap or without some fields says so."""
    spec = dialect_in('extends = "iso1987_binary"\nremove = [1, 128]', "x").spec

    assert {"1", "128"} == set(spec_for("iso1987_binary")) - set(spec)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ('left_pad = "0"', {"left_pad": "0", "content": "n"}),
        ('right_pad = "F"', {"right_pad": "F", "content": "n"}),
        ('data_enc = "latin-1"\nlen_count = "bytes"', {"right_pad": "0", "content": "n"}),
        ('len_count = "bytes"', {"right_pad": "0", "content": "n"}),
        ('content = "x"', {"right_pad": "0", "content": "x"}),
    ],
)
def test_change_of_a_field_is_whole(row: str, expected: dict[str, Any]) -> None:
    """One filler takes the place of the other, and content stays where it still can be written."""
    spec = dialect_in(f'extends = "unionpay_pos"\n[fields.2]\n{row}', "x").spec

    assert expected == {
        key: spec["2"][key] for key in ("left_pad", "right_pad", "content") if key in spec["2"]
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("extends = ]", [("", 1, "is not TOML: Invalid value (at line 1, column 11)")]),
        (
            'extends = "iso1987"',
            [("extends", 1, f"there is no such dialect; there are {', '.join(DIALECTS)}")],
        ),
        ("extends = 5", [("extends", 1, f"there is no such dialect; there are {', '.join(DIALECTS)}")]),
        (
            'extends = "unionpay_pos"\nextend = 1',
            [("extend", 2, "is no key; there are extends, name, encoding, remove, fields")],
        ),
        (
            'extends = "unionpay_pos"\nname = "A"',
            [("name", 2, "must be lower-case letters, digits and _, a letter first")],
        ),
        (
            'extends = "unionpay_pos"\nencoding = "hex"',
            [("encoding", 2, "is no text encoding that Python knows")],
        ),
        (
            'extends = "unionpay_pos"\nencoding = "b"',
            [("encoding", 2, "is no text encoding that Python knows")],
        ),
        (
            'extends = "unionpay_pos"\nremove = [1]',
            [("remove", 2, "must be a list of fields that the dialect extended has")],
        ),
        (
            'extends = "unionpay_pos"\nremove = 2',
            [("remove", 2, "must be a list of fields that the dialect extended has")],
        ),
        ('extends = "unionpay_pos"\nfields = 2', [("fields", 2, "must be a table")]),
        ('extends = "unionpay_pos"\nfields.2 = 2', [("fields.2", 2, "must be a table")]),
        (
            'extends = "unionpay_pos"\n[fields.2]\n\nlen_type = "LL"',
            [("fields.2.len_type", 4, "must be the bytes of the length, 0 to 6")],
        ),
        (
            'extends = "unionpay_pos"\n[fields."2"]\nmax_len = 100',
            [("fields.2.max_len", 3, "its length has room for 99 only")],
        ),
        (
            'extends = "unionpay_pos"\n[fields]\n2.max_len = 100',
            [("fields.2.max_len", 3, "its length has room for 99 only")],
        ),
        (
            'extends = "unionpay_pos"\n[fields.2]\nlen_type = 0\nmax_len = 99999999',
            [("fields.2.max_len", 4, "must be a whole number from 0 to 16777216")],
        ),
        (
            'extends = "iso1987_ascii"\n[fields.2]\nlen_enc = "b"\nlen_type = 1\nmax_len = 256',
            [("fields.2.max_len", 5, "its length has room for 255 only")],
        ),
        (
            'extends = "iso1987_ascii"\n[fields.129]\ndata_enc = "latin-1"\nlen_type = 0',
            [("fields.129.max_len", 2, "must be a whole number from 0 to 16777216")],
        ),
        (
            'extends = "iso1987_ascii"\n[fields.55.fields.2]\nmax_len = 1',
            [
                (
                    "fields.55.fields",
                    None,
                    'must be a table, of a field whose data_enc is "b", counted in bytes',
                )
            ],
        ),
        ('[fields.t]\ndata_enc = "b"\n[fields.p]\ndata_enc = "b"', [("fields.h", None, "is missing")]),
    ],
)
def test_mistake_is_told_with_its_line(text: str, expected: list[tuple[str, int | None, str]]) -> None:
    """Where a line holds the key it is told, else that of the table the key should stand in."""
    assert expected == problems(text)


def test_all_mistakes_are_told_at_once() -> None:
    """Nobody has to mend a file line by line."""
    text = 'extends = "unionpay_pos"\nname = 5\nremove = [70]\n[fields.200]\n[fields.3]\nmax_len = -1'

    assert ["name", "remove", "fields.3.max_len", "fields.200"] == [key for key, _, _ in problems(text)]


def test_problem_of_the_whole_is_told_without_a_key() -> None:
    """The text of the error has a line for each problem."""
    with pytest.raises(InvalidDialect, match=r"^is not TOML: .*$"):
        dialect_in("=", "x")
