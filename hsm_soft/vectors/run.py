"""Runs test vectors: reads the format, finds the recipe, compares.

The format is a list of objects with `name`, `algorithm`, `inputs` (an object), `expected` (a value or an
object of values), and if it is known `confirmed`; other members are for readers. A recipe is found by the
words of the algorithm, and the next that fits is tried where one doesn't know the inputs.

Three results: every expected value came out; one did not, or was refused; nothing here computes it. Where a
refusal is expected, a value is the failure. Text is compared without regard to case.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hsm_soft.dukpt import DukptRefused
from hsm_soft.key_refused import KeyBlockRefused
from hsm_soft.pin_translation import PinBlockRefused
from hsm_soft.vectors import dukpt, keys, macs, pins
from hsm_soft.vectors.vector import Answer, NotCovered, Recipe, Vector

__all__ = ["BadVectors", "Result", "VectorResult", "read_vectors", "run_vector"]

_RECIPES: Final[tuple[Recipe, ...]] = (*dukpt.RECIPES, *keys.RECIPES, *pins.RECIPES, *macs.RECIPES)
_HOST_COMMAND: Final = re.compile(r"host command")
# The last two come from keys of a length that the HSM's own key blocks would not let through.
_REFUSALS: Final = (KeyBlockRefused, PinBlockRefused, DukptRefused, ValueError, LookupError, OverflowError)


class BadVectors(Exception):
    """A document that is not a list of vectors; says which entry."""


class Result(StrEnum):
    """What became of a vector."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_COVERED = "not_covered"


@dataclass(frozen=True, slots=True)
class VectorResult:
    """A vector's name and algorithm, and what became of it."""

    name: str
    algorithm: str
    result: Result
    confirmed: bool


def read_vectors(document: object) -> list[Vector]:
    """The vectors of a parsed JSON document.

    Raises:
        BadVectors: it has another form.
    """
    if not isinstance(document, list):
        raise BadVectors("a file of vectors is a list of objects")
    return [_read(number, entry) for number, entry in enumerate(document, start=1)]


def run_vector(vector: Vector) -> VectorResult:
    """Computes a vector and compares."""
    return VectorResult(vector.name, vector.algorithm, _result(vector), vector.confirmed)


def _read(number: int, entry: object) -> Vector:
    match entry:
        case {
            "name": str(name),
            "algorithm": str(algorithm),
            "inputs": dict(inputs),
            "expected": expected,
            **others,
        }:
            return Vector(name, algorithm, inputs, expected, others.get("confirmed", True) is True)
        case _:
            raise BadVectors(f"vector {number} has no name, algorithm, inputs and expected value")


def _result(vector: Vector) -> Result:
    if _HOST_COMMAND.search(vector.words):
        return Result.NOT_COVERED
    for recipe in _RECIPES:
        if recipe.pattern.search(vector.words):
            try:
                return _compared(vector, recipe)
            except NotCovered:
                continue
            except _REFUSALS:
                return Result.PASSED if vector.expects_refusal else Result.FAILED
    return Result.NOT_COVERED


def _compared(vector: Vector, recipe: Recipe) -> Result:
    answer = recipe.compute(vector)
    if vector.expects_refusal:
        answer("")
        return Result.FAILED
    expected = vector.expected if isinstance(vector.expected, Mapping) else {"": vector.expected}
    if not expected:
        raise NotCovered
    agreed = [_agrees(answer, str(name), value, recipe.shortest) for name, value in expected.items()]
    return Result.PASSED if all(agreed) else Result.FAILED


def _agrees(answer: Answer, name: str, expected: object, shortest: int) -> bool:
    if not isinstance(expected, str):
        raise NotCovered
    computed, wanted = answer(name).upper(), expected.upper()
    if shortest and len(wanted) >= shortest:
        return computed.startswith(wanted)
    return computed == wanted
