"""What fuzzing starts from: the sample messages, in the form that each target takes."""

import json
from collections.abc import Iterator
from pathlib import Path

import orjson

from iso8583_specs.codec import codec_for
from iso8583_specs.dialects import DIALECTS
from iso8583_specs.framing import FRAMINGS, parse_frame
from iso8583_specs.interchange import document_of

_SAMPLES = Path(__file__).parents[1] / "iso8583_specs" / "samples"


def seeds(target: str) -> Iterator[bytes]:
    """Inputs that lead a target to where it has something to do."""
    for file in sorted(_SAMPLES.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            sample = json.loads(line)
            yield from _of_sample(target, sample["profile"], sample["framing"], bytes.fromhex(sample["hex"]))


def _of_sample(target: str, dialect: str, framing: str, raw: bytes) -> Iterator[bytes]:
    frame = parse_frame(FRAMINGS[framing], raw)
    message = codec_for(dialect).decode(frame.body)
    match target:
        case "codec" | "reading":
            yield bytes([list(DIALECTS).index(dialect)]) + frame.body
        case "frame":
            yield bytes([list(FRAMINGS).index(framing)]) + raw
        case "stream" if FRAMINGS[framing].length_bytes:
            yield bytes([list(FRAMINGS).index(framing), 64]) + raw * 2
        case "structures":
            for number, value in message.fields.items():
                yield bytes([number]) + (value if isinstance(value, bytes) else value.encode("latin-1"))
        case "captures":
            yield raw.hex(" ").encode()
        case "document":
            yield orjson.dumps(document_of(dialect, framing, frame, message, raw=raw).to_json())
        case "doctor":
            yield bytes([min(255, len(raw) // 2)]) + raw
        case _:
            yield raw
