"""Closing a business day: the cutover, balances, the seal, and partitions that come and go."""

import asyncio
from datetime import date, timedelta

import asyncpg
import pytest

from ledger.chart import AccountKind
from ledger.identity import TransactionKind
from ledger.outcome import Outcome
from ledger.postgres import statements
from ledger.postgres.days import DAYS_AHEAD, DayRefused, close_day, detach_days
from ledger.postgres.expiry import expire
from ledger.postgres.verify import verify
from ledger.product import ProductRules
from tests.ledger.contract.stores import ask
from tests.ledger.intents import FIRST_US, MERCHANT_ACCOUNT

from .nodes import FIRST_DATE, Connection, Node, StartNode, blocked_backends, locked, session

NEXT_DATE = FIRST_DATE + timedelta(days=1)


@pytest.fixture
async def node(database_dsn: str, start_node: StartNode) -> Node:
    """A node on a database of its own."""
    return await start_node(database_dsn)


async def balances_of(connection: Connection, day: date) -> list[tuple[int, ...]]:
    """The sealed balances of a day: account kind, account, balance, entries."""
    rows = await connection.fetch(
        "SELECT account_kind, account_id, balance_minor, entries FROM ledger.account_balance "
        "WHERE business_date = $1 ORDER BY 1, 2",
        day,
    )
    return [tuple(row) for row in rows]


async def test_day_is_closed_and_sealed(node: Node, connection: Connection) -> None:
    """The next day is open, and of the closed one stand the counts, and each account that moved."""
    wallet, other = await node.open(1000, 500)
    await node.post(node.till.purchase(wallet, 300))
    await node.post(node.till.purchase(wallet, 9999))

    closed = await close_day(connection)

    (sealed,) = closed.sealed
    assert (closed.opened, sealed[:4]) == (NEXT_DATE, (FIRST_DATE, 3, 3, 5))
    assert await balances_of(connection, FIRST_DATE) == [
        (AccountKind.WALLET_CASH, wallet, 700, 2),
        (AccountKind.WALLET_CASH, other, 500, 1),
        (AccountKind.MERCHANT_PAYABLE, MERCHANT_ACCOUNT, 300, 1),
        (AccountKind.PROGRAMME_FUNDING, 0, -1500, 1),
    ]
    assert await node.post(node.till.purchase(wallet, 1)) is Outcome.APPROVED
    assert await node.offences() == []


async def test_balances_run_on(node: Node, connection: Connection) -> None:
    """The next day has a row for what moved on it, with all that came before; the rest stands as it is."""
    wallet, _ = await node.open(1000, 500)
    await close_day(connection)
    await node.post(node.till.purchase(wallet, 300))
    await close_day(connection)
    await close_day(connection)

    assert await balances_of(connection, NEXT_DATE) == [
        (AccountKind.WALLET_CASH, wallet, 700, 2),
        (AccountKind.MERCHANT_PAYABLE, MERCHANT_ACCOUNT, 300, 1),
    ]
    assert await balances_of(connection, NEXT_DATE + timedelta(days=1)) == []
    assert await node.offences() == []


async def test_seals_are_a_chain(node: Node, connection: Connection) -> None:
    """Each day's seal is another, also of days on which nothing happened."""
    for _ in range(3):
        await close_day(connection)

    seals = await connection.fetch("SELECT seal FROM ledger.day_seal")
    assert len({row[0] for row in seals}) == 3


async def test_closing_may_be_repeated(node: Node, connection: Connection) -> None:
    """A day that is named is closed once; naming it again changes nothing."""
    first = await close_day(connection, FIRST_DATE)
    again = await close_day(connection, FIRST_DATE)

    assert (first.opened, again.opened, again.sealed) == (NEXT_DATE, NEXT_DATE, [])


async def test_day_that_is_not_open_yet(node: Node, connection: Connection) -> None:
    """A day of the future can't be closed, nor any before the first node has started."""
    with pytest.raises(DayRefused, match="2026-01-06 is not open yet: 2026-01-05 is"):
        await close_day(connection, NEXT_DATE)


async def test_ledger_without_a_day(database_dsn: str) -> None:
    """Before the first node has started there is no day to close."""
    async with session(database_dsn) as connection:
        with pytest.raises(DayRefused, match="no day was opened yet"):
            await close_day(connection)


async def test_close_that_was_interrupted(node: Node, connection: Connection) -> None:
    """A day that was closed and not sealed is sealed by the next close, before that day itself."""
    await node.open(1000)
    await connection.execute(statements.CLOSE_DAY, FIRST_DATE)
    await connection.execute(statements.OPEN_NEXT_DAY, NEXT_DATE)
    await connection.execute(statements.MOVE_WRITERS, NEXT_DATE)

    closed = await close_day(connection)

    assert [sealed.business_date for sealed in closed.sealed] == [FIRST_DATE, NEXT_DATE]
    assert await node.offences() == []


async def test_two_close_at_once(node: Node, connection: Connection) -> None:
    """Of two that close the same day one does it; the day is sealed once."""
    await node.open(1000)
    async with session(node.dsn) as other:
        done = await asyncio.gather(
            close_day(connection), close_day(other, FIRST_DATE), return_exceptions=True
        )

    assert {FIRST_DATE} >= {
        each.business_date for close in done if isinstance(close, tuple) for each in close[1]
    }
    assert await connection.fetchval("SELECT count(*) FROM ledger.day_seal") == 1
    assert await connection.fetchval(statements.OPEN_DAY) == NEXT_DATE


async def test_writer_that_is_held(
    node: Node, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A close that would wait too long gives up and changes nothing."""
    monkeypatch.setattr("ledger.postgres.days._PATIENCE", "SET LOCAL lock_timeout = '50ms'")
    async with session(node.dsn) as holder:
        await holder.execute("BEGIN")
        await holder.execute("SELECT FROM ledger.writer FOR UPDATE")
        with pytest.raises(DayRefused, match="somebody else holds the ledger"):
            await close_day(connection)
        await holder.execute("ROLLBACK")

    assert await connection.fetchval(statements.OPEN_DAY) == FIRST_DATE


async def test_group_in_flight_is_of_the_old_day(node: Node, connection: Connection) -> None:
    """The cutover waits for a group that is being written, and its money is in the sealed balances."""
    (wallet,) = await node.open(1000)
    async with locked(node.dsn, wallet) as holder:
        posting = asyncio.create_task(node.post(node.till.purchase(wallet, 100)))
        await blocked_backends(holder)
        closing = asyncio.create_task(close_day(connection))
        await blocked_backends(holder, 2)

    assert await posting is Outcome.APPROVED
    assert (await closing).sealed[0].transactions == 2
    assert (AccountKind.WALLET_CASH, wallet, 900, 2) in await balances_of(connection, FIRST_DATE)


async def test_partitions_are_ready_ahead(node: Node, connection: Connection) -> None:
    """The open day and some after it have their partitions, and each close adds one more."""
    await close_day(connection)

    last = NEXT_DATE + timedelta(days=DAYS_AHEAD)
    query = "SELECT to_regclass('ledger.entry' || to_char($1::date, '_YYYYMMDD')) IS NOT NULL"
    days = [FIRST_DATE + timedelta(days=i) for i in range(DAYS_AHEAD + 3)]
    assert [day <= last for day in days] == [await connection.fetchval(query, day) for day in days]


async def test_old_days_are_taken_out(node: Node, connection: Connection) -> None:
    """Detached days stay as tables that nobody may change, and the books verify on their balances."""
    wallet, other = await node.open(1000, 500)
    await node.post(node.till.purchase(wallet, 300))
    await close_day(connection)
    await node.post(node.till.purchase(other, 100))
    await close_day(connection)
    await node.post(node.till.purchase(wallet, 50))

    assert await detach_days(connection, FIRST_DATE) == [FIRST_DATE]
    assert await detach_days(connection, FIRST_DATE) == []

    report = await verify(connection, node.sealer)
    assert (report.offences, report.transactions) == ((), 2)
    assert (await verify(connection, node.sealer, NEXT_DATE)).is_clean
    assert await connection.fetchval("SELECT count(*) FROM ledger.entry_20260105") == 5
    assert (
        await connection.fetchval("SELECT count(*) FROM ledger.entry WHERE business_date = $1", FIRST_DATE)
        == 0
    )
    with pytest.raises(asyncpg.RestrictViolationError, match="UPDATE refused"):
        await connection.execute("UPDATE ledger.entry_20260105 SET leg = leg")
    assert await node.balances([wallet, other]) == [650, 400]


async def test_days_that_are_still_needed(node: Node, connection: Connection) -> None:
    """An open day, and one with a hold that hasn't lapsed, stay in the journal."""
    (wallet,) = await node.open(1000)
    rules = ProductRules(hold_days=1)
    await node.post(ask(node.till, TransactionKind.PREAUTH, wallet, 100, rules=rules))
    with pytest.raises(DayRefused, match="2026-01-05 is not sealed"):
        await detach_days(connection, FIRST_DATE)
    for _ in range(2):
        await close_day(connection)
    with pytest.raises(DayRefused, match="has a hold that has not lapsed"):
        await detach_days(connection, FIRST_DATE)

    await expire(connection, node.ledger, FIRST_US)

    assert await detach_days(connection, FIRST_DATE) == [FIRST_DATE]
    assert await node.offences() == []


async def test_refund_of_a_day_that_was_taken_out(node: Node, connection: Connection) -> None:
    """What was answered on a detached day is forgotten: its purchase isn't found any more."""
    (wallet,) = await node.open(1000)
    purchase = node.till.purchase(wallet, 300)
    await node.post(purchase)
    await close_day(connection)
    await detach_days(connection, FIRST_DATE)

    refund = ask(node.till, TransactionKind.REFUND, wallet, 300, of=purchase)

    assert await node.post(refund) is Outcome.ORIGINAL_NOT_FOUND


@pytest.mark.parametrize("table", ["account_balance", "day_seal"])
async def test_what_was_sealed_stays(node: Node, connection: Connection, table: str) -> None:
    """Balances and seals refuse what would change or remove them."""
    await node.open(1000)
    await close_day(connection)
    verbs = "UPDATE ledger.{} SET entries = entries", "DELETE FROM ledger.{}", "TRUNCATE ledger.{}"

    for verb in verbs:
        with pytest.raises(asyncpg.RestrictViolationError, match="refused"):
            await connection.execute(verb.format(table))
