"""Goal: card data is seen only by who asks for it in clear."""

import pytest

from iso8583_specs.values import Pan, clear_text, mask_field, masked

CLEAR = "9900010123456781234"


@pytest.mark.parametrize(
    ("pan", "shown"),
    [
        (CLEAR, "990001*********1234"),
        ("9900010123456", "990001***3456"),
        ("990001012345", "************"),
        ("", ""),
    ],
)
def test_masked_keeps_six_and_four_of_a_long_pan(pan: str, shown: str) -> None:
    """Six leading and four trailing digits stay; of a short number nothing does."""
    assert shown == masked(pan)


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
        (60, "22000001", "22000001"),
        (62, bytes(40), "<40 bytes>"),
        (64, b"12345678", "<8 bytes>"),
    ],
)
def test_field_shows_what_anybody_may_see(number: int, value: str | bytes, shown: str) -> None:
    """Harmless fields are shown, of the rest only the size; of the PAN both ends."""
    assert shown == mask_field(number, value)


def test_clear_text_of_bytes_is_hex() -> None:
    """Bytes become upper-case hex digits, text stays."""
    assert clear_text(b"\xab\x01") == "AB01"
    assert clear_text("ab01") == "ab01"
