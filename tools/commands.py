"""The commands that stand above the switch: `cardswitch world`, `cardswitch pos` and `cardswitch demo`.

The command line finds `add_world`, `add_pos` and `add_demo` through its entry points. Here, and only here,
the tools meet the settings and the workbench; the tools themselves are handed what they need.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import asyncpg
import typer

from ledger.identity import TransactionNumbers
from ledger.postgres.committer import enter
from ledger.postgres.inquiry import balances
from ledger.postgres.opening import Opening, WalletOpener
from switch.bootstrap import Workbench
from switch.commands.frame import (
    EXIT_FAILED,
    EXIT_USAGE,
    ConfigOption,
    JsonOption,
    at_workbench,
    fail,
    print_json,
    run_async,
    settings_of,
)
from switch.config import Settings
from tools.demo import demonstrate, serve
from tools.demo import told as told_findings
from tools.demo_parties import CARDS_MAX, TERMINALS_MAX
from tools.demo_seed import DemoSeed, demo_folder, load_demo_seed
from tools.exclusive import exclusive
from tools.pos_script import ScriptError, parse_script
from tools.pos_words import ExchangeJson, as_json, told
from tools.terminal import DIALECT
from tools.terminal_line import Address
from tools.till import ANSWER_TIMEOUT_SECONDS, Exchange, play
from tools.trouble import Trouble
from tools.world import Wallets, WorldMaker
from tools.world_document import ListenerJson, WorldDocument

_WORLD_WAIT_SECONDS: Final = 600.0
_EXIT_STOPPED: Final = 130
_EXIT_STOPPED_AS_MEANT: Final = 0

T = TypeVar("T")

TerminalsOption = Annotated[int, typer.Option(min=1, max=TERMINALS_MAX, help="How many terminals.")]
CardsOption = Annotated[int, typer.Option(min=1, max=CARDS_MAX, help="How many cards.")]
BalanceOption = Annotated[
    int, typer.Option("--balance-minor", min=0, help="What a new card holds, in minor units.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Say nothing on stderr.")]
HostOption = Annotated[str | None, typer.Option(help="Where the switch is, if not as configured.")]
PortOption = Annotated[int | None, typer.Option(min=1, max=65535, help="Its port, if not as configured.")]
TimeoutOption = Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds to wait for an answer.")]
ScriptArgument = Annotated[
    typer.FileText, typer.Argument(metavar="SCRIPT", help="What the terminal does, or - for stdin.")
]
KeepRunningOption = Annotated[
    bool, typer.Option("--keep-running", help="Run on the configured ports until Ctrl-C, and play nothing.")
]


def add_world(app: typer.Typer) -> None:
    """Register `cardswitch world`."""

    @app.command()
    def world(
        *,
        terminals: TerminalsOption = 10,
        cards: CardsOption = 100,
        balance_minor: BalanceOption = 1_000_00,
        quiet: QuietOption = False,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Make the demo world, or what is missing of it, and print it: terminals, cards, PINs, money.

        What it prints is one JSON document in any case, since whatever plays against the world reads it.
        """
        del json
        with _trouble_told():
            settings = settings_of(config)
            folder, seed = _demo_home(settings)
            document = WorldDocument(sys.stdout.buffer)

            async def work(bench: Workbench) -> None:
                async with (
                    exclusive(folder / "world.lock", wait_seconds=_WORLD_WAIT_SECONDS),
                    _world_maker(bench, seed) as maker,
                ):
                    made = await maker.make_terminals(terminals)
                    document.begin(_listeners(settings), made)
                    await _make_cards(maker, cards, balance_minor, document, quiet=quiet)
                document.end()

            at_workbench(config, work)


def add_pos(app: typer.Typer) -> None:
    """Register `cardswitch pos`."""

    @app.command()
    def pos(
        script: ScriptArgument,
        *,
        host: HostOption = None,
        port: PortOption = None,
        timeout_seconds: TimeoutOption = ANSWER_TIMEOUT_SECONDS,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Play a terminal: do what a script says, and tell in words what was asked and answered.

        Exit code 1 if an answer is not what the script expects, 2 if the script can't be played.
        """
        with _trouble_told():
            settings = settings_of(config)
            folder, seed = _demo_home(settings)
            steps = parse_script(script.read())
            exchanges = play(
                steps, seed, folder, _address(settings, host, port), timeout_seconds=timeout_seconds
            )
            if not run_async(lambda: _told_as_they_come(exchanges, as_one_json=json)):
                raise typer.Exit(EXIT_FAILED)


def add_demo(app: typer.Typer) -> None:
    """Register `cardswitch demo`."""

    @app.command()
    def demo(
        *, keep_running: KeepRunningOption = False, config: ConfigOption = None, json: JsonOption = False
    ) -> None:
        """Start a switch, play a terminal's morning against it, and show what happened."""
        with _trouble_told():
            settings = settings_of(config)
            folder, seed = _demo_home(settings)
            environment = {"CARDSWITCH_HOME": str(settings.home)}
            if config:
                environment["CARDSWITCH_CONFIG"] = str(config.absolute())
            say = partial(typer.echo, err=json)
            if keep_running:
                _run_until_stopped(serve(folder, environment, say), _EXIT_STOPPED_AS_MEANT)
                return
            findings = _run_until_stopped(demonstrate(seed, folder, environment, say), _EXIT_STOPPED)
            if json:
                print_json([asdict(each) | {"as_expected": each.as_expected} for each in findings])
            else:
                typer.echo("\n".join(told_findings(findings)))
            if not all(each.as_expected for each in findings):
                raise typer.Exit(EXIT_FAILED)


@contextmanager
def _trouble_told() -> Iterator[None]:
    """Tell expected trouble in one line; a script that can't be played ends with 2, the rest with 1."""
    try:
        yield
    except ScriptError as error:
        raise fail(str(error), EXIT_USAGE) from None
    except Trouble as trouble:
        raise fail(str(trouble)) from None


def _demo_home(settings: Settings) -> tuple[Path, DemoSeed]:
    """The home's demo folder and seed, which there are none of in production."""
    folder = demo_folder(settings.home, settings.environment)
    return folder, load_demo_seed(settings.home, settings.environment)


@asynccontextmanager
async def _world_maker(bench: Workbench, seed: DemoSeed) -> AsyncIterator[WorldMaker]:
    """A world's maker whose wallets are the ledger's."""
    node = await enter(bench.dsn, bench.clock.today().date())
    numbers = TransactionNumbers(node)
    opener = WalletOpener(node, numbers, bench.sealer)

    async def open_wallets(
        connection: "asyncpg.Connection[asyncpg.Record]", openings: Sequence[Opening]
    ) -> None:
        await opener.open_wallets(connection, openings, bench.clock.now_us())

    async with bench.connection() as writer, bench.connection() as reader:
        wallets = Wallets(numbers.next, open_wallets, partial(balances, reader, bench.sealer))
        yield WorldMaker(writer, reader, bench.hsm, wallets, seed, bench.clock.now_us)


async def _make_cards(
    maker: WorldMaker, count: int, balance_minor: int, document: WorldDocument, *, quiet: bool
) -> None:
    done = 0
    async for cards in maker.make_cards(count, balance_minor):
        document.add_cards(cards)
        done += len(cards)
        if not quiet:
            typer.echo(f"{done:,} of {count:,} cards", err=True)


def _listeners(settings: Settings) -> list[ListenerJson]:
    return [
        {"name": name, "host": listener.host, "port": listener.port, "dialect": listener.dialect}
        for name, listener in settings.listeners.items()
    ]


def _address(settings: Settings, host: str | None, port: int | None) -> Address:
    """Where to dial: as told, else the first configured listener that speaks the terminal's dialect."""
    spoken = (each for each in settings.listeners.values() if each.dialect == DIALECT)
    listener = next(spoken, None)
    if host is None:
        host = listener.host if listener else "127.0.0.1"
    if port is None:
        port = listener.port if listener else 0
    if not port:
        raise fail("no port is configured for POS terminals; say --port", EXIT_USAGE)
    return Address(host, port)


async def _told_as_they_come(exchanges: AsyncIterator[Exchange], *, as_one_json: bool) -> bool:
    """Show each exchange, or all in one document in the end; whether every one was as expected."""
    documents: list[ExchangeJson] = []
    as_expected = True
    async for exchange in exchanges:
        as_expected &= exchange.as_expected
        if as_one_json:
            documents.append(as_json(exchange))
        else:
            typer.echo("\n".join(told(exchange)))
    if as_one_json:
        print_json({"as_expected": as_expected, "exchanges": documents})
    return as_expected


def _run_until_stopped(work: Coroutine[Any, Any, T], exit_code: int) -> T:
    """Run to the end; SIGTERM or Ctrl-C cancel the work, which cleans up, and give this exit code."""

    async def main() -> T:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    try:
        return run_async(main)
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise typer.Exit(exit_code) from None
