"""Goal: a table is taken as it is or refused with all that is wrong in it, each with its key.

Method: rows with one mistake each; specifications of pyiso8583, its own and random ones, read by both.
"""

from collections.abc import Mapping
from random import Random
from typing import Any

import iso8583
import iso8583.specs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iso8583_specs.codec import codec_of
from iso8583_specs.spec import Spec
from iso8583_specs.table_check import InvalidDialect, Table, spec_of
from tests.iso8583_specs.random_messages import damaged
from tests.iso8583_specs.test_against_pyiso8583 import compare_reading

PAN = {"data_enc": "ascii", "len_enc": "ascii", "len_type": 2, "max_len": 19, "desc": "PAN"}
HEAD: Mapping[str, Any] = {
    "h": {"data_enc": "ascii", "len_enc": "ascii", "len_type": 0, "max_len": 0, "desc": "Header"},
    "t": {"data_enc": "ascii", "desc": "MTI"},
    "p": {"data_enc": "b", "desc": "Bitmap"},
}
ENCODINGS = ("b", "b", "ascii", "latin-1", "cp500", "utf-8")


def problems(table: Mapping[str, Any]) -> dict[str, str]:
    """The reasons by key."""
    with pytest.raises(InvalidDialect) as caught:
        spec_of(table)
    return {problem.key: problem.reason for problem in caught.value.problems}


@pytest.mark.parametrize("name", ["default", "default_ascii"])
def test_specification_of_pyiso8583_is_taken_as_it_is(name: str) -> None:
    """Its own specifications read and write what it reads and writes."""
    table = getattr(iso8583.specs, name)
    codec = codec_of(name, table)
    document = {"t": "0200", "2": "4242424242424242", "3": "000000", "70": "301", "102": "9" * 10}
    body = bytes(iso8583.encode(dict(document), table)[0])

    message = codec.decode(body)

    assert {2: "4242424242424242", 3: "000000", 70: "301", 102: "9" * 10} == message.fields
    assert body == codec.encode(message)


def test_what_pyiso8583_never_looks_at_is_left_out() -> None:
    """Further keys of a table and of its rows mean nothing there."""
    spec = spec_of({**HEAD, "2": {**PAN, "colour": "red"}, "002": {}, "tpdu": 5, "200": None})

    assert ["h", "t", "p", "2"] == list(spec)
    assert "colour" not in spec["2"]


@pytest.mark.parametrize(
    ("row", "content"),
    [
        ({"data_enc": "ascii"}, "ans"),
        ({"data_enc": "b"}, "b"),
        ({"data_enc": "b", "len_count": "nibbles"}, "x"),
        ({"data_enc": "b", "len_count": "nibbles", "content": "n"}, "n"),
    ],
)
def test_content_is_what_the_row_says_or_no_more_than_how_it_is_written(
    row: dict[str, Any], content: str
) -> None:
    """Text, bytes and nibbles have a content that holds anything."""
    assert content == spec_of({**HEAD, "2": {**PAN, **row}})["2"]["content"]


@pytest.mark.parametrize(
    ("row", "key", "reason"),
    [
        ({"data_enc": "utf-9"}, "data_enc", 'must be "b" or a text encoding that Python knows'),
        ({"data_enc": "hex"}, "data_enc", 'must be "b" or a text encoding that Python knows'),
        ({"data_enc": 5}, "data_enc", 'must be "b" or a text encoding that Python knows'),
        ({"len_enc": None}, "len_enc", 'must be "b", "bcd" or a text encoding that Python knows'),
        ({"len_type": 7}, "len_type", "must be the bytes of the length, 0 to 6"),
        ({"len_type": True}, "len_type", "must be the bytes of the length, 0 to 6"),
        ({"max_len": -1}, "max_len", "must be a whole number from 0 to 16777216"),
        ({"max_len": "19"}, "max_len", "must be a whole number from 0 to 16777216"),
        ({"len_count": "digits"}, "len_count", 'must be "bytes" or "nibbles"'),
        ({"left_pad": "x"}, "left_pad", "must be a hex digit"),
        ({"right_pad": 0}, "right_pad", "must be a hex digit"),
        ({"desc": 1}, "desc", "must be text"),
        ({"content": "an"}, "content", "must be one of n, z, x, xn, ans, b"),
        ({"data_enc": "b", "content": "ans"}, "content", "doesn't go with data_enc, len_count and len_type"),
        ({"data_enc": "b", "content": "xn"}, "content", "doesn't go with data_enc, len_count and len_type"),
        ({"fields": {}}, "fields", 'must be a table, of a field whose data_enc is "b", counted in bytes'),
        (
            {"data_enc": "b", "fields": 1},
            "fields",
            'must be a table, of a field whose data_enc is "b", counted in bytes',
        ),
    ],
)
def test_mistake_in_a_row_is_named(row: dict[str, Any], key: str, reason: str) -> None:
    """Each key by itself, then what doesn't go together."""
    assert {f"2.{key}": reason} == problems({**HEAD, "2": {**PAN, **row}})


@pytest.mark.parametrize(
    ("table", "found"),
    [
        ({}, {"h": "is missing", "t": "is missing", "p": "is missing"}),
        ({**HEAD, "2": 5}, {"2": "must be a table"}),
        ({**HEAD, "t": {}}, {"t.data_enc": 'must be "b" or a text encoding that Python knows'}),
    ],
)
def test_mistake_in_a_table_is_named(table: dict[str, Any], found: dict[str, str]) -> None:
    """The head must be there, and each row a table."""
    assert found == problems(table)


def test_file_is_held_to_more_than_pyiso8583() -> None:
    """Unknown keys and fields, and more than a length can say, are mistakes of a file."""
    table = Table("fields.", as_it_is=False)

    table.spec({**HEAD, "2": {**PAN, "colour": 1}, "3": {**PAN, "max_len": 100}, "200": PAN})

    assert {
        "fields.2.colour": "is no key; there are data_enc, len_enc, len_type, max_len, len_count, left_pad, "
        "right_pad, desc, content, fields",
        "fields.3.max_len": "its length has room for 99 only",
        "fields.200": "is no field; there are h, t, p and 1 to 192",
    } == dict(problem[:2] for problem in table.problems)


@pytest.mark.parametrize(
    ("inside", "found"),
    [
        ({}, {"127.fields.p": "is missing"}),
        (
            {"p": {**PAN, "len_type": 0, "max_len": 15}},
            {"127.fields.p.max_len": "must be a whole number of bytes"},
        ),
        (
            {"p": {**PAN, "len_type": 0, "max_len": 16}, "t": PAN},
            {"127.fields.t": "is no field; there are h, t, p and 1 to 192"},
        ),
        (
            {"p": {**PAN, "len_type": 0, "max_len": 16}, "2": {**PAN, "max_len": ""}},
            {"127.fields.2.max_len": "must be a whole number from 0 to 16777216"},
        ),
    ],
)
def test_mistake_in_a_message_inside_is_named(inside: dict[str, Any], found: dict[str, str]) -> None:
    """A message inside a field needs its bitmap, whole bytes of it, and has no MTI."""
    assert found == problems({**HEAD, "127": {**PAN, "data_enc": "b", "fields": inside}})


def _random_row(random: Random) -> dict[str, Any]:
    row: dict[str, Any] = {
        "data_enc": random.choice(ENCODINGS),
        "len_enc": random.choice(("b", "bcd", "ascii", "cp500")),
        "len_type": random.choice((0, 1, 1, 2, 3)),
        "max_len": random.choice((0, 1, 2, 3, 7, 12, 99, 200)),
        "desc": "",
    }
    if random.random() < 0.6:
        row["len_count"] = random.choice(("bytes", "nibbles"))
        if row["data_enc"] != "b":  # the reference reads an odd count of nibbles, but can't write it
            row["max_len"] += row["max_len"] % 2
    for pad in ("left_pad", "right_pad"):
        if random.random() < 0.4:
            row[pad] = random.choice(("0", "F", "", "f", "00"))
    return row


def _random_body(random: Random, spec: Spec) -> bytes:
    """A message of the table that pyiso8583 has written, or noise."""
    document = {"t": "0200"} | {
        key: random.choice(("", "1", "12", "123", "0123456789AB", "é", "7" * random.randint(0, 30)))
        for key in random.sample(["2", "3", "4", "70", "130"], random.randint(0, 4))
    }
    if spec["h"]["max_len"]:
        document["h"] = "0" * random.choice((1, 2, spec["h"]["max_len"], 2 * spec["h"]["max_len"]))
    try:
        return bytes(iso8583.encode(document, spec)[0])
    except iso8583.EncodeError:
        return random.randbytes(random.randint(0, 40))


@given(random=st.randoms(use_true_random=False))
def test_any_specification_is_read_as_the_reference_reads_it(random: Random) -> None:
    """Whatever encodings, lengths and fillers a specification has, both accept and refuse the same."""
    table = {
        "h": {**_random_row(random), "max_len": random.choice((0, 0, 4)), "len_type": 0},
        "t": {"data_enc": random.choice(("b", "ascii", "cp500", "latin-1"))},
        "p": {"data_enc": random.choice(("b", "ascii", "cp500"))},
        "1": {"data_enc": random.choice(("b", "ascii", "cp500"))},
        **{key: _random_row(random) for key in ("2", "3", "4", "70", "130")},
    }
    spec = spec_of(table)
    codec = codec_of("random", table)
    body = _random_body(random, spec)
    for wire in (body, damaged(random, body), damaged(random, body)):
        compare_reading(codec, spec, wire)
