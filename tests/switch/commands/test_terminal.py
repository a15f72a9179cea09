"""`cardswitch terminal`: what operators type, and what they are answered."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from directory.commands import change_master_key
from storage.database import connect
from tests.switch.commands.people import People

SHOP = "990001000000077"
TILL = ("990001000000077", "T0000077")


@pytest.fixture
def till(people: People) -> People:
    """A terminal of a merchant, with a store, without a key."""
    people.told("root", "merchant", "apply", SHOP, "Corner shop", "--category", "5411")
    people.told("root", "merchant", "store", "add", SHOP, "S1", "Main street")
    people.told(
        *("root", "terminal", "add", *TILL, "--store", "S1", "--model", "N910", "--serial", "1"),
        *("--capabilities", "chip,pin_pad", "--slot", "3", "--batch-hours", "24"),
    )
    return people


@pytest.fixture
def active(till: People, database_dsn: str) -> People:
    """The terminal in use."""

    async def give_key() -> None:
        connection = await connect(database_dsn)
        try:
            await change_master_key(connection, *TILL, "K0 key")
        finally:
            await connection.close()

    asyncio.run(give_key())
    till.told("root", "terminal", "activate", *TILL)
    return till


def _shown(people: People) -> Any:
    return people.told("root", "terminal", "show", *TILL)["terminals"][0]


def test_terminal_without_a_key(till: People) -> None:
    """It is shown as it was added, and is not put into use."""
    ran = till.by("root", "terminal", "activate", *TILL)
    shown = _shown(till)

    assert (1, "cardswitch: the terminal has no master key yet; see cardswitch keys\n") == (
        ran.status,
        ran.err,
    )
    assert ("inactive", "S1", "N910", ["chip", "pin_pad"], 3, False, "000001", 24) == (
        *(shown["state"], shown["store"], shown["model"], shown["capabilities"], shown["key_slot"]),
        *(shown["has_key"], shown["batch"], shown["batch_hours_max"]),
    )


def test_life_of_a_terminal(active: People) -> None:
    """In use, suspended, resumed, replaced and closed."""
    states = [
        active.told("root", "terminal", event, *TILL, *options)["terminals"][0]["state"]
        for event, options in (
            ("suspend", ()),
            ("resume", ()),
            ("replace", ("--serial", "2")),
            ("close", ()),
        )
    ]
    batches = active.told("root", "terminal", "batch", "show", *TILL)["batches"]

    assert states == ["suspended", "active", "inactive", "closed"]
    assert [("000002", None), ("000001", "replacement")] == [
        (batch["batch"], batch["closed_by"]) for batch in batches
    ]


def test_terminal_changes_what_is_given(active: People) -> None:
    """The rest stays as it was."""
    active.told(
        *("root", "terminal", "change", *TILL, "--services", "purchase", "--batch-rule", "cutover"),
        *("--slot", "4"),
    )
    shown = _shown(active)

    assert ("S1", "N910", ["purchase"], "cutover", 24, 4) == (
        *(shown["store"], shown["model"], shown["services"], shown["batch_rule"]),
        *(shown["batch_hours_max"], shown["key_slot"]),
    )


def test_limits_are_raised_by_two(active: People) -> None:
    """Nothing has changed until the second operator agrees."""
    limits = ("--floor-minor", "100", "--total-minor", "1000", "--sales", "5")
    proposed = active.by("root", "terminal", "limit", *TILL, *limits, "--json")
    before = _shown(active)["offline"]
    active.told("rosa", "approval", "approve", str(proposed.json["proposal"]))

    assert proposed.status == 3
    assert before == {"floor_minor": 0, "total_minor": 0, "sales": 0}
    assert _shown(active)["offline"] == {"floor_minor": 100, "total_minor": 1000, "sales": 5}


def test_batch_is_shown_and_closed(active: People) -> None:
    """By hand, and by the terminal's rule when it is due."""
    active.told("root", "terminal", "batch", "close", *TILL)
    told = active.by("root", "terminal", "batch", "show", *TILL).out
    none = active.told("root", "terminal", "batch", "close-due", "--cutover")
    text = active.by("root", "terminal", "batch", "close-due")

    assert [line.split()[0] for line in told.splitlines()] == ["000002", "000001"]
    assert told.splitlines()[0].endswith("open")
    assert told.splitlines()[1].endswith("operator")
    assert none == {"closed": []}
    assert (text.status, text.out) == (0, "")


def test_due_batches_are_told(active: People, database_dsn: str) -> None:
    """Each closed one with what closed it."""

    async def age() -> None:
        connection = await connect(database_dsn)
        try:
            await connection.execute("UPDATE directory.terminal SET batch_opened_us = 1")
        finally:
            await connection.close()

    asyncio.run(age())
    told = active.by("root", "terminal", "batch", "close-due").out

    assert told == f"{TILL[0]}  {TILL[1]}  000001  age\n"


def test_terminals_are_exported_and_imported(till: People, tmp_path: Path) -> None:
    """What one list exports, another import adds; problems are told by row, and then nothing is added."""
    exported = till.by("root", "terminal", "list", "--csv").out
    file = tmp_path / "terminals.csv"
    file.write_text(exported.replace("T0000077", "T0000078"), encoding="utf-8")
    imported = till.by("root", "terminal", "import", str(file))
    wrong = exported.replace("T0000077", "T0000079") + exported.splitlines()[1].replace("S1", "S9")
    file.write_text(wrong.replace("settlement", "sometimes"), encoding="utf-8")
    refused = till.by("root", "terminal", "import", str(file))
    listed = till.told("root", "terminal", "list", "--merchant", SHOP)["terminals"]
    rest = till.told("root", "terminal", "list", "--after", "/".join(TILL))["terminals"]

    assert imported.status == 0
    assert refused.status == 1
    assert "row 2: batch_rule: settlement or cutover is wanted" in refused.err
    assert ["T0000077", "T0000078"] == [each["terminal_id"] for each in listed]
    assert ["T0000078"] == [each["terminal_id"] for each in rest]


def test_unknown_capability_is_refused(till: People) -> None:
    """One line says so."""
    ran = till.by("root", "terminal", "add", SHOP, "T0000078", "--capabilities", "flying")

    assert (1, "cardswitch: capabilities: there is no such capability\n") == (ran.status, ran.err)


def test_terminals_are_listed_for_people(till: People) -> None:
    """A line each."""
    assert till.by("root", "terminal", "list").out.split() == [
        *(*TILL, "inactive", "000001", "S1", "N910", "1")
    ]
