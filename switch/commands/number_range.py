"""`cardswitch range`: ranges of card numbers, registered by the platform and allocated to issuers."""

from collections.abc import Sequence
from typing import Annotated, Final, NamedTuple, TypeAlias

import typer

from directory.csv_exchange import Column, Table
from directory.numbering import CheckDigit, Numbers, Ordering
from directory.range_service import (
    NumberRange,
    allocate_range,
    close_range,
    import_range,
    number_range,
    number_ranges,
    register_range,
)
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
from switch.commands.product import party_names
from switch.language import local

FirstArgument: TypeAlias = Annotated[str, typer.Argument(help="Leading digits of the lowest number.")]
LastArgument: TypeAlias = Annotated[
    str | None, typer.Argument(help="Leading digits of the highest; by default the same.")
]
NameOption: TypeAlias = Annotated[str, typer.Option("--name", help="For people.")]
_QUARANTINE_DAYS: Final = 180


class _Row(NamedTuple):
    name: str
    first: str
    last: str | None
    digits: int
    check_digit: CheckDigit
    ordering: Ordering
    quarantine_days: int
    party: str | None


_TABLE: Final = Table(
    columns=(
        *(Column("name"), Column("first"), Column("last", required=False)),
        Column("digits", int),
        Column("check_digit", CheckDigit, required=False, absent=CheckDigit.LUHN),
        Column("ordering", Ordering, required=False, absent=Ordering.SCATTERED),
        Column("quarantine_days", int, required=False, absent=_QUARANTINE_DAYS),
        Column("party", required=False),
    ),
    build=_Row,
    key=("first", "last"),
)


def add(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="Ranges of card numbers.", no_args_is_help=True)
    app.add_typer(group, name="range")
    _add_register(group)
    _add_allocate(group)
    _add_close(group)
    _add_views(group)
    _add_import(group)


def _add_register(group: typer.Typer) -> None:
    @group.command()
    def register(
        first: FirstArgument,
        last: LastArgument = None,
        *,
        name: NameOption,
        digits: Annotated[int, typer.Option(help="Digits of a number, 12 to 19.")] = 19,
        check_digit: Annotated[CheckDigit, typer.Option(help="The last digit.")] = CheckDigit.LUHN,
        ordering: Annotated[
            Ordering, typer.Option(help="In which order numbers are drawn.")
        ] = Ordering.SCATTERED,
        quarantine_days: Annotated[
            int, typer.Option(help="How long the number of a closed card rests.")
        ] = _QUARANTINE_DAYS,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Register a range for the platform."""

        async def registered(work: Work) -> NumberRange:
            numbers = Numbers(first, last or first, digits, check_digit)
            return await register_range(work, name, numbers, ordering, quarantine_days)

        _tell([in_work(config, operator, registered, why=why)], json=json)


def _add_allocate(group: typer.Typer) -> None:
    @group.command()
    def allocate(
        first: FirstArgument,
        last: LastArgument = None,
        *,
        to: Annotated[str, typer.Option("--to", help="issuer:CODE or agent:CODE.")],
        name: NameOption,
        ordering: Annotated[
            Ordering | None, typer.Option(help="By default as in the range around it.")
        ] = None,
        quarantine_days: Annotated[
            int | None, typer.Option(help="By default as in the range around it.")
        ] = None,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Allocate a range that is there, or a part of one."""

        async def allocated(work: Work) -> NumberRange:
            party_id = await party_named(work, to)
            return await allocate_range(work, first, last or first, party_id, name, ordering, quarantine_days)

        _tell([in_work(config, operator, allocated, why=why)], json=json)


def _add_close(group: typer.Typer) -> None:
    @group.command()
    def close(
        first: FirstArgument,
        last: LastArgument = None,
        *,
        operator: OperatorOption,
        why: WhyOption = "",
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Draw no more numbers from a range."""
        closed = in_work(config, operator, lambda work: close_range(work, first, last or first), why=why)
        _tell([closed], json=json)


def _add_views(group: typer.Typer) -> None:
    @group.command("list")
    def list_command(
        *,
        csv: CsvOption = False,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """List those in reach, each before its parts."""
        found, names = in_work(config, operator, _with_parties)
        if not csv:
            _tell(found, json=json)
            return
        rows = [
            {**_cells(each), "digits": each.numbers.pan_digits, "party": names[each.party_id]}
            for each in found
        ]
        print_csv(_TABLE.write(rows))

    @group.command()
    def show(
        first: FirstArgument,
        last: LastArgument = None,
        *,
        operator: OperatorOption,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Show one."""
        found = in_work(config, operator, lambda work: number_range(work, first, last or first))
        _tell([found], json=json)


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
        """Take in all ranges of a CSV file, or none of them.

        A range within another is allocated as its part; others are registered, and allocated if they name a
        party. Columns: name, first, last, digits, check_digit, ordering, quarantine_days, party.
        """
        content = content_of(file)

        async def imported(work: Work) -> list[NumberRange]:
            async def add_row(row: _Row) -> NumberRange:
                return await _import(work, row)

            return await _TABLE.import_rows(content, add_row)

        _tell(in_work(config, operator, imported, why=why, dry=dry), json=json)


async def _import(work: Work, row: _Row) -> NumberRange:
    numbers = Numbers(row.first, row.last or row.first, row.digits, row.check_digit)
    party_id = None if row.party is None else await party_named(work, row.party)
    return await import_range(work, row.name, numbers, row.ordering, row.quarantine_days, party_id)


async def _with_parties(work: Work) -> tuple[list[NumberRange], dict[int, str]]:
    return await number_ranges(work), await party_names(work)


def _tell(found: Sequence[NumberRange], *, json: bool) -> None:
    if json:
        print_json({"ranges": [_as_json(each) for each in found]})
        return
    for each in found:
        drawn = local("{drawn} of {size} drawn", drawn=each.drawn, size=each.numbers.size)
        bounds = f"{each.numbers.first}-{each.numbers.last}"
        typer.echo(f"{bounds:<30} {local(each.state):<12} {drawn}  {each.name}")


def _cells(of: NumberRange) -> dict[str, object]:
    return {
        "name": of.name,
        "first": of.numbers.first,
        "last": of.numbers.last,
        "check_digit": of.numbers.check_digit,
        "ordering": of.ordering,
        "quarantine_days": of.quarantine_days,
    }


def _as_json(of: NumberRange) -> dict[str, object]:
    return {
        "id": of.id,
        "party_id": of.party_id,
        "parent_id": of.parent_id,
        **_cells(of),
        "pan_digits": of.numbers.pan_digits,
        "state": of.state,
        "drawn": of.drawn,
        "size": of.numbers.size,
    }
