"""A child switch is waited for, told to stop, and ended if it does not listen."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import switch_process
from tools.switch_process import SwitchFailed, run_command, running_switch

READY = """
echo 'pos listening on 127.0.0.1:8583 (unionpay_pos)'
echo 'observability on http://127.0.0.1:9583'
echo ready
"""
Command = Callable[[str], None]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Puts a shell script in the place of `cardswitch`."""

    def put(script: str) -> None:
        path = tmp_path / "cardswitch"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o700)
        monkeypatch.setattr(switch_process, "COMMAND", path)

    return put


async def test_ready_switch(command: Command, tmp_path: Path) -> None:
    """A switch is there once it says so, where it says; at the end of the block it is told to stop."""
    command(f"trap 'echo stopped >&2; exit 0' TERM\n{READY}\nwhile :; do sleep 0.05; done")
    log = tmp_path / "switch.log"
    async with running_switch({}, log) as switch:
        found = (str(switch.address), switch.observability)

    assert found == ("127.0.0.1:8583", "http://127.0.0.1:9583")
    assert switch.process.returncode == 0
    assert await asyncio.to_thread(log.read_text) == "stopped\n"


async def test_settings_reach_the_switch(command: Command, tmp_path: Path) -> None:
    """The environment given is the child's."""
    command(f"echo $CARDSWITCH_HOME >&2\n{READY}")
    log = tmp_path / "switch.log"
    async with running_switch({"CARDSWITCH_HOME": "/the/home"}, log) as switch:
        await switch.process.wait()

    assert await asyncio.to_thread(log.read_text) == "/the/home\n"


@pytest.mark.parametrize("reason", ["can't listen", ""])
async def test_switch_that_ends_at_once(command: Command, tmp_path: Path, reason: str) -> None:
    """A switch that never got ready is a failure with the last that it said."""
    command(f'printf "first\\n{reason}\\n\\n" >&2; exit 1')

    with pytest.raises(SwitchFailed, match=f"did not start: {reason or 'first'}$"):
        async with running_switch({}, tmp_path / "switch.log"):
            pass


async def test_silent_switch_without_a_log(command: Command) -> None:
    """Without a log the user has seen it all already."""
    command("exit 1")

    with pytest.raises(SwitchFailed, match="what it wrote is above"):
        async with running_switch({}):
            pass


async def test_switch_without_terminals(command: Command, tmp_path: Path) -> None:
    """A switch that listens to no POS terminal can't be played against."""
    command("echo ready; exec sleep 5")

    with pytest.raises(SwitchFailed, match="no listener for POS terminals"):
        async with running_switch({}, tmp_path / "switch.log"):
            pass


async def test_deaf_switch_is_killed(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A switch that does not stop in time is ended."""
    monkeypatch.setattr(switch_process, "_STOP_SECONDS", 0.05)
    command(f"trap '' TERM\n{READY}\nwhile :; do sleep 0.05; done")
    async with running_switch({}, tmp_path / "switch.log") as switch:
        pass

    assert switch.process.returncode == -9


async def test_late_switch_is_given_up(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A switch that is not ready in time is stopped."""
    monkeypatch.setattr(switch_process, "_START_SECONDS", 0.05)
    command("exec sleep 5")

    with pytest.raises(SwitchFailed, match="did not start: it said nothing"):
        async with running_switch({}, tmp_path / "switch.log"):
            pass


async def test_command(command: Command) -> None:
    """A command's output comes back; a failed one is told by the last that it said."""
    command('echo "$@"; echo "no money" >&2; test "$1" = world')

    assert await run_command(["world", "--json"], {}) == b"world --json\n"
    with pytest.raises(SwitchFailed, match=r"^cardswitch ledger verify failed: no money$"):
        await run_command(["ledger", "verify"], {})
