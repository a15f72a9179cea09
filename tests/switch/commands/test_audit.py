"""`cardswitch audit`."""

import asyncio
import csv
import io

import pytest

from storage.database import connect
from tests.switch.commands.people import People


async def _tamper(dsn: str, statement: str) -> None:
    """What somebody does who owns the database, and so may switch off its guards."""
    connection = await connect(dsn)
    await connection.execute(f"ALTER TABLE directory.audit DISABLE TRIGGER ALL; {statement}")
    await connection.close()


def test_audit_says_who_did_what_and_why(people: People) -> None:
    """Rows come newest first, with what was before and after, and the reason."""
    people.by("root", "operator", "lock", "rosa", "--why", "lost her phone")

    newest = people.told("root", "audit", "list", "--limit", "1")["rows"][0]
    line = people.by("root", "audit", "list", "--action", "operator.lock").out

    assert ("root", "operator.lock", "operator", "rosa") == (
        newest["operator"],
        newest["action"],
        newest["kind"],
        newest["subject"],
    )
    assert ({"state": "active"}, {"state": "locked"}) == (newest["before"], newest["after"])
    assert "lost her phone" == newest["why"]
    assert 'root             operator.lock          operator rosa  {"state":"active"} → ' in line


def test_audit_is_exported(people: People) -> None:
    """The rows asked for can be had as CSV."""
    exported = people.by("root", "audit", "list", "--csv", "--by", "root").out

    rows = list(csv.DictReader(io.StringIO(exported)))
    assert {"root"} == {row["operator"] for row in rows}
    assert {"operator.first", "operator.add"} <= {row["action"] for row in rows}


def test_untouched_audit_verifies(people: People) -> None:
    """A whole log is clean, and the head to keep elsewhere is told."""
    ran = people.by("root", "audit", "verify")
    told = people.told("root", "audit", "verify")

    assert 0 == ran.status
    rows, head = ran.out.splitlines()
    assert f"{told['rows']} rows: clean" == rows
    assert f"{told['head']['seq']}:{told['head']['hash']}" == head
    assert 0 == people.by("root", "audit", "verify", "--head", head).status


COPY = """INSERT INTO directory.audit
SELECT (jsonb_populate_record(log, '{"seq": 4}')).* FROM directory.audit log WHERE seq = 3"""


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE directory.audit SET operator = 'mallory' WHERE seq = 2", "row 2: changed"),
        ("DELETE FROM directory.audit WHERE seq = 2", "row 2: missing"),
        (COPY, "row 4: inserted"),
    ],
)
def test_tampering_is_told(people: People, database_dsn: str, statement: str, said: str) -> None:
    """A changed, a missing and an inserted row are named, with exit code 1."""
    asyncio.run(_tamper(database_dsn, statement))

    ran = people.by("root", "audit", "verify")
    told = people.by("root", "audit", "verify", "--json")

    assert (1, said) == (ran.status, ran.out.splitlines()[0])
    assert "rows: 1 rows are wrong" in ran.out
    assert (1, False) == (told.status, told.json["clean"])
    assert [said] == [f"row {each['row']}: {each['flaw']}" for each in told.json["findings"]]


@pytest.mark.parametrize("head", ["?", "1", "x:00", "1:00", "0:" + "00" * 32])
def test_malformed_head_is_wrong_usage(people: People, head: str) -> None:
    """A head is a number and a hash."""
    assert 2 == people.by("root", "audit", "verify", "--head", head).status
