"""The command line over the worker's world, in which a terminal has had a short day."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from switch.cli import build
from tests.switch.commands.issuing import Issuing
from tests.switch.commands.key_desk import Desk
from tests.switch.commands.people import People
from tests.switch.shop import BALANCE_MINOR, Node, World
from tests.switch.small_terminal import Card, Terminal


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON and nothing else."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Day:
    """A purchase, its reversal and a purchase declined for funds, as they were answered."""

    terminal: Terminal
    card: Card
    purchase_rrn: str
    reversal_rrn: str
    declined_rrn: str
    batch: str = "000001"
    purchase_stan: str = "000002"
    declined_stan: str = "000003"


Cardswitch = Callable[..., Ran]


@pytest.fixture(scope="session")
def app() -> typer.Typer:
    """The command line with everything that is installed."""
    return build()


@pytest.fixture(scope="session")
def runner() -> Iterator[CliRunner]:
    """Runs commands in English; there are many, so the command line is put together once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LC_ALL", "C.UTF-8")
        patch.setattr("typer.testing._get_command", cache(typer.main.get_command))
        yield CliRunner()


@pytest.fixture
def cardswitch(app: typer.Typer, runner: CliRunner, settings_file: Path) -> Cardswitch:
    """Runs a command on the world, as in `cardswitch("ledger", "show")`."""

    def run(*arguments: str, stdin: str = "", config: Path | None = settings_file) -> Ran:
        options = ["--config", str(config)] if config else []
        result = runner.invoke(app, [*arguments, *options], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture(scope="session")
def day(world: World) -> Day:
    """The day, played once for all tests."""
    with asyncio.Runner() as runner:
        return runner.run(_play(world))


async def _play(world: World) -> Day:
    async with AsyncExitStack() as stack:
        node = await Node.start(world, stack)
        terminal, card = await node.terminal(), await node.card()
        purchase = terminal.purchase(card, 2_500)
        requests = [purchase, terminal.purchase(card, BALANCE_MINOR + 1), terminal.reversal(purchase)]
        rrns = [str((await node.ask(terminal, request)).fields[37]) for request in requests]
        return Day(terminal, card, purchase_rrn=rrns[0], declined_rrn=rrns[1], reversal_rrn=rrns[2])


@pytest.fixture
def desk(
    cardswitch: Cardswitch,
    database_dsn: str,
    settings_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Desk:
    """A database of the test's own, with the officers alice and bob."""
    monkeypatch.setenv("CARDSWITCH_DATABASE__DSN", database_dsn)
    monkeypatch.setattr("hsm_soft.passphrase._MEMORY_KIB", 64)
    folder = tmp_path / "desk"
    folder.mkdir()
    desk = Desk(cardswitch, folder, database_dsn)
    for officer in ("alice", "bob"):
        _, _, *passphrase = desk.by(officer)
        assert cardswitch("keys", "officer", "add", officer, *passphrase).status == 0
    return desk


@pytest.fixture
def people(
    cardswitch: Cardswitch, database_dsn: str, settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> People:
    """A database of the test's own, on whose platform root and rosa are administrators."""
    monkeypatch.setenv("CARDSWITCH_DATABASE__DSN", database_dsn)
    monkeypatch.setattr("hsm_soft.passphrase._MEMORY_KIB", 64)
    people = People(cardswitch, monkeypatch)
    people.first("root")
    people.added("rosa", "platform_admin", "platform", by="root")
    return people


@pytest.fixture
def issuing(people: People, database_dsn: str, tmp_path: Path) -> Issuing:
    """The issuer CITY on that database, with ada, its administrator, and clare, its clerk."""
    return Issuing.furnished(people, tmp_path, database_dsn)
