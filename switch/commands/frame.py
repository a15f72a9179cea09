"""What every command shares: its options, its exit codes, and how expected trouble is told.

0 is success, 1 that what was asked for failed or isn't so, 2 that the command was used wrongly (settings
included). Trouble that an operator can mend is one line on stderr; anything else is a defect and keeps its
traceback, without local variables. Data goes to stdout, and with `--json` nothing else does.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import orjson
import typer
import uvloop

from hsm_soft.interface import HsmUnavailable
from hsm_soft.key_store import WrongMasterKey
from hsm_soft.master_key import MasterKeyError
from hsm_soft.process.socket_file import SocketRefused
from ledger.sealer import SealerUnavailable
from storage.database import DatabaseUnavailable
from storage.embedded import EmbeddedPostgresError
from storage.migrations import MigrationError
from switch.bootstrap import Workbench, database_of, open_workbench
from switch.config import Settings, SettingsError, load_settings
from switch.observability import logs

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2

ConfigOption: TypeAlias = Annotated[
    Path | None, typer.Option("--config", help="Settings file (TOML).", show_default=False)
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")]

EXPECTED_TROUBLE: Final = (
    DatabaseUnavailable,
    EmbeddedPostgresError,
    HsmUnavailable,
    MasterKeyError,
    MigrationError,
    SealerUnavailable,
    SocketRefused,
    WrongMasterKey,
)
"""What an operator can mend, told in one line."""

T = TypeVar("T")


def fail(text: str, code: int = EXIT_FAILED) -> typer.Exit:
    """Say what is wrong on stderr; the exit to raise."""
    typer.echo(f"cardswitch: {text}", err=True)
    return typer.Exit(code)


def settings_of(config: Path | None) -> Settings:
    """The settings, with logging set up; wrong ones end the command with 2."""
    try:
        settings = load_settings(config)
    except SettingsError as error:
        raise fail(f"settings can't be used\n{error}", EXIT_USAGE) from None
    logs.configure(settings.observability.log_level, settings.observability.log_format)
    return settings


@contextmanager
def trouble_told() -> Iterator[None]:
    """Tell expected trouble in one line and end with 1."""
    try:
        yield
    except EXPECTED_TROUBLE as trouble:
        raise fail(str(trouble)) from None


def run_async(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


def at_workbench(config: Path | None, work: Callable[[Workbench], Awaitable[T]]) -> T:
    """Open a workbench with the settings, and do a command's work at it."""
    settings = settings_of(config)

    async def main(dsn: str) -> T:
        async with open_workbench(settings, dsn) as bench:
            return await work(bench)

    with trouble_told(), database_of(settings) as dsn:
        return run_async(lambda: main(dsn))


def announce_json(line: str) -> None:
    """A line that people and scripts wait for, as JSON."""
    typer.echo(orjson.dumps({"said": line}).decode())


def print_json(value: object) -> None:
    """One JSON document on stdout."""
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")
    sys.stdout.buffer.flush()
