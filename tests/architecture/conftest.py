"""What the house rules look at: every Python file of the project, and its layers."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def layers() -> Mapping[str, Sequence[str]]:
    """The product's packages (`packages`) and its pure modules (`pure`), as import-linter is told them."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    contracts = {contract["name"]: contract for contract in linter["contracts"]}
    pure = contracts["pure modules do no input or output"]["source_modules"]
    return {"packages": linter["root_packages"], "pure": pure}


@pytest.fixture(scope="session")
def sources(layers: Mapping[str, Sequence[str]]) -> Mapping[str, str]:
    """The text of each Python file by its path from the root."""
    folders = [*layers["packages"], "tests", "benchmarks"]
    files = (file for folder in folders for file in sorted((ROOT / folder).rglob("*.py")))
    return {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in files}
