"""What may be written in a field."""

import pytest

from directory.refusals import InvalidValue
from directory.texts import check_code, check_text


@pytest.mark.parametrize("code", ["A", "9", "GIFT-100", "a.b_c", "x" * 32])
def test_codes(code: str) -> None:
    """Letters, digits, full stops, hyphens and underscores make a code."""
    check_code("code", code)


@pytest.mark.parametrize("code", ["", "-a", "x" * 33, "a b", "礼", "a\n", "=1"])
def test_no_codes(code: str) -> None:
    """Anything else doesn't, nor does what is too long."""
    with pytest.raises(InvalidValue):
        check_code("code", code)


@pytest.mark.parametrize("text", ["礼品卡", "O'Neill", "x" * 100])
def test_texts(text: str) -> None:
    """Printable text of any language is good."""
    check_text("name", text)


@pytest.mark.parametrize("text", ["", "   ", "x" * 101, "a\tb", "a\nb", "\x00"])
def test_no_texts(text: str) -> None:
    """Empty, long or unprintable text isn't."""
    with pytest.raises(InvalidValue):
        check_text("name", text)
