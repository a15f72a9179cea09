"""The race of requests and reversals over two nodes, a short one; and that one without tombstones is lost."""

from tests.crash.race import Race
from tests.crash.run import SizedPlan

from .conftest import Play

SEED = 8583


def test_nothing_stays_whoever_comes_first(play: Play) -> None:
    """Fifty pairs end as they may, in both orders, and every card holds what it held before."""
    summary = play(Race, SizedPlan(50, SEED))

    assert [] == summary.violations
    assert 50 <= summary.done
    assert summary.counts["sales posted, and taken back"] > 0
    assert summary.counts["sales never posted, for the reversal came first"] > 0


def test_reversals_without_tombstones_are_noticed(play: Play) -> None:
    """Where a reversal leaves nothing behind, a request that comes after it stays posted, and is named."""
    summary = play(Race, SizedPlan(50, SEED), "no_tombstone")

    assert any("its reversal on the other node 25" in violation.wrong for violation in summary.violations)
