"""`cardswitch db`: the schema is brought up to date once, and shown as it stands."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from switch.bootstrap import COMPONENTS

Cardswitch = Callable[..., Any]


@pytest.fixture(autouse=True)
def empty_database(settings_file: Path, monkeypatch: pytest.MonkeyPatch, empty_database_dsn: str) -> None:
    """Commands work on a database without tables."""
    monkeypatch.setenv("CARDSWITCH_DATABASE__DSN", empty_database_dsn)


def test_migrations_are_applied_once(cardswitch: Cardswitch) -> None:
    """Each migration that was missing is named; a second time there is nothing to do."""
    first, second = cardswitch("db", "migrate"), cardswitch("db", "migrate")

    assert (first.status, second.status) == (0, 0)
    assert len(first.out.splitlines()) >= len(COMPONENTS)
    assert all(line.startswith("applied ") for line in first.out.splitlines())
    assert second.out == "nothing to do\n"


def test_status_changes_with_migrate(cardswitch: Cardswitch) -> None:
    """A migration is pending first and applied then, with its time."""
    before = cardswitch("db", "status", "--json").json["migrations"]
    applied = cardswitch("db", "migrate", "--json").json["applied"]
    after = cardswitch("db", "status", "--json").json["migrations"]

    assert {("pending", None)} == {(each["state"], each["applied_at"]) for each in before}
    assert {"applied"} == {each["state"] for each in after}
    assert applied == [each["migration"] for each in before] == [each["migration"] for each in after]
    assert all(each["applied_at"] for each in after)


def test_people_get_a_line_for_each_migration(cardswitch: Cardswitch) -> None:
    """State and name stand in a line each."""
    ran = cardswitch("db", "status")

    assert ran.status == 0
    assert {"pending"} == {line.split()[0] for line in ran.out.splitlines()}
