"""Goal: of the captured messages of 1987 we read what Wireshark's ISO 8583 dissector reads.

Method: each message goes into a capture file of one TCP segment, behind the length that the dissector wants,
and tshark (Debian's package) is asked for the fields. The dissector knows the standard's own field types, and
stops at the first field that isn't of its type, so it is stated how many fields it reads of each message.
Where it is known to read another way, the table below says why.
"""

import json
import shutil
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from iso8583_specs.codec import codec_for
from iso8583_specs.dialects import spec_for
from iso8583_specs.message import Message
from iso8583_specs.spec import MTI, PRIMARY, RAW

TSHARK = shutil.which("tshark")
PORT = 8583
FIELD = "iso8583.bit"
SAMPLES = Path(__file__).parent / "samples" / "iso8583.jsonl"

# Messages with the number of fields that the dissector reads at least.
READ: Mapping[str, int] = {
    "jpos-iso87apackager": 33,
    "jpos-iso87a-field64": 33,
    "jpos-iso87b-field64": 33,
    "jpos-post": 5,
    "moov-87a-reversal-resp": 10,
    "moov-87a-financial": 14,
    "moov-87a-auth-minimal": 3,
    "pyiso8583-readme": 1,
    "pyiso8583-readme-resp": 1,
}
READ_ANOTHER_WAY: Mapping[tuple[str, int], str] = {
    ("jpos-iso87b-field64", 2): "an odd count of packed digits is taken as right-aligned",
    ("jpos-post", 127): "a length of three digits is taken where Postilion has six",
}


def capture(body: bytes) -> bytes:
    """A capture file of one TCP segment with the message in it."""
    payload = struct.pack(">H", len(body)) + body
    tcp = struct.pack(">HHIIBBHHH", 40_000, PORT, 1, 1, 0x50, 0x18, 8192, 0, 0)
    loopback = bytes((127, 0, 0, 1))
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(payload), 1, 0, 64, 6, 0, loopback, loopback)
    packet = ip + tcp + payload
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 101)
    return head + struct.pack("<IIII", 0, 0, len(packet), len(packet)) + packet


def preferences(dialect: str) -> list[str]:
    """How the dissector is told to read digits and bytes."""
    spec = spec_for(dialect)
    digits = "in nibbles" if spec[MTI]["data_enc"] == RAW else "as ASCII Characters"
    raw = "not encoded" if spec[PRIMARY]["data_enc"] == RAW else "represented as Hex Ascii characters"
    said = ("len_endian:Big endian", f"charset:Digits represented {digits}", f"binencode:Bin data {raw}")
    return [part for each in said for part in ("-o", f"iso8583.{each}")]


def dissected(tshark: str, file: Path, dialect: str) -> dict[str, Any]:
    """What the dissector says of the message in the file."""
    command = [tshark, "-r", str(file), "-d", f"tcp.port=={PORT},iso8583", "-T", "json", "-J", "iso8583"]
    ran = subprocess.run(
        [*command, *preferences(dialect)], capture_output=True, text=True, check=True, timeout=60
    )
    layers: dict[str, Any] = json.loads(ran.stdout)[0]["_source"]["layers"]
    said = layers["iso8583"]
    assert isinstance(said, dict)
    return said


def as_wireshark(message: Message) -> dict[int, str]:
    """Our fields as the dissector shows them."""
    return {n: value.hex() if isinstance(value, bytes) else value for n, value in message.fields.items()}


def captured(name: str) -> dict[str, Any]:
    """The sample of that name."""
    lines = [json.loads(line) for line in SAMPLES.read_text(encoding="utf-8").splitlines()]
    said: dict[str, Any] = next(line for line in lines if line["name"] == name)
    return said


@pytest.mark.skipif(TSHARK is None, reason="tshark is not installed (Debian: apt install tshark)")
@pytest.mark.parametrize("name", READ)
def test_wireshark_reads_the_same(name: str, tmp_path: Path) -> None:
    """MTI and every field that the dissector reads are what we read."""
    assert TSHARK is not None
    sample = captured(name)
    body, dialect = bytes.fromhex(sample["hex"]), sample["profile"]
    file = tmp_path / "message.pcap"
    file.write_bytes(capture(body))

    message = codec_for(dialect).decode(body)
    said = dissected(TSHARK, file, dialect)

    ours = as_wireshark(message)
    fields = {key: value for key, value in said.items() if key.startswith(FIELD) and isinstance(value, str)}
    theirs = {int(key.removeprefix(FIELD)): value for key, value in fields.items()}
    assert said["iso8583.mti"] == message.mti
    assert READ[name] <= len(theirs)
    assert {number for named, number in READ_ANOTHER_WAY if named == name} == {
        number for number, value in theirs.items() if value != ours.get(number)
    }
