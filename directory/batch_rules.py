"""When a terminal's batch closes, and which one follows. Pure.

A batch is what a terminal and the switch settle together. One is open at any time: the next opens in the
moment in which the one before closes. What closes it is its end (`BatchEnd`): the terminal's settlement; or,
where the terminal has that rule, the cutover of the business day; its age; an operator; a replacement of the
device, which then starts to count its traces anew, since within a batch each trace stands for one
transaction.

Numbers have six digits and wrap: 999999 is followed by 000001. Times are microseconds since 1970 (UTC).
"""

from enum import StrEnum
from typing import Final, NamedTuple

FIRST_BATCH: Final = "000001"
_LAST_BATCH: Final = 999_999
_HOUR_US: Final = 3_600_000_000


class BatchEnd(StrEnum):
    """What closed a batch."""

    SETTLEMENT = "settlement"
    CUTOVER = "cutover"
    AGE = "age"
    OPERATOR = "operator"
    REPLACEMENT = "replacement"


class BatchClosing(StrEnum):
    """When a terminal's batch closes, beside its settlement."""

    SETTLEMENT = "settlement"
    CUTOVER = "cutover"


class BatchRule(NamedTuple):
    """When a terminal's batch closes.

    Attributes:
        closing: At its settlement only, or at each cutover, too.
        hours_max: How old it may become; None for any age.
    """

    closing: BatchClosing = BatchClosing.SETTLEMENT
    hours_max: int | None = None


def batch_after(batch: str) -> str:
    """The number that follows."""
    return f"{int(batch) % _LAST_BATCH + 1:06}"


def batch_end(rule: BatchRule, opened_us: int, now_us: int, cutover_us: int | None) -> BatchEnd | None:
    """What closes a batch by rule now, None if it stays open.

    Args:
        rule: The terminal's.
        opened_us: When the batch was opened.
        now_us: The time.
        cutover_us: When the business day began that is open now; None if that isn't to count.
    """
    if rule.closing is BatchClosing.CUTOVER and cutover_us is not None and opened_us < cutover_us <= now_us:
        return BatchEnd.CUTOVER
    if rule.hours_max is not None and now_us - opened_us >= rule.hours_max * _HOUR_US:
        return BatchEnd.AGE
    return None
