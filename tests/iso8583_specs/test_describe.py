"""Goal: people see a message's fields and parts with names and meanings, card data only when asked for."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iso8583_specs.codec import codec_for
from iso8583_specs.defects import MalformedMessage
from iso8583_specs.describe import Line, describe, printed, shown_fields
from iso8583_specs.dialects import DIALECTS, spec_for
from iso8583_specs.framing import FRAMINGS, Frame, parse_frame
from iso8583_specs.message import Message
from iso8583_specs.subfields.tlv import BerTlv
from iso8583_specs.values import BinDigits, clear_text

NUMBER = "9900010123456781234"
POSTILION = "iso1987_ascii_binary_bitmap.postilion"
POS_MESSAGE = Message(
    "0200",
    {
        2: NUMBER,
        3: "000000",
        4: "000000002500",
        35: f"{NUMBER}=2912101",
        42: "\x1b[2J1",
        49: "156",
        55: bytes.fromhex("9F36020047"),
        60: "22000007",
        63: b"01 ",
    },
)


def test_fields_and_parts_have_names_values_and_meanings() -> None:
    """A field is followed by its parts; amounts, codes and types are said in words."""
    expected = [
        Line("2", "Primary account number", "990001*********1234"),
        Line("3", "Processing code", "000000", "sale, completion or advice"),
        Line("4", "Amount", "000000002500", "25.00 CNY"),
        Line("35", "Track 2", "<27 characters>"),
        Line("35.1", "primary account number", "990001*********1234", "", 1, is_field=False),
        Line("35.2", "expiry date", "<4 characters>", "", 1, is_field=False),
        Line("35.3", "service code", "<3 characters>", "", 1, is_field=False),
        Line("42", "Merchant", "\x1b[2J1"),
        Line("49", "Currency", "156"),
        Line("55", "Chip data", "<5 bytes>"),
        Line("55.9F36", "application transaction counter", "0047", "", 1, is_field=False),
        Line("60", "Transaction type, batch and network code", "22000007"),
        Line("60.1", "transaction type", "22", "sale", 1, is_field=False),
        Line("60.2", "batch", "000007", "", 1, is_field=False),
        Line("63", "Operator, card organisation and texts", "<3 bytes>"),
        Line("63.1", "operator or card organisation", "01 ", "", 1, is_field=False),
    ]

    assert expected == describe("unionpay_pos", POS_MESSAGE)


@pytest.mark.parametrize(
    ("bin_digits", "clear", "pan", "chip"),
    [
        (6, False, "990001*********1234", "<5 bytes>"),
        (8, False, "99000101*******1234", "<5 bytes>"),
        (8, True, NUMBER, "9F36020047"),
    ],
)
def test_fields_are_shown_as_asked(bin_digits: BinDigits, clear: bool, pan: str, chip: str) -> None:
    """Six or eight digits of the BIN, or everything."""
    fields = shown_fields("unionpay_pos", POS_MESSAGE, clear=clear, bin_digits=bin_digits)

    assert ["2", "3", "4", "35", "42", "49", "55", "60", "63"] == list(fields)
    assert (pan, chip) == (fields["2"], fields["55"])


def test_parts_are_clear_when_asked_for() -> None:
    """In clear, the parts of a track are as they are."""
    lines = describe("unionpay_pos", POS_MESSAGE, clear=True)

    assert [NUMBER, "2912", "101"] == [line.value for line in lines if line.label.startswith("35.")]


@pytest.mark.parametrize(
    ("dialect", "fields", "number", "meaning"),
    [
        ("unionpay_pos", {39: "55"}, "39", "incorrect PIN"),
        ("iso1993_ascii", {39: "117"}, "39", "incorrect PIN"),
        ("iso1987_ascii", {3: "200000"}, "3", "refund"),
        ("iso1987_ascii", {3: "20000"}, "3", ""),
        ("iso1987_ascii", {3: b"200000"}, "3", ""),
        ("iso1987_ascii", {4: "000000000005", 49: "392"}, "4", "5 JPY"),
        ("iso1987_ascii", {5: "000000000005", 50: "978"}, "5", "0.05 EUR"),
        ("iso1987_ascii", {4: "000000000005", 50: "978"}, "4", ""),
        ("iso1987_ascii", {4: "000000000005", 49: "EUR"}, "4", ""),
        ("iso1987_ascii", {4: "00000000000x", 49: "978"}, "4", ""),
        ("iso1987_ascii", {41: "TERMINAL"}, "41", ""),
    ],
)
def test_meaning_is_given_where_it_is_known(
    dialect: str, fields: dict[int, str | bytes], number: str, meaning: str
) -> None:
    """Codes by the dialect's family, amounts by their currency; nothing is guessed."""
    lines = {line.label: line.meaning for line in describe(dialect, Message("0210", fields))}

    assert meaning == lines[number]


@pytest.mark.parametrize(
    ("dialect", "mti", "code", "meaning"),
    [
        ("unionpay_pos", "0400", "98", "no answer in time"),
        ("unionpay_pos", "0400", "00", ""),
        ("unionpay_pos", "0410", "98", "no answer from the issuer"),
        ("iso1987_ascii", "0400", "68", "response received too late"),
    ],
)
def test_reversal_says_why(dialect: str, mti: str, code: str, meaning: str) -> None:
    """UnionPay's terminals give the reason of a reversal where others have a response code."""
    assert [meaning] == [line.meaning for line in describe(dialect, Message(mti, {39: code}))]


def test_message_inside_a_field_shows_its_fields_by_size() -> None:
    """Of a message inside a field names and sizes are seen; in clear, everything."""
    message = Message("0200", {4: "000000002500"}, parts={127: Message("", {2: "KEY", 25: "<PAN>" + NUMBER})})

    assert [
        Line("127", "Postilion private data", "<2 fields>", is_field=False),
        Line("127.2", "Switch key", "<3 characters>", "", 1),
        Line("127.25", "Chip data", f"<{5 + len(NUMBER)} characters>", "", 1),
    ] == describe(POSTILION, message)[1:]
    assert {"4": "000000002500", "127.2": "KEY", "127.25": "<PAN>" + NUMBER} == shown_fields(
        POSTILION, message, clear=True
    )


def test_card_number_is_masked_wherever_it_stands() -> None:
    """Who puts the card into a reference or a merchant's number doesn't get it shown."""
    message = Message("0200", {35: f"{NUMBER}=2912101", 42: f"x{NUMBER}", 53: NUMBER[:16]})

    fields = shown_fields("unionpay_pos", message)

    assert "x" + "*" * len(NUMBER) == fields["42"]
    assert NUMBER[:16] == fields["53"]


def test_printed_lines_escape_control_characters() -> None:
    """Every line is safe to print, whatever the wire said; meanings stand below fields and beside parts."""
    expected = [
        "dialect  unionpay_pos",
        "framing  none",
        "TPDU     6000060000",
        "header   -",
        "MTI      0200",
        "         1987 financial request, acquirer",
        "   2  Primary account number                    990001*********1234",
        "   3  Processing code                           000000",
        "                                                sale, completion or advice",
        "  42  Merchant                                  \\x1b[2J1",
        "  60  Transaction type, batch and network code  22000007",
        "    60.1  transaction type                      22  (sale)",
        "    60.2  batch                                 000007",
    ]
    message = Message("0200", {number: POS_MESSAGE.fields[number] for number in (2, 3, 42, 60)})

    lines = printed(
        "unionpay_pos", FRAMINGS["none"], Frame(bytes.fromhex("6000060000"), b"", b""), message, False
    )

    assert expected == list(lines)


def test_what_is_no_message_type_is_printed_without_meaning() -> None:
    """A codec may read another MTI than four digits."""
    lines = printed("unionpay_pos", FRAMINGS["none"], Frame(b"", b"", b""), Message("02\x1b0"), clear=False)

    assert ["MTI      02\\x1b0"] == list(lines)[4:]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("named", [True, False], ids=["card named", "card not named"])
def test_card_number_in_any_field_is_not_shown(dialect: str, named: bool) -> None:
    """Whichever field a card stands in, also as bytes, nobody sees it; field 2 needn't say that it is one."""
    spec = {int(key): row for key, row in spec_for(dialect).items() if key.isdecimal() and int(key) > 1}
    texts = {number for number, row in spec.items() if row["content"] in {"ans", "z"}} - {2}
    card = "4012888888881881"
    fields = dict.fromkeys(texts, f"card {card}.") | ({2: card} if named else {})
    digits = {number: card for number, row in spec.items() if named and row["content"] in {"n", "xn"}}
    binary = {number: card.encode() for number, row in spec.items() if row["content"] in {"b", "x"}}
    message = Message("0200", {**fields, **digits, **(binary if named else {})})

    text = "\n".join(printed(dialect, FRAMINGS["none"], Frame(b"", b"", b""), message, clear=False))

    assert not [form for form in (card, card.encode().hex(), card[6:12]) if form in text]


@given(st.data())
def test_any_message_of_any_dialect_can_be_described(
    messages: Callable[[str], st.SearchStrategy[Message]], data: st.DataObject
) -> None:
    """Whatever the fields hold, each has its line, in clear or not, and no line drives a terminal."""
    dialect = data.draw(st.sampled_from(sorted(DIALECTS)))
    message = data.draw(messages(dialect))

    lines = list(printed(dialect, FRAMINGS["none"], Frame(b"", b"", b""), message, clear=False))

    assert shown_fields(dialect, message).keys() == shown_fields(dialect, message, clear=True).keys()
    assert {str(number) for number in message.fields} <= {line.split()[0] for line in lines[5:]}
    assert not [line for line in lines if not line.isprintable()]


@pytest.mark.parametrize(("clear", "shown"), [(False, "<9 bytes>"), (True, "F1D9C5D8F6F1F0F0F1")])
def test_header_of_the_message_is_printed_by_its_size(clear: bool, shown: str) -> None:
    """A header that belongs to the dialect might hold anything."""
    message = Message("1804", header=bytes.fromhex("F1D9C5D8F6F1F0F0F1"))

    lines = list(printed("iso1993_ascii", FRAMINGS["none"], Frame(b"", b"", b""), message, clear=clear))

    assert f"header   {shown}" == lines[3]


def test_sample_shows_no_card_data_unless_asked(sample: SimpleNamespace) -> None:
    """No captured card number, track, chip data, PIN block or key is printed by default, or in a repr."""
    frame = parse_frame(FRAMINGS[sample.framing], bytes.fromhex(sample.hex))
    message = codec_for(sample.profile).decode(frame.body)

    text = "\n".join(printed(sample.profile, FRAMINGS["none"], frame, message, clear=False))

    assert not [secret for secret in _secrets(message) if secret in text or secret in repr(message)]


def _secrets(message: Message) -> set[str]:
    """What must not be seen, of 8 characters and more: cards, the numbers in them, and private fields."""
    cards = {clear_text(message.fields[number]) for number in (2, 34, 35, 36, 45) if number in message.fields}
    numbers = {number for card in cards for number in re.findall(r"\d{8,}", card)}
    private = (46, 47, 48, 52, 55, 56, 57, 58, 59, 62, 63, 64, 102, 103, 104, 120, 123, 127, 128)
    secrets = {clear_text(message.fields[number]) for number in private if number in message.fields}
    keys = {secret[:16] for secret in secrets if len(secret) == 80}
    inside = {clear_text(value) for part in message.parts.values() for value in part.fields.values()}
    found = cards | numbers | secrets | keys | inside | set(_in_chip_data(message))
    return {secret for secret in found if len(secret) >= 8 and secret.strip("0 ")}


def _in_chip_data(message: Message) -> Iterator[str]:
    chip = message.fields.get(55)
    for tag in ("57", "5A", "5F20", "5F24", "5F34") if isinstance(chip, bytes) else ():
        # Some deployments put something else there.
        with suppress(MalformedMessage):
            yield (BerTlv.parse(chip).get(tag) or b"").hex().upper()
