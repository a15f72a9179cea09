"""Identifiers of messages, categories and limits are what the tables and messages can hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.named import check_category, check_in_order, check_merchant_id, check_terminal_id
from directory.refusals import InvalidValue

PRINTABLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=15, max_size=15)


@given(PRINTABLE)
def test_printable_identifiers_are_taken(text: str) -> None:
    """All characters of the field are there, and none is a space at an end."""
    check_merchant_id(text)
    check_terminal_id(text[:8])


@pytest.mark.parametrize(
    "text", ["", "T000001", "T00000012", " T000001", "T000001 ", "T00\n0001", "T00\xe90001", "T00\x7f0001"]
)
def test_other_identifiers_are_refused(text: str) -> None:
    """Too short, too long, with a space at an end, or not printable ASCII; the value isn't told."""
    with pytest.raises(InvalidValue) as refused:
        check_terminal_id(text)

    assert text not in str(refused.value) or not text


@pytest.mark.parametrize(("text", "good"), [("5411", True), ("0000", True), ("541", False), ("54a1", False)])
def test_category_has_four_digits(text: str, good: bool) -> None:
    """Nothing else is one."""
    if good:
        check_category(text)
    else:
        with pytest.raises(InvalidValue):
            check_category(text)


@pytest.mark.parametrize(
    ("bounds", "good"), [((0, 0), True), ((1, 2), True), ((2, 1), False), ((-1,), False)]
)
def test_wider_limits_are_not_lower(bounds: tuple[int, ...], good: bool) -> None:
    """None is negative, either."""
    if good:
        check_in_order("limit", bounds)
    else:
        with pytest.raises(InvalidValue):
            check_in_order("limit", bounds)
