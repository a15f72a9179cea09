"""`cardswitch issuer`, `agent`, `partner` and `party`."""

from pathlib import Path

import pytest

from tests.switch.commands.people import People


@pytest.fixture
def city(people: People) -> People:
    """Two issuers, one with an agent and an administrator."""
    people.told("root", "issuer", "add", "B1", "城市通")
    people.told("root", "issuer", "add", "B2", "Second bank")
    people.told("root", "agent", "add", "A1", "Works council", "--under", "issuer:B1")
    people.added("ada", "issuer_admin", "issuer:B1", by="root", approved_by="rosa")
    return people


def _codes(people: People, operator: str, *command: str) -> list[str]:
    return [party["code"] for party in people.told(operator, *command)["parties"]]


def test_parties_are_listed_and_shown(city: People) -> None:
    """Each kind has its list, and all of them are in one."""
    assert ["B1", "B2"] == _codes(city, "root", "issuer", "list")
    assert ["A1"] == _codes(city, "root", "agent", "list")
    assert [] == _codes(city, "root", "partner", "list")
    assert ["platform", "B1", "A1", "B2"] == _codes(city, "root", "party", "list")
    assert "     2 issuer       B1                 城市通\n" == city.by("root", "issuer", "show", "B1").out


def test_foreign_parties_are_not_there(city: People) -> None:
    """An issuer's people see their own part of the tree, and are answered as if there were no other."""
    assert ["B1", "A1"] == _codes(city, "ada", "party", "list")
    for code in ("B2", "B9"):
        ran = city.by("ada", "issuer", "show", code)
        assert (1, "cardswitch: no such party\n") == (ran.status, ran.err)
    ran = city.by("ada", "agent", "add", "A2", "Agent", "--under", "issuer:B2")
    assert (1, "cardswitch: no such party\n") == (ran.status, ran.err)
    ran = city.by("ada", "issuer", "add", "B3", "Third")
    assert (1, "cardswitch: the role issuer_admin does not allow issuer.add\n") == (ran.status, ran.err)


def test_parties_are_exported_and_imported(city: People, tmp_path: Path) -> None:
    """What one list exports, another import adds, all or nothing."""
    exported = city.by("root", "agent", "list", "--csv").out
    assert "code,name,under\nA1,Works council,issuer:B1\n" == exported
    assert "code,name,under\nB1,城市通,platform\nB2,Second bank,platform\n" == (
        city.by("root", "issuer", "list", "--csv").out
    )
    file = tmp_path / "agents.csv"
    file.write_text(exported.replace("A1", "A2") + "A3,'=Union,issuer:B2\n", encoding="utf-8")

    dry = city.by("root", "agent", "import", str(file), "--dry-run")
    assert 0 == dry.status
    assert ["A1"] == _codes(city, "root", "agent", "list")
    assert 0 == city.by("root", "agent", "import", str(file)).status

    agents = city.told("root", "agent", "list")["parties"]
    assert ["Works council", "Works council", "=Union"] == [each["name"] for each in agents]


def test_wrong_rows_are_named(city: People) -> None:
    """Every wrong row is told, and none is imported."""
    content = "code,name,under\nA1,Agent,issuer:B1\nA2,Agent,\nA3,Agent,issuer:B9\nA4,Agent,issuer:B1\n"

    ran = city.by("root", "agent", "import", "-", stdin=content)

    assert 1 == ran.status
    assert [
        "row 2: there is a party of this name already",
        "row 3: parent: such a party does not hang under such a one",
        "row 4: no such party",
        "cardswitch: 3 problems: nothing was imported",
    ] == ran.err.splitlines()
    assert ["A1"] == _codes(city, "root", "agent", "list")


def test_missing_file_is_wrong_usage(people: People, tmp_path: Path) -> None:
    """A file that isn't there is told by name."""
    ran = people.by("root", "issuer", "import", str(tmp_path / "none.csv"))

    assert 2 == ran.status
    assert "none.csv can't be read: No such file or directory" in ran.err
