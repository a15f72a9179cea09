"""Frames: what is put in comes out, and nothing but frames is taken for one."""

import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hsm_soft.hsm import SoftHsm
from hsm_soft.key_block import KeyBlockRefused, Refusal
from hsm_soft.pin import PinReference, PinResult
from hsm_soft.pos_mac import MacMismatch
from hsm_soft.process.codec import (
    FRAME_BYTES_MAX,
    OPERATIONS_IN_FRAME_MAX,
    Defect,
    FrameMalformed,
    decode_answers,
    decode_questions,
    encode_answer,
    encode_frame,
    encode_question,
    frames_of,
    is_defect,
)

leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.binary(max_size=40)
    | st.text(max_size=20)
    | st.sampled_from(PinResult)
    | st.sampled_from(Refusal)
    | st.builds(PinReference, st.binary(max_size=8), st.binary(max_size=16))
)
keys = st.integers(-5, 5) | st.text(max_size=5) | st.binary(max_size=5)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=12,
).filter(lambda value: _depth(value) < 5)


def _depth(value: object) -> int:
    match value:
        case list() | tuple():
            return 1 + max(map(_depth, value), default=0)
        case dict():
            return 1 + max(map(_depth, value.values()), default=0)
        case _:
            return 0


def returning(value: object) -> Callable[..., Any]:
    """An operation that returns this value."""
    return lambda _: value


def answered(*encoded: bytes) -> list[Any]:
    """The answers of a frame with these in it, there and back."""
    (frame,) = frames_of(bytearray(encode_frame(7, encoded)))
    assert frame.number == 7
    return decode_answers(frame)


@given(value=values)
def test_values_come_back_as_they_were(value: object) -> None:
    """Every value that operations may take or return is the same after the journey, type and all."""
    (back,) = answered(encode_answer(returning(value), None, ()))

    assert value == back
    assert type(value) is type(back)


@given(arguments=st.lists(values, max_size=4).map(tuple))
def test_questions_come_back_as_they_were(arguments: tuple[Any, ...]) -> None:
    """An operation and its arguments are the same after the journey."""
    buffer = bytearray(encode_frame(2**32 - 1, [encode_question(SoftHsm.pos_mac, arguments)] * 2))

    ((number, length, items),) = frames_of(buffer)

    assert (number, length) == (2**32 - 1, 2)
    (frame,) = frames_of(bytearray(encode_frame(number, [encode_question(SoftHsm.pos_mac, arguments)])))
    assert decode_questions(frame) == [(SoftHsm.pos_mac, arguments)]
    assert items == encode_question(SoftHsm.pos_mac, arguments) * 2


def test_frames_are_taken_out_as_they_become_whole() -> None:
    """Bytes may come in any pieces: a frame comes out when its last byte is there, and leaves the rest."""
    stream = encode_frame(1, [b"a"]) + encode_frame(2, [b"bc", b"d"])
    buffer, seen = bytearray(), []
    for byte in stream:
        buffer.append(byte)
        seen.extend(frames_of(buffer))

    assert seen == [(1, 1, b"a"), (2, 2, b"bcd")]
    assert not buffer


def _raise(error: Exception) -> Callable[..., Any]:
    def operation(_: object) -> None:
        raise error

    return operation


def test_declared_errors_come_back_as_they_were() -> None:
    """An error that an operation declares is made anew, with what it says."""
    refused, mismatch = answered(
        encode_answer(_raise(KeyBlockRefused(Refusal.FORGED)), None, ()),
        encode_answer(_raise(MacMismatch()), None, ()),
    )

    assert isinstance(refused, KeyBlockRefused)
    assert refused.reason is Refusal.FORGED
    assert isinstance(mismatch, MacMismatch)


def test_of_other_errors_only_the_type_leaves() -> None:
    """A foreign error may quote its arguments; none of its text crosses."""
    answer = encode_answer(_raise(RuntimeError("6222020000000000017")), None, ())
    (defect,) = answered(answer)

    assert isinstance(defect, Defect)
    assert defect.args == ("RuntimeError",)
    assert is_defect(answer)
    assert b"6222" not in answer


@pytest.mark.parametrize(
    "head",
    [
        struct.pack(">IIH", 5, 1, 0),
        struct.pack(">IIH", FRAME_BYTES_MAX + 1, 1, 0),
        struct.pack(">IIH", 6, 1, OPERATIONS_IN_FRAME_MAX + 1),
    ],
)
def test_lengths_that_no_frame_has(head: bytes) -> None:
    """A frame too short, too long or with too much in it is refused before its bytes are waited for."""
    with pytest.raises(FrameMalformed):
        list(frames_of(bytearray(head)))


@given(items=st.binary(max_size=200), length=st.integers(0, 5))
@example(items=bytes((0, 6)) + b"\xff\xff\xff\xff", length=1)  # a tuple of 2 ** 32 - 1
@example(items=bytes((0, 6, 0, 0, 0, 1)) * 50, length=1)
@example(items=bytes((1, 1, 6, 0, 0, 0, 1, 0)), length=1)  # an error with None for its reason
@example(items=bytes((0, 9, 255, 0)), length=1)
@example(items=bytes((0, 10, 1)), length=1)
@example(items=bytes((0, 8, 0, 0, 0, 1, 7, 0, 0, 0, 0, 0)), length=1)  # a list as a mapping's key
@example(items=bytes((0, 5, 0, 0, 0, 1, 255)), length=1)  # no UTF-8
@example(items=b"\3", length=1)
def test_bytes_that_are_no_frame(items: bytes, length: int) -> None:
    """Whatever bytes come, there is a value or the one typed error."""
    head = struct.pack(">IIH", 6 + len(items), 1, length)
    (frame,) = frames_of(bytearray(head + items))

    for decode in (decode_questions, decode_answers):
        try:
            decode(frame)
        except FrameMalformed:
            continue


@given(data=st.data(), arguments=st.lists(values, min_size=1, max_size=3).map(tuple))
def test_damaged_questions_raise_one_error(data: st.DataObject, arguments: tuple[Any, ...]) -> None:
    """A frame with one byte changed, or cut short, decodes to something or raises the one typed error."""
    good = bytearray(encode_question(SoftHsm.pos_mac, arguments))
    at = data.draw(st.integers(0, len(good) - 1))
    good[at] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(0, len(good)))

    for items in (bytes(good), bytes(good[:cut])):
        (frame,) = frames_of(bytearray(encode_frame(1, [items])))
        try:
            decode_questions(frame)
        except FrameMalformed:
            continue


def test_arguments_come_as_a_tuple() -> None:
    """An operation without the tuple of its arguments is no question."""
    (frame,) = frames_of(bytearray(encode_frame(1, [bytes((0, 0))])))

    with pytest.raises(FrameMalformed):
        decode_questions(frame)
