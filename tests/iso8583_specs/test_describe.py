"""Goal: people and programs see a message's fields with names and values, card data only when asked for."""

import json
from types import SimpleNamespace

import pytest

from iso8583_specs.codec import codec_for
from iso8583_specs.describe import decoded_as_json, described, printed
from iso8583_specs.framing import FRAMINGS, Frame
from iso8583_specs.message import Message

POS = FRAMINGS["length2_tpdu_header6"]
MESSAGE = Message("0200", {60: "22000001", 2: "9900010123456781234", 63: b"01 ", 42: "\x1b[2J1"})
FRAME = Frame(bytes.fromhex("60000606aa"), bytes.fromhex("603100311108"), b"unread")


def test_described_has_numbers_names_and_masked_values_in_order() -> None:
    """A field is its number, the name that the dialect gives it, and what anybody may see."""
    expected = [
        (2, "Primary account number", "990001*********1234"),
        (42, "Merchant", "\x1b[2J1"),
        (60, "Transaction type, batch and network code", "22000001"),
        (63, "Operator, card organisation and texts", "<3 bytes>"),
    ]

    assert expected == described("unionpay_pos", MESSAGE)


@pytest.mark.parametrize(
    ("clear", "pan", "operator"),
    [(False, "990001*********1234", "<3 bytes>"), (True, "9900010123456781234", "303120")],
)
def test_json_masks_unless_asked_for_clear(clear: bool, pan: str, operator: str) -> None:
    """Binary is upper-case hex, the rest is text, and what is masked in one is clear in the other."""
    decoded = decoded_as_json("unionpay_pos", POS, FRAME, MESSAGE, clear=clear)

    assert {
        "dialect": "unionpay_pos",
        "framing": "length2_tpdu_header6",
        "tpdu": "60000606AA",
        "header": "603100311108",
        "mti": "0200",
        "fields": {"2": pan, "42": "\x1b[2J1", "60": "22000001", "63": operator},
    } == json.loads(json.dumps(decoded))


def test_json_has_null_for_parts_that_the_framing_lacks() -> None:
    """No TPDU and no header are null, not empty."""
    decoded = decoded_as_json(
        "unionpay_pos", FRAMINGS["none"], Frame(b"", b"", b""), Message("0820"), clear=False
    )

    assert decoded["tpdu"] is decoded["header"] is None
    assert not decoded["fields"]


def test_printed_lines_escape_control_characters() -> None:
    """Every line is safe to print, whatever the wire said."""
    expected = [
        "dialect  unionpay_pos",
        "framing  none",
        "TPDU     -",
        "header   -",
        "MTI      0200",
        "   2  Primary account number                    990001*********1234",
        "  42  Merchant                                  \\x1b[2J1",
        "  60  Transaction type, batch and network code  22000001",
        "  63  Operator, card organisation and texts     <3 bytes>",
    ]

    lines = printed("unionpay_pos", FRAMINGS["none"], Frame(b"", b"", b""), MESSAGE, clear=False)

    assert expected == list(lines)


def test_sample_shows_no_card_data_unless_asked(sample: SimpleNamespace) -> None:
    """No captured PAN, track, chip data, PIN block or key block is in what is printed by default."""
    frame = Frame(b"", b"", b"")
    message = codec_for(sample.profile).decode(bytes.fromhex(sample.hex)[_body_at(sample.framing) :])
    text = "\n".join(printed(sample.profile, FRAMINGS["none"], frame, message, clear=False)) + repr(message)

    secret = [sample.fields[number] for number in ("2", "35", "52", "55", "62") if number in sample.fields]

    assert not [value for value in secret if value in text and len(value) > 4]


def _body_at(framing: str) -> int:
    row = FRAMINGS[framing]
    return row.length_bytes + row.tpdu_bytes + row.header_bytes
