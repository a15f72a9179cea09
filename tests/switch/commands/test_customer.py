"""`cardswitch customer`: people who hold cards, and what is bound to them."""

import json
from typing import Any

import pytest

from tests.switch.commands.issuing import Issuing

PERSON = {
    "name": "王小明",
    "document_kind": "passport",
    "document_number": "E12345678",
    "phone": "13800138000",
}
ADD = ("customer", "add", "--party", "issuer:CITY", "--person", "-")


def _added(issuing: Issuing, **changes: Any) -> Any:
    (customer,) = issuing.people.told("clare", *ADD, stdin=json.dumps(PERSON | changes))["customers"]
    return customer


def test_customer_from_adding_to_closing(issuing: Issuing) -> None:
    """A customer is added, checked, changed and closed; what is personal is shown when it is asked for."""
    people = issuing.people
    added = _added(issuing)
    (checked,) = people.told("clare", "customer", "verify", "1")["customers"]
    change = ("customer", "change", "1", "--person", "-")
    (changed,) = people.told("clare", *change, stdin=json.dumps(PERSON | {"phone": None}))["customers"]
    (shown,) = people.told("clare", "customer", "show", "1", "--personal")["customers"]
    (closed,) = people.told("ada", "customer", "close", "1")["customers"]

    assert (1, "open", "passport", None) == tuple(
        added[key] for key in ("id", "state", "document_kind", "verified_at")
    )
    assert checked["verified_at"]
    assert (False, True) == (changed["has_phone"], changed["verified_at"] is not None)
    assert PERSON | {"phone": None} == shown["person"]
    assert "closed" == closed["state"]


def test_text_shows_as_much_as_is_asked_for(issuing: Issuing) -> None:
    """Without asking nothing personal is shown."""
    people = issuing.people
    _added(issuing)
    bind = ("customer", "bind", "1", "account", "ICBC", "--attribute", "currency=CNY")
    bound = people.by("clare", *bind, stdin="6222020200012345\n")
    plain = people.by("clare", "customer", "show", "1").out
    personal = people.by("clare", "customer", "show", "1", "--personal").out
    ended = people.by("clare", "customer", "unbind", "1", "1")

    assert ("binding 1\n", "done\n") == (bound.out, ended.out)
    assert "…2345" in plain
    assert (False, True) == ("王小明" in plain, "王小明" in personal)
    assert "6222020200012345" not in plain + personal
    assert "ended" in people.by("clare", "customer", "show", "1").out


def test_customers_are_found_listed_and_counted(issuing: Issuing) -> None:
    """Documents and telephone numbers are read from standard input."""
    people = issuing.people
    _added(issuing)
    by_document = ("customer", "find", "--document", "passport")
    found = people.told("clare", *by_document, stdin="e1234 5678\n")["customers"]
    by_phone = people.told("clare", "customer", "find", stdin="138-0013-8000\n")["customers"]
    listed = people.told("clare", "customer", "list")["customers"]

    assert found == by_phone == listed
    assert people.told("clare", "customer", "count") == {"customers": 1}
    assert people.by("clare", "customer", "count").out == "1\n"
    assert people.told("clare", "customer", "find", stdin="12345678\n") == {"customers": []}


def test_bindings_as_json(issuing: Issuing) -> None:
    """A binding has a number of its own, and an end."""
    people = issuing.people
    _added(issuing)
    bound = people.told("clare", "customer", "bind", "1", "service", "GAS", stdin="M-77\n")
    people.told("clare", "customer", "unbind", "1", "1")
    (shown,) = people.told("clare", "customer", "show", "1")["customers"]

    assert bound == {"binding": 1}
    assert ("service", "GAS", "M-77") == tuple(
        shown["bindings"][0][key] for key in ("kind", "name", "number_end")
    )
    assert shown["bindings"][0]["unbound_at"]


@pytest.mark.parametrize(
    ("arguments", "stdin", "status", "told"),
    [
        (ADD, "{", 1, "person: a JSON object"),
        (ADD, '{"name": "x", "colour": "5ec2e7"}', 1, "person: a JSON object"),
        (ADD, '{"name": "5ec2e7", "phone": "5ec2e7"}', 1, "phone: "),
        (("customer", "bind", "1", "account", "ICBC", "--attribute", "x"), "1\n", 2, "NAME=TEXT"),
        (("customer", "show", "7"), "", 1, "no such customer"),
    ],
)
def test_what_makes_no_sense_is_told(
    issuing: Issuing, arguments: tuple[str, ...], stdin: str, status: int, told: str
) -> None:
    """One line says what is wrong, without quoting a person."""
    ran = issuing.people.by("clare", *arguments, stdin=stdin)

    assert (status, True) == (ran.status, told in ran.err)
    assert "5ec2e7" not in ran.err


def test_customers_go_out_and_come_in_as_csv(issuing: Issuing) -> None:
    """An export can be imported elsewhere; formulas stay text, and errors name their rows."""
    people, file = issuing.people, issuing.folder / "customers.csv"
    rows = [
        "party,name,document_kind,document_number,phone",
        "issuer:CITY,'=SUM(A1),,,",
        "issuer:CITY,李四,,,",
    ]
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    dry = people.told("clare", "customer", "import", str(file), "--dry-run")["customers"]
    none = people.told("clare", "customer", "count")
    people.told("clare", "customer", "import", str(file))
    exported = people.by("clare", "customer", "export").out
    (first, _) = [people.told("clare", "customer", "show", number, "--personal") for number in ("1", "2")]
    file.write_text("party,name,phone\nissuer:CITY,x,12\nissuer:NONE,y,\n", encoding="utf-8")
    refused = people.by("clare", "customer", "import", str(file))

    assert (2, {"customers": 0}) == (len(dry), none)
    assert first["customers"][0]["person"]["name"] == "=SUM(A1)"
    assert exported.splitlines()[1].startswith("issuer:CITY,'=SUM(A1),none")
    assert (1, True, True) == (refused.status, "row 2" in refused.err, "row 3" in refused.err)
