"""Known answers, asked before the HSM serves anyone.

A library that was built or patched wrongly would seal balances nobody can open again and refuse every
terminal. `vectors/known_answers.json` holds published answers, one or more for each algorithm; they are
computed with the functions the HSM itself uses, and the first wrong one stops the start. The keys in there
are published test values and protect nothing.
"""

import json
from pathlib import Path
from typing import Final

from hsm_soft.vectors.run import Result, VectorResult, read_vectors, run_vector

__all__ = ["SelfTestFailed", "known_answers", "run_self_test"]

_FILE: Final = Path(__file__).parent / "vectors" / "known_answers.json"


class SelfTestFailed(Exception):
    """An algorithm does not give its known answer: `cryptography` as installed is not to be trusted."""

    def __init__(self, vector: str, algorithm: str) -> None:
        super().__init__(f"self test failed: {vector}, {algorithm}")
        self.vector = vector
        self.algorithm = algorithm


def known_answers() -> list[VectorResult]:
    """The built-in vectors, each computed."""
    document = json.loads(_FILE.read_text(encoding="utf-8"))
    return [run_vector(vector) for vector in read_vectors(document)]


def run_self_test() -> None:
    """Returns only if every algorithm gives its known answer.

    Raises:
        SelfTestFailed: the name of the first one that doesn't.
    """
    for each in known_answers():
        if each.result is not Result.PASSED:
            raise SelfTestFailed(each.name, each.algorithm)
