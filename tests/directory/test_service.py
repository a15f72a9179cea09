"""What a terminal's own messages change: durable first, then in the view, and once for many at a time."""

import asyncio
from typing import Any

import pytest

from directory import commands
from directory.records import KeySet, Terminal
from directory.service import Directory
from storage.database import DatabaseUnavailable

from .conftest import MERCHANT_ID, TERMINAL_ID, Connection, Pool

KEYS = KeySet(1_795_000_000_000_000, verified=False, pin_key="P0", mac_key="M1")


async def test_one_note_serves_all_proofs_of_new_keys(pool: Pool) -> None:
    """Many first MACs at once are one change of the terminal, and each sees the keys verified."""
    directory = Directory(pool)
    known = await directory.terminal(MERCHANT_ID, TERMINAL_ID)
    assert known is not None
    signed_on = await directory.signed_on(known, KEYS)

    noted = await asyncio.gather(*(directory.verified(signed_on, signed_on.key_sets[0]) for _ in range(30)))

    assert {signed_on.version + 1} == {terminal.version for terminal in noted}
    assert all(terminal.key_sets[0].verified for terminal in noted)
    assert noted[0] == directory.peek_terminal(MERCHANT_ID, TERMINAL_ID)


async def test_failed_note_fails_each_and_can_be_made_again(pool: Pool, connection: Connection) -> None:
    """Without the database each of those who wait is told; the next proof tries anew."""
    directory = Directory(pool)
    known = await directory.terminal(MERCHANT_ID, TERMINAL_ID)
    assert known is not None
    signed_on = await directory.signed_on(known, KEYS)
    await connection.execute("ALTER TABLE directory.terminal_key_set RENAME TO away")

    failures = await asyncio.gather(
        *(directory.verified(signed_on, signed_on.key_sets[0]) for _ in range(3)), return_exceptions=True
    )
    await connection.execute("ALTER TABLE directory.away RENAME TO terminal_key_set")

    assert [DatabaseUnavailable] * 3 == [type(failure) for failure in failures]
    assert (await directory.verified(signed_on, signed_on.key_sets[0])).key_sets[0].verified


async def test_sign_off_changes_no_keys(pool: Pool) -> None:
    """A terminal that says it leaves keeps its keys: nothing proves who said it."""
    directory = Directory(pool)
    known = await directory.terminal(MERCHANT_ID, TERMINAL_ID)
    assert known is not None
    signed_on = await directory.signed_on(known, KEYS)
    await directory.signed_off(signed_on)

    assert signed_on.key_sets == (await directory.reload_terminal(MERCHANT_ID, TERMINAL_ID) or known).key_sets


@pytest.mark.parametrize("count", [1, 3])
async def test_sign_ons_add_up(pool: Pool, count: int) -> None:
    """Each sign-on's keys are kept beside the others until one set is proven."""
    directory = Directory(pool)
    known = await directory.terminal(MERCHANT_ID, TERMINAL_ID)
    assert known is not None
    for _ in range(count):
        known = await directory.signed_on(known, KEYS)

    assert count == len(known.key_sets)


async def test_sign_on_that_a_change_overtook_is_not_remembered(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the view was told while the keys were stored may concern this terminal: it is read again."""
    directory = Directory(pool)
    known = await directory.terminal(MERCHANT_ID, TERMINAL_ID)
    assert known is not None
    record_sign_on = commands.record_sign_on

    async def overtaken(connection: Connection, *name_and_keys: Any) -> Terminal:
        signed_on = await record_sign_on(connection, *name_and_keys)
        directory.forget_merchants({MERCHANT_ID})
        return signed_on

    monkeypatch.setattr(commands, "record_sign_on", overtaken)
    signed_on = await directory.signed_on(known, KEYS)

    assert signed_on.key_sets == (KEYS,)
    assert directory.peek_terminal(MERCHANT_ID, TERMINAL_ID) is None
