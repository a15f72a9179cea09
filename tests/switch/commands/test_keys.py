"""`cardswitch keys`: a key from its components to its end, and every command on the way."""

import asyncio
from datetime import datetime
from typing import Any

import pytest

from storage.database import connect
from tests.switch.commands.key_desk import Desk

_ZONE = ("--owner", "link:bank", "--usage", "zone-master")
_MAC = ("--owner", "link:bank", "--usage", "retail-mac")


def _fetch(dsn: str, query: str) -> list[Any]:
    async def run() -> list[Any]:
        connection = await connect(dsn)
        try:
            return await connection.fetch(query)
        finally:
            await connection.close()

    return asyncio.run(run())


def test_a_ceremony_from_end_to_end(desk: Desk) -> None:
    """Two officers form a zone key; a key comes in under it, is rotated, retired and destroyed."""
    forming = desk.approved("components", *_ZONE)
    parts = [desk.component(forming, officer) for officer in ("alice", "bob")]
    zone = desk.run("keys", "ceremony", "combine", forming, "--json").json
    mac = desk.generated(*_MAC, "--exportability", "trusted")

    sending = desk.approved("export", "--key", str(mac["id"]), "--under", str(zone["key"]))
    sent = desk.run(
        *("keys", "export", str(mac["id"]), "--ceremony", sending, "--under", str(zone["key"]), "--json")
    ).json
    taking = desk.approved("import", *_MAC, "--under", str(zone["key"]))
    came = desk.run(
        *(
            "keys",
            "import",
            "--ceremony",
            taking,
            *_MAC,
            "--under",
            str(zone["key"]),
            "--block",
            "-",
            "--json",
        ),
        stdin=sent["block"],
    ).json["keys"][0]
    rotated = desk.run("keys", "rotate", "--ceremony", desk.approved("rotate", *_MAC), *_MAC, "--json").json
    old = str(mac["id"])
    retired = desk.run("keys", "retire", old, "--ceremony", desk.approved("retire", "--key", old), "--json")
    gone = desk.run("keys", "destroy", old, "--ceremony", desk.approved("destroy", "--key", old), "--json")
    listed = desk.run("keys", "list", "--owner", "link:bank", "--json").json["keys"]

    assert len({part["check_value"] for part in parts}) == 2
    assert (came["check_value"], came["slot"], came["state"]) == (mac["check_value"], "next", "pre-active")
    assert [(key["id"], key["slot"]) for key in rotated["keys"]] == [
        (mac["id"], "previous"),
        (came["id"], "current"),
    ]
    assert retired.json["keys"][0]["state"] == "deactivated"
    assert gone.json["keys"][0]["state"] == "destroyed"
    assert [(key["id"], key["state"], key["slot"]) for key in listed] == [
        (zone["key"], "active", "current"),
        (mac["id"], "destroyed", None),
        (came["id"], "active", "current"),
    ]
    audit = desk.run("keys", "audit", "verify", "--json")
    assert audit.status == 0
    records = [row["record"] for row in _fetch(desk.dsn, "SELECT record FROM hsm.audit ORDER BY seq")]
    secrets = [part["component"].lower() for part in parts] + ["the passphrase of"]
    assert len(records) > 20
    assert not [secret for secret in secrets if secret in "".join(records).lower()]


def test_keys_are_shown_by_their_check_values_only(desk: Desk) -> None:
    """For people and as JSON; no block, no key."""
    mac = desk.generated(*_MAC)

    told = desk.run("keys", "show", str(mac["id"]))
    listed = desk.run("keys", "list")

    assert told.out.split() == [
        *(str(mac["id"]), "active", "current", mac["check_value"], "retail-mac", "link:bank")
    ]
    assert told.out in listed.out
    assert set(mac) == {"id", "owner", "usage", "state", "slot", "check_value", "usable_until"}


def test_a_key_travels_as_a_cryptogram(desk: Desk) -> None:
    """Sensitive keys leave bare with their check value, and come in with it only."""
    zone = str(desk.generated(*_ZONE)["id"])
    mac = desk.generated(*_MAC, "--exportability", "sensitive")
    number = str(mac["id"])
    sending = desk.approved("export", "--key", number, "--under", zone)
    export = ("keys", "export", number, "--ceremony", sending, "--under", zone, "--form", "cryptogram")

    sent, printed = desk.run(*export, "--json").json, desk.run(*export)
    taking = ("keys", "import", "--ceremony", desk.approved("import", *_MAC, "--under", zone), *_MAC)
    wrong = desk.run(*taking, "--under", zone, "--cryptogram", sent["cryptogram"], "--check-value", "000000")
    right = desk.run(
        *(*taking, "--under", zone, "--cryptogram", sent["cryptogram"]),
        *("--check-value", sent["check_value"], "--mode", "V", "--json"),
    )

    assert printed.out.split() == [sent["cryptogram"], sent["check_value"]]
    assert (wrong.status, wrong.err.splitlines()[-1]) == (
        1,
        "cardswitch: key refused: its check value does not fit",
    )
    assert right.json["keys"][0]["check_value"] == mac["check_value"]


def test_a_rotated_key_says_how_long_it_verifies(desk: Desk) -> None:
    """The window is told in seconds and shown as a time."""
    desk.generated(*_MAC)
    desk.generated(*_MAC)

    ran = desk.run(
        *("keys", "rotate", "--ceremony", desk.approved("rotate", *_MAC), *_MAC, "--window-seconds", "60"),
        "--json",
    )

    previous, current = ran.json["keys"]
    assert datetime.fromisoformat(previous["usable_until"]).year > 2000
    assert current["usable_until"] is None


def test_a_terminals_new_master_key_goes_into_the_directory(desk: Desk) -> None:
    """When it becomes current; a terminal that the directory doesn't have gets none."""
    owner = "terminal:990001000000001/T0000001"
    what = ("--owner", owner, "--usage", "terminal-master")
    number = desk.approved("generate", *what)
    refused = desk.run("keys", "generate", "--ceremony", number, *what)
    _fetch(
        desk.dsn,
        "INSERT INTO directory.merchant (id, merchant_id, party_id, name, category, state) "
        "VALUES (1, '990001000000001', 1, 'Shop', '5411', 'live')",
    )
    _fetch(
        desk.dsn,
        "INSERT INTO directory.terminal "
        "(merchant_id, terminal_id, state, master_key, batch, batch_opened_us) "
        "VALUES ('990001000000001', 'T0000001', 'active', 'none', '000001', 1)",
    )

    made = desk.run("keys", "generate", "--ceremony", number, *what)

    [terminal] = _fetch(desk.dsn, "SELECT master_key, version FROM directory.terminal")
    [key] = _fetch(desk.dsn, f"SELECT key_block FROM hsm.key WHERE owner = '{owner}'")
    assert refused.err.splitlines()[-1] == "cardswitch: the directory has no such terminal"
    assert made.status == 0
    assert (terminal["master_key"], terminal["version"]) == (key["key_block"], 1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("generate", "--ceremony", "1", "--owner", "bank", "--usage", "cmac"), "an owner is link:NAME"),
        (("generate", "--ceremony", "1", *_MAC[:2], "--usage", "mac"), "a usage is one of"),
        (("generate", "--ceremony", "1", *_MAC, "--algorithm", "rot13"), "no such algorithm"),
        (
            ("generate", "--ceremony", "1", *_MAC, "--exportability", "yes"),
            "no such algorithm or exportability",
        ),
        (("import", "--ceremony", "1", *_MAC, "--under", "100"), "either a block or a cryptogram"),
        (
            ("import", "--ceremony", "1", *_MAC, "--under", "100", "--block", "D", "--cryptogram", "00"),
            "either a block or a cryptogram",
        ),
        (("import", "--ceremony", "1", *_MAC, "--under", "100", "--cryptogram", "xy"), "not in hexadecimal"),
        (("export", "100", "--ceremony", "1", "--under", "101", "--form", "clear"), "block or cryptogram"),
    ],
)
def test_what_is_used_wrongly_ends_with_2(desk: Desk, arguments: tuple[str, ...], says: str) -> None:
    """One line says what is wrong, and the command did nothing."""
    ran = desk.run("keys", *arguments)

    assert ran.status == 2
    assert says in ran.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "999"), "there is no key 999"),
        (("generate", "--ceremony", "9", *_MAC), "there is no ceremony 9"),
    ],
)
def test_what_is_refused_ends_with_1(desk: Desk, arguments: tuple[str, ...], says: str) -> None:
    """In one line, without a traceback."""
    ran = desk.run("keys", *arguments)

    assert (ran.status, ran.out) == (1, "")
    assert ran.err.splitlines()[-1] == f"cardswitch: {says}"


def test_a_decimalisation_table_is_imported_and_never_made(desk: Desk) -> None:
    """Its digits come from a file, spaces and all; a ceremony to draw one is refused."""
    owner, digits = ("--owner", "link:bank"), desk.secret("table", "0123 4567 8901 2345")
    making = ("--usage", "decimalisation-table", "--algorithm", "des", "--length", "8")
    taking = desk.approved("import-table", *owner)

    refused = desk.run("keys", "ceremony", "open", "generate", *owner, *making, *desk.by("alice"))
    taken = desk.run(
        *("keys", "import-table", "--ceremony", taking, *owner, "--table-file", digits, "--json")
    ).json["keys"][0]

    assert (refused.status, "imported, never made" in refused.err) == (1, True)
    assert (taken["usage"], taken["slot"]) == ("decimalisation-table", "current")
