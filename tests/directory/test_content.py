"""What audit and proposals are shown of contents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.content import HIDDEN, canonical, cleaned, masked, text_of, whole_of

FULL_WIDTH = {ord("0") + digit: ord("\uff10") + digit for digit in range(10)}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("6222021234567890123", "622202*********0123"),
        ("lost 6222 0212 3456 7890, called", "lost 622202******7890, called"),
        ("6222-0212-3456-7890", "622202******7890"),
        ("card:4000000000002", "card:400000***0002"),
        ("卡号6222021234567890123丢失", "卡号622202*********0123丢失"),
        (
            "6222021234567890".translate(FULL_WIDTH),
            f"{'622202'.translate(FULL_WIDTH)}******{'7890'.translate(FULL_WIDTH)}",
        ),
        ("123456789012", "123456789012"),
        ("12345678901234567890", "12345678901234567890"),
        ("2026-11-22 10:00", "2026-11-22 10:00"),
        ("00112233445566778899001122334455", "00112233445566778899001122334455"),
        ("a" * 30 + "6222021234567890123", "a" * 30 + "622202*********0123"),
        ("", ""),
    ],
)
def test_card_numbers_are_masked(text: str, shown: str) -> None:
    """Thirteen to nineteen digits lose their middle, separators or not; keyed hashes and dates stay."""
    assert shown == masked(text)


@given(st.from_regex(r"[1-9][0-9]{12,18}", fullmatch=True), st.sampled_from([" ", ",", "/", "card ", "号"]))
def test_no_card_number_stays(digits: str, around: str) -> None:
    """Whatever stands around it, no number of a card's length stays readable."""
    assert digits not in masked(f"{around}{digits}{around}")


def test_contents_are_cleaned_at_every_depth() -> None:
    """Secret names lose their values, card numbers their middle; numbers, merchants and nothing stay."""
    content = {
        "password_proof": "$argon2id$",
        "account_sealed": "00ff",
        "pin": None,
        "merchant_id": "990001000000001",
        "subject": "990001000000001/T0000001",
        "limit_minor": 6222021234567890,
        "names": ["6222021234567890", True],
        "holder": {"phone": ["13800138000"], "note": "4000000000000002"},
    }

    assert {
        "password_proof": HIDDEN,
        "account_sealed": HIDDEN,
        "pin": None,
        "merchant_id": "990001000000001",
        "subject": "990001000000001/T0000001",
        "limit_minor": 6222021234567890,
        "names": ["622202******7890", True],
        "holder": {"phone": HIDDEN, "note": "400000******0002"},
    } == cleaned(content)


def test_canonical_text_is_one_for_equal_contents() -> None:
    """Order doesn't matter, and names of people stay readable."""
    assert '{"a":[1,null],"name":"张三"}' == canonical({"name": "张三", "a": [1, None]})
    assert "null" == canonical(None)


def test_parts_are_taken_out() -> None:
    """Texts and whole numbers come back as such."""
    assert ("x", 3) == (text_of({"a": "x"}, "a"), whole_of({"b": 3}, "b"))
