"""`cardswitch keys data`: an epoch from its beginning to its end."""

import asyncio
from typing import Any

from storage.database import connect
from tests.switch.shop import World

from .conftest import Cardswitch, Day, Desk


async def _execute(dsn: str, *statements: str) -> None:
    connection = await connect(dsn)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


def _states(listed: Any) -> dict[int, str]:
    return {row["id"]: row["state"] for row in listed["data_keys"]}


def test_an_epoch_from_its_beginning_to_its_end(cardswitch: Cardswitch, day: Day, world: World) -> None:
    """Rotated, emptied, retired and destroyed; the money is there all the time."""
    rotated = cardswitch("keys", "data", "rotate", "wallet-sealing", "--json").json
    new = max(_states(rotated))
    old = next(row["id"] for row in rotated["data_keys"] if row["usage"] == "wallet-sealing")
    held = cardswitch("keys", "data", "retire", str(old))
    asyncio.run(_execute(world.dsn, "UPDATE hsm.data_key SET created_at = created_at - interval '2 minutes'"))
    in_use = cardswitch("keys", "data", "retire", str(old))
    moved = cardswitch("keys", "data", "reseal", "--json").json
    again = cardswitch("keys", "data", "reseal")
    retired = cardswitch("keys", "data", "retire", str(old), "--json").json
    refused = cardswitch("keys", "data", "destroy", str(old), "--ceremony", "1")
    listed = cardswitch("keys", "data", "list")
    books = cardswitch("ledger", "verify")

    assert _states(rotated)[new] == "current"
    assert _states(rotated)[old] == "previous"
    assert (held.status, "so new" in held.err) == (1, True)
    assert (in_use.status, "rows are sealed under it" in in_use.err) == (1, True)
    assert moved["wallet-sealing"]["moved"] > 0
    assert moved["wallet-sealing"]["broken"] == 0
    assert "wallet-sealing: 0 rows moved, 0 don't open" in again.out
    assert _states(retired)[old] == "retired"
    assert (refused.status, "ceremony" in refused.err) == (1, True)
    assert listed.status == 0
    assert f"{new:>6} wallet-sealing  current" in listed.out
    assert books.status == 0


def test_usages_that_have_no_data_keys(cardswitch: Cardswitch) -> None:
    """Exit code 2, and the usages there are."""
    ran = cardswitch("keys", "data", "rotate", "fingerprint")

    assert ran.status == 2
    assert "wallet-sealing, pan-encryption, personal-data" in ran.err


def test_card_numbers_move_too(cardswitch: Cardswitch, day: Day) -> None:
    """A new epoch of card numbers takes every card along; the printed list says how many."""
    ran = cardswitch("keys", "data", "rotate", "pan-encryption")
    moved = cardswitch("keys", "data", "reseal", "--json").json

    assert "pan-encryption  current" in ran.out
    assert moved["pan-encryption"]["moved"] > 0


def test_an_epoch_is_destroyed_by_two_officers(desk: Desk) -> None:
    """With a ceremony for this data key, a day after it was retired; a ceremony for another doesn't do."""
    aged = "UPDATE hsm.data_key SET {0} = {0} - interval '2 days'"
    desk.run("keys", "data", "rotate", "personal-data")
    asyncio.run(_execute(desk.dsn, aged.format("created_at")))
    retired = desk.run("keys", "data", "retire", "3")
    asyncio.run(_execute(desk.dsn, aged.format("retired_at")))
    other = desk.approved("destroy", "--data-key", "4")
    number = desk.approved("destroy", "--data-key", "3")
    refused = desk.run("keys", "data", "destroy", "3", "--ceremony", other)
    destroyed = desk.run("keys", "data", "destroy", "3", "--ceremony", number, "--json")
    verified = desk.run("keys", "audit", "verify")

    assert retired.status == 0
    assert (refused.status, "approved for another key" in refused.err) == (1, True)
    assert _states(destroyed.json)[3] == "destroyed"
    assert verified.status == 0
