"""`cardswitch decode`: a captured frame, field by field, masked unless asked otherwise."""

from typing import Annotated

import typer

from iso8583_specs.codec import MalformedMessage, UnknownDialect, codec_for
from iso8583_specs.describe import decoded_as_json, printed
from iso8583_specs.framing import FRAMINGS, FramingError, parse_frame
from switch.commands.frame import EXIT_USAGE, JsonOption, fail, print_json

DialectOption = Annotated[str, typer.Option("--dialect", help="How the message is written.")]
FramingOption = Annotated[str, typer.Option("--framing", help="What stands around the message.")]
ClearOption = Annotated[bool, typer.Option("--clear", help="Show card data unmasked.")]


def add(app: typer.Typer) -> None:
    """Register the command."""

    @app.command()
    def decode(
        hex_text: Annotated[
            str, typer.Argument(metavar="HEX", help="The frame, or - to read it from stdin.")
        ],
        *,
        dialect: DialectOption = "unionpay_pos",
        framing: FramingOption = "length2_tpdu_header6",
        clear: ClearOption = False,
        json: JsonOption = False,
    ) -> None:
        """Print the fields of one frame; card data masked."""
        text = typer.get_text_stream("stdin").read() if hex_text == "-" else hex_text
        try:
            raw = bytes.fromhex(text)
        except ValueError:
            raise fail("that is not hexadecimal", EXIT_USAGE) from None
        if framing not in FRAMINGS:
            raise fail(f"no such framing; there are {', '.join(FRAMINGS)}", EXIT_USAGE)
        try:
            codec = codec_for(dialect)
            frame = parse_frame(FRAMINGS[framing], raw)
            message = codec.decode(frame.body)
        except UnknownDialect as error:
            raise fail(str(error), EXIT_USAGE) from None
        except FramingError as error:
            raise fail(f"framing {framing}: {error.reason.value}") from None
        except MalformedMessage as error:
            raise fail(str(error)) from None
        if json:
            print_json(decoded_as_json(dialect, FRAMINGS[framing], frame, message, clear))
        else:
            typer.echo("\n".join(printed(dialect, FRAMINGS[framing], frame, message, clear)))
