"""Bytes on the HSM's socket: frames of operations one way, frames of answers the other. Pure.

    frame    = length 4 ‖ number 4 ‖ count 2 ‖ item …        length counts what follows it; big-endian
    question = operation 1 ‖ values           one value an argument, as a tuple
    answer   = status 1 ‖ value               0 returned, 1 raised (a value of `ERRORS`), 2 a defect

A frame of answers has the number of the frame it answers, and its answers in the same order. So many
operations cost one write, one wake-up and one read on each side, which is what crossing processes costs.

A value is a tag and what the tag says: nothing, numbers, bytes, text, sequences, mappings, and the product's
own types, by their place in `TYPES`. Nothing else can be named, nothing is executed, and every length is
checked against what is there: whatever doesn't fit raises `FrameMalformed`. Types and errors are told apart
by number, so both sides must be of one version; the server says its own first (`SIGNATURE`).
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from hashlib import sha256
from typing import Any, Final, NamedTuple, TypeAlias

from hsm_soft.process.operations import ERRORS, OPERATIONS, TYPES

__all__ = [
    "FRAME_BYTES_MAX",
    "OPERATIONS_IN_FRAME_MAX",
    "SIGNATURE",
    "Defect",
    "Frame",
    "FrameMalformed",
    "Question",
    "decode_answers",
    "decode_questions",
    "encode_answer",
    "encode_frame",
    "encode_question",
    "frames_of",
    "is_defect",
]

FRAME_BYTES_MAX: Final = 4 * 1024 * 1024
OPERATIONS_IN_FRAME_MAX: Final = 1024
_DEPTH_MAX: Final = 6
_LENGTH_BYTES: Final = 4
_head: Final = struct.Struct(">IIH")
_HEAD_AFTER_LENGTH: Final = _head.size - _LENGTH_BYTES
_count: Final = struct.Struct(">BI")
_number: Final = struct.Struct(">Bq")
_member: Final = struct.Struct(">BBB")

_NONE, _FALSE, _TRUE, _INT, _BYTES, _TEXT, _TUPLE, _LIST, _MAPPING, _ENUM, _RECORD = range(11)
_RETURNED, _RAISED, _DEFECT = range(3)

Value: TypeAlias = Any
"""What operations take and return: checked by their signatures on the client's side."""


class FrameMalformed(Exception):
    """Bytes that are no frame of this version; the connection they came over is of no further use."""


class Defect(Exception):
    """An operation failed in a way that it doesn't declare; names the exception's type and no more."""


class Question(NamedTuple):
    """An operation to perform, and its arguments."""

    operation: Callable[..., Value]
    arguments: tuple[Value, ...]


class Frame(NamedTuple):
    """A frame's number, how many items it says it has, and their bytes."""

    number: int
    length: int
    items: bytes


def _shape(kind: type) -> tuple[str, ...]:
    if issubclass(kind, Enum):
        return tuple(member.name for member in kind)
    if is_dataclass(kind):
        return tuple(each.name for each in fields(kind))
    return tuple(vars(kind)["_fields"])


_SHAPES: Final = [_shape(kind) for kind in TYPES]
_MEMBERS: Final = [list(kind) if issubclass(kind, Enum) else [] for kind in TYPES]

SIGNATURE: Final = sha256(
    repr(
        (
            [operation.__name__ for operation in OPERATIONS],
            [(kind.__name__, shape) for kind, shape in zip(TYPES, _SHAPES, strict=True)],
            [(kind.__name__, attributes) for kind, attributes in ERRORS.items()],
        )
    ).encode()
).digest()
"""Equal on two sides that mean the same by the same bytes."""

_PLACES: Final = {kind: place for place, kind in enumerate(TYPES)}
_OPERATION_PLACES: Final = {operation: place for place, operation in enumerate(OPERATIONS)}
_ERROR_KINDS: Final = tuple(ERRORS)
_ERROR_PLACES: Final = {kind: place for place, kind in enumerate(_ERROR_KINDS)}


def encode_question(operation: Callable[..., Value], arguments: tuple[Value, ...]) -> bytes:
    """One operation with its arguments.

    Raises:
        KeyError: an operation or a type that the tables don't have: a defect of the caller.
    """
    out = bytearray((_OPERATION_PLACES[operation],))
    _put_tuple(arguments, out)
    return bytes(out)


def encode_answer(operation: Callable[..., Value], core: Value, arguments: tuple[Value, ...]) -> bytes:
    """Perform an operation and encode what came of it, whatever that is."""
    out = bytearray((_RETURNED,))
    try:
        _put(operation(core, *arguments), out)
    except Exception as error:  # noqa: BLE001 - a foreign error may quote its arguments: only its type leaves
        return _encode_error(error)
    return bytes(out)


def is_defect(answer: bytes) -> bool:
    """Whether an encoded answer tells of a defect."""
    return answer[0] == _DEFECT


def _encode_error(error: Exception) -> bytes:
    place = _ERROR_PLACES.get(type(error))
    if place is None:
        out = bytearray((_DEFECT,))
        _put(type(error).__name__, out)
        return bytes(out)
    out = bytearray((_RAISED, place))
    _put_tuple(tuple(getattr(error, name) for name in ERRORS[type(error)]), out)
    return bytes(out)


def encode_frame(number: int, items: Sequence[bytes]) -> bytes:
    """A frame of questions or answers.

    Args:
        number: 32 bits.
        items: at most `OPERATIONS_IN_FRAME_MAX`.
    """
    body = b"".join(items)
    return _head.pack(_HEAD_AFTER_LENGTH + len(body), number, len(items)) + body


def frames_of(buffer: bytearray) -> Iterator[Frame]:
    """The whole frames at the start of a buffer, taken out of it.

    Raises:
        FrameMalformed: a length or a count that no frame has.
    """
    while len(buffer) >= _head.size:
        length, number, count = _head.unpack_from(buffer)
        if not _HEAD_AFTER_LENGTH <= length <= FRAME_BYTES_MAX or count > OPERATIONS_IN_FRAME_MAX:
            raise FrameMalformed
        end = _LENGTH_BYTES + length
        if len(buffer) < end:
            return
        items = bytes(buffer[_head.size : end])
        del buffer[:end]
        yield Frame(number, count, items)


def decode_questions(frame: Frame) -> list[Question]:
    """The operations of a frame.

    Raises:
        FrameMalformed: they are not what the frame says.
    """
    return list(_decoded(frame, _take_question))


def decode_answers(frame: Frame) -> list[Value]:
    """What came of each operation: a value, or the exception to raise.

    Raises:
        FrameMalformed: they are not what the frame says.
    """
    return list(_decoded(frame, _take_answer))


def _decoded(frame: Frame, take: "Callable[[bytes, int], tuple[Value, int]]") -> Iterator[Value]:
    data, at = frame.items, 0
    try:
        for _ in range(frame.length):
            item, at = take(data, at)
            yield item
    except (struct.error, AttributeError, IndexError, TypeError, ValueError):
        raise FrameMalformed from None
    if at != len(data):
        raise FrameMalformed


def _take_question(data: bytes, at: int) -> tuple[Question, int]:
    operation = OPERATIONS[data[at]]
    arguments, at = _take(data, at + 1, 0)
    if type(arguments) is not tuple:
        raise FrameMalformed
    return Question(operation, arguments), at


def _take_answer(data: bytes, at: int) -> tuple[Value, int]:
    status = data[at]
    if status == _RETURNED:
        return _take(data, at + 1, 0)
    if status == _RAISED:
        kind = _ERROR_KINDS[data[at + 1]]
        arguments, at = _take(data, at + 2, 0)
        return kind(*arguments), at
    if status == _DEFECT:
        name, at = _take(data, at + 1, 0)
        return Defect(name), at
    raise FrameMalformed


def _put(value: Value, out: bytearray) -> None:
    put = _PUT.get(type(value))
    if put is None:
        _put_own(value, out)
    else:
        put(value, out)


def _put_none(_: None, out: bytearray) -> None:
    out.append(_NONE)


def _put_bool(value: bool, out: bytearray) -> None:
    out.append(_TRUE if value else _FALSE)


def _put_int(value: int, out: bytearray) -> None:
    out += _number.pack(_INT, value)


def _put_bytes(value: bytes, out: bytearray) -> None:
    out += _count.pack(_BYTES, len(value))
    out += value


def _put_text(value: str, out: bytearray) -> None:
    encoded = value.encode("utf-8", "surrogatepass")
    out += _count.pack(_TEXT, len(encoded))
    out += encoded


def _put_tuple(values: tuple[Value, ...], out: bytearray) -> None:
    out += _count.pack(_TUPLE, len(values))
    for value in values:
        _put(value, out)


def _put_list(values: list[Value], out: bytearray) -> None:
    out += _count.pack(_LIST, len(values))
    for value in values:
        _put(value, out)


def _put_mapping(values: dict[Value, Value], out: bytearray) -> None:
    out += _count.pack(_MAPPING, len(values))
    for key, value in values.items():
        _put(key, out)
        _put(value, out)


def _put_own(value: Value, out: bytearray) -> None:
    """A member of an enumeration, or a record's fields in their order."""
    kind = type(value)
    place = _PLACES[kind]
    if _MEMBERS[place]:
        out += _member.pack(_ENUM, place, _MEMBERS[place].index(value))
        return
    out += bytes((_RECORD, place))
    for name in _SHAPES[place]:
        _put(getattr(value, name), out)


_PUT: Final[dict[type, Callable[[Value, bytearray], None]]] = {
    type(None): _put_none,
    bool: _put_bool,
    int: _put_int,
    bytes: _put_bytes,
    str: _put_text,
    tuple: _put_tuple,
    list: _put_list,
    dict: _put_mapping,
}


def _take(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    return _TAKE[data[at]](data, at, depth)


def _take_none(_: bytes, at: int, __: int) -> tuple[None, int]:
    return None, at + 1


def _take_false(_: bytes, at: int, __: int) -> tuple[bool, int]:
    return False, at + 1


def _take_true(_: bytes, at: int, __: int) -> tuple[bool, int]:
    return True, at + 1


def _take_int(data: bytes, at: int, _: int) -> tuple[int, int]:
    return _number.unpack_from(data, at)[1], at + _number.size


def _take_bytes(data: bytes, at: int, _: int) -> tuple[bytes, int]:
    start = at + _count.size
    end = start + _count.unpack_from(data, at)[1]
    if end > len(data):
        raise FrameMalformed
    return data[start:end], end


def _take_text(data: bytes, at: int, depth: int) -> tuple[str, int]:
    encoded, at = _take_bytes(data, at, depth)
    return encoded.decode("utf-8", "surrogatepass"), at


def _take_tuple(data: bytes, at: int, depth: int) -> tuple[tuple[Value, ...], int]:
    values, at = _take_list(data, at, depth)
    return tuple(values), at


def _take_list(data: bytes, at: int, depth: int) -> tuple[list[Value], int]:
    count = _count.unpack_from(data, at)[1]
    at += _count.size
    # Each value has a byte at least: a count that promises more than there is asks for no memory.
    if depth >= _DEPTH_MAX or count > len(data) - at:
        raise FrameMalformed
    values = []
    for _ in range(count):
        value, at = _take(data, at, depth + 1)
        values.append(value)
    return values, at


def _take_mapping(data: bytes, at: int, depth: int) -> tuple[dict[Value, Value], int]:
    count = _count.unpack_from(data, at)[1]
    at += _count.size
    if depth >= _DEPTH_MAX or count > len(data) - at:
        raise FrameMalformed
    values = {}
    for _ in range(count):
        key, at = _take(data, at, depth + 1)
        values[key], at = _take(data, at, depth + 1)
    return values, at


def _take_enum(data: bytes, at: int, _: int) -> tuple[Enum, int]:
    _, place, member = _member.unpack_from(data, at)
    return _MEMBERS[place][member], at + _member.size


def _take_record(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    place = data[at + 1]
    kind, at = TYPES[place], at + 2
    if depth >= _DEPTH_MAX or _MEMBERS[place]:
        raise FrameMalformed
    values = []
    for _ in _SHAPES[place]:
        value, at = _take(data, at, depth + 1)
        values.append(value)
    return kind(*values), at


_TAKE: Final = (
    *(_take_none, _take_false, _take_true, _take_int, _take_bytes, _take_text, _take_tuple, _take_list),
    *(_take_mapping, _take_enum, _take_record),
)
"""In the order of the tags."""
