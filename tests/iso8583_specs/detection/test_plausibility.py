"""Goal: what fields hold speaks for a reading or against it, each in its own words."""

import pytest

from iso8583_specs.codec import codec_for
from iso8583_specs.detection.plausibility import is_plausible_mti, message_evidence
from iso8583_specs.detection.reading import read
from iso8583_specs.dialects import spec_for
from iso8583_specs.message import Message, Value


def said(dialect: str, mti: str, fields: dict[int, Value]) -> dict[str, float]:
    """The words about a message, with their bits."""
    body = codec_for(dialect).encode(Message(mti, fields))
    reading = read(spec_for(dialect), body)
    assert reading is not None
    return {each.words: each.bits for each in message_evidence(dialect, reading)}


@pytest.mark.parametrize(
    ("dialect", "number", "good", "bad", "name"),
    [
        ("unionpay_pos", 2, "4111111111111111", "4111111111111112", "a card number"),
        ("unionpay_pos", 3, "310000", "980000", "a known processing code"),
        ("unionpay_pos", 4, "000000002500", "920000002500", "an amount"),
        ("iso1987_ascii", 7, "1231235959", "1301235959", "a date and time"),
        ("unionpay_pos", 12, "235959", "245959", "a time"),
        ("unionpay_pos", 13, "0229", "0230", "a date"),
        ("unionpay_pos", 14, "3012", "3013", "an expiry date"),
        ("unionpay_pos", 22, "021", "210", "an entry mode"),
        ("unionpay_pos", 25, "82", "99", "a condition code"),
        ("unionpay_pos", 26, "12", "99", "a PIN length"),
        ("unionpay_pos", 35, "9900010000000000019=30121010000", "99=3012", "a track"),
        ("unionpay_pos", 37, "00000001A2B3", "\x01\x02" * 6, "an identifier"),
        ("unionpay_pos", 39, "A0", "??", "a response code"),
        ("unionpay_pos", 49, "156", "157", "a currency"),
        ("unionpay_pos", 53, "2600000000000000", "2612345678901234", "security control"),
        ("unionpay_pos", 54, "1002156C000000002407", "1002156X000000002407", "balances"),
        ("unionpay_pos", 60, "22000001000", "92000001000", "type, batch and network code"),
        ("unionpay_pos", 61, "000001000002", "0000010000", "an original's place"),
        (
            "iso1987_ascii",
            90,
            "0200123456" + "0229235959" + "0" * 22,
            "0200" + "9" * 38,
            "an original's data",
        ),
        ("iso1993_ascii", 12, "261231235959", "261331235959", "a date and time"),
        ("iso1993_ascii", 13, "3012", "3013", "an effective date"),
        ("iso1993_ascii", 15, "261231", "261331", "a date"),
        ("iso1993_ascii", 22, "211201A13140", "211201-13140", "POS data"),
    ],
)
def test_field_speaks_by_what_it_holds(dialect: str, number: int, good: str, bad: str, name: str) -> None:
    """What a field should hold counts for the reading, and anything else against it."""
    mti = "1200" if dialect.startswith("iso1993") else "0200"

    assert said(dialect, mti, {number: good})[f"field {number} is {name}"] > 0
    assert said(dialect, mti, {number: bad})[f"field {number} is not {name}"] < 0


@pytest.mark.parametrize(
    ("dialect", "fields", "words"),
    [
        ("unionpay_pos", {64: b"2F9D3E56"}, "field 64 is a MAC in characters, as UnionPay terminals send it"),
        (
            "unionpay_pos",
            {55: bytes.fromhex("9f36020719")},
            "field 55 is chip data: tags, lengths and values to its end",
        ),
        ("iso1987_ascii", {7: "1231235959", 13: "1231"}, "fields 7 and 13 name the same day"),
        ("unionpay_pos", {2: "99000100000", 35: "99000100000=3012"}, "fields 2 and 35 name the same card"),
        (
            "unionpay_pos",
            {3: "000000", 4: "000000002500", 11: "000001", 41: "T0000001", 60: "22000001"},
            "the fields such a message needs are there",
        ),
    ],
)
def test_structures_and_agreement_speak_for_a_reading(
    dialect: str, fields: dict[int, Value], words: str
) -> None:
    """What comes apart as it should, and fields that say the same, count for a reading."""
    assert said(dialect, "0200", fields)[words] > 0


@pytest.mark.parametrize(
    ("dialect", "mti", "fields", "words"),
    [
        ("iso1987_ascii", "0200", {}, "the bitmap announces no field"),
        ("iso1987_ascii", "0200", {3: "000000"}, "3 of the fields such a message needs are not announced"),
        ("iso1987_ascii", "0900", {3: "000000"}, "MTI 0900 is of no known kind"),
        ("iso1987_ascii", "1200", {3: "000000"}, "MTI 1200 is of another version of the standard"),
        ("iso1987_ascii", "0200", {3: "00A000"}, "field 3 holds 1 that aren't digits"),
        ("iso1987_ascii", "0200", {48: "A\0B\1"}, "field 48 is text, and 2 of its 4 bytes aren't"),
        ("unionpay_pos", "0200", {55: bytes.fromhex("9f36070719")}, "field 55 is not made of tags"),
        (
            "unionpay_pos",
            "0200",
            {5: "0" * 12},
            "field 60, which UnionPay terminals always send, is not announced",
        ),
        ("unionpay_pos", "0200", {5: "0" * 12}, "1 fields are announced that UnionPay terminals do not use"),
    ],
)
def test_contradictions_speak_against_a_reading(
    dialect: str, mti: str, fields: dict[int, Value], words: str
) -> None:
    """What can't be so counts against a reading, and says where."""
    assert said(dialect, mti, fields)[words] < 0


def test_fillers_speak() -> None:
    """A spare nibble that isn't zero speaks against digits, and not against tracks, which vary."""
    body = bytes.fromhex("0200 0000040020000000 021f 01 1f")
    reading = read(spec_for("unionpay_pos"), body)

    assert reading is not None
    words = [each.words for each in message_evidence("unionpay_pos", reading)]
    assert "field 22 is filled up with F" in words
    assert "field 35 is filled up with F" not in words


@pytest.mark.parametrize(
    "text", ["商户名称".encode().decode("latin-1"), "商户名称".encode("gbk").decode("latin-1")]
)
def test_national_text_is_text(text: str) -> None:
    """Text in an encoding of many bytes is neither for nor against a reading."""
    assert not [words for words in said("iso1987_ascii", "0200", {48: text}) if "aren't" in words]


def test_text_of_no_encoding_is_none() -> None:
    """Bytes above ASCII that belong to no encoding count against a text."""
    assert "field 48 is text, and 3 of its 3 bytes aren't" in said(
        "iso1987_ascii", "0200", {48: "\xff\xff\xff"}
    )


def test_unknown_family_is_judged_by_the_standard() -> None:
    """A dialect of another name is judged as ISO 8583 has it, of any version."""
    reading = read(spec_for("iso1987_ascii"), b"2200" + b"2000000000000000" + b"000000")

    assert reading is not None
    words = [each.words for each in message_evidence("somebody", reading)]
    assert "field 3 is a known processing code" not in words
    assert not [each for each in words if "another version" in each]


@pytest.mark.parametrize(
    ("mti", "is_one"),
    [("0200", True), ("1420", True), ("0000", False), ("3200", False), ("0270", False), ("0209", False)],
)
def test_mti_is_plausible(mti: str, is_one: bool) -> None:
    """Version, class, function and origin that nobody uses are no MTI."""
    assert is_one is is_plausible_mti(mti)
