"""What `decode` and `convert` share: one captured frame in hexadecimal, read by a framing and a dialect."""

from typing import Annotated, NamedTuple, TypeAlias

import typer

from iso8583_specs.codec import Codec, MalformedMessage, UnknownDialect, codec_for
from iso8583_specs.detection.captures import captures_in_text
from iso8583_specs.framing import FRAMINGS, Frame, Framing, FramingError, parse_frame
from iso8583_specs.message import Message
from switch.commands.frame import EXIT_USAGE, fail

HexArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="HEX", help="The frame, or - to read it from stdin.")
]
DialectOption: TypeAlias = Annotated[str, typer.Option("--dialect", help="How the message is written.")]
FramingOption: TypeAlias = Annotated[str, typer.Option("--framing", help="What stands around the message.")]


class Captured(NamedTuple):
    """A frame, whole, in its parts, and the message in it."""

    raw: bytes
    frame: Frame
    message: Message


def captured(hex_text: str, framing: str, dialect: str) -> Captured:
    """The frame on the command line; what is wrong with it ends the command."""
    text = typer.get_text_stream("stdin").read() if hex_text == "-" else hex_text
    found = captures_in_text(text)
    if not found or len(found[0]) != 1:
        raise fail("that is not hexadecimal", EXIT_USAGE)
    raw = found[0][0]
    row, codec = framing_named(framing), codec_named(dialect)
    try:
        frame = parse_frame(row, raw)
        return Captured(raw, frame, codec.decode(frame.body))
    except FramingError as error:
        raise fail(f"framing {framing}: {error.reason.value}") from None
    except MalformedMessage as error:
        raise fail(str(error)) from None


def framing_named(name: str) -> Framing:
    """The framing of that name; there being none ends the command."""
    if name not in FRAMINGS:
        raise fail(f"no such framing; there are {', '.join(FRAMINGS)}", EXIT_USAGE)
    return FRAMINGS[name]


def codec_named(dialect: str) -> Codec:
    """The codec of a dialect; there being none ends the command."""
    try:
        return codec_for(dialect)
    except UnknownDialect as error:
        raise fail(str(error), EXIT_USAGE) from None
