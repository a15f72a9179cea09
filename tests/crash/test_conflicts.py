"""Two nodes that conflict, a short run of it; and that runs in which they may fork are noticed."""

import pytest

from tests.crash.conflicts import Conflicts
from tests.crash.run import SizedPlan

from .conftest import Play

SEED = 8583


def test_conflicting_nodes_neither_overspend_nor_fork(play: Play) -> None:
    """A thousand operations with six cards over two nodes leave no violation, though cards run dry."""
    summary = play(Conflicts, SizedPlan(1_000, SEED))

    assert [] == summary.violations
    assert 1_000 <= summary.done
    assert summary.counts["sales answered 51"] > 0
    assert summary.counts["postings decided again after a lost swap"] > 0


@pytest.mark.parametrize("patch", ["no_wallet_versions", "no_duplicate_keys"])
def test_missing_safeguard_is_noticed(play: Play, patch: str) -> None:
    """Nodes that write wallets whatever their version, or know no request again, are found out."""
    summary = play(Conflicts, SizedPlan(1_000, SEED), patch)

    assert any("card " in violation.subject for violation in summary.violations)
