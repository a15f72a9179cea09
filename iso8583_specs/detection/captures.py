"""What people paste and save: captured bytes in hexadecimal of any usual form, or as they are.

A text can often be read in more than one way: as one frame broken into lines, as a frame on each line, or,
if it is a message of digits, as the message itself. So what comes out are alternatives, the likeliest first;
which of them makes sense is found out by reading the bytes.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple, TypeAlias

Captures: TypeAlias = list[bytes]

TEXT_BYTES_MAX: Final = 256 * 1024
"""More of a text is not looked at."""

_NOISE: Final = re.compile(r"0x|\\x|[\s,;:.\-\"'|]", re.IGNORECASE)
_HEX: Final = re.compile(r"(?:[0-9a-f]{2})+", re.IGNORECASE)
_DUMP_LINE: Final = re.compile(
    r"\s*(?:0x)?(?P<offset>[0-9a-f]{4,8})(?P<mark>:|\s\s|\s|$)(?P<rest>.*)", re.IGNORECASE
)
_DUMP_WIDTH_MAX: Final = 64


class _DumpLine(NamedTuple):
    offset: int
    is_marked: bool
    rest: str


def captures_in(data: bytes) -> list[Captures]:
    """The ways in which a file's bytes may be captures."""
    text = _ascii(data)
    if text is None:
        return [[data]]
    lines = [line.encode() for line in text.splitlines() if line]
    as_they_are = [[b"".join(data.splitlines())], lines] if len(lines) > 1 else [lines]
    return [*captures_in_text(text), *(each for each in as_they_are if each)]


def captures_in_text(text: str) -> list[Captures]:
    """The ways in which a text is hexadecimal; none if it isn't."""
    lines = text[:TEXT_BYTES_MAX].splitlines()
    dump = _dump(lines)
    if dump:
        return [dump]
    blocks = [list(block) for filled, block in groupby(lines, lambda line: bool(line.strip())) if filled]
    joined = _all_hex(["".join(block) for block in blocks])
    one_a_line = _all_hex([line for block in blocks for line in block])
    return [each for each in (joined, one_a_line if one_a_line != joined else None) if each]


def _ascii(data: bytes) -> str | None:
    """The text that bytes are, None if they aren't printable."""
    text = data[:TEXT_BYTES_MAX].decode("latin-1")
    return (
        text
        if text.isascii() and all(line.isprintable() for line in text.replace("\t", " ").splitlines())
        else None
    )


def _all_hex(texts: Sequence[str]) -> Captures | None:
    captures = [_from_hex(text) for text in texts]
    return [each for each in captures if each] if all(each is not None for each in captures) else None


def _from_hex(text: str) -> bytes | None:
    digits = _NOISE.sub("", text)
    return bytes.fromhex(digits) if _HEX.fullmatch(digits) else None


def _dump(lines: Sequence[str]) -> Captures | None:
    """The captures in a dump with offsets; None if the lines aren't one.

    Of a line only as many bytes are taken as the next line's offset says, so that the characters which dumps
    show beside the bytes are left out; the last line's end where the others' do.
    """
    parsed = [_dump_line(line) for line in lines if line.strip()]
    whole = [line for line in parsed if line is not None]
    if not whole or len(whole) < len(parsed) or not (whole[0].is_marked or len(whole) > 1):
        return None
    captures: Captures = []
    width, column, before = _DUMP_WIDTH_MAX, None, whole[0].offset
    for line, after in zip(whole, [*whole[1:], None], strict=True):
        goes_on = after is not None and after.offset > line.offset
        size = after.offset - line.offset if after is not None and goes_on else None
        taken, end = _bytes_of(line.rest, size or width, None if size else column)
        if size is not None and len(taken) != size:
            return None
        if not captures or line.offset <= before:
            captures.append(b"")
            width, column = size or _DUMP_WIDTH_MAX, end if size else None
        captures[-1] += taken
        before = line.offset
    return [each for each in captures if each]


def _dump_line(line: str) -> _DumpLine | None:
    found = _DUMP_LINE.fullmatch(line)
    if found is None:
        return None
    return _DumpLine(int(found["offset"], 16), found["mark"] in (":", "  "), found["rest"])


def _bytes_of(rest: str, size: int, column: int | None) -> tuple[bytes, int]:
    """The first bytes of a dump's line, at most so many and before a column, and where they end."""
    taken, end = b"", 0
    for token in _tokens(rest[:column]):
        piece = token[0]
        if not _HEX.fullmatch(piece) or len(taken) >= size:
            break
        taken += bytes.fromhex(piece)
        end = token.end()
    return taken[:size], end


def _tokens(text: str) -> Iterator[re.Match[str]]:
    return re.finditer(r"[^\s]+", text)
