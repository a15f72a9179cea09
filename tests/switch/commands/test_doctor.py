"""`cardswitch doctor`: frames from the command line, from files of any kind and from stdin are named."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dpkt
import pytest

Cardswitch = Callable[..., Any]

PAN = "9900010000000000019"
# A purchase with a made-up card.
FRAME = bytes.fromhex(
    "0073600003000060310031000002007020048020C08011" + "19" + PAN + "0" + "310000" + "000000002500" + "000123"
)
SIGN_ON = bytes.fromhex(
    "003c6006010000603200324017 0800 0020000000c00012 000121 3130303238303331 333038363430343031313130303033"
    "0011 000000020030 0003 303031"
)
BALANCE = bytes.fromhex(
    "0200 6020000000c08000" + "19" + PAN + "0" + "310000" + "000123" + "54".ljust(2) + "30303030303031"
    "393930303031303030303030303031" + "313536"
)
NAMES = ("unionpay_pos", "length2_tpdu_header6")


def doctor(cardswitch: Cardswitch, *arguments: str, stdin: str | bytes = "") -> Any:
    """Run the command, which needs no settings."""
    return cardswitch("doctor", *arguments, stdin=stdin, config=None)


def packets(*frames: bytes) -> bytes:
    """A capture of one connection."""
    file = io.BytesIO()
    writer = dpkt.pcapng.Writer(file, linktype=101)
    sequence = 1
    for data in frames:
        tcp = dpkt.tcp.TCP(sport=40000, dport=8583, seq=sequence, data=data)
        writer.writepkt(bytes(dpkt.ip.IP(src=bytes(4), dst=b"\1" * 4, p=6, data=tcp)), ts=1)
        sequence += len(data)
    return file.getvalue()


def test_best_candidate_comes_first(cardswitch: Cardswitch) -> None:
    """With `--json` there is a list of candidates, the best first, with names, score and reasons."""
    ran = doctor(cardswitch, SIGN_ON.hex(), "--json")

    best = ran.json[0]
    assert (ran.status, NAMES) == (0, (best["dialect"], best["framing"]))
    assert best["score"] == 100.0
    assert "the length prefix (2 bytes, binary) says what follows" in best["reasons"]


def test_people_get_settings_to_paste(cardswitch: Cardswitch) -> None:
    """Without `--json` the best candidate is told with its reasons and the settings."""
    ran = doctor(cardswitch, SIGN_ON.hex())

    assert ran.out.startswith("dialect  unionpay_pos\nframing  length2_tpdu_header6\nscore    100.0\n")
    assert '  framing = "length2_tpdu_header6"' in ran.out.splitlines()


@pytest.mark.parametrize(
    "content",
    [
        SIGN_ON,
        SIGN_ON.hex(" ").encode(),
        f"{SIGN_ON.hex()}\n{SIGN_ON.hex()}\n".encode(),
        SIGN_ON * 3,
        packets(SIGN_ON[:20], SIGN_ON[20:] + SIGN_ON),
    ],
    ids=["bytes", "hexadecimal", "lines", "stream", "packets"],
)
def test_file_may_be_of_any_kind(cardswitch: Cardswitch, tmp_path: Path, content: bytes) -> None:
    """Bytes, hexadecimal, a frame a line, frames behind each other, and packets are all understood."""
    file = tmp_path / "capture"
    file.write_bytes(content)

    best = doctor(cardswitch, str(file), "--json").json[0]

    assert (best["dialect"], best["framing"]) == NAMES


def test_capture_may_come_by_standard_input(cardswitch: Cardswitch) -> None:
    """`-` reads what a file could hold."""
    assert (
        doctor(cardswitch, "-", "--json", stdin=SIGN_ON).json
        == doctor(cardswitch, SIGN_ON.hex(), "--json").json
    )


def test_message_of_characters_is_not_taken_for_hexadecimal(cardswitch: Cardswitch, tmp_path: Path) -> None:
    """A file with a message of digits is read as it is, because that makes more sense."""
    file = tmp_path / "message"
    file.write_bytes(b"0200" + b"3020000000800000" + b"000000" + b"000000002500" + b"000123" + b"00000001")

    assert doctor(cardswitch, str(file), "--json").json[0]["dialect"] == "iso1987_ascii"


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_card_data_is_never_shown(cardswitch: Cardswitch, arguments: tuple[str, ...]) -> None:
    """Reasons and near misses hold nothing of the card."""
    for raw in (FRAME, BALANCE, FRAME[:-3], FRAME + b"\0"):
        ran = doctor(cardswitch, raw.hex(), *arguments)

        assert PAN[:10] not in ran.out + ran.err
        assert PAN[6:] not in ran.out + ran.err


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (("ff" * 30,), 1, "no framing and no dialect make a message of that"),
        (("/nowhere/at/all",), 2, "that is neither hexadecimal nor a file that can be read"),
    ],
)
def test_what_is_nothing_is_told_in_a_line(
    cardswitch: Cardswitch, arguments: tuple[str, ...], status: int, reason: str
) -> None:
    """Noise is 1, a name of nothing is 2."""
    ran = doctor(cardswitch, *arguments)

    assert (status, "") == (ran.status, ran.out)
    assert ran.err == f"cardswitch: {reason}\n"


def test_packets_that_cannot_be_read_are_told(cardswitch: Cardswitch, tmp_path: Path) -> None:
    """A capture that breaks off in its head is 1; programs get an empty list of noise."""
    file = tmp_path / "broken.pcap"
    file.write_bytes(b"\xd4\xc3\xb2\xa1")

    assert doctor(cardswitch, str(file)).err == "cardswitch: the packets of that file can't be read\n"
    assert doctor(cardswitch, "ff" * 30, "--json").json == []
