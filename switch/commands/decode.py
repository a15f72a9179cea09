"""`cardswitch decode`: a captured frame, field by field, masked unless asked otherwise."""

from typing import Annotated

import typer

from iso8583_specs.describe import printed
from iso8583_specs.framing import FRAMINGS
from iso8583_specs.interchange import document_of
from switch.commands.captured import DialectOption, FramingOption, HexArgument, captured
from switch.commands.frame import JsonOption, print_json

ClearOption = Annotated[bool, typer.Option("--clear", help="Show card data unmasked.")]


def add(app: typer.Typer) -> None:
    """Register the command."""

    @app.command()
    def decode(
        hex_text: HexArgument,
        *,
        dialect: DialectOption = "unionpay_pos",
        framing: FramingOption = "length2_tpdu_header6",
        clear: ClearOption = False,
        json: JsonOption = False,
    ) -> None:
        """Print the fields of one frame; card data masked.

        With --json and --clear the output is what `encode` makes the same bytes of.
        """
        raw, frame, message = captured(hex_text, framing, dialect)
        if json:
            document = document_of(dialect, framing, frame, message, raw=raw if clear else None)
            print_json(document.to_json())
        else:
            typer.echo("\n".join(printed(dialect, FRAMINGS[framing], frame, message, clear)))
