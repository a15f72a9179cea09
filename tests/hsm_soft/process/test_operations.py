"""The tables of what may cross the socket have everything that operations take, return and declare."""

import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from hsm_soft.hsm import SoftHsm
from hsm_soft.process.operations import ERRORS, OPERATIONS, TYPES

_PLAIN = {type(None), bool, int, str, bytes}
_CONTAINERS = {tuple, list, Sequence, dict, Mapping}


def _unknown(hint: Any) -> set[object]:
    """Parts of a type that no frame can carry."""
    if isinstance(hint, typing.NewType):
        return _unknown(hint.__supertype__)
    origin = typing.get_origin(hint)
    if origin is None:
        return set() if hint in _PLAIN or hint is Ellipsis or hint in TYPES else {hint}
    assert origin in _CONTAINERS or origin in {typing.Union, types.UnionType}, hint
    return set().union(*map(_unknown, typing.get_args(hint)))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
def test_arguments_and_results_can_travel(operation: Callable[..., Any]) -> None:
    """Every type in an operation's signature is plain or in the table."""
    hints = typing.get_type_hints(operation)

    assert set().union(*map(_unknown, hints.values())) == set()


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_parts_of_types_can_travel(kind: type) -> None:
    """A record's fields are plain or in the table themselves."""
    hints = {} if hasattr(kind, "__members__") else typing.get_type_hints(kind)

    assert set().union(*map(_unknown, hints.values())) == set()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
def test_declared_errors_can_travel(operation: Callable[..., Any]) -> None:
    """Every error that an operation's docstring names is in the table."""
    named = set(
        re.findall(r"^\s+([A-Z]\w+): ", (operation.__doc__ or "").partition("Raises:")[2], re.MULTILINE)
    )

    assert named <= {error.__name__ for error in ERRORS}


def test_every_public_method_is_an_operation() -> None:
    """What is not private may be asked for."""
    public = {name for name in dir(SoftHsm) if not name.startswith("_")}

    assert public == {operation.__name__ for operation in OPERATIONS}
