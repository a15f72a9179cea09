"""Goal: the words of the tables mean what pyiso8583 takes them for."""

import pytest

from iso8583_specs.spec import FieldSpec, Size, ans, b, n, x, z


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (n(Size.FIXED, 3, "N"), {"data_enc": "b", "len_type": 0, "len_count": "nibbles", "right_pad": "0"}),
        (n(Size.LL, 3, "N", filler="left"), {"data_enc": "b", "len_type": 1, "left_pad": "0"}),
        (z(Size.LL, 3, "N"), {"data_enc": "b", "len_count": "nibbles", "right_pad": "0", "content": "z"}),
        (x(Size.LLL, 3, "N"), {"data_enc": "b", "len_type": 2, "len_count": "nibbles", "right_pad": "0"}),
        (ans(Size.LL, 3, "N"), {"data_enc": "latin-1", "len_count": "bytes", "content": "ans"}),
        (b(Size.LLL, 3, "N"), {"data_enc": "b", "len_count": "bytes", "content": "b"}),
    ],
)
def test_notation_makes_rows_of_the_reference(row: FieldSpec, expected: dict[str, object]) -> None:
    """Each kind of content has its encoding, unit and filler; all have BCD indicators."""
    common = {"len_enc": "bcd", "max_len": 3, "desc": "N"}

    assert common | expected == {key: row[key] for key in common | expected}
    assert {"left_pad", "right_pad"} & set(row) == {"left_pad", "right_pad"} & set(expected)
