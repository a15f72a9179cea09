"""A frame and its message as JSON, and the same bytes again from it: `cardswitch decode` and `encode`.

What a message says is in `fields`, by number; those of a message inside a field by `127.25` and the like.
How it was written, where that isn't what its dialect and framing write by themselves, is in `wire`: fillers,
lengths and bitmaps in another spelling, what stood between length and content. A document without `wire` is
written in the usual way, so that one typed by hand is as good as one that came from `decode`.

Only a document in clear can be encoded. What is wrong with one is told by its place, never by its data.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from iso8583_specs.codec import codec_for
from iso8583_specs.describe import shown_fields
from iso8583_specs.dialects import spec_for
from iso8583_specs.framing import FRAMINGS, Frame, write_frame
from iso8583_specs.message import Message, Spelling, Value
from iso8583_specs.spec import HEADER, RAW, FieldSpec, Spec
from iso8583_specs.values import clear_text


class Wire(BaseModel):
    """How a frame or message was written, as far as that isn't the usual way; bytes are hex digits.

    Attributes:
        prefix: The frame's length and what belongs to it.
        gap: What stood between the length and the rest.
        header: The header that the dialect has before the MTI.
        fillers: Spare nibbles by field.
        lengths: Length indicators by field.
        bitmaps: All bitmaps.
        parts: By field, the same of the message inside; each such field is named.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    prefix: str = ""
    gap: str = ""
    header: str | None = None
    fillers: dict[str, str] = {}
    lengths: dict[str, str] = {}
    bitmaps: str = ""
    parts: dict[str, "Wire"] = {}


class Document(BaseModel):
    """A frame as JSON. Binary parts are upper-case hex digits; a part that the framing lacks is null."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    dialect: str
    framing: str
    tpdu: str | None = None
    header: str | None = None
    mti: str
    fields: dict[str, str]
    wire: Wire | None = None

    def to_json(self) -> dict[str, Any]:
        """Ready for a JSON encoder; `wire` only of a document in clear, and in it only what is unusual."""
        plain = self.model_dump(exclude={"wire"})
        return plain if self.wire is None else {**plain, "wire": self.wire.model_dump(exclude_defaults=True)}


class BadDocument(Exception):
    """JSON that isn't a frame. The text names the place and holds none of the data."""


def document_of(dialect: str, framing: str, frame: Frame, message: Message, *, raw: bytes | None) -> Document:
    """A frame and its message, ready for a JSON encoder.

    Args:
        dialect: What the message was read as.
        framing: What the frame was read as.
        frame: The frame.
        message: The message in it.
        raw: The frame's bytes, to show all data in clear and complete; None to mask them.

    Raises:
        UnknownDialect: There is no dialect of that name.
    """
    return Document(
        dialect=dialect,
        framing=framing,
        tpdu=_hex(frame.tpdu),
        header=_hex(frame.header),
        mti=message.mti,
        fields=shown_fields(dialect, message) if raw is None else _fields(message),
        wire=None if raw is None else _wire(message, _prefix(framing, frame, raw), frame.gap),
    )


def frame_of(document: object) -> bytes:
    """The bytes of the frame that a document describes.

    Raises:
        BadDocument: It describes none.
        UnknownDialect: There is no dialect of that name.
        UnencodableField: A value doesn't fit its field.
    """
    checked = _checked(document)
    wire = checked.wire or Wire()
    framing = FRAMINGS.get(checked.framing)
    if framing is None:
        raise BadDocument("framing: there is none of that name")
    message = _message(spec_for(checked.dialect), checked.mti, checked.fields, wire)
    body = codec_for(checked.dialect).encode(message)
    tpdu, header = _bytes("tpdu", checked.tpdu), _bytes("header", checked.header)
    gap, prefix = _bytes("wire.gap", wire.gap), _bytes("wire.prefix", wire.prefix)
    try:
        raw = write_frame(framing, tpdu, header, body, gap)
    except (ValueError, OverflowError):
        raise BadDocument("TPDU, header or size do not fit the framing") from None
    return prefix + raw[len(prefix) :]


def _checked(document: object) -> Document:
    try:
        return Document.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    raise BadDocument(f"{'.'.join(map(str, first['loc'])) or 'document'}: {first['msg']}")


def _fields(message: Message, above: str = "") -> dict[str, str]:
    """The values in clear, those inside a field flattened."""
    fields = {f"{above}{number}": clear_text(message.fields[number]) for number in sorted(message.fields)}
    for number, part in sorted(message.parts.items()):
        fields |= _fields(part, f"{above}{number}.")
    return fields


def _prefix(framing: str, frame: Frame, raw: bytes) -> bytes:
    """The frame's prefix, if it isn't what is usually written."""
    row = FRAMINGS[framing]
    prefix = raw[: row.prefix_bytes]
    return b"" if prefix == write_frame(row, *frame)[: row.prefix_bytes] else prefix


def _wire(message: Message, prefix: bytes = b"", gap: bytes = b"") -> Wire:
    spelling = message.spelling or Spelling()
    return Wire(
        prefix=prefix.hex().upper(),
        gap=gap.hex().upper(),
        header=clear_text(message.header) if message.header else None,
        fillers={str(number): filler for number, filler in message.fillers.items()},
        lengths={str(number): length.hex().upper() for number, length in spelling.lengths.items()},
        bitmaps=spelling.bitmaps.hex().upper(),
        parts={str(number): _wire(part) for number, part in message.parts.items()},
    )


def _message(spec: Spec, mti: str, fields: Mapping[str, str], wire: Wire) -> Message:
    inside = {label.partition(".")[0] for label in fields if "." in label} | wire.parts.keys()
    message = Message(
        mti,
        fields={
            _number(label): _value(spec.get(label), label, text)
            for label, text in fields.items()
            if "." not in label and label not in inside
        },
        fillers={_number(label): filler for label, filler in wire.fillers.items()},
        spelling=_spelling(wire),
    )
    if wire.header is not None:
        message.header = _value(spec.get(HEADER), "wire.header", wire.header)
    for label in inside:
        message.parts[_number(label)] = _part(spec, label, fields, wire.parts.get(label, Wire()))
    return message


def _part(spec: Spec, label: str, fields: Mapping[str, str], wire: Wire) -> Message:
    """The message inside a field."""
    row = spec.get(label)
    if row is None or "fields" not in row:
        raise BadDocument(f"fields.{label}: the dialect has no message inside that field")
    below = {key.partition(".")[2]: text for key, text in fields.items() if key.startswith(f"{label}.")}
    return _message(row["fields"], "", below, wire)


def _spelling(wire: Wire) -> Spelling | None:
    if not (wire.lengths or wire.bitmaps):
        return None
    lengths = {
        _number(label): _bytes(f"wire.lengths.{label}", digits) for label, digits in wire.lengths.items()
    }
    return Spelling(lengths, _bytes("wire.bitmaps", wire.bitmaps))


def _value(row: FieldSpec | None, label: str, text: str) -> Value:
    """The value that a text stands for; of an undefined field the text, which the codec will refuse."""
    is_bytes = row is not None and row["data_enc"] == RAW and row["content"] == "b"
    return _bytes(f"fields.{label}", text) if is_bytes else text


def _number(label: str) -> int:
    if not (label.isascii() and label.isdecimal()):
        raise BadDocument("fields: a field is named by its number")
    return int(label)


def _bytes(place: str, digits: str | None) -> bytes:
    try:
        return bytes.fromhex(digits or "")
    except ValueError:
        raise BadDocument(f"{place}: not hexadecimal") from None


def _hex(part: bytes) -> str | None:
    return part.hex().upper() or None
