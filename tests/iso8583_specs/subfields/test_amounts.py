"""Goal: amounts inside fields have signs, currencies and exact digits."""

from collections.abc import Callable

import pytest

from iso8583_specs.defects import Defect
from iso8583_specs.money import Money
from iso8583_specs.subfields.amounts import (
    AdditionalAmount,
    AdditionalAmounts,
    Fee,
    OriginalAmounts,
    ReplacementAmounts,
)
from iso8583_specs.subfields.structure import Part, SubField

Refuses = Callable[[type[SubField], str | bytes, int, Defect], None]
CannotBe = Callable[[Callable[[], SubField], Defect], None]
BALANCE = AdditionalAmount("10", "02", "156", "C", 2407)
POINTS = AdditionalAmount("99", "77", "999", "D", 5)
FEE = Fee("C", 0)


def test_balance_is_a_block_of_field_54() -> None:
    """A captured balance is available money of a savings account; debits are negative, points no money."""
    amounts = AdditionalAmounts.parse("1002156C0000000024079977999D000000000005")

    assert (BALANCE, POINTS) == amounts.blocks
    assert [Money(2407, "156"), Money(-5, "999")] == [block.money for block in amounts.blocks]
    assert [
        Part("54.1", "available balance, savings account", "1002156C000000002407", "24.07 CNY"),
        Part("54.2", "amount type 77, account type 99", "9977999D000000000005", "-5 of 999"),
    ] == amounts.parts()


def test_replacement_amounts_have_fees_with_signs() -> None:
    """Field 95 is two amounts and two signed fees."""
    amounts = ReplacementAmounts(1000, 0, FEE, Fee("D", 25))

    assert amounts == ReplacementAmounts.parse("000000001000000000000000C00000000D00000025")
    assert ["000000001000", "000000000000", "C00000000", "D00000025"] == [p.value for p in amounts.parts()]


def test_original_amounts_are_two() -> None:
    """Field 30 of 1993 is the amount of the transaction and that of reconciliation."""
    amounts = OriginalAmounts.parse("000000000100000000000200")

    assert OriginalAmounts(100, 200) == amounts
    assert ["000000000100", "000000000200"] == [part.value for part in amounts.parts()]


@pytest.mark.parametrize(
    ("structure", "content", "position", "reason"),
    [
        (AdditionalAmounts, "000000001000000000002000", 7, Defect.BAD_SIGN),
        (AdditionalAmounts, "1002156C00000000240", 8, Defect.TRUNCATED),
        (AdditionalAmounts, "1002USDC000000002407", 4, Defect.NOT_DIGITS),
        (AdditionalAmounts, "1002156", 7, Defect.TRUNCATED),
        (ReplacementAmounts, "0" * 42, 24, Defect.BAD_SIGN),
        (ReplacementAmounts, "0" * 24 + "C00000000D000000000", 42, Defect.TRAILING_BYTES),
        (OriginalAmounts, "0" * 25, 24, Defect.TRAILING_BYTES),
    ],
)
def test_wrong_content_is_refused(
    refuses: Refuses, structure: type[SubField], content: str, position: int, reason: Defect
) -> None:
    """Signs are C or D, and blocks are whole."""
    refuses(structure, content, position, reason)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: AdditionalAmounts((AdditionalAmount("10", "02", "156", "+", 1),)), Defect.BAD_SIGN),
        (lambda: AdditionalAmounts((AdditionalAmount("10", "02", "CNY", "C", 1),)), Defect.NOT_DIGITS),
        (lambda: AdditionalAmounts((AdditionalAmount("10", "02", "156", "C", -1),)), Defect.NOT_DIGITS),
        (lambda: ReplacementAmounts(0, 0, FEE, Fee("", 0)), Defect.BAD_SIGN),
        (lambda: ReplacementAmounts(0, 0, Fee("C", 10**8), FEE), Defect.TOO_LONG),
        (lambda: OriginalAmounts(0, 10**12), Defect.TOO_LONG),
    ],
)
def test_what_does_not_fit_cannot_be(
    cannot_be: CannotBe, make: Callable[[], SubField], reason: Defect
) -> None:
    """An amount has no more digits than its place."""
    cannot_be(make, reason)
