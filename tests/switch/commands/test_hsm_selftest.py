"""`cardswitch hsm selftest`: the built-in answers, any file of vectors, and what is told of each."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cardswitch = Callable[..., Any]

RIGHT = {"name": "sm3", "algorithm": "SM3", "inputs": {"message_hex": "616263"}, "expected": (
    "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0")}  # fmt: skip
WRONG = RIGHT | {"name": "sm3-wrong", "expected": "00", "confirmed": False}
UNKNOWN = RIGHT | {"name": "unknown", "algorithm": "Unheard of"}


@pytest.fixture
def selftest(cardswitch: Cardswitch, tmp_path: Path) -> Callable[..., Any]:
    """Runs the command, which needs no settings, on vectors or on a text."""

    def run(*arguments: str, document: object = None) -> Any:
        if document is None:
            return cardswitch("hsm", "selftest", *arguments, config=None)
        file = tmp_path / "vectors.json"
        file.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
        return cardswitch("hsm", "selftest", str(file), *arguments, config=None)

    return run


def test_the_built_in_answers_hold(selftest: Callable[..., Any]) -> None:
    """Without a file the built-in vectors are run, and all pass."""
    ran = selftest()

    assert ran.status == 0
    assert ran.out.endswith(" passed, 0 failed, 0 not covered\n")


def test_results_are_told_as_json(selftest: Callable[..., Any]) -> None:
    """Each vector has name, algorithm and result; one failure ends the command with 1."""
    ran = selftest("--json", document=[RIGHT, WRONG, UNKNOWN])

    assert ran.status == 1
    assert ran.json == {
        "results": [
            {"name": "sm3", "algorithm": "SM3", "result": "passed"},
            {"name": "sm3-wrong", "algorithm": "SM3", "result": "failed"},
            {"name": "unknown", "algorithm": "Unheard of", "result": "not_covered"},
        ]
    }


def test_what_is_not_covered_is_no_failure(selftest: Callable[..., Any]) -> None:
    """A vector that nothing here computes leaves the command at 0."""
    assert selftest("--json", document=[RIGHT, UNKNOWN]).status == 0


def test_only_the_remarkable_is_printed(selftest: Callable[..., Any]) -> None:
    """A line for each vector that did not pass, marked where nobody confirmed it, and the counts."""
    ran = selftest(document=[RIGHT, WRONG, UNKNOWN])

    assert [line.split() for line in ran.out.splitlines()] == [
        ["failed", "sm3-wrong", "SM3", "(unconfirmed)"],
        ["not_covered", "unknown", "Unheard", "of"],
        ["1", "passed,", "1", "failed,", "1", "not", "covered"],
    ]


@pytest.mark.parametrize(
    ("document", "said"),
    [("{", "is not JSON"), ({}, "list of objects"), ([RIGHT, {"name": "n"}], "vector 2 has no name")],
)
def test_another_file_is_refused(selftest: Callable[..., Any], document: object, said: str) -> None:
    """What is no file of vectors is told in one line, and the command was used wrongly."""
    ran = selftest(document=document)

    assert ran.status == 2
    assert said in ran.err
    assert not ran.out


def test_a_missing_file_is_told(selftest: Callable[..., Any], tmp_path: Path) -> None:
    """A file that isn't there is named."""
    ran = selftest(str(tmp_path / "nothing.json"))

    assert ran.status == 2
    assert "nothing.json can't be read: No such file" in ran.err
