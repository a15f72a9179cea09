"""Goal: bytes are found in whatever people paste or save."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iso8583_specs.detection.captures import captures_in, captures_in_text

RAW = bytes(range(0x20, 0x5C)) + b"0200"


def pairs(raw: bytes, before: str = "", between: str = " ") -> str:
    """Bytes as hexadecimal pairs."""
    return between.join(f"{before}{byte:02x}" for byte in raw)


def shown(raw: bytes) -> str:
    """Bytes as the characters beside a dump."""
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in raw)


def lines(raw: bytes, line: Callable[[int, bytes], str]) -> str:
    """A dump of sixteen bytes a line."""
    return "\n".join(line(at, raw[at : at + 16]) for at in range(0, len(raw), 16))


DUMPS: dict[str, Callable[[bytes], str]] = {
    "xxd": lambda raw: lines(
        raw,
        lambda at, part: (
            f"{at:08x}: {' '.join(part[i : i + 2].hex() for i in range(0, len(part), 2)):<39}  {shown(part)}"
        ),
    ),
    "hexdump": lambda raw: (
        lines(raw, lambda at, part: f"{at:08x}  {pairs(part[:8])}  {pairs(part[8:]):<24} |{shown(part)}|")
        + f"\n{len(raw):08x}\n"
    ),
    "od": lambda raw: lines(raw, lambda at, part: f"{at:06x} {pairs(part)}") + f"\n{len(raw):06x}",
    "wireshark": lambda raw: lines(raw, lambda at, part: f"{at:04x}   {pairs(part):<48}   {shown(part)}"),
    "tcpdump": lambda raw: lines(
        raw, lambda at, part: f"\t0x{at:04x}:  {pairs(part, between='')}  {shown(part)}"
    ),
}


@pytest.mark.parametrize(
    "text",
    [
        RAW.hex(),
        RAW.hex().upper(),
        RAW.hex(" "),
        RAW.hex(":").upper(),
        "0x" + RAW.hex(),
        pairs(RAW, "0x", ", "),
        pairs(RAW, "\\x", ""),
        f'"{RAW.hex()}"',
        f"\n  {RAW.hex()}\n\n",
    ],
)
def test_hexadecimal_may_be_written_in_any_usual_form(text: str) -> None:
    """Case, blanks, separators, quotes and prefixes of pairs make no difference."""
    assert [[RAW]] == captures_in_text(text)


@pytest.mark.parametrize("name", DUMPS)
@pytest.mark.parametrize("size", [64, 60, 32, 16])
def test_dump_has_offsets_and_characters_left_out(name: str, size: int) -> None:
    """What dumps show beside the bytes is no part of them, even where it looks like hexadecimal."""
    raw = RAW[-size:]

    assert [[raw]] == captures_in_text(DUMPS[name](raw))


def test_dump_may_hold_several_captures() -> None:
    """Offsets that begin anew begin a new capture."""
    text = DUMPS["wireshark"](RAW[:20]) + "\n\n" + DUMPS["wireshark"](RAW[20:])

    assert [[RAW[:20], RAW[20:]]] == captures_in_text(text)


def test_dump_of_one_short_line_is_one() -> None:
    """A single line is taken for a dump when its offset is set apart."""
    assert [[b"\0\x53"]] == captures_in_text("0000  00 53  .S")
    assert [[b"\0\0\0\x53"]] == captures_in_text("0000 0053")
    assert [[b"\0\x53"]] == captures_in_text("0040: 00 53")


def test_lines_may_be_one_frame_or_many() -> None:
    """Lines without offsets are read joined and each by itself; a blank line always divides."""
    assert [[b"\1\2\3\4"], [b"\1\2", b"\3\4"]] == captures_in_text("0102\n0304")
    assert [[b"\1\2\3\4", b"\5"], [b"\1\2", b"\3\4", b"\5"]] == captures_in_text("0102\n0304\n\n05")
    assert [[b"\1\2"]] == captures_in_text("010\n2")


@pytest.mark.parametrize("text", ["", "xyz", "012", "0000: zz\n0010: 00"])
def test_what_is_not_hexadecimal_is_none(text: str) -> None:
    """Text that isn't hexadecimal, or a dump whose offsets don't fit, isn't guessed at."""
    assert not captures_in_text(text)


def test_file_of_bytes_is_a_capture() -> None:
    """Bytes that are no text stand for themselves."""
    assert [[b"\0\x53\xff"]] == captures_in(b"\0\x53\xff")


def test_file_of_text_may_be_a_message_itself() -> None:
    """A message made of characters is hexadecimal by chance; both are tried, with and without line ends."""
    assert [[b"\x08\0"], [b"0800"]] == captures_in(b"0800\n")
    assert [[b"0800ABCXYZ"]] == captures_in(b"0800ABCXYZ")
    assert [[b"0800XY0810XY"], [b"0800XY", b"0810XY"]] == captures_in(b"0800XY\r\n0810XY\r\n")
    assert not captures_in(b"\n")


@given(data=st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes_can_be_looked_at(data: bytes) -> None:
    """Nothing in a file makes an exception."""
    assert all(capture for captures in captures_in(data + b"x") for capture in captures)


@given(text=st.text("0123456789abcdef: x\n|.", max_size=200))
@settings(deadline=None)
def test_any_text_can_be_looked_at(text: str) -> None:
    """Nothing that looks like a dump makes an exception."""
    assert all(isinstance(capture, bytes) for captures in captures_in_text(text) for capture in captures)
