"""Tables as CSV files (RFC 4180, UTF-8), to and from spreadsheets. Pure.

A file is read as a whole before anything is done with it: every problem is collected, each with the number of
its row as a spreadsheet shows it (the header is row 1) and the name of its column; a reason names the rule
and never quotes the cell. Only a file without problems yields rows.

A spreadsheet takes a cell that begins with = + - @, tab or carriage return for a formula. Such a cell is
written with an apostrophe before it, and so is one that begins with apostrophes and then one of these; read,
one apostrophe is taken away from both. So every text comes back exactly, and none is a formula.
"""

import csv
import io
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, NamedTuple, TypeVar

from directory.refusals import Refused, message

__all__ = ["CellRefused", "Column", "CsvRefused", "Problem", "Row", "Table", "write_csv"]

BYTES_MAX: Final = 256 * 1024 * 1024
CELL_CHARACTERS_MAX: Final = 4_000
PROBLEMS_MAX: Final = 100
"""How many problems are told of; more help nobody."""

# The full-width forms too: some spreadsheets take them for the same.
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")  # noqa: RUF001 - they are meant
_GUARDED: Final = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")  # noqa: RUF001 - they are meant

T = TypeVar("T")
Done = TypeVar("Done")


class Problem(NamedTuple):
    """What is wrong with a file: where, and why.

    Attributes:
        row: As a spreadsheet numbers them; 0 for the file as a whole.
        column: Its name; empty for the row as a whole.
        why: The rule that is broken.
    """

    row: int
    column: str
    why: Refused


class CellRefused(Refused):
    """A cell, a row or a file is not what it should be."""

    text = message("{reason}")


class CsvRefused(Refused):
    """A file has problems; nothing of it was used."""

    text = message("the file has {count} problems, the first in row {row} {column}: {reason}")

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        super().__init__(count=len(problems), row=first.row, column=first.column, reason=str(first.why))
        self.problems: Final = tuple(problems[:PROBLEMS_MAX])


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        name: In the header.
        parse: Makes a value of a cell that isn't empty; raises `Refused` with the reason, or `ValueError`,
            whose text is not told: it may quote the cell.
        required: Whether the cell may not be empty, nor the column absent.
        absent: The value of an empty cell.
    """

    name: str
    parse: Callable[[str], object] = str
    required: bool = True
    absent: object = None


class Row(NamedTuple, Generic[T]):
    """What a row was made into, and its number."""

    number: int
    value: T


@dataclass(frozen=True, slots=True)
class Table(Generic[T]):
    """A kind of file: its columns, and what a row of them is.

    Attributes:
        columns: In the order in which they are written; read in any.
        build: Makes the row's value from the cells' values by column name; raises as `Column.parse` does.
        key: Names a row within the file: no two rows have the same. Empty: rows may repeat.
    """

    columns: Sequence[Column]
    build: Callable[..., T]
    key: Sequence[str] = field(default_factory=tuple)

    def read(self, content: bytes) -> list[T]:
        """The rows of a file.

        Raises:
            CsvRefused: It has problems; all of them are named.
        """
        return [row.value for row in self.read_rows(content)]

    def read_rows(self, content: bytes) -> list[Row[T]]:
        """The rows of a file with their numbers.

        Raises:
            CsvRefused: It has problems; all of them are named.
        """
        reading = _Reading(self)
        rows = reading.read(content)
        if reading.problems:
            raise CsvRefused(reading.problems)
        return rows

    async def import_rows(self, content: bytes, service: Callable[[T], Awaitable[Done]]) -> list[Done]:
        """Read a file and do a service for each of its rows; what it refuses is told with the row.

        The rows after a refused one are tried too, so that all problems are told at once; whoever calls this
        in a transaction has everything undone by the exception.

        Raises:
            CsvRefused: The file has problems, or the service refused rows.
        """
        done, problems = [], []
        for row in self.read_rows(content):
            try:
                done.append(await service(row.value))
            except Refused as refused:
                problems.append(Problem(row.number, "", refused))
        if problems:
            raise CsvRefused(problems)
        return done

    def write(self, rows: Iterable[Mapping[str, object]]) -> str:
        """A file of rows, given as cells by column name; None is an empty cell."""
        names = [column.name for column in self.columns]
        return write_csv(names, ([row.get(name) for name in names] for row in rows))


def write_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A file with this header and these rows, safe to open in a spreadsheet; None is an empty cell."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    for row in rows:
        writer.writerow(["" if cell is None else _guarded(str(cell)) for cell in row])
    return text.getvalue()


def _guarded(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _plain(cell: str) -> str:
    return cell[1:] if _GUARDED.match(cell) else cell


class _Reading(Generic[T]):
    """One file being read, and what is wrong with it."""

    def __init__(self, table: Table[T]) -> None:
        self._table = table
        self._columns = {column.name: column for column in table.columns}
        self._seen: dict[tuple[object, ...], int] = {}
        self.problems: list[Problem] = []

    def read(self, content: bytes) -> list[Row[T]]:
        """The rows that could be made; those with problems are left out."""
        lines = self._lines(content)
        _, header = next(lines, (1, []))
        if self.problems or not self._is_header(header):
            return []
        return [value for number, cells in lines for value in self._row(number, header, cells)]

    def _lines(self, content: bytes) -> Iterator[tuple[int, list[str]]]:
        """The file's rows with their numbers; blank lines are none, but count."""
        if len(content) > BYTES_MAX:
            return self._tell(0, "", message("the file is too long"))
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            return self._tell(0, "", message("the file is not in UTF-8"))
        number = 0
        try:
            for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), start=1):
                if cells:
                    yield number, cells
        except csv.Error:
            self._tell(number + 1, "", message("the quotation marks don't match, or a cell is too long"))

    def _is_header(self, header: list[str]) -> bool:
        before = len(self.problems)
        for name in header:
            if name not in self._columns:
                self._tell(1, _shown(name), message("there is no such column"))
            elif header.count(name) > 1:
                self._tell(1, name, message("the column is there more than once"))
        for column in self._table.columns:
            if column.required and column.name not in header:
                self._tell(1, column.name, message("the column is missing"))
        return len(self.problems) == before

    def _row(self, number: int, header: Sequence[str], cells: Sequence[str]) -> Iterator[Row[T]]:
        if len(cells) != len(header):
            self._tell(number, "", message("the row has another number of cells than the header"))
            return
        before = len(self.problems)
        values = {column.name: column.absent for column in self._table.columns}
        for name, cell in zip(header, cells, strict=True):
            values |= self._cell(number, self._columns[name], _plain(cell))
        if len(self.problems) == before and self._is_new(number, values):
            for value in self._attempt(number, "", lambda: self._table.build(**values)):
                yield Row(number, value)

    def _cell(self, number: int, column: Column, cell: str) -> dict[str, Any]:
        if not cell:
            if column.required:
                self._tell(number, column.name, message("the cell is empty"))
            return {}
        if len(cell) > CELL_CHARACTERS_MAX or "\0" in cell:
            self._tell(number, column.name, message("the cell is too long, or no text"))
            return {}
        made = self._attempt(number, column.name, lambda: column.parse(cell))
        return {column.name: made[0]} if made else {}

    def _attempt(self, number: int, column: str, make: Callable[[], Any]) -> list[Any]:
        """What `make` makes, in a list; an empty one if it refuses."""
        try:
            return [make()]
        except Refused as refused:
            self.problems.append(Problem(number, column, refused))
        except ValueError:
            self._tell(number, column, message("the value can't be used"))
        return []

    def _is_new(self, number: int, values: Mapping[str, object]) -> bool:
        if not self._table.key:
            return True
        key = tuple(values[name] for name in self._table.key)
        if self._seen.setdefault(key, number) == number:
            return True
        self._tell(number, self._table.key[0], message("an earlier row has the same"))
        return False

    def _tell(self, row: int, column: str, reason: str) -> None:
        self.problems.append(Problem(row, column, CellRefused(reason=reason)))


def _shown(name: str) -> str:
    """A column's name that nobody knows: without its digits, since data may stand there, and not long."""
    return re.sub(r"\d", "#", name)[:40]
