"""A switch of the demo's own: `cardswitch run` as a child, from its start to its orderly end.

The child is in a session of its own, so a Ctrl-C meant for the demo does not reach it twice; whoever leaves
the block, by whatever way, ends it with SIGTERM and waits until it has finished. Where it listens is read
from the lines it prints, because it may have been told to take any free port.
"""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.terminal_line import Address
from tools.trouble import Trouble

COMMAND: Final = Path(sys.executable).with_name("cardswitch")

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 30.0
_OUTPUT_END_SECONDS: Final = 1.0
_POS_LINE: Final = re.compile(r"\S+ listening on (\S+):(\d+) \(unionpay_pos\)")
_OBSERVABILITY_LINE: Final = re.compile(r"observability on (\S+)")
_READY_LINE: Final = "ready"


class SwitchFailed(Trouble):
    """A switch or a command did not do what it was started for; the text says what it printed last."""


@dataclass(frozen=True, slots=True)
class RunningSwitch:
    """A switch that is ready.

    Attributes:
        process: The child.
        address: Where terminals connect.
        observability: URL of the page for machines.
    """

    process: asyncio.subprocess.Process
    address: Address
    observability: str


@asynccontextmanager
async def running_switch(
    environment: Mapping[str, str], log: Path | None = None
) -> AsyncIterator[RunningSwitch]:
    """A switch, ready for terminals until the end of the block.

    Args:
        environment: Settings for it, over those of this process.
        log: The file for what it writes to stderr; None leaves that to this process's own.

    Raises:
        SwitchFailed: It did not get ready.
    """
    with log.open("wb") if log else nullcontext() as log_file:
        process = await asyncio.create_subprocess_exec(
            COMMAND,
            "run",
            env={**os.environ, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log_file,
            start_new_session=True,
        )
    try:
        yield await _ready(process, log)
    finally:
        await _stop(process)


async def run_command(arguments: Sequence[str], environment: Mapping[str, str]) -> bytes:
    """Run one `cardswitch` command to its end; what it wrote to stdout.

    Raises:
        SwitchFailed: It ended with another status than 0.
    """
    process = await asyncio.create_subprocess_exec(
        COMMAND,
        *arguments,
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await process.communicate()
    finally:
        await _stop(process)
    if process.returncode:
        raise SwitchFailed(f"cardswitch {' '.join(arguments)} failed: {_last_line(errors)}")
    return output


async def _ready(process: asyncio.subprocess.Process, log: Path | None) -> RunningSwitch:
    """Read what the switch prints until it says that it is ready."""
    printed: list[str] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(_START_SECONDS):
            assert process.stdout is not None
            async for line in process.stdout:
                printed.append(line.decode().strip())
                if printed[-1] == _READY_LINE:
                    return _announced(process, "\n".join(printed))
    raise SwitchFailed(f"the switch did not start: {_end_of(log)}")


def _announced(process: asyncio.subprocess.Process, printed: str) -> RunningSwitch:
    pos = _POS_LINE.search(printed)
    observability = _OBSERVABILITY_LINE.search(printed)
    if pos is None or observability is None:
        raise SwitchFailed("the switch has no listener for POS terminals")
    return RunningSwitch(process, Address(pos[1], int(pos[2])), observability[1])


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ask a child to finish, unless it has, and wait for it."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
    # Whatever it started may hold its output a moment longer; the loop can't be closed before that ends.
    assert process.stdout is not None
    with suppress(TimeoutError):
        async with asyncio.timeout(_OUTPUT_END_SECONDS):
            await process.stdout.read()


def _end_of(log: Path | None) -> str:
    return _last_line(log.read_bytes()) if log else "what it wrote is above"


def _last_line(text: bytes) -> str:
    lines = text.decode(errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "it said nothing")
