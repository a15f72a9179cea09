"""`cardswitch dialect`: the dialects there are, how they write fields, and whether a file describes one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from iso8583_specs.dialect_page import coding_of, format_of, head_of, numbered
from iso8583_specs.dialects import DIALECTS, UnknownDialect, spec_for
from iso8583_specs.spec import FieldSpec, Spec
from switch.commands.frame import EXIT_USAGE, JsonOption, fail, print_json
from switch.dialects import DialectFileError, load_dialect, read_dialect

_FILES = (".toml", ".json")

NameArgument: TypeAlias = Annotated[str, typer.Argument(metavar="NAME", help="A dialect, or a dialect file.")]
FileArgument: TypeAlias = Annotated[
    Path, typer.Argument(metavar="FILE", help="A dialect in TOML, or a pyiso8583 specification in JSON.")
]


def add(app: typer.Typer) -> None:
    """Register the commands."""
    dialects = typer.Typer(
        help="Dialects: how messages are written, as data.",
        no_args_is_help=True,
        pretty_exceptions_show_locals=False,
    )
    app.add_typer(dialects, name="dialect")

    @dialects.command("list")
    def list_(*, json: JsonOption = False) -> None:
        """Print the names of all dialects."""
        if json:
            print_json([{"dialect": name, "head": head_of(spec)} for name, spec in DIALECTS.items()])
            return
        width = max(map(len, DIALECTS))
        for name, spec in DIALECTS.items():
            typer.echo(f"{name:<{width}}  {head_of(spec)}")

    @dialects.command()
    def show(name: NameArgument, *, json: JsonOption = False) -> None:
        """Print a dialect's fields; as JSON it is a specification that pyiso8583 takes."""
        dialect, spec = known_dialect(name)
        if json:
            print_json(_plain(spec))
            return
        typer.echo(f"{dialect}: {head_of(spec)}")
        for number, row in numbered(spec):
            typer.echo(f"{number:>7}  {format_of(row):<16}  {coding_of(row):<40}  {row['desc']}".rstrip())

    @dialects.command()
    def check(file: FileArgument) -> None:
        """Say what is wrong with a dialect file, each problem with its line and key."""
        try:
            name, spec = read_dialect(file)
        except DialectFileError as error:
            raise fail(f"{file} is no dialect\n{error}") from None
        typer.echo(f"{file}: {name}, {head_of(spec)}, {len([key for key in spec if key.isdecimal()])} fields")


def known_dialect(name: str) -> tuple[str, Spec]:
    """The dialect of that name, or in the file of that name; there being none ends the command."""
    try:
        if name.endswith(_FILES):
            return load_dialect(Path(name))
        return name, spec_for(name)
    except (UnknownDialect, DialectFileError) as error:
        raise fail(str(error), EXIT_USAGE) from None


def _plain(spec: Mapping[str, FieldSpec]) -> dict[str, Any]:
    """A table as JSON can have it."""
    return {
        key: {**row, "fields": _plain(row["fields"])} if "fields" in row else row for key, row in spec.items()
    }
