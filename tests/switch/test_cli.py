"""The command line: the switch's own commands, and those of whoever stands above it."""

from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from switch import cli


def test_own_commands_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without anything else installed the switch has its own commands."""
    monkeypatch.setattr(cli, "entry_points", lambda group: ())

    ran = CliRunner().invoke(cli.build(), ["--help"])

    assert ran.exit_code == 0
    for command in ("run", "db", "transaction", "ledger", "decode"):
        assert command in ran.stdout


def test_others_add_their_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each entry of the group `cardswitch.commands` registers on the application, in order of names."""
    order: list[str] = []

    def entry(name: str) -> SimpleNamespace:
        def add(app: typer.Typer) -> None:
            order.append(name)
            app.command(name)(lambda: typer.echo(f"{name} ran"))

        return SimpleNamespace(name=name, load=lambda: add)

    groups = {"cardswitch.commands": (entry("zebra"), entry("aardvark"))}
    monkeypatch.setattr(cli, "entry_points", lambda group: groups[group])

    ran = CliRunner().invoke(cli.build(), ["zebra"])

    assert ran.stdout == "zebra ran\n"
    assert order == ["aardvark", "zebra"]


def test_script_runs_the_application(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is installed as `cardswitch` is the built application."""
    monkeypatch.setattr("sys.argv", ["cardswitch"])

    with pytest.raises(SystemExit):
        cli.main()

    assert "An ISO 8583 transaction switch" in capsys.readouterr().out
