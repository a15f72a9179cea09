"""Verification of sealed days, and since one of them: tampering before and after the checkpoint is named."""

import asyncio
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from ledger.identity import TransactionKind
from ledger.postgres.checks import GAPS, NEWEST, SEALS
from ledger.postgres.days import close_day
from ledger.postgres.verify import CHAIN, DAY_SEALS, NotSealed, verify
from ledger.sealer import Sealer
from tests.ledger.contract.stores import ask

from .nodes import FIRST_DATE, MakeDatabase, Node, session
from .test_verify import BALANCE, ENTRY_EVENT, KEY, SUM, Names, damaged

SECOND_DATE = FIRST_DATE + timedelta(days=1)


@pytest.fixture(scope="module")
def books(make_database: MakeDatabase, sealer: Sealer) -> Iterator[tuple[str, Names]]:
    """A database with two sealed days and an open one, and the numbers of some rows."""
    with make_database() as dsn:
        yield dsn, asyncio.run(_keep_books(dsn, sealer))


async def _keep_books(dsn: str, sealer: Sealer) -> Names:
    node = await Node.started(dsn, sealer)
    first, second, quiet = await node.open(1000, 1000, 70)
    till = node.till
    bought, today = till.purchase(first, 300), till.purchase(first, 20)
    sent = ask(
        till, TransactionKind.TRANSFER, first, 50, other_wallet_id=second, other_rules=bought.rules
    )  # fmt: skip
    held = ask(till, TransactionKind.PREAUTH, second, 400)
    async with session(dsn) as connection:
        await node.post(bought)
        await close_day(connection)
        await node.post(sent)
        await close_day(connection)
        await node.post(held)
        await node.post(today)
    await node.ledger.stop()
    return {
        "first": first, "second": second, "quiet": quiet, "bought": bought.transaction_id,
        "sent": sent.transaction_id, "held": held.transaction_id, "today": today.transaction_id,
        "writer": 8 * node.number,
    }  # fmt: skip


# What was done, what a full verification says, and what one since the first day says.
DAMAGES: dict[str, tuple[str, set[tuple[str, str]], set[tuple[str, str]]]] = {
    "a balance changed": (
        "UPDATE ledger.account_balance SET balance_minor = 1 WHERE account_kind = 2 AND entries = 1",
        {(BALANCE, "balance of MERCHANT_PAYABLE 7, 2026-01-05"), (DAY_SEALS, "day 2026-01-05")},
        {(DAY_SEALS, "day 2026-01-05")},
    ),
    "a balance removed": (
        "DELETE FROM ledger.account_balance WHERE account_id = {second} AND business_date = '2026-01-06'",
        {(BALANCE, "balance of WALLET_CASH {second}, 2026-01-06"), (DAY_SEALS, "day 2026-01-06")},
        {(BALANCE, "balance of WALLET_CASH {second}, 2026-01-06"), (DAY_SEALS, "day 2026-01-06")},
    ),
    "a balance added": (
        "INSERT INTO ledger.account_balance VALUES (2, 99, 0, 156, 0, 0, '2026-01-06', 5, 1)",
        {(BALANCE, "balance of MERCHANT_PAYABLE 99, 2026-01-06"), (DAY_SEALS, "day 2026-01-06")},
        {(BALANCE, "balance of MERCHANT_PAYABLE 99, 2026-01-06"), (DAY_SEALS, "day 2026-01-06")},
    ),
    "a day's seal changed": (
        "UPDATE ledger.day_seal SET seal = sha256('') WHERE business_date = '2026-01-05'",
        {(DAY_SEALS, "day 2026-01-05"), (DAY_SEALS, "day 2026-01-06")},
        {(DAY_SEALS, "day 2026-01-05"), (DAY_SEALS, "day 2026-01-06")},
    ),
    "a sealed group's hash changed": (
        "UPDATE ledger.commit_group SET hash = sha256('') WHERE writer = {writer} AND seq = 1",
        {(CHAIN, "group {writer}/1"), (CHAIN, "group {writer}/2"), (DAY_SEALS, "day 2026-01-05")},
        {(CHAIN, "group {writer}/2"), (DAY_SEALS, "day 2026-01-05")},
    ),
    "an amount of an open day changed": (
        "UPDATE ledger.entry SET amount_minor = -1 WHERE transaction_id = {today} AND leg = 0",
        {
            (SUM, "transaction {today}, asset 156: 19"),
            (SEALS, "wallet {first}: sealed lots differ from its entries"),
            (CHAIN, "group {writer}/3"),
        },
        {
            (SUM, "transaction {today}, asset 156: 19"),
            (SEALS, "wallet {first}: sealed lots differ from its entries"),
            (CHAIN, "group {writer}/3"),
        },
    ),
    "a hold halved": (
        "UPDATE ledger.entry SET amount_minor = amount_minor / 2 WHERE transaction_id = {held}",
        {(SEALS, "wallet {second}: sealed lots differ from its entries"), (CHAIN, "group {other_writer}/1")},
        {(SEALS, "wallet {second}: sealed lots differ from its entries"), (CHAIN, "group {other_writer}/1")},
    ),
    "value moved to another lot": (
        "UPDATE ledger.entry SET purse = 3 WHERE transaction_id = {today} AND leg = 0",
        {(SEALS, "wallet {first}: sealed lots differ from its entries"), (CHAIN, "group {writer}/3")},
        {(SEALS, "wallet {first}: sealed lots differ from its entries"), (CHAIN, "group {writer}/3")},
    ),
    "an event of today removed": (
        "DELETE FROM ledger.wallet_event WHERE transaction_id = {today}",
        {(ENTRY_EVENT, "entry {today}/0"), (NEWEST, "wallet {first}: version 4, newest event 3")},
        {(ENTRY_EVENT, "entry {today}/0"), (NEWEST, "wallet {first}: version 4, newest event 3")},
    ),
    "an old row put back that was long quiet": (
        "UPDATE ledger.wallet SET version = 9 WHERE id = {quiet}",
        {(NEWEST, "wallet {quiet}: version 9, newest event 1"), (SEALS, "wallet {quiet}: SealBroken")},
        {(NEWEST, "wallet {quiet}: version 9, newest event 1")},
    ),
    "an answer of today changed": (
        "UPDATE ledger.dedup SET outcome = 63 WHERE transaction_id = {today}",
        {(KEY, "key of {today}")},
        {(KEY, "key of {today}")},
    ),
    "the second wallet's event gone": (
        "DELETE FROM ledger.wallet_event WHERE transaction_id = {sent} AND wallet_id = {second}",
        {(ENTRY_EVENT, "entry {sent}/1"), (GAPS, "wallet {second}")},
        {(ENTRY_EVENT, "entry {sent}/1"), (GAPS, "wallet {second}")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("since", [None, FIRST_DATE], ids=["full", "since the first day"])
@pytest.mark.parametrize("damage", DAMAGES)
async def test_damage_is_named(
    books: tuple[str, Names], sealer: Sealer, damage: str, since: date | None
) -> None:
    """What was done is found by the row's name, and nothing else is found wrong."""
    dsn, names = books
    names = names | {"other_writer": names["writer"] + 1}
    statement, *expected = DAMAGES[damage]
    async with damaged(dsn, statement.format(**names)) as connection:
        offences = (await verify(connection, sealer, since)).offences
        keys = {
            f"key {row[0]}": f"key of {row[1]}"
            for row in await connection.fetch("SELECT encode(key, 'hex'), transaction_id FROM ledger.dedup")
        }

    found = [(offence.check, keys.get(offence.row, offence.row)) for offence in offences]
    wanted = expected[0 if since is None else 1]
    assert sorted(found) == sorted((check, row.format(**names)) for check, row in wanted)


@pytest.mark.parametrize(("since", "transactions"), [(FIRST_DATE, 3), (SECOND_DATE, 2)])
async def test_clean_since_a_day(
    books: tuple[str, Names], sealer: Sealer, since: date, transactions: int
) -> None:
    """What came later is read, with the wallets that it wrote, and found clean."""
    async with session(books[0]) as connection:
        report = await verify(connection, sealer, since)

    assert (report.is_clean, report.since, report.wallets) == (True, since, 2)
    assert report.transactions == transactions


async def test_day_that_is_not_sealed(books: tuple[str, Names], sealer: Sealer) -> None:
    """Nothing stands on an open day."""
    async with session(books[0]) as connection:
        with pytest.raises(NotSealed, match="2026-01-07 is not a sealed day"):
            await verify(connection, sealer, SECOND_DATE + timedelta(days=1))
