"""The arrows between the packages, as import-linter's contracts in pyproject.toml draw them."""

import subprocess
import sys
from pathlib import Path


def test_arrows_point_one_way(root: Path) -> None:
    """Every import keeps to the contracts."""
    linter = Path(sys.executable).with_name("lint-imports")

    result = subprocess.run([linter, "--no-cache"], cwd=root, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout + result.stderr
