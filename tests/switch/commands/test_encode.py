"""`cardswitch encode`: the frame that JSON describes, as one line of hexadecimal."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cardswitch = Callable[..., Any]

# A filler that isn't the dialect's own, on field 22.
FRAME = bytes.fromhex("0017 6000030000 603100310000 0200 0000040000000000 021f")


def run(cardswitch: Cardswitch, *arguments: str, stdin: str = "") -> Any:
    """Run a command, which needs no settings."""
    return cardswitch(*arguments, stdin=stdin, config=None)


def test_what_was_decoded_becomes_the_same_bytes(cardswitch: Cardswitch, tmp_path: Path) -> None:
    """`decode --json --clear` and `encode` give the bytes back, by a file and by standard input."""
    decoded = run(cardswitch, "decode", FRAME.hex(), "--json", "--clear")
    file = tmp_path / "frame.json"
    file.write_text(decoded.out)

    expected = (0, f"{FRAME.hex().upper()}\n")
    assert decoded.json["wire"] == {"fillers": {"22": "F"}}
    for encoded in (run(cardswitch, "encode", str(file)), run(cardswitch, "encode", "-", stdin=decoded.out)):
        assert expected == (encoded.status, encoded.out)


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"dialect": "esperanto"}, 2, "no dialect 'esperanto'"),
        ({"framing": "pigeon"}, 2, "framing: there is none of that name"),
        ({"fields": {"2": "990001********0019"}}, 1, "unionpay_pos: field 2: "),
        ({"fields": {"52": "<8 bytes>"}}, 2, "fields.52: not hexadecimal"),
    ],
)
def test_what_cannot_be_encoded_is_told_in_a_line(
    cardswitch: Cardswitch, changes: dict[str, Any], status: int, reason: str
) -> None:
    """A document that is none is 2, a value that doesn't fit is 1; a masked one is among them."""
    document = {"dialect": "unionpay_pos", "framing": "none", "mti": "0200", "fields": {}, **changes}

    ran = run(cardswitch, "encode", "-", stdin=json.dumps(document))

    assert (status, "") == (ran.status, ran.out)
    assert ran.err.startswith(f"cardswitch: {reason}")


def test_what_is_no_json_is_misuse(cardswitch: Cardswitch, tmp_path: Path) -> None:
    """Something else than JSON, and a file that isn't there, are 2."""
    assert run(cardswitch, "encode", "-", stdin="200").err.startswith("cardswitch: document: ")
    assert run(cardswitch, "encode", "-", stdin="{").err == "cardswitch: that is not JSON\n"
    assert run(cardswitch, "encode", str(tmp_path / "none")).err == "cardswitch: that file can't be read\n"
