"""Goal: the headers of card networks come apart and go together again, and turn round in an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iso8583_specs.framings import HeaderForm
from iso8583_specs.headers import HEADER_RULES, BadHeader, Base1Header, CupsHeader

BASE1 = bytes.fromhex("16 01 02 00a4 123456 654321 07 0801 000102 09 0a0b0c 0d")
REJECT = bytes.fromhex("1a 81 02 00be 000000 123456 00 0000 000000 00 000000 00 8000 0045")
CUPS = b"\x2e\x820146" + b"00010000   " + b"03050000   " + b"\0\0\0\7" + b"00000000" + b"\1" + b"00000"


def test_base1_header_has_its_parts() -> None:
    """Each part is where the layout has it, and a header that rejects nothing has no reject code."""
    header = Base1Header.parse(BASE1)

    assert (header.header_format, header.text_format, header.total_length) == (1, 2, 164)
    assert (header.destination.hex(), header.source.hex()) == ("123456", "654321")
    assert (header.round_trip, header.flags.hex(), header.status.hex()) == (7, "0801", "000102")
    assert (header.batch, header.reserved.hex(), header.user) == (9, "0a0b0c", 13)
    assert header.reject_code is None


def test_base1_reject_has_its_code() -> None:
    """A reject header is longer by a bitmap and the code; without the bitmap's first bit there is none."""
    assert Base1Header.parse(REJECT).reject_code == "0045"
    assert Base1Header.parse(REJECT[:22] + bytes(4)).reject_code is None


def test_cups_header_has_its_parts() -> None:
    """Each part is where the layout has it."""
    header = CupsHeader.parse(CUPS)

    assert (header.version, header.total_length) == (0x82, 146)
    assert (header.destination, header.source) == (b"00010000   ", b"03050000   ")
    assert (header.reserved, header.batch, header.transaction) == (bytes(3), 7, b"00000000")
    assert (header.user, header.reject_code) == (1, b"00000")


@pytest.mark.parametrize("raw", [BASE1, REJECT])
def test_base1_header_is_written_as_it_was(raw: bytes) -> None:
    """The parts make the bytes again."""
    assert raw == Base1Header.parse(raw).to_bytes()


@given(rest=st.binary(min_size=45, max_size=45))
def test_cups_header_is_written_as_it_was(rest: bytes) -> None:
    """The parts make the bytes again, or there are none."""
    raw = b"\x2e" + rest
    try:
        header = CupsHeader.parse(raw)
    except BadHeader:
        assert not raw[2:6].isdigit()
    else:
        assert raw == header.to_bytes()


@pytest.mark.parametrize(
    ("form", "content", "width"),
    [
        (HeaderForm.BASE1, BASE1 + bytes(10), 22),
        (HeaderForm.BASE1, REJECT + BASE1 + bytes(10), 48),
        (HeaderForm.BASE1, REJECT + bytes(22), None),
        (HeaderForm.BASE1, BASE1[:21], None),
        (HeaderForm.BASE1, b"", None),
        (HeaderForm.CUPS, CUPS + bytes(10), 46),
        (HeaderForm.CUPS, CUPS[:45], None),
        (HeaderForm.CUPS, b"\x2d" + CUPS[1:], None),
    ],
)
def test_header_says_its_own_width(form: HeaderForm, content: bytes, width: int | None) -> None:
    """The width is read from the header; of a reject it is that of both headers."""
    assert width == HEADER_RULES[form].width(content)


def test_base1_answer_turns_the_inner_header_round() -> None:
    """Addresses change places, the length is the answer's, and a reject header is not repeated."""
    expected = bytes.fromhex("16 01 02 0020 654321 123456 07 0801 000102 09 0a0b0c 0d")

    assert expected == HEADER_RULES[HeaderForm.BASE1].reply(BASE1, 10)
    assert expected == HEADER_RULES[HeaderForm.BASE1].reply(REJECT + BASE1, 10)
    assert expected == HEADER_RULES[HeaderForm.BASE1].reply(b"\x16\x81" + BASE1[2:], 10)


def test_cups_answer_turns_the_header_round() -> None:
    """Addresses change places, the length is the answer's, and nothing is rejected."""
    answer = CupsHeader.parse(HEADER_RULES[HeaderForm.CUPS].reply(CUPS[:41] + b"00015", 10))

    assert (answer.destination, answer.source) == (b"03050000   ", b"00010000   ")
    assert (answer.total_length, answer.reject_code) == (56, b"00000")


@pytest.mark.parametrize("raw", [b"", BASE1[:21], b"\x1a" + BASE1[1:]])
def test_what_is_no_base1_header_is_refused(raw: bytes) -> None:
    """A header has to have the width that it states."""
    with pytest.raises(BadHeader, match="22 bytes"):
        Base1Header.parse(raw)
