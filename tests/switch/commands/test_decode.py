"""`cardswitch decode`: a captured frame, masked unless asked otherwise, and why it can't be read."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.switch.small_terminal import CODEC, Card, Terminal

Cardswitch = Callable[..., Any]

CARD = Card("9900010000000000019", "739251", 1)
TERMINAL = Terminal(
    "990001000000001", "T0000001", bytes(16), pin_key=bytes(range(8)), mac_key=bytes(range(8))
)
BODY = TERMINAL.sealed(TERMINAL.purchase(CARD, 2_500, {2: CARD.pan}))
FRAME = (len(BODY) + 11).to_bytes(2) + bytes.fromhex("6000031234 602200000000") + BODY


def decode(cardswitch: Cardswitch, *arguments: str, stdin: str = "") -> Any:
    """Run the command, which needs no settings."""
    return cardswitch("decode", *arguments, stdin=stdin, config=None)


def test_frame_is_shown_masked(cardswitch: Cardswitch) -> None:
    """Addresses, header and fields are shown line by line, and of the card what may be seen."""
    ran = decode(cardswitch, FRAME.hex())

    lines = {line.split()[0]: line for line in ran.out.splitlines()}
    assert ran.status == 0
    assert lines["TPDU"].endswith("6000031234")
    assert lines["MTI"].endswith("0200")
    assert lines["2"].endswith("990001*********0019")
    assert lines["4"].endswith("000000002500")
    assert CARD.pan not in ran.out
    assert CARD.track_2 not in ran.out


def test_card_data_is_shown_when_asked_for(cardswitch: Cardswitch) -> None:
    """`--clear` shows everything."""
    ran = decode(cardswitch, FRAME.hex(), "--clear", "--json")

    fields = ran.json["fields"]
    assert (CARD.pan, CARD.track_2) == (fields["2"], fields["35"])


def test_frame_may_come_by_standard_input(cardswitch: Cardswitch) -> None:
    """`-` reads the digits from standard input, spaces and line ends among them."""
    text = " ".join(f"{byte:02x}" for byte in FRAME)

    by_input, by_argument = decode(cardswitch, "-", stdin=text + "\n"), decode(cardswitch, FRAME.hex())

    assert by_argument.out == by_input.out


def test_json_is_all_that_is_printed(cardswitch: Cardswitch) -> None:
    """With `--json` there is one document, masked as well."""
    ran = decode(cardswitch, FRAME.hex(), "--json")

    assert (ran.json["mti"], ran.json["tpdu"], ran.json["header"]) == ("0200", "6000031234", "602200000000")
    assert ran.json["fields"]["2"] == "990001*********0019"


def test_framing_and_dialect_are_chosen(cardswitch: Cardswitch) -> None:
    """A body without anything around it is framing `none`."""
    ran = decode(
        cardswitch, CODEC.encode(TERMINAL.echo()).hex(), "--framing", "none", "--dialect", "unionpay_pos.cmbc"
    )

    assert ran.status == 0
    assert "MTI      0820" in ran.out.splitlines()


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (("0g",), 2, "that is not hexadecimal"),
        (("012",), 2, "that is not hexadecimal"),
        ((FRAME.hex(), "--framing", "carrier_pigeon"), 2, "no such framing; there are length2_tpdu_header6"),
        ((FRAME.hex(), "--dialect", "esperanto"), 2, "no dialect 'esperanto'"),
        ((FRAME.hex() + "00",), 1, "framing length2_tpdu_header6: the length prefix does not match"),
        (("0000",), 1, "framing length2_tpdu_header6: the length is zero"),
        ((BODY[:-1].hex(), "--framing", "none"), 1, "unionpay_pos: field 64 at byte"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_line(
    cardswitch: Cardswitch, arguments: Sequence[str], status: int, reason: str
) -> None:
    """Misuse is 2, bytes that are no message are 1, and neither repeats what it was given."""
    ran = decode(cardswitch, *arguments)

    assert (status, "") == (ran.status, ran.out)
    assert ran.err.startswith(f"cardswitch: {reason}")
    assert len(ran.err.splitlines()) == 1
    assert CARD.pan not in ran.err
