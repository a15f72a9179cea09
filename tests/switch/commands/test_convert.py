"""`cardswitch convert`: a frame in another dialect, and what was lost on the way."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

Cardswitch = Callable[..., Any]

# Field 11 and, in the second, a MAC.
FRAME = "0018 6000030000 603100310000 0800 0020000000000000 000123"
WITH_MAC = "0020 6000030000 603100310000 0800 0020000000000001 000123 3246394433453536"
POS_TO_ASCII = ("--from", "unionpay_pos", "--to", "iso1987_ascii")


def convert(cardswitch: Cardswitch, *arguments: str, stdin: str = "") -> Any:
    """Run the command, which needs no settings."""
    return cardswitch("convert", *arguments, stdin=stdin, config=None)


def test_frame_is_said_in_another_dialect(cardswitch: Cardswitch) -> None:
    """What both can say is printed in hexadecimal, in the same framing or in another one."""
    same = convert(cardswitch, FRAME, *POS_TO_ASCII)
    other = convert(cardswitch, "-", *POS_TO_ASCII, "--to-framing", "ascii4", stdin=FRAME)

    body = b"0800" + b"0020000000000000" + b"000123"
    assert bytes.fromhex(same.out) == bytes.fromhex("0025 6000030000 603100310000") + body
    assert bytes.fromhex(other.out) == b"0026" + body


def test_losses_are_named(cardswitch: Cardswitch) -> None:
    """A field that can't be carried is named on stderr, and in JSON; the exit code is 1."""
    told = convert(cardswitch, WITH_MAC, *POS_TO_ASCII)
    as_json = convert(cardswitch, WITH_MAC, *POS_TO_ASCII, "--json")

    assert (told.status, as_json.status) == (1, 1)
    assert told.err == "cardswitch: field 64 is lost: a MAC covers the bytes it came with\n"
    assert as_json.json["hex"] == told.out.strip()
    assert as_json.json["lost"] == [{"field": 64, "reason": "a MAC covers the bytes it came with"}]


def test_year_of_dates_is_taken_as_given(cardswitch: Cardswitch) -> None:
    """Dates of 1987 have no year; the option says it."""
    frame = b"0800" + b"0038000000000000" + b"000123" + b"101112" + b"0229"

    ran = convert(
        cardswitch,
        frame.hex(),
        "--from",
        "iso1987_ascii",
        "--to",
        "iso1993_ascii",
        "--framing",
        "none",
        "--year",
        "2028",
    )

    assert bytes.fromhex(ran.out).endswith(b"000123" + b"280229101112")


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        ((FRAME, "--from", "unionpay_pos", "--to", "esperanto"), 2, "no dialect 'esperanto'"),
        (
            (FRAME, *POS_TO_ASCII, "--to-framing", "pigeon"),
            2,
            "no such framing; there are length2_tpdu_header6",
        ),
        (
            (FRAME, *POS_TO_ASCII, "--to-framing", "length2_base1"),
            2,
            "framing length2_base1 needs other parts",
        ),
        (
            (FRAME, "--from", "unionpay_pos", "--to", "iso1993_ebcdic.routed"),
            1,
            "iso1993_ebcdic.routed: message: ",
        ),
        (("zz", *POS_TO_ASCII), 2, "that is not hexadecimal"),
    ],
)
def test_what_cannot_be_converted_is_told_in_a_line(
    cardswitch: Cardswitch, arguments: Sequence[str], status: int, reason: str
) -> None:
    """Misuse is 2, a message that the target can't say is 1."""
    ran = convert(cardswitch, *arguments)

    assert (status, "") == (ran.status, ran.out)
    assert ran.err.startswith(f"cardswitch: {reason}")
