"""Which switch a run is about: the product as it is installed, or the product with a safeguard taken out."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.end_to_end.switch_process import COMMAND

PATCHED_SWITCH: Final = Path(__file__).with_name("patched_switch.py")


def switch_command(patch: str | None) -> Sequence[str | Path]:
    """What starts the switch; the harness itself never loads its code."""
    return (COMMAND,) if patch is None else (sys.executable, PATCHED_SWITCH, patch)
