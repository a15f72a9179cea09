"""`cardswitch encode`: the frame that the JSON of `cardswitch decode --json --clear` came from."""

import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer

from iso8583_specs.codec import UnencodableField, UnknownDialect
from iso8583_specs.interchange import BadDocument, frame_of
from switch.commands.frame import EXIT_USAGE, fail


def add(app: typer.Typer) -> None:
    """Register the command."""

    @app.command()
    def encode(
        file: Annotated[
            str, typer.Argument(metavar="FILE|-", help="JSON of one frame, or - to read it from stdin.")
        ],
    ) -> None:
        """Print the bytes of a frame described in JSON, as one line of hexadecimal."""
        try:
            document = orjson.loads(sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes())
        except OSError:
            raise fail("that file can't be read", EXIT_USAGE) from None
        except orjson.JSONDecodeError:
            raise fail("that is not JSON", EXIT_USAGE) from None
        try:
            typer.echo(frame_of(document).hex().upper())
        except (UnknownDialect, BadDocument) as error:
            raise fail(str(error), EXIT_USAGE) from None
        except UnencodableField as error:
            raise fail(str(error)) from None
