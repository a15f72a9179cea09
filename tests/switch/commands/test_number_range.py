"""`cardswitch range`: ranges registered, divided, closed, and exchanged as CSV."""

from tests.switch.commands.issuing import Issuing


def test_range_is_divided_and_closed(issuing: Issuing) -> None:
    """A part goes to whom it is allocated to; a closed range says so."""
    people = issuing.people
    people.told("root", "range", "register", "70", "79", "--name", "big", "--ordering", "sequence")
    part = ("70", "71", "--to", "issuer:CITY", "--name", "part", "--quarantine-days", "5")
    (allocated,) = people.told("root", "range", "allocate", *part)["ranges"]
    (closed,) = people.told("ada", "range", "close", "70", "71")["ranges"]
    (shown,) = people.told("clare", "range", "show", "70", "71")["ranges"]
    listed = people.told("clare", "range", "list")["ranges"]

    assert ("sequence", 5, "open") == tuple(
        allocated[key] for key in ("ordering", "quarantine_days", "state")
    )
    assert closed == shown
    assert ["622588", "70"] == sorted(each["first"] for each in listed)
    assert "closed" in people.by("clare", "range", "show", "70", "71").out


def test_ranges_go_out_and_come_in_as_csv(issuing: Issuing) -> None:
    """One installation's file makes the same ranges in another; what is there is named by its row."""
    people = issuing.people
    exported = people.by("root", "range", "list", "--csv").out
    file = issuing.folder / "ranges.csv"
    file.write_text(exported, encoding="utf-8")
    there = people.by("root", "range", "import", str(file))
    file.write_text(exported.replace("622588", "633588") + "part,6335881,,16,,,,\n", encoding="utf-8")
    dry = people.told("root", "range", "import", str(file), "--dry-run")["ranges"]
    made = people.told("root", "range", "import", str(file))["ranges"]
    alone = issuing.folder / "alone.csv"
    alone.write_text("name,first,digits\nalone,90,19\n", encoding="utf-8")
    (registered,) = people.told("root", "range", "import", str(alone))["ranges"]

    assert exported.splitlines()[0] == "name,first,last,digits,check_digit,ordering,quarantine_days,party"
    assert (1, True) == (there.status, "row 2" in there.err)
    assert [("633588", "633588"), ("6335881", "6335881")] == [(one["first"], one["last"]) for one in made]
    assert dry == made
    assert {made[0]["party_id"]} == {each["party_id"] for each in made}
    assert (registered["state"], registered["party_id"]) == ("registered", 1)


def test_what_is_no_range_is_told(issuing: Issuing) -> None:
    """One line names the field and the rule."""
    ran = issuing.people.by("root", "range", "register", "99", "88", "--name", "x")

    assert (1, "cardswitch: last: the range ends before it starts\n") == (ran.status, ran.err)
