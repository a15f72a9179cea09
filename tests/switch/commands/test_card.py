"""`cardswitch card`: cards from opening to closing, and what the printing house gets."""

import asyncio
import re

import asyncpg
import pytest

from tests.switch.commands.issuing import BATCH, PRINTER, TERMS, Issuing


def test_batch_from_order_to_delivery(issuing: Issuing) -> None:
    """Cards are made, released by two, and exported; only the printing house reads what they are."""
    people, out = issuing.people, issuing.folder / "out"
    ran = people.by("clare", *BATCH, "--cards", "3", *PRINTER)
    early = people.by("clare", "card", "batch", "export", "1", "--out", str(out))
    people.approved("clare", "card", "batch", "release", "1", approved_by="ada")
    (batch,) = people.told("clare", "card", "batch", "export", "1", "--out", str(out))["batches"]
    (delivered,) = people.told("clare", "card", "batch", "deliver", "1")["batches"]
    late = people.by("clare", "card", "batch", "export", "1", "--out", str(out / "late"))
    lines = issuing.made_from(out / "1-00001.cards")
    pins = issuing.pins(out / "1-00001.pins")
    mailers = (out / "1-00001.mailers").read_text().splitlines()

    assert (0, "batch 1\n1 of 1 parts\n") == (ran.status, ran.err)
    assert (1, True) == (early.status, "its files leave while it is released" in early.err)
    assert ("delivered", 1) == (delivered["state"], late.status)
    assert ("released", 3, "house") == (batch["state"], batch["cards"], batch["printer"])
    assert ["B1-0000001", "B1-0000002", "B1-0000003"] == [line[0] for line in lines]
    for (serial, pan, expiry, service_code, track2), pin, mailer in zip(lines, pins, mailers, strict=True):
        assert re.fullmatch(r"622588\d{10}", pan)
        assert (expiry, service_code, track2) == (batch["expiry"], "220", f"{pan}={expiry}22000000000")
        assert [serial, 4] == [pin[0], len(pin[2])]
        assert pin[2] == issuing.mailed(mailer, pan)
    assert oct((out / "1-00001.cards").stat().st_mode)[-3:] == "600"
    assert "manifest.json" in {file.name for file in out.iterdir()}


def test_interrupted_batch_is_resumed(issuing: Issuing, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is made by `resume`, and a batch that is whole stays as it is."""
    monkeypatch.setattr("directory.card_batches.PART_CARDS", 2)
    people = issuing.people
    nobody = people.by("clare", *BATCH, "--cards", "5", "--printer", "nobody")
    shown = people.told("clare", "card", "batch", "show", "1")["batches"][0]
    issuing.cards(cards=5)
    (again,) = people.told("clare", "card", "batch", "resume", "2")["batches"]
    text = people.by("clare", "card", "batch", "list").out

    assert (1, True) == (nobody.status, "no keys for the files" in nobody.err)
    assert ("making", 3) == (shown["state"], shown["parts"])
    assert "made" == again["state"]
    assert ["making", "made"] == [line.split()[1] for line in text.splitlines()]


def test_money_from_the_start_takes_two(issuing: Issuing) -> None:
    """A funded batch waits for a second operator, and is made with `resume`."""
    people = issuing.people
    people.approved("clare", *BATCH, *PRINTER, "--initial-minor", "5000", approved_by="ada")
    (made,) = people.told("clare", "card", "batch", "resume", "1")["batches"]
    books = people.run("ledger", "show", "--json").json

    assert ("made", 5000) == (made["state"], made["initial_minor"])
    assert -5000 in [account["balance_minor"] for account in books["accounts"]]


def test_money_is_the_ledgers(issuing: Issuing) -> None:
    """Cards of another currency are made empty; what they'd hold from the start couldn't be booked."""
    people = issuing.people
    people.told("ada", "product", "add", "DOLLAR", "Dollar", *issuing.product(TERMS.replace("156", "840")))
    batch = tuple("DOLLAR" if each == "GIFT" else each for each in BATCH)
    people.told("clare", *batch, *PRINTER)
    people.approved("clare", *batch, *PRINTER, "--initial-minor", "5000", approved_by="ada")
    ran = people.by("clare", "card", "batch", "resume", "2")

    assert (1, True) == (ran.status, "ledger's currency only" in ran.err)


def test_keys_of_a_printing_house_must_be_fit(issuing: Issuing) -> None:
    """Keys that are for something else, or may not encrypt, make neither cards nor PINs."""
    serial = issuing.active()
    out = ("--out", str(issuing.folder / "out"))
    commands = [(*BATCH, *PRINTER), ("card", "pin", "reset", serial, *PRINTER, *out)]
    told = []
    for usage, command in zip(("secret-file", "pin-encryption"), commands, strict=True):
        issuing.exchange_keys(usage)
        told.append(issuing.people.by("clare", *command).err)

    assert ["no keys for the files and mailers" in each for each in told] == [True, True]


def test_life_of_a_card(issuing: Issuing) -> None:
    """Each command takes the card on; which of its names is used makes no difference."""
    people = issuing.people
    (serial,) = issuing.cards(cards=1)
    number = f"id:{issuing.shown(serial)['id']}"
    states = [
        people.told("ada", "card", event, name)["cards"][0]["state"]
        for event, name in (
            *(("issue", serial), ("activate", number), ("freeze", serial), ("unfreeze", serial)),
            *(("lost", serial), ("recover", serial), ("stolen", number), ("close", serial)),
        )
    ]
    over = people.by("ada", "card", "activate", serial)
    nothing = people.by("ada", "card", "freeze", "B9-0000001")

    assert ["inactive", "active", "frozen", "active", "lost", "active", "stolen", "closed"] == states
    assert (1, "cardswitch: a card that is closed can't be changed so: activate\n") == (over.status, over.err)
    assert (1, "cardswitch: no such card\n") == (nothing.status, nothing.err)


def test_card_number_is_read_from_standard_input(issuing: Issuing) -> None:
    """A hyphen asks for the number, which is shown masked."""
    people, out = issuing.people, issuing.folder / "out"
    serial = issuing.active()
    (shown,) = people.told("clare", "card", "replace", serial, *PRINTER, "--out", str(out))["cards"]
    ((_, pan, *_),) = issuing.made_from(out / f"{shown['serial']}.cards")
    found = issuing.shown("-", stdin=f"{pan}\n")
    text = people.by("clare", "card", "show", "-", stdin=f"{pan}\n").out
    nonsense = people.by("clare", "card", "show", "-", stdin="nonsense\n")

    assert found == shown
    assert (pan[:6], pan[-4:], "inactive") == (found["card"][:6], found["card"][-4:], found["state"])
    assert pan not in text
    assert (1, True) == (nonsense.status, "card number" in nonsense.err)
    assert "nonsense" not in nonsense.err


def test_lists_and_counts(issuing: Issuing) -> None:
    """Cards are listed by state, product or batch, counted by state, and written as CSV."""
    people = issuing.people
    first, *_ = issuing.cards()
    people.told("clare", "card", "issue", first)
    listed = people.told("clare", "card", "list", "--state", "stock", "--limit", "1")["cards"]
    counted = people.told("clare", "card", "count", "--product", "GIFT")["cards"]
    csv = people.by("clare", "card", "list", "--csv").out.splitlines()
    text = people.by("clare", "card", "count").out

    assert ["B1-0000002"] == [card["serial"] for card in listed]
    assert {"stock": 2, "inactive": 1} == {state: cards for state, cards in counted.items() if cards}
    assert csv[0] == "serial,card,state,expiry,product,customer,relation"
    assert csv[1].split(",")[0::2][:2] == ["B1-0000001", "inactive"]
    assert sorted(line.split() for line in text.splitlines()) == [["inactive", "1"], ["stock", "2"]]


def test_holders(issuing: Issuing) -> None:
    """A card is held as a main card, or as supplementary to one."""
    people = issuing.people
    person = ("customer", "add", "--party", "issuer:CITY", "--person", "-")
    (customer,) = people.told("clare", *person, stdin='{"name": "王小明"}')["customers"]
    main, extra, _ = issuing.cards()
    (held,) = people.told("clare", "card", "holder", main, str(customer["id"]))["cards"]
    (added,) = people.told("clare", "card", "holder", extra, "1", "--main", main)["cards"]
    of_customer = people.told("clare", "card", "list", "--customer", "1")["cards"]

    assert ("main", "supplementary", held["id"]) == (
        *(held["relation"], added["relation"]),
        added["main_card_id"],
    )
    assert [main, extra] == [card["serial"] for card in of_customer]


def test_pin_reset(issuing: Issuing) -> None:
    """A new PIN goes to the printing house, and nobody else sees it."""
    people, out = issuing.people, issuing.folder / "out"
    serial = issuing.active()
    ran = people.by("clare", "card", "pin", "reset", serial, *PRINTER, "--out", str(out), "--json")
    ((told, _, pin),) = issuing.pins(out / f"{serial}.pins")

    assert (0, serial, 4) == (ran.status, told, len(pin))
    assert (out / f"{serial}.mailers").read_text().startswith(f"{serial},622588")


def test_tries_start_anew_with_a_new_pin(issuing: Issuing) -> None:
    """Who resets a PIN or replaces a card lets the wallet forget the tries of the old PIN."""
    people, out = issuing.people, ("--out", str(issuing.folder / "out"))
    serial = issuing.active()
    people.told("clare", "card", "pin", "reset", serial, *PRINTER, *out)
    people.told("clare", "card", "replace", serial, *PRINTER, *out)
    wallet = issuing.shown(serial)["wallet_id"]

    posted = asyncio.run(_replacements(issuing.dsn))

    assert [(wallet, 0, "clare")] * 2 == posted


async def _replacements(dsn: str) -> list[tuple[int, int, str]]:
    """The replacements of cards that the journal has: wallet, outcome, operator."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT wallet_id, outcome, proposer FROM ledger.transaction WHERE kind = 103 ORDER BY id"
        )
        return [tuple(row) for row in rows]
    finally:
        await connection.close()


def test_files_that_cannot_be_written_change_nothing(issuing: Issuing) -> None:
    """Where the files can't stand, the card keeps its PIN and is not replaced."""
    people, out = issuing.people, issuing.folder / "file"
    out.write_text("")
    serial = issuing.active()
    ran = people.by("clare", "card", "replace", serial, *PRINTER, "--out", str(out))

    assert (2, True) == (ran.status, "can't be written" in ran.err)
    assert issuing.shown(serial)["state"] == "active"


def test_expiry_and_extension(issuing: Issuing) -> None:
    """Cards whose last month has passed are noted as expired; an extension takes one back."""
    people = issuing.people
    serial = issuing.active("--expiry", "2001")
    expired = people.told("ada", "card", "expire")
    text = people.by("ada", "card", "expire").out
    (extended,) = people.told("ada", "card", "extend", serial)["cards"]

    assert ({"expired": 1}, "0 cards expired\n") == (expired, text)
    assert ("active", "2001") == (extended["state"], extended["printed_expiry"])
    assert extended["expiry"] > "2610"


def test_events_come_in_as_csv(issuing: Issuing) -> None:
    """All cards of a file are changed, or none; a dry run changes none, and errors name row and column."""
    people, file = issuing.people, issuing.folder / "events.csv"
    first, second, third = issuing.cards()
    file.write_text(f"serial,event\n{first},issue\n{second},issue\n{first},activate\n", encoding="utf-8")
    dry = people.told("ada", "card", "import", str(file), "--dry-run")
    before = issuing.shown(first)["state"]
    done = people.by("ada", "card", "import", str(file)).out
    file.write_text(f"serial,event\n{third},issue\n{second},unfreeze\nB9-1,lost\n", encoding="utf-8")
    refused = people.by("ada", "card", "import", str(file))
    file.write_text(f"serial,event\n{third},dance\n", encoding="utf-8")
    nonsense = people.by("ada", "card", "import", str(file))

    assert ({"changed": 3}, "stock", "3 cards changed\n") == (dry, before, done)
    assert ["active", "inactive", "stock"] == [
        issuing.shown(each)["state"] for each in (first, second, third)
    ]
    assert (1, True, True) == (refused.status, "row 3" in refused.err, "row 4" in refused.err)
    assert (1, True) == (nonsense.status, "row 2 event" in nonsense.err)
    assert "dance" not in nonsense.err


def test_clerk_of_another_issuer_finds_nothing(issuing: Issuing) -> None:
    """By no command does a foreign clerk see, find, count or change a card, a batch, a product or a range."""
    people = issuing.people
    serial = issuing.active()
    number = f"id:{issuing.shown(serial)['id']}"
    people.told("root", "issuer", "add", "TOWN", "Town")
    people.added("eve", "issuer_admin", "issuer:TOWN", by="root", approved_by="rosa")
    out = ("--out", str(issuing.folder / "eve"))
    asked = [
        *(("card", event, serial) for event in ("show", "freeze", "lost", "stolen", "close", "extend")),
        ("card", "show", number),
        ("card", "replace", serial, *PRINTER, *out),
        ("card", "pin", "reset", serial, *PRINTER, *out),
        *(("card", "batch", what, "1") for what in ("show", "resume", "release")),
        ("card", "batch", "export", "1", *out),
        (*BATCH, *PRINTER),
        ("product", "show", "GIFT"),
        ("product", "withdraw", "GIFT", "1"),
        ("range", "show", "622588"),
        ("range", "close", "622588"),
    ]
    answers = {people.by("eve", *arguments).status for arguments in asked}
    counts = people.told("eve", "card", "count")["cards"]

    assert answers == {1}
    assert set(counts.values()) == {0}
    assert people.told("eve", "card", "list") == {"cards": []}
    assert people.told("eve", "card", "batch", "list") == {"batches": []}
    assert people.told("eve", "product", "list") == {"products": []}
    assert people.told("eve", "range", "list") == {"ranges": []}
    assert issuing.shown(serial)["state"] == "active"
