"""Goal: in every dialect, only what is harmless there is seen."""

import pytest

from iso8583_specs.dialects import DIALECTS, spec_for
from iso8583_specs.disclosure import HARMLESS, HARMLESS_IF_READ, Disclosure, card_numbers, without
from iso8583_specs.family import Family, family_of
from iso8583_specs.message import Message
from iso8583_specs.values import BinDigits

NUMBER = "9900010123456781234"
LUHN = "4242424242424242"


def disclosure(dialect: str, *, clear: bool = False, bin_digits: BinDigits = 6) -> Disclosure:
    """The disclosure of a dialect's messages."""
    return Disclosure(family_of(dialect), spec_for(dialect), clear, bin_digits)


@pytest.mark.parametrize(
    ("dialect", "number", "value", "shown"),
    [
        ("unionpay_pos", 2, NUMBER, "990001*********1234"),
        ("unionpay_pos", 2, "x" + NUMBER, "<20 characters>"),
        ("iso1987_ascii", 34, NUMBER, "990001*********1234"),
        ("iso1987_ascii", 34, "ABCDEFGHIJKLMNOPQRSTUVWXYZ01", "<28 characters>"),
        ("iso1987_ascii", 2, NUMBER.encode(), "<19 bytes>"),
        ("unionpay_pos", 3, "000000", "000000"),
        ("unionpay_pos", 14, "2912", "<4 characters>"),
        ("unionpay_pos", 28, b"C\0\0\0\1", "4300000001"),
        ("unionpay_pos", 35, f"{NUMBER}=2912", "<24 characters>"),
        ("unionpay_pos", 37, LUHN[:12], LUHN[:12]),
        ("unionpay_pos", 42, "378282246310005", "378282246310005"),
        ("unionpay_pos", 42, LUHN, "424242******4242"),
        ("unionpay_pos", 43, f"SHOP {LUHN} X", "SHOP 424242******4242 X"),
        ("unionpay_pos", 44, LUHN, "424242******4242"),
        ("unionpay_pos", 48, NUMBER, "<19 characters>"),
        ("unionpay_pos", 53, "2600000000000000", "2600000000000000"),
        ("unionpay_pos", 54, "1002156C000000002407", "1002156C000000002407"),
        ("unionpay_pos", 54, LUHN, "<16 characters>"),
        ("unionpay_pos", 60, "22000007", "22000007"),
        ("unionpay_pos", 60, LUHN, "<16 characters>"),
        ("unionpay_pos", 61, "000007000134", "000007000134"),
        ("unionpay_pos.nac_points", 61, "4100:2026-07-31:", "<16 characters>"),
        ("unionpay_pos.nac_points", 62, f"2000:{LUHN}", "<21 characters>"),
        ("iso1987_ascii", 60, "22000007", "<8 characters>"),
        ("iso1987_ascii", 61, "000007000134", "<12 characters>"),
        ("iso1987_ascii", 90, "0" * 42, "0" * 42),
        ("iso1987_ascii", 90, LUHN, "<16 characters>"),
        ("iso1987_ascii", 102, LUHN, "<16 characters>"),
        ("iso1987_ascii", 103, LUHN, "<16 characters>"),
        ("iso1987_ascii", 52, "0123456789ABCDEF", "<16 characters>"),
        ("iso1987_binary", 52, bytes(8), "<8 bytes>"),
        ("iso1987_ascii", 72, "0001", "0001"),
        ("iso1993_ascii", 72, LUHN, "<16 characters>"),
        ("iso1993_ascii", 31, f"REF {LUHN}", "REF 424242******4242"),
        ("iso1993_ascii", 53, b"key", "<3 bytes>"),
        ("iso1993_ascii", 56, "120000000126091116301706012345", "120000000126091116301706012345"),
        ("iso1993_ascii", 90, "0" * 10, "0" * 10),
        ("iso1993_ascii", 95, LUHN, "<16 characters>"),
        ("iso1993_ascii", 105, "0" * 16, "0" * 16),
        ("iso1987_ascii", 105, "0" * 16, "<16 characters>"),
        ("iso1987_ascii", 127, LUHN, "<16 characters>"),
    ],
)
def test_field_shows_what_its_dialect_allows(
    dialect: str, number: int, value: str | bytes, shown: str
) -> None:
    """Harmless fields are shown, structured ones if they can be read, and cards in free text are masked."""
    message = Message("0200", {number: value})

    assert shown == disclosure(dialect).shown(message, number)


def test_clear_shows_everything() -> None:
    """Who asks for clear data gets it, bytes as hex digits."""
    message = Message("0200", {2: NUMBER, 52: b"\xab" * 8})

    assert [NUMBER, "AB" * 8] == [disclosure("unionpay_pos", clear=True).shown(message, n) for n in (2, 52)]


def test_long_bins_are_shown_when_asked_for() -> None:
    """Eight digits of the card and of what looks like one."""
    message = Message("0200", {2: NUMBER, 43: LUHN})

    shown = [disclosure("unionpay_pos", bin_digits=8).shown(message, number) for number in (2, 43)]

    assert ["99000101*******1234", "42424242****4242"] == shown


@pytest.mark.parametrize(
    ("value", "structured"), [("00" * 24, True), ("00" * 23, False), ("0" * 47, False), (bytes(24), True)]
)
def test_hex_digits_are_read_as_bytes(value: str | bytes, structured: bool) -> None:
    """Where a dialect writes bytes as hex digits, structures see bytes; an odd number of digits is none."""
    keys = Message("0810", {60: "00000007001", 62: value})

    assert structured is (disclosure("unionpay_pos.hex_62").structure(keys, 62) is not None)


@pytest.mark.parametrize(
    ("fields", "cards"),
    [
        ({2: NUMBER, 35: f"{LUHN}=2912"}, [NUMBER, LUHN]),
        ({34: "12345678"}, ["12345678"]),
        ({2: "1234567"}, []),
        ({2: "x"}, []),
        ({35: f"{LUHN}D2912"}, [LUHN]),
        ({35: f"x{LUHN}"}, [LUHN]),
        ({35: "nothing"}, []),
        ({35: bytes.fromhex(LUHN + "D29121")}, [LUHN]),
        ({36: f"99{NUMBER}=="}, [NUMBER]),
        ({45: f"B{LUHN}^DOE/JANE^"}, [LUHN]),
        ({55: bytes.fromhex("5A08" + LUHN)}, [LUHN]),
        ({55: bytes.fromhex("570B" + LUHN + "D2912F")}, [LUHN]),
        ({55: b"\x5a"}, []),
        ({55: "5A08"}, []),
    ],
)
def test_card_numbers_are_found(fields: dict[int, str | bytes], cards: list[str]) -> None:
    """Card fields, tracks (broken ones, too) and chip data name cards; the longest comes first."""
    assert cards == card_numbers(Message("0200", fields))


def test_card_numbers_become_stars() -> None:
    """Each of them, wherever it stands, in hex digits, too."""
    assert "a**b***" == without(["123", "12"], "a12b123")
    assert "00******FF" == without(["123"], "00313233FF")


def test_every_family_has_its_lists() -> None:
    """None of the families, nor what has none, is left without rules; no card data is in any list."""
    families = {None, *Family}
    never = {2, 14, 34, 35, 36, 45, 46, 47, 48, 52, 55, 59, 62, 63, 64, 96, 102, 103, 127, 128}

    assert families == HARMLESS.keys() == HARMLESS_IF_READ.keys()
    assert not [family for family in families if never & (HARMLESS[family] | HARMLESS_IF_READ[family])]


def test_fields_have_the_names_of_the_dialect() -> None:
    """What a field is called comes from the dialect's table."""
    assert not [dialect for dialect in DIALECTS if not disclosure(dialect).name(2)]
    assert "Primary account number" == disclosure("unionpay_pos").name(2)
