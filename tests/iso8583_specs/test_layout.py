"""Goal: the head of a message is where its table says, and its bitmaps say which fields follow."""

import pytest

from iso8583_specs.defects import Defect
from iso8583_specs.dialects import spec_for
from iso8583_specs.layout import Announced, BadBitmap, Layout

ASCII = Layout.of(spec_for("iso1987_ascii"), inside=False)
BINARY = Layout.of(spec_for("iso1987_binary"), inside=False)
POS = Layout.of(spec_for("unionpay_pos"), inside=False)
CHIP = Layout.of(spec_for("iso1993_ebcdic.routed")["55"]["fields"], inside=True)


@pytest.mark.parametrize(
    ("layout", "mti_bytes", "widths", "fields"),
    [(ASCII, 4, [16, 16, 16], 126), (BINARY, 2, [8, 8, 8], 126), (POS, 2, [8], 63), (CHIP, 0, [8], 16)],
)
def test_head_has_the_sizes_of_its_encodings(
    layout: Layout, mti_bytes: int, widths: list[int], fields: int
) -> None:
    """Text takes twice the bytes; a message inside a field has no MTI and a bitmap of its own size."""
    assert mti_bytes == layout.mti_bytes
    assert widths == [layout.width(index) for index in range(len(layout.bitmaps))]
    assert fields == len(layout.numbers)


@pytest.mark.parametrize(
    ("layout", "bitmaps", "numbers"),
    [
        (POS, "8000000000000001", [1, 64]),
        (BINARY, "4000000000000001", [2, 64]),
        (BINARY, "8000000000000001 0000000000000001", [64, 128]),
        (BINARY, "8000000000000000 C000000000000000 8000000000000001", [66, 129, 192]),
        (CHIP, "C3F1F0F0F0F0F0F1", [1, 2, 8, 32]),
    ],
)
def test_bitmaps_announce_fields(layout: Layout, bitmaps: str, numbers: list[int]) -> None:
    """Bit 1 and bit 65 announce further bitmaps where the table has them, and are fields where it hasn't."""
    raw = bytes.fromhex(bitmaps)

    assert Announced(numbers, len(raw) + 3) == layout.announced(bytes(3) + raw, 3)


@pytest.mark.parametrize("numbers", [[], [2], [2, 64], [66], [2, 128], [129], [3, 70, 192]])
@pytest.mark.parametrize("layout", [ASCII, BINARY])
def test_usual_bitmaps_announce_what_they_are_written_for(layout: Layout, numbers: list[int]) -> None:
    """As many bitmaps are written as the highest field needs."""
    raw = layout.usual(numbers)

    assert Announced(numbers, len(raw)) == layout.announced(raw, 0)
    assert len(raw) == layout.width(0) * ((max([*numbers, 1]) + 63) // 64)


@pytest.mark.parametrize(
    ("raw", "which", "position", "reason"),
    [
        (b"0" * 15, 0, 0, Defect.TRUNCATED),
        (b"G" * 16, 0, 0, Defect.BAD_BITMAP),
        (b"8" + b"0" * 15, 1, 16, Defect.TRUNCATED),
        (b"8" + b"0" * 15 + b"8" + b"0" * 15 + b"G" * 16, 2, 32, Defect.BAD_BITMAP),
    ],
)
def test_bitmap_that_cannot_be_read_is_named(raw: bytes, which: int, position: int, reason: Defect) -> None:
    """Which bitmap it is, where it begins, and why."""
    assert BadBitmap(which, position, reason) == ASCII.announced(raw, 0)
