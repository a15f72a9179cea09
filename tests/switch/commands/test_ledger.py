"""`cardswitch ledger`: the books in totals, and whether every row is what it should be."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from storage.database import connect
from tests.switch.shop import World

Cardswitch = Callable[..., Any]


def execute(dsn: str, statement: str, *values: object) -> None:
    """Change the database by hand."""

    async def run() -> None:
        connection = await connect(dsn)
        try:
            await connection.execute(statement, *values)
        finally:
            await connection.close()

    asyncio.run(run())


@contextlib.contextmanager
def tampered(world: World, wallet_id: int) -> Iterator[None]:
    """A wallet whose version somebody has set by hand."""
    change = "UPDATE ledger.wallet SET version = version + $2 WHERE id = $1"
    execute(world.dsn, change, wallet_id, 1)
    yield
    execute(world.dsn, change, wallet_id, -1)


def test_books_are_shown_by_account(cardswitch: Cardswitch, day: Any) -> None:
    """The open date and each account's balance are shown, wallets as one; everything sums to zero."""
    ran = cardswitch("ledger", "show", "--json")

    accounts = ran.json["accounts"]
    assert (ran.status, ran.json["business_date"]) == (0, "2026-01-01")
    kinds = {account["kind"] for account in accounts}
    assert {"MERCHANT_PAYABLE", "PROGRAMME_FUNDING", "WALLET_CASH"} == kinds
    assert [None] == [account["account_id"] for account in accounts if account["kind"] == "WALLET_CASH"]
    assert sum(account["balance_minor"] for account in accounts) == 0


def test_people_get_a_line_for_each_account(cardswitch: Cardswitch, day: Any) -> None:
    """Without `--json` there is a line for the date and one for each account."""
    ran = cardswitch("ledger", "show")

    first, *accounts = ran.out.splitlines()
    assert (ran.status, first) == (0, f"business date {date(2026, 1, 1)}")
    assert any(line.startswith("WALLET_CASH (all)") and " CNY " in line for line in accounts)


def test_books_of_a_new_database_are_empty(
    cardswitch: Cardswitch, empty_database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database nobody has used is migrated and shown without a date."""
    monkeypatch.setenv("CARDSWITCH_DATABASE__DSN", empty_database_dsn)

    people, as_json = cardswitch("ledger", "show"), cardswitch("ledger", "show", "--json")

    assert people.out == "business date not opened yet\n"
    assert as_json.json == {"business_date": None, "accounts": []}


def test_sound_books_are_clean(cardswitch: Cardswitch, day: Any) -> None:
    """Every check is named, and the exit code is 0."""
    ran, as_json = cardswitch("ledger", "verify"), cardswitch("ledger", "verify", "--json")

    assert (ran.status, as_json.status) == (0, 0)
    *checks, verdict = ran.out.splitlines()
    assert all(line.startswith("ok ") for line in checks)
    assert verdict.endswith(": clean")
    report = as_json.json
    assert (report["clean"], report["offences"]) == (True, [])
    assert len(checks) == len(report["checks"])
    assert report["wallets"] >= 1
    assert report["transactions"] >= 3


def test_wrong_row_is_named(cardswitch: Cardswitch, day: Any, world: World) -> None:
    """A row that was changed by hand is named, its check is wrong, and the exit code is 1."""
    with tampered(world, day.card.wallet_id):
        ran, as_json = cardswitch("ledger", "verify"), cardswitch("ledger", "verify", "--json")

    assert (ran.status, as_json.status) == (1, 1)
    assert any(line.startswith("WRONG ") for line in ran.out.splitlines())
    assert f"wallet {day.card.wallet_id}" in ran.out
    assert "rows are wrong" in ran.out.splitlines()[-1]
    assert not as_json.json["clean"]
    assert all(f"wallet {day.card.wallet_id}:" in each["row"] for each in as_json.json["offences"])
