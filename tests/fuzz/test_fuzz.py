"""Fuzzing as part of the suite: a minute, or `CARDSWITCH_TEST_FUZZ_SECONDS`."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS

SECONDS = int(os.environ.get("CARDSWITCH_TEST_FUZZ_SECONDS", "60"))
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_lead_targets_to_no_defect(target: str) -> None:
    """What fuzzing starts from passes every target."""
    for seed in seeds(target):
        TARGETS[target](seed)


@pytest.mark.parametrize("target", TARGETS)
@given(data=st.binary(max_size=400))
@settings(max_examples=60, deadline=None)
def test_targets_take_anything(target: str, data: bytes) -> None:
    """Bytes that mean nothing raise only what is promised."""
    TARGETS[target](data)


@pytest.mark.timeout(SECONDS + 600)
@pytest.mark.skipif(
    not importlib.util.find_spec("atheris"), reason="atheris has no wheel for this interpreter"
)
@pytest.mark.skipif(
    os.environ.get("CARDSWITCH_TEST_LOOP") == "asyncio", reason="nothing here depends on the event loop"
)
def test_fuzzing_finds_nothing(tmp_path: Path) -> None:
    """Nothing but the promised errors, no input over 100 ms of processor time or 16 MiB."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--seconds", str(SECONDS), "--folder", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
