"""Tables to and from spreadsheets."""

import csv
import io
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory import csv_exchange
from directory.csv_exchange import Column, CsvRefused, Table, write_csv
from directory.refusals import AlreadyThere, InvalidValue

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30)
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Person(NamedTuple):
    """What a row is."""

    name: str
    age: int | None


def _build(name: str, age: int | None) -> Person:
    if name == "nobody":
        raise InvalidValue(field="name", reason="nobody is refused")
    return Person(name, age)


PEOPLE = Table(columns=(Column("name"), Column("age", int, required=False)), build=_build, key=("name",))


def _problems(content: bytes, table: Table[Person] = PEOPLE) -> list[tuple[int, str, str]]:
    with pytest.raises(CsvRefused) as refused:
        table.read(content)
    return [(row, column, str(why)) for row, column, why in refused.value.problems]


@given(st.lists(st.tuples(TEXTS, st.none() | st.integers()), unique_by=lambda row: row[0]))
def test_every_text_comes_back_exactly(rows: list[tuple[str, int | None]]) -> None:
    """Whatever stands in a cell is the same after a trip through a file."""
    people = [Person(name, age) for name, age in rows if name != "nobody"]

    text = PEOPLE.write(person._asdict() for person in people)

    assert people == PEOPLE.read(text.encode())


@given(st.sampled_from(FORMULA), st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_no_cell_is_a_formula(first: str, rest: str) -> None:
    """No cell of a file begins with what a spreadsheet takes for a formula."""
    text = write_csv(["name"], [[first + rest]])

    (_, (cell,)) = csv.reader(io.StringIO(text, newline=""))
    assert not cell.startswith(FORMULA)


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("'=1+1", "''=1+1"),
        ("-5", "'-5"),
        ("'quoted'", "'quoted'"),
        ("＝1", "'＝1"),  # noqa: RUF001 - full width is meant
        ("a=b", "a=b"),
        (-5, "'-5"),
        (None, ""),
    ],
)
def test_cells_are_guarded(cell: object, written: str) -> None:
    """Formulas get an apostrophe, and so does what would lose one when it is read."""
    assert f"a\r\n{written or chr(34) * 2}\r\n" == write_csv(["a"], [[cell]])


@pytest.mark.parametrize(
    "content",
    [
        "name,age\r\n张三,30\r\n",
        "\ufeffname,age\n张三,30\n",
        "age,name\n30,张三",
        'name,age\n\n"张三","30"\n',
    ],
)
def test_files_of_many_makers_are_read(content: str) -> None:
    """With or without a byte order mark, line ends of any system, columns in any order, blank lines."""
    assert [Person("张三", 30)] == PEOPLE.read(content.encode())


def test_optional_column_may_be_absent() -> None:
    """A column that isn't required may be left out, and its cells may be empty."""
    assert [Person("a", None)] == PEOPLE.read(b"name\na\n")
    assert [Person("a", None)] == PEOPLE.read(b"name,age\na,\n")


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        (b"", [(1, "name", "the column is missing")]),
        (b"\xff\xfe", [(0, "", "the file is not in UTF-8")]),
        (b"age\n1", [(1, "name", "the column is missing")]),
        (b"name,sex\na,b", [(1, "sex", "there is no such column")]),
        (b"name,6222021234567890\n", [(1, "################", "there is no such column")]),
        (b"name,name\na,b", [(1, "name", "the column is there more than once")] * 2),
        (b"name,age\na\n", [(2, "", "the row has another number of cells than the header")]),
        (b"name,age\n,1\n", [(2, "name", "the cell is empty")]),
        (b"name,age\na,x\n", [(2, "age", "the value can't be used")]),
        (b"name\nnobody\n", [(2, "", "name: nobody is refused")]),
        (b"name\na\nb\na\n", [(4, "name", "an earlier row has the same")]),
        (b'name\n"a\n', [(2, "", "the quotation marks don't match, or a cell is too long")]),
        (b"name\n" + b"a" * 4_001, [(2, "name", "the cell is too long, or no text")]),
        (b"name\na\0b\n", [(2, "name", "the cell is too long, or no text")]),
        (
            b"name,age\n,x\na,1\n,2",
            [
                (2, "name", "the cell is empty"),
                (2, "age", "the value can't be used"),
                (4, "name", "the cell is empty"),
            ],
        ),
    ],
)
def test_problems_are_named(content: bytes, problems: list[tuple[int, str, str]]) -> None:
    """Every problem is told with its row and column, and without what stands in the cell."""
    assert problems == _problems(content)


def test_rows_may_repeat_without_a_key() -> None:
    """A table whose rows have no name takes equal ones."""
    table = Table(columns=(Column("name"),), build=lambda name: name)

    assert ["a", "a"] == table.read(b"name\na\na\n")


def test_file_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is too long is not even looked at."""
    monkeypatch.setattr(csv_exchange, "BYTES_MAX", 5)

    assert [(0, "", "the file is too long")] == _problems(b"name\na")


def test_not_all_problems_are_told() -> None:
    """How many problems there are is told; each of them only up to a limit."""
    with pytest.raises(CsvRefused, match=r"the file has 150 problems, the first in row 2 age: ") as refused:
        PEOPLE.read(b"name,age\n" + b"".join(b"n%d,x\n" % number for number in range(150)))

    assert csv_exchange.PROBLEMS_MAX == len(refused.value.problems)


async def test_rows_are_imported_each_with_its_number() -> None:
    """What a service refuses is told with the row, and the rows behind it are tried too."""
    tried = []

    async def add(person: Person) -> str:
        tried.append(person.name)
        if person.age:
            raise AlreadyThere(kind="person")
        return person.name

    assert ["a", "b"] == await PEOPLE.import_rows(b"name\na\nb", add)
    with pytest.raises(CsvRefused) as refused:
        await PEOPLE.import_rows(b"name,age\na,1\nb,\nc,2\n", add)

    assert ["a", "b", "a", "b", "c"] == tried
    assert [2, 4] == [problem.row for problem in refused.value.problems]
