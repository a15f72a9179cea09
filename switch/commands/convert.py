"""`cardswitch convert`: a captured frame said in another dialect; what can't be carried is named."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from iso8583_specs.codec import UnencodableField
from iso8583_specs.conversion import Conversion, convert
from iso8583_specs.framing import write_frame
from switch.commands.captured import FramingOption, HexArgument, captured, codec_named, framing_named
from switch.commands.frame import EXIT_FAILED, EXIT_USAGE, JsonOption, fail, print_json

FromOption = Annotated[str, typer.Option("--from", help="How the message is written.")]
ToOption = Annotated[str, typer.Option("--to", help="How it shall be written.")]
ToFramingOption = Annotated[
    str | None,
    typer.Option("--to-framing", help="What shall stand around it; else the same.", show_default=False),
]
YearOption = Annotated[
    int | None, typer.Option("--year", help="Of dates that say none; else this one.", show_default=False)
]


def add(app: typer.Typer) -> None:
    """Register the command."""

    @app.command("convert")
    def convert_frame(
        hex_text: HexArgument,
        *,
        source: FromOption,
        target: ToOption,
        framing: FramingOption = "length2_tpdu_header6",
        to_framing: ToFramingOption = None,
        year: YearOption = None,
        json: JsonOption = False,
    ) -> None:
        """Print a frame in another dialect, in hexadecimal; exit code 1 if a field was lost."""
        _, frame, message = captured(hex_text, framing, source)
        codec = codec_named(target)
        row = framing_named(to_framing or framing)
        try:
            done = convert(message, source, target, year or datetime.now(UTC).year)
            body = codec.encode(done.message)
            tpdu = frame.tpdu if row.tpdu_bytes else b""
            header = frame.header if row.header_bytes else b""
            raw = write_frame(row, tpdu, header, body)
        except UnencodableField as error:
            raise fail(str(error)) from None
        except ValueError:
            raise fail(f"framing {row.name} needs other parts than the frame has", EXIT_USAGE) from None
        _tell(raw, done, json=json)
        if done.losses:
            raise typer.Exit(EXIT_FAILED)


def _tell(raw: bytes, done: Conversion, *, json: bool) -> None:
    if json:
        lost: list[dict[str, Any]] = [loss._asdict() for loss in done.losses]
        print_json({"hex": raw.hex().upper(), "lost": lost})
        return
    typer.echo(raw.hex().upper())
    for loss in done.losses:
        typer.echo(f"cardswitch: field {loss.field} is lost: {loss.reason}", err=True)
