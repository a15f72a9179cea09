"""Goal: a processing code has three parts, and its meaning is the family's."""

import pytest

from iso8583_specs.family import Family
from iso8583_specs.processing_code import ProcessingCode


def test_code_has_three_parts() -> None:
    """Type, from and to are two digits each."""
    code = ProcessingCode("401020")

    assert ("40", "10", "20") == (code.transaction_type, code.from_account, code.to_account)
    assert "401020" == str(code)


@pytest.mark.parametrize(
    ("text", "family", "meaning"),
    [
        ("200000", None, "refund"),
        ("200000", Family.ISO1987, "refund"),
        ("200000", Family.UNIONPAY_POS, "void or refund"),
        ("310000", Family.UNIONPAY_POS, "balance inquiry"),
        ("330000", Family.UNIONPAY_POS, "cardholder verification"),
        ("330000", Family.ISO1993, ""),
    ],
)
def test_meaning_is_the_familys_own(text: str, family: Family | None, meaning: str) -> None:
    """UnionPay's words come first, then the standard's; unknown types have none."""
    assert meaning == ProcessingCode(text).meaning(family)


@pytest.mark.parametrize("text", ["", "00000", "0000000", "00000x"])
def test_what_is_no_processing_code_is_refused(text: str) -> None:
    """Only six digits are one."""
    with pytest.raises(ValueError, match=r"^a processing code has six digits$"):
        ProcessingCode(text)
