"""Samples of real messages, and Hypothesis strategies made from a dialect's own table.

Each line of the samples tells where a message comes from, how it is read and what is in it.
"""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import strategies as st

from iso8583_specs.dialects import spec_for
from iso8583_specs.message import Message
from tests.iso8583_specs import random_messages
from tests.iso8583_specs.random_messages import random_message

SAMPLES = Path(__file__).parent / "samples"


def _samples() -> list[SimpleNamespace]:
    lines = [line for name in ("unionpay", "iso8583") for line in _lines(SAMPLES / f"{name}.jsonl")]
    return [SimpleNamespace(**json.loads(line)) for line in lines]


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test with the argument `sample` each sample in turn."""
    if "sample" in metafunc.fixturenames:
        samples = _samples()
        metafunc.parametrize("sample", samples, ids=[sample.name for sample in samples])


@pytest.fixture(scope="session")
def messages() -> Callable[..., st.SearchStrategy[Message]]:
    """`messages(dialect, with_fillers=True)`: messages that the dialect can say."""

    def made(dialect: str, *, with_fillers: bool = True) -> st.SearchStrategy[Message]:
        return st.randoms().map(
            lambda random: random_message(random, spec_for(dialect), fillers=with_fillers)
        )

    return made


@pytest.fixture(scope="session")
def damaged() -> Callable[[bytes], st.SearchStrategy[bytes]]:
    """`damaged(body)`: the body with a few bytes replaced, lost or too many; at times as it was."""
    return lambda body: st.randoms().map(lambda random: random_messages.damaged(random, body))


@pytest.fixture(scope="session")
def no_data() -> Callable[[BaseException, tuple[object, ...]], None]:
    """`no_data(error, parts)`: the error is made of these parts, and nothing hangs behind it."""

    def check(error: BaseException, parts: tuple[object, ...]) -> None:
        assert parts == error.args
        assert error.__cause__ is None
        assert error.__context__ is None

    return check
