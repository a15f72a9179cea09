"""Goal: the words of the tables mean what pyiso8583 takes them for."""

import pytest

from iso8583_specs.spec import BCD, Coding, FieldSpec, Row, Size, ans, b, n, x, xn, z

ASCII = Coding(hex_binary=True)
EBCDIC = Coding(text="cp500")
LEFT = Coding(packed=True, filler="left")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (n(Size.FIXED, 3, "N"), {"data_enc": "b", "len_type": 0, "len_count": "nibbles", "right_pad": "0"}),
        (n(Size.LL, 3, "N", filler="left"), {"data_enc": "b", "len_type": 1, "left_pad": "0"}),
        (LEFT.n(Size.FIXED, 3, "N"), {"len_count": "nibbles", "left_pad": "0"}),
        (LEFT.n(Size.LL, 3, "N"), {"len_count": "nibbles", "right_pad": "0"}),
        (z(Size.LL, 3, "N"), {"data_enc": "b", "len_count": "nibbles", "right_pad": "0", "content": "z"}),
        (x(Size.LLL, 3, "N"), {"data_enc": "b", "len_type": 2, "len_count": "nibbles", "right_pad": "0"}),
        (ans(Size.LL, 3, "N"), {"data_enc": "latin-1", "len_count": "bytes", "content": "ans"}),
        (b(Size.LLL, 3, "N"), {"data_enc": "b", "len_count": "bytes", "content": "b"}),
        (xn(Size.FIXED, 4, "N"), {"data_enc": "b", "len_count": "bytes", "content": "xn"}),
    ],
)
def test_packed_words_make_rows_of_the_reference(row: FieldSpec, expected: dict[str, object]) -> None:
    """Each kind of content has its encoding, unit and filler; all have BCD indicators."""
    common = {"len_enc": "bcd", "max_len": 3, "desc": "N"}

    assert common | expected == {key: row[key] for key in common | expected}
    assert {"left_pad", "right_pad"} & set(row) == {"left_pad", "right_pad"} & set(expected)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (ASCII.n(Size.LL, 3, "N"), {"len_type": 2, "max_len": 3, "content": "n"}),
        (ASCII.z(Size.LLL, 3, "N"), {"len_type": 3, "max_len": 3, "content": "z"}),
        (ASCII.xn(Size.FIXED, 8, "N"), {"len_type": 0, "max_len": 9, "content": "xn"}),
        (ASCII.b(Size.FIXED, 8, "N"), {"len_type": 0, "max_len": 16, "content": "b"}),
        (ASCII.bitmap("N"), {"len_type": 0, "max_len": 16, "content": "b"}),
    ],
)
def test_characters_make_rows_of_the_reference(row: FieldSpec, expected: dict[str, object]) -> None:
    """Everything is text, with an indicator of as many bytes as digits; bytes take two characters each."""
    common = {"data_enc": "latin-1", "len_enc": "latin-1", "len_count": "bytes", "desc": "N"}

    assert common | expected == {key: row[key] for key in common | expected}


def test_bytes_with_a_length_stay_bytes() -> None:
    """Only fixed ones are sent as hex digits."""
    assert (ASCII.b(Size.LL, 48, "N")["data_enc"], ASCII.b(Size.LL, 48, "N")["max_len"]) == ("b", 48)
    assert EBCDIC.b(Size.FIXED, 8, "N")["data_enc"] == "b"


def test_table_is_rows_put_through_a_coding() -> None:
    """A table has its head and a row for each of the standard's."""
    rows = {2: Row("n", Size.LL, 19, "PAN"), 52: Row("b", Size.FIXED, 8, "PIN")}

    table = EBCDIC.table(rows)

    assert ["h", "t", "p", "1", "2", "52"] == list(table)
    assert table["t"]["data_enc"] == table["2"]["len_enc"] == "cp500"
    assert table["p"] == BCD.bitmap("Bitmap, primary") | {"len_enc": "cp500"}
