"""A batch closes by its terminal's rule, and the next one has the next number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.batch_rules import FIRST_BATCH, BatchClosing, BatchEnd, BatchRule, batch_after, batch_end

HOUR_US = 3_600_000_000
NOW_US = 1_764_000_000_000_000
BY_SETTLEMENT = BatchRule()
BY_CUTOVER = BatchRule(BatchClosing.CUTOVER)
BY_AGE = BatchRule(hours_max=24)
BY_BOTH = BatchRule(BatchClosing.CUTOVER, 24)


@pytest.mark.parametrize(
    ("batch", "following"), [("000001", "000002"), ("000999", "001000"), ("999999", FIRST_BATCH)]
)
def test_next_batch(batch: str, following: str) -> None:
    """The next number is one higher, and the first again after the last."""
    assert following == batch_after(batch)


@given(st.integers(1, 999_999))
def test_every_batch_has_a_next_one(number: int) -> None:
    """A number that follows has six digits and is never 000000."""
    following = batch_after(f"{number:06}")

    assert len(following) == 6
    assert 1 <= int(following) <= 999_999


@pytest.mark.parametrize(
    ("rule", "age_us", "cutover_ago_us", "expected"),
    [
        (BY_SETTLEMENT, 10_000 * HOUR_US, 0, None),
        (BY_CUTOVER, HOUR_US, None, None),
        (BY_CUTOVER, HOUR_US, HOUR_US, None),
        (BY_CUTOVER, HOUR_US + 1, HOUR_US, BatchEnd.CUTOVER),
        (BY_CUTOVER, HOUR_US, 0, BatchEnd.CUTOVER),
        (BY_CUTOVER, HOUR_US, -1, None),
        (BY_AGE, 24 * HOUR_US - 1, 0, None),
        (BY_AGE, 24 * HOUR_US, None, BatchEnd.AGE),
        (BY_BOTH, 25 * HOUR_US, HOUR_US, BatchEnd.CUTOVER),
        (BY_BOTH, 25 * HOUR_US, None, BatchEnd.AGE),
    ],
)
def test_rule_closes_a_batch(
    rule: BatchRule, age_us: int, cutover_ago_us: int | None, expected: BatchEnd | None
) -> None:
    """Only what the terminal's rule names closes it: a cutover since it was opened, or its age."""
    cutover_us = None if cutover_ago_us is None else NOW_US - cutover_ago_us

    assert expected is batch_end(rule, NOW_US - age_us, NOW_US, cutover_us)
