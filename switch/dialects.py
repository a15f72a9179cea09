"""Dialect files on disk: read, checked, and made known to the codec by their names.

A file ending in `.json` is a specification of pyiso8583 as it is, any other a dialect in TOML; see
`iso8583_specs.dialect_files`.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from iso8583_specs.dialect_files import Dialect, dialect_in
from iso8583_specs.dialects import DialectExists, add
from iso8583_specs.table_check import InvalidDialect, Problem, spec_of


class DialectFileError(Exception):
    """A dialect file can't be used; each line of the text is one problem, with file, line and key."""


def read_dialect(file: Path) -> Dialect:
    """The dialect in a file.

    Raises:
        DialectFileError: The file can't be read, or what it says is no dialect.
    """
    problems: tuple[Problem, ...]
    try:
        text = file.read_text(encoding="utf-8")
        return _from_json(text, file.stem) if file.suffix == ".json" else dialect_in(text, file.stem)
    except OSError as error:
        problems = (Problem("", error.strerror or "can't be read"),)
    except UnicodeDecodeError:
        problems = (Problem("", "is not UTF-8"),)
    except InvalidDialect as error:
        problems = error.problems
    raise DialectFileError("\n".join(_line(file, problem) for problem in problems))


def load_dialect(file: Path) -> Dialect:
    """The dialect in a file, from now on known by its name.

    Raises:
        DialectFileError: As for `read_dialect`, or its name is that of another dialect.
    """
    dialect = read_dialect(file)
    try:
        add(*dialect)
    except DialectExists as error:
        raise DialectFileError(f"{file}: name: {error}") from None
    return dialect


def _from_json(text: str, stem: str) -> Dialect:
    try:
        tree = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidDialect((Problem("", f"is not JSON: {error.msg}", error.lineno),)) from None
    if not isinstance(tree, Mapping):
        raise InvalidDialect((Problem("", "must be an object"),))
    return Dialect(stem, spec_of(tree))


def _line(file: Path, problem: Problem) -> str:
    place = f"{file}:{problem.line}" if problem.line else f"{file}"
    return f"{place}: {problem}"
