"""`cardswitch issuer`, `agent` and `partner`: parties by kind; `cardswitch party`: all of them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Final, TypeAlias

import typer

from directory.csv_exchange import Column, Table, write_csv
from directory.parties import PLATFORM_ID, Party, PartyKind
from directory.party_service import add_party, find_party, parties
from directory.work import Work
from switch.commands.desk import (
    CsvOption,
    DryRunOption,
    FileArgument,
    OperatorOption,
    WhyOption,
    content_of,
    in_work,
    print_csv,
)
from switch.commands.frame import ConfigOption, JsonOption, print_json
from switch.commands.operator import party_named
from switch.language import local

CodeArgument: TypeAlias = Annotated[str, typer.Argument(help="What it is called: a number, a short word.")]

_COLUMNS: Final = ("code", "name", "under")


def add(app: typer.Typer) -> None:
    """Register the commands."""
    _add_kind(app, PartyKind.ISSUER, "Issuers, whose cards the platform carries.")
    _add_kind(app, PartyKind.AGENT, "Agents and sponsoring enterprises, which issue on an issuer's account.")
    _add_kind(app, PartyKind.PARTNER, "Partners, whose hosts the platform is linked to.")
    everybody = typer.Typer(help="Everybody a record can belong to.", no_args_is_help=True)
    app.add_typer(everybody, name="party")
    _add_list(everybody, None)


def _add_kind(app: typer.Typer, kind: PartyKind, text: str) -> None:
    group = typer.Typer(help=text, no_args_is_help=True)
    app.add_typer(group, name=kind.value)
    _add_adding(group, kind)
    _add_list(group, kind)
    _add_import(group, kind)

    @group.command()
    def show(
        code: CodeArgument,
        *,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Show one."""
        _tell([in_work(config, operator, lambda work: find_party(work, kind, code))], json=json)


def _add_adding(group: typer.Typer, kind: PartyKind) -> None:
    @group.command("add")
    def add_command(
        code: CodeArgument,
        name: Annotated[str, typer.Argument(help="Its name, for people.")],
        *,
        under: Annotated[
            str, typer.Option(help="Whom it hangs under: platform, or issuer:CODE.")
        ] = PartyKind.PLATFORM,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Add one."""

        async def added(work: Work) -> Party:
            return await add_party(work, kind, code, name, await party_named(work, under))

        _tell([in_work(config, operator, added, why=why, as_json=json)], json=json)


def _add_list(group: typer.Typer, kind: PartyKind | None) -> None:
    @group.command("list")
    def list_command(
        *,
        csv: CsvOption = False,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """List those in reach; as CSV, they can be imported elsewhere."""
        everybody = in_work(config, operator, parties)
        found = [party for party in everybody if kind in (None, party.kind)]
        if csv:
            names = {party.id: f"{party.kind}:{party.code}" for party in everybody}
            names[PLATFORM_ID] = PartyKind.PLATFORM
            rows = [(party.code, party.name, names.get(party.parent_id or PLATFORM_ID)) for party in found]
            print_csv(write_csv(_COLUMNS, rows))
            return
        _tell(found, json=json)


def _add_import(group: typer.Typer, kind: PartyKind) -> None:
    table = Table(
        columns=(Column("code"), Column("name"), Column("under", required=False, absent=PartyKind.PLATFORM)),
        build=lambda code, name, under: (code, name, under),
        key=("code",),
    )

    @group.command("import")
    def import_command(
        file: FileArgument,
        *,
        operator: OperatorOption,
        why: WhyOption = "",
        dry: DryRunOption = False,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Add all of a CSV file (code, name, under), or none of them."""

        async def added(work: Work) -> list[Party]:
            async def add_row(row: tuple[str, str, str]) -> Party:
                code, name, under = row
                return await add_party(work, kind, code, name, await party_named(work, under))

            return await table.import_rows(content, add_row)

        content = content_of(file)
        _tell(in_work(config, operator, added, why=why, dry=dry, as_json=json), json=json)


def _tell(found: Sequence[Party], *, json: bool) -> None:
    if json:
        print_json({"parties": [asdict(party) for party in found]})
        return
    for party in found:
        typer.echo(f"{party.id:>6} {local(party.kind):<12} {party.code:<18} {party.name}")
