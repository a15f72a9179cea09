"""`cardswitch doctor`: what captured bytes are written in, with the reasons and the settings to paste."""

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from iso8583_specs.detection.captures import captures_in, captures_in_text
from iso8583_specs.detection.diagnosis import diagnose_any
from iso8583_specs.detection.report import candidates_as_json, told
from switch.commands.frame import EXIT_USAGE, JsonOption, fail, print_json

_FILE_BYTES_MAX: Final = 4 * 1024 * 1024


def add(app: typer.Typer) -> None:
    """Register the command."""

    @app.command()
    def doctor(
        source: Annotated[
            str,
            typer.Argument(
                metavar="HEX|FILE|PCAP|-",
                help="Captured frames: in hexadecimal, in a file of text, bytes or packets, or on stdin.",
            ),
        ],
        *,
        json: JsonOption = False,
    ) -> None:
        """Name the framing and the dialect of captured frames, and where they break."""
        candidates = diagnose_any(_alternatives(source))
        if json:
            print_json(candidates_as_json(candidates))
        elif candidates:
            typer.echo("\n".join(told(candidates)))
        if not candidates:
            raise fail("no framing and no dialect make a message of that")


def _alternatives(source: str) -> list[list[bytes]]:
    if source == "-":
        return _of_file(sys.stdin.buffer.read(_FILE_BYTES_MAX))
    if found := captures_in_text(source):
        return found
    try:
        with Path(source).open("rb") as file:
            return _of_file(file.read(_FILE_BYTES_MAX))
    except OSError:
        raise fail("that is neither hexadecimal nor a file that can be read", EXIT_USAGE) from None


def _of_file(data: bytes) -> list[list[bytes]]:
    from switch.commands import packets  # noqa: PLC0415 - heavy, and rarely needed

    if not packets.holds_packets(data):
        return captures_in(data)
    try:
        return packets.conversations(data)
    except packets.NotPacketsError:
        raise fail("the packets of that file can't be read") from None
