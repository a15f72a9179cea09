"""`cardswitch product`: products and their versions. The terms of a version are a JSON document."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, NamedTuple, TypeAlias

import orjson
import typer

from directory.csv_exchange import Column, Table
from directory.product_service import (
    add_product,
    change_product,
    moment_us,
    product,
    products,
    withdraw_version,
)
from directory.product_terms import ProductTerms, document_of, terms_of
from directory.reading import moment_of
from directory.records import Product
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

CodeArgument: TypeAlias = Annotated[str, typer.Argument(help="The product's code.")]
PartyOption: TypeAlias = Annotated[
    str, typer.Option("--party", help="Whose product it is: issuer:CODE, or platform.")
]
TermsOption: TypeAlias = Annotated[
    Path, typer.Option("--terms", help="JSON document of its terms; - is standard input.")
]
FromOption: TypeAlias = Annotated[
    str | None, typer.Option("--from", help="From when on, ISO 8601; by default from now on.")
]


class _Row(NamedTuple):
    party: str
    code: str
    name: str
    effective_from: int | None
    terms: ProductTerms


_TABLE: Final = Table(
    columns=(
        *(Column("party"), Column("code"), Column("name")),
        Column("effective_from", moment_us, required=False),
        Column("terms", terms_of),
    ),
    build=_Row,
    key=("code",),
)


def add(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="Card products, in versions.", no_args_is_help=True)
    app.add_typer(group, name="product")
    _add_changes(group)
    _add_views(group)
    _add_import(group)


def _add_changes(group: typer.Typer) -> None:
    @group.command("add")
    def add_command(
        code: CodeArgument,
        name: Annotated[str, typer.Argument(help="Its name, for people.")],
        *,
        party: PartyOption,
        terms: TermsOption,
        effective_from: FromOption = None,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Add a product with its first version."""
        document = content_of(terms)

        async def added(work: Work) -> Product:
            moment = None if effective_from is None else moment_us(effective_from)
            holder = await party_named(work, party)
            return await add_product(work, holder, code, name, terms_of(document), moment)

        _tell([in_work(config, operator, added, why=why, as_json=json)], json=json)

    @group.command()
    def change(
        code: CodeArgument,
        *,
        terms: TermsOption,
        effective_from: FromOption = None,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Propose a further version, which a second operator approves."""
        document = content_of(terms)

        async def changed(work: Work) -> Product:
            moment = None if effective_from is None else moment_us(effective_from)
            return await change_product(work, code, terms_of(document), moment)

        _tell([in_work(config, operator, changed, why=why, as_json=json)], json=json)

    @group.command()
    def withdraw(
        code: CodeArgument,
        version: Annotated[int, typer.Argument(help="Number of a version that lies ahead.")],
        *,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Take back a version that is not in force yet."""
        after = in_work(config, operator, lambda work: withdraw_version(work, code, version), why=why)
        _tell([after], json=json)


def _add_views(group: typer.Typer) -> None:
    @group.command("list")
    def list_command(
        *,
        csv: CsvOption = False,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """List those in reach; as CSV, with the terms of the newest version."""
        found, names = in_work(config, operator, _with_parties)
        if csv:
            rows = [
                {
                    "party": names[each.party_id],
                    "code": each.code,
                    "name": each.name,
                    "terms": document_of(each.versions[-1].terms),
                }
                for each in found
            ]
            print_csv(_TABLE.write(rows))
            return
        _tell(found, json=json)

    @group.command()
    def show(
        code: CodeArgument,
        *,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Show one with all its versions."""
        found = in_work(config, operator, lambda work: product(work, code))
        if json:
            print_json({"products": [_as_json(found)]})
            return
        _tell([found], json=False)
        for version in found.versions:
            typer.echo(f"{version.number:>4}  {moment_of(version.effective_from_us):%Y-%m-%d %H:%M:%S} UTC")
            typer.echo(document_of(version.terms))


def _add_import(group: typer.Typer) -> None:
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
        """Add all products of a CSV file (party, code, name, effective_from, terms), or none of them."""
        content = content_of(file)

        async def added(work: Work) -> list[Product]:
            async def add_row(row: _Row) -> Product:
                holder = await party_named(work, row.party)
                return await add_product(work, holder, row.code, row.name, row.terms, row.effective_from)

            return await _TABLE.import_rows(content, add_row)

        _tell(in_work(config, operator, added, why=why, dry=dry, as_json=json), json=json)


async def _with_parties(work: Work) -> tuple[list[Product], dict[int, str]]:
    return await products(work), await party_names(work)


async def party_names(work: Work) -> dict[int, str]:
    """The parties within reach as they are named on the command line, by id."""
    rows = await work.connection.fetch("SELECT id, kind, code FROM directory.party")
    return {row["id"]: row["kind"] if row["id"] == 1 else f"{row['kind']}:{row['code']}" for row in rows}


def _tell(found: Sequence[Product], *, json: bool) -> None:
    if json:
        print_json({"products": [_as_json(each) for each in found]})
        return
    for each in found:
        terms = each.versions[-1].terms
        typer.echo(f"{each.code:<20} {terms.card_class:<12} {len(each.versions):>3}  {each.name}")


def _as_json(found: Product) -> dict[str, object]:
    return {
        "id": found.id,
        "code": found.code,
        "name": found.name,
        "party_id": found.party_id,
        "versions": [
            {
                "version": version.number,
                "effective_from": moment_of(version.effective_from_us),
                "terms": orjson.loads(document_of(version.terms)),
            }
            for version in found.versions
        ],
    }
