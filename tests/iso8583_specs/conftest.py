"""Samples of real messages, and Hypothesis strategies made from a dialect's own table.

Each line of the samples tells where a message comes from, how it is read and what is in it.
"""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import strategies as st

from iso8583_specs.codec import Codec
from iso8583_specs.defects import MalformedMessage
from iso8583_specs.dialects import spec_for
from iso8583_specs.message import Message
from iso8583_specs.spec import FieldSpec

SAMPLES = Path(__file__).parent / "samples" / "unionpay.jsonl"
ALPHABETS = {"n": "0123456789", "z": "0123456789=", "x": "0123456789ABCDEF"}


def _samples() -> list[SimpleNamespace]:
    return [SimpleNamespace(**json.loads(line)) for line in SAMPLES.read_text().splitlines()]


def refusal(codec: Codec, body: bytes) -> MalformedMessage | None:
    """The error that decoding ends in, if any."""
    try:
        codec.decode(body)
    except MalformedMessage as error:
        return error
    return None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test with the argument `sample` each sample in turn."""
    if "sample" in metafunc.fixturenames:
        samples = _samples()
        metafunc.parametrize("sample", samples, ids=[sample.name for sample in samples])


def _values(spec: FieldSpec) -> st.SearchStrategy[str | bytes]:
    least = 0 if spec["len_type"] else spec["max_len"]
    most = spec["max_len"] if spec["len_type"] == 0 else min(spec["max_len"], 45)
    if spec["content"] == "b":
        return st.binary(min_size=least, max_size=most)
    letters = ALPHABETS.get(spec["content"])
    characters = st.sampled_from(letters) if letters else st.characters(max_codepoint=255)
    return st.text(characters, min_size=least, max_size=most)


@st.composite
def _messages(draw: st.DrawFn, dialect: str, *, with_fillers: bool) -> Message:
    spec = spec_for(dialect)
    numbers = draw(st.sets(st.sampled_from([int(key) for key in spec if key.isdigit()]), max_size=20))
    message = Message(draw(st.text("0123456789", min_size=4, max_size=4)))
    for number in numbers:
        row = spec[str(number)]
        value = message.fields[number] = draw(_values(row))
        if with_fillers and row["len_count"] == "nibbles" and len(value) % 2:
            filler = draw(st.sampled_from("0123456789ABCDEF"))
            if filler != "0":
                message.fillers[number] = filler
    return message


@pytest.fixture(scope="session")
def messages() -> Callable[..., st.SearchStrategy[Message]]:
    """`messages(dialect, with_fillers=True)`: messages that the dialect can say."""
    return lambda dialect, with_fillers=True: _messages(dialect, with_fillers=with_fillers)


@st.composite
def _damaged(draw: st.DrawFn, body: bytes) -> bytes:
    at = draw(st.integers(0, len(body)))
    removed = draw(st.integers(0, 3))
    return body[:at] + draw(st.binary(max_size=3)) + body[at + removed :]


@pytest.fixture(scope="session")
def damaged() -> Callable[[bytes], st.SearchStrategy[bytes]]:
    """`damaged(body)`: the body with a few bytes replaced, lost or too many; at times as it was."""
    return _damaged


@pytest.fixture(scope="session")
def no_data() -> Callable[[BaseException, tuple[object, ...]], None]:
    """`no_data(error, parts)`: the error is made of these parts, and nothing hangs behind it."""

    def check(error: BaseException, parts: tuple[object, ...]) -> None:
        assert parts == error.args
        assert error.__cause__ is None
        assert error.__context__ is None

    return check
