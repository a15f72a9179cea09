"""Goal: card data is seen only by who asks for it in clear."""

import pytest

from iso8583_specs.values import (
    BinDigits,
    Pan,
    clear_text,
    mask_card_numbers,
    mask_field,
    masked,
    passes_luhn,
    size_of,
)

CLEAR = "9900010123456781234"


@pytest.mark.parametrize(
    ("pan", "bin_digits", "shown"),
    [
        (CLEAR, 6, "990001*********1234"),
        (CLEAR, 8, "99000101*******1234"),
        ("9900010123456781", 8, "99000101****6781"),
        ("990001012345678", 8, "990001*****5678"),
        ("9900010123456", 6, "990001***3456"),
        ("990001012345", 8, "************"),
        ("", 6, ""),
    ],
)
def test_masked_keeps_the_ends_of_a_long_pan(pan: str, bin_digits: BinDigits, shown: str) -> None:
    """BIN and last four digits stay, eight of 16 digits at the earliest; of a short number nothing does."""
    assert shown == masked(pan, bin_digits)


@pytest.mark.parametrize(
    ("pan", "six", "eight", "last"),
    [
        (CLEAR, "990001", "99000101", "1234"),
        ("990001012345678", "990001", "990001", "5678"),
        ("99000", "", "", ""),
    ],
)
def test_ends_of_a_pan(pan: str, six: str, eight: str, last: str) -> None:
    """What may be seen of a PAN can be asked for, and no more."""
    card = Pan(pan)

    assert (six, eight, last) == (
        card.bank_identification_number(),
        card.bank_identification_number(8),
        card.last_four,
    )


@pytest.mark.parametrize(
    ("digits", "passes"),
    [
        ("4242424242424242", True),
        ("4242424242424243", False),
        ("79927398713", True),
        ("0", True),
        ("1", False),
    ],
)
def test_check_digit_is_the_last(digits: str, passes: bool) -> None:
    """The published example of the algorithm passes, a wrong last digit doesn't."""
    assert passes is passes_luhn(digits) is Pan(digits).has_check_digit


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("card 4242424242424242.", "card 424242******4242."),
        ("4242424242424242=2912101", "424242******4242=*"),
        ("4242424242424242D2912", "424242******4242=*"),
        ("4242424242424243", "4242424242424243"),
        ("42424242424242420000", "42424242424242420000"),
        ("short", "short"),
    ],
)
def test_card_numbers_in_text_are_masked(text: str, shown: str) -> None:
    """What has the length and the check digit of a card number is one, and so is the track behind it."""
    assert shown == mask_card_numbers(text)
    assert "42424242****4242" == mask_card_numbers("4242424242424242", 8)


def test_pan_never_prints_itself() -> None:
    """Every usual way to text gives the masked form."""
    pan = Pan(CLEAR)

    shown = masked(CLEAR)

    assert [shown, shown, f"{shown} ", f"Pan({shown})"] == [str(pan), f"{pan}", f"{pan:20}", f"{pan!r}"]
    assert pan.clear == CLEAR


def test_pan_compares_by_its_digits() -> None:
    """Equal digits are one key; a text of the same digits is not a PAN."""
    assert {Pan(CLEAR)} == {Pan(CLEAR), Pan(CLEAR)}
    assert Pan(CLEAR) != Pan("9900010123456781235")
    assert Pan(CLEAR) != CLEAR


@pytest.mark.parametrize("text", ["", "99000101234567812345", "9900 0101", "٣٣٣٣", "²³"])
def test_what_is_no_pan_is_refused_without_being_repeated(text: str) -> None:
    """Only 1 to 19 ASCII digits are a PAN, and the error doesn't quote the text."""
    with pytest.raises(ValueError, match=r"^a PAN has 1 to 19 digits$"):
        Pan(text)


@pytest.mark.parametrize(
    ("number", "value", "shown"),
    [
        (2, CLEAR, "990001*********1234"),
        (3, "000000", "000000"),
        (14, "2912", "<4 characters>"),
        (23, "001", "<3 characters>"),
        (28, b"C\x00\x00\x00\x01", "4300000001"),
        (35, CLEAR + "=2912", "<24 characters>"),
        (36, "1", "<1 characters>"),
        (45, "B" + CLEAR, "<20 characters>"),
        (48, CLEAR, "<19 characters>"),
        (52, bytes(8), "<8 bytes>"),
        (55, bytes(90), "<90 bytes>"),
        (2, b"\x99\x00", "<2 bytes>"),
        (37, "REFERENCE001", "REFERENCE001"),
        (53, "2600000000000000", "<16 characters>"),
        (60, "22000001", "<8 characters>"),
        (62, bytes(40), "<40 bytes>"),
        (64, b"12345678", "<8 bytes>"),
    ],
)
def test_field_shows_what_anybody_may_see(number: int, value: str | bytes, shown: str) -> None:
    """Fields that are harmless in every dialect are shown, of the rest the size; of the PAN both ends."""
    assert shown == mask_field(number, value)


def test_clear_text_of_bytes_is_hex() -> None:
    """Bytes become upper-case hex digits, text stays."""
    assert clear_text(b"\xab\x01") == "AB01"
    assert clear_text("ab01") == "ab01"


def test_size_counts_bytes_or_characters() -> None:
    """Of a hidden value its size and kind remain."""
    assert ("<2 bytes>", "<3 characters>") == (size_of(b"ab"), size_of("abc"))
