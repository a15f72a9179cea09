"""The kill test itself, a few cycles of it: nothing that was answered is lost, nothing is posted twice."""

import pytest

from tests.crash.campaign import Campaign, Plan

from .conftest import Play

SEED = 8583


def test_everything_dies_once_and_the_ledger_holds(play: Play) -> None:
    """Five cycles with a hundred requests under way and another fault each time leave no violation."""
    summary = play(Campaign, Plan(cycles=5, seed=SEED))

    assert [] == summary.violations
    assert 5 == summary.done
    assert summary.counts["sales"] > 500
    assert summary.counts["settled by repeat or reversal"] > 0


@pytest.mark.parametrize(
    ("patch", "fault"),
    [
        ("answer_before_commit", "switches"),
        ("no_duplicate_keys", "cut"),
        ("no_wallet_versions", "cut"),
        ("commit_asynchronously", "postmaster"),
    ],
)
def test_missing_safeguard_is_noticed(play: Play, patch: str, fault: str) -> None:
    """Without one of the safeguards the same test finds violations, and names cards or transactions."""
    summary = play(Campaign, Plan(cycles=3, seed=SEED, faults=[fault]), patch)

    named = [violation for violation in summary.violations if "card " in violation.subject]
    assert named
