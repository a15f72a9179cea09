"""Dialects that a user adds: one TOML file each, or a specification of pyiso8583 as it is.

A file names the dialect it `extends` and what differs from it:

    extends = "iso1987_ascii"
    encoding = "cp037"       # all text in another encoding
    remove = [120, 121]      # fields that the deployment doesn't have

    [fields.55]              # a field's keys, laid over those it has in the dialect extended
    data_enc = "b"
    max_len = 255

Its dialect is called `iso1987_ascii.<name>`, where the name is the file's unless it says `name`. A file that
extends nothing gives every field. The keys of a field are pyiso8583's (docs/dialects.md explains them) with
`content` and `fields` of `spec`. A message inside a field has a table of its own: `[fields.127.fields.2]`.

What is wrong is found all at once; each problem has the key it concerns, and the line where that can be told.
Nothing here reads a file or keeps a dialect.
"""

import re
import tomllib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

from iso8583_specs.dialects import DIALECTS
from iso8583_specs.spec import BCD_LENGTH, RAW, FieldSpec, Spec
from iso8583_specs.table_check import InvalidDialect, Problem, Raw, Table, is_encoding, suits, unknown

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_TABLE_LINE: Final = re.compile(r"\s*\[([^\[\]]+)\]")
_KEY_LINE: Final = re.compile(r"\s*([A-Za-z0-9_.\"' ]+?)\s*=")
_TOML_LINE: Final = re.compile(r"\(at line (\d+)")
_FILE_KEYS: Final = ("extends", "name", "encoding", "remove", "fields")


class Dialect(NamedTuple):
    """A dialect and its name."""

    name: str
    spec: Spec


def dialect_in(text: str, stem: str) -> Dialect:
    """The dialect that a TOML file describes.

    Args:
        text: What is in the file.
        stem: The file's name without folder and suffix, which is the dialect's name unless the file says one.

    Raises:
        InvalidDialect: The file isn't TOML, or doesn't describe a dialect.
    """
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = _TOML_LINE.search(str(error))
        raise InvalidDialect(
            (Problem("", f"is not TOML: {error}", int(line[1]) if line else None),)
        ) from None
    file = _File(tree, stem)
    dialect = file.dialect()
    if file.problems:
        lines = _lines(text)
        raise InvalidDialect(tuple(_with_line(problem, lines) for problem in file.problems))
    return dialect


class _File:
    """The tree of one TOML file, and what is wrong in it."""

    def __init__(self, tree: Raw, stem: str) -> None:
        self._tree = tree
        self._stem = stem
        self.problems = [Problem(key, unknown(_FILE_KEYS)) for key in tree if key not in _FILE_KEYS]

    def dialect(self) -> Dialect:
        """The dialect, of use only if there is no problem."""
        base = self._base()
        name = self._name()
        rows = self._without(_in_encoding(base, self._encoding()) if base else {})
        fields = self._tree.get("fields", {})
        if not isinstance(fields, Mapping):
            self.problems.append(Problem("fields", "must be a table"))
            fields = {}
        table = Table("fields.", as_it_is=False)
        spec = table.spec(_merged(rows, fields)) if base is not None else {}
        self.problems += table.problems
        if not isinstance(self._tree.get("extends"), str):
            return Dialect(name, spec)
        return Dialect(f"{self._tree['extends']}.{name}", spec)

    def _base(self) -> Spec | None:
        """The table to start from, empty if the file extends nothing, None if what it extends is unknown."""
        extends = self._tree.get("extends")
        if extends is None:
            return {}
        base = DIALECTS.get(extends) if isinstance(extends, str) else None
        if base is None:
            known = ", ".join(DIALECTS)
            self.problems.append(Problem("extends", f"there is no such dialect; there are {known}"))
        return base

    def _name(self) -> str:
        name = self._tree.get("name", self._stem)
        if isinstance(name, str) and _NAME.fullmatch(name):
            return name
        self.problems.append(Problem("name", "must be lower-case letters, digits and _, a letter first"))
        return ""

    def _encoding(self) -> str | None:
        encoding = self._tree.get("encoding")
        if encoding is None or (encoding != RAW and is_encoding(encoding)):
            return cast("str | None", encoding)
        self.problems.append(Problem("encoding", "is no text encoding that Python knows"))
        return None

    def _without(self, base: Spec) -> Spec:
        """The table without the fields that the file removes."""
        removed = self._tree.get("remove", [])
        if not isinstance(removed, list) or not all(str(number) in base for number in removed):
            self.problems.append(Problem("remove", "must be a list of fields that the dialect extended has"))
            return base
        return {key: row for key, row in base.items() if key not in {str(number) for number in removed}}


def _merged(base: Mapping[str, Any], above: Raw) -> dict[str, Any]:
    """A table with what a file says of its fields laid over it, key by key."""
    merged: dict[str, Any] = dict(base)
    for key, row in above.items():
        merged[key] = _overlaid(base.get(key), row) if isinstance(row, Mapping) else row
    return merged


def _overlaid(old: Mapping[str, Any] | None, new: Raw) -> dict[str, Any]:
    """A row with another one laid over it: one filler takes the place of the other, and so does content."""
    row: dict[str, Any] = dict(old or {})
    if "left_pad" in new or "right_pad" in new:
        row.pop("left_pad", None)
        row.pop("right_pad", None)
    if "content" not in new and not suits(row.get("content"), {**row, **new}):
        row.pop("content", None)
    inside = new.get("fields")
    if isinstance(inside, Mapping):
        return {**row, **new, "fields": _merged(row.get("fields", {}), inside)}
    return {**row, **new}


def _in_encoding(spec: Spec, encoding: str | None) -> Spec:
    """A table with all its text in another encoding."""
    if encoding is None:
        return spec
    return {key: _row_in_encoding(row, encoding) for key, row in spec.items()}


def _row_in_encoding(row: FieldSpec, encoding: str) -> FieldSpec:
    changed: FieldSpec = {
        **row,
        "data_enc": row["data_enc"] if row["data_enc"] == RAW else encoding,
        "len_enc": row["len_enc"] if row["len_enc"] in (RAW, BCD_LENGTH) else encoding,
    }
    if "fields" in row:
        changed["fields"] = _in_encoding(row["fields"], encoding)
    return changed


def _lines(text: str) -> Mapping[str, int]:
    """The line of each key, as far as the file is written with one key or table a line."""
    lines: dict[str, int] = {}
    path = ""
    for number, line in enumerate(text.splitlines(), start=1):
        table, key = _TABLE_LINE.match(line), _KEY_LINE.match(line)
        if table:
            path = _plain(table[1])
            lines.setdefault(path, number)
            path += "."
        elif key:
            lines.setdefault(path + _plain(key[1]), number)
    return lines


def _plain(key: str) -> str:
    return ".".join(part.strip(" \"'") for part in key.split("."))


def _with_line(problem: Problem, lines: Mapping[str, int]) -> Problem:
    """The problem with the line of its key, or of the table that the key should stand in."""
    key = problem.key
    while key not in lines and "." in key:
        key = key.rpartition(".")[0]
    return problem._replace(line=lines.get(key))
