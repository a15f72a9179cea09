"""Business days: a group belongs to the day that is open when it commits, and to no other.

The tests take the steps of the cutover one by one, within transactions of their own; `test_close_day` has the
whole.
"""

import asyncio
from datetime import date, timedelta
from random import Random

import pytest

from ledger.identity import TransactionKind
from ledger.outcome import Outcome
from ledger.postgres import statements
from ledger.postgres.days import DAYS_AHEAD
from ledger.postgres.expiry import Hold
from ledger.product import ProductRules
from tests.ledger.contract.stores import ask

from .line_cutter import Fault, LineCutter
from .nodes import FIRST_DATE, Connection, Node, StartNode, blocked_backends, close_day, locked, session


@pytest.fixture
async def node(database_dsn: str, start_node: StartNode) -> Node:
    """A node on a database of its own."""
    return await start_node(database_dsn)


async def dates_of(node: Node, wallet: int) -> list[date]:
    """The business dates of a wallet's transactions, in order."""
    async with session(node.dsn) as connection:
        rows = await connection.fetch(
            "SELECT business_date FROM ledger.transaction WHERE wallet_id = $1 ORDER BY id", wallet
        )
    return [row[0] for row in rows]


@pytest.mark.parametrize("under_locks", [False, True], ids=["cas", "locks"])
async def test_group_decided_on_the_old_day(node: Node, connection: Connection, *, under_locks: bool) -> None:
    """After a day was closed the next group is decided again for the new day; limits start anew."""
    (wallet,) = await node.open(1000)
    once_a_day = ProductRules(day_count_max=1)
    await node.post(node.till.purchase(wallet, 100, stan="1", rules=once_a_day))
    for lane in node.ledger._lanes:
        lane._groups_under_locks = 10 * under_locks
    await close_day(connection)

    outcomes = [await node.post(node.till.purchase(wallet, 100, rules=once_a_day)) for _ in range(2)]

    assert outcomes == [Outcome.APPROVED, Outcome.COUNT_OVER_LIMIT]
    tomorrow = FIRST_DATE + timedelta(days=1)
    assert await dates_of(node, wallet) == [FIRST_DATE, tomorrow, tomorrow]
    assert node.watcher.results().count("Fenced") == (0 if under_locks else 1)


async def test_reversal_and_repeat_of_yesterday(node: Node, connection: Connection) -> None:
    """What was done yesterday is known today; taking it back is posted today, and linked."""
    (wallet,) = await node.open(1000)
    purchase = node.till.purchase(wallet, 100, stan="1")
    await node.post(purchase)
    today = await close_day(connection)

    assert await node.post(node.till.again(purchase)) is Outcome.APPROVED
    assert await node.post(node.till.reversal("1", 100)) is Outcome.APPROVED
    assert await node.post(node.till.again(purchase)) is Outcome.RELATED_TRANSACTION_WRONG

    assert await dates_of(node, wallet) == [FIRST_DATE, today]
    linked = await connection.fetchval(
        "SELECT original_id FROM ledger.transaction WHERE business_date = $1 AND wallet_id = $2",
        today,
        wallet,
    )
    assert linked == purchase.transaction_id
    assert await node.balances([wallet]) == [1000]
    assert await node.offences() == []


async def test_statement_on_its_way_when_the_day_closes(
    database_dsn: str, node: Node, start_node: StartNode, connection: Connection
) -> None:
    """A group sent on the old day that arrives on the new one is fenced, and decided for the new day."""
    async with LineCutter.to(database_dsn) as line:
        far = await start_node(line.dsn)
        (wallet,) = await far.open(1000)
        await far.post(far.till.purchase(wallet, 100))
        line.arm(Fault.HOLD)
        posting = asyncio.create_task(far.post(far.till.purchase(wallet, 100)))
        await line.struck.wait()
        today = await close_day(connection)
        line.release()

        assert await posting is Outcome.APPROVED
        assert await dates_of(far, wallet) == [FIRST_DATE, today]
        assert far.watcher.results() == ["committed", "Fenced", "committed"]
        await far.ledger.stop()


async def test_close_waits_for_the_group_in_flight(node: Node, connection: Connection) -> None:
    """A group that is being written is of the old day; the close waits for it."""
    (wallet,) = await node.open(1000)
    async with locked(node.dsn, wallet) as holder:
        posting = asyncio.create_task(node.post(node.till.purchase(wallet, 100)))
        await blocked_backends(holder)
        closing = asyncio.create_task(close_day(connection))
        await blocked_backends(holder, 2)
        assert not closing.done()

    assert await posting is Outcome.APPROVED
    await closing
    assert await dates_of(node, wallet) == [FIRST_DATE]


async def test_writer_that_enters_while_the_day_closes(
    database_dsn: str, node: Node, start_node: StartNode, connection: Connection
) -> None:
    """A node that starts in the middle of a close waits for it, and works on the new day."""
    transaction = connection.transaction()
    await transaction.start()
    today = await close_day(connection)
    starting = asyncio.create_task(start_node(database_dsn))
    async with session(database_dsn) as other:
        await blocked_backends(other)
    await transaction.commit()
    late = await starting

    (wallet,) = await late.open(100)
    assert await late.post(late.till.purchase(wallet, 1)) is Outcome.APPROVED
    assert await dates_of(late, wallet) == [today]


async def test_lane_that_enters_while_the_day_closes(
    node: Node, monkeypatch: pytest.MonkeyPatch, connection: Connection, start_node: StartNode
) -> None:
    """The same for a lane alone: its writer enters on the new day, never left behind on the closed one."""
    late = Node(node.dsn, node.sealer, node.number + 1)
    transaction = connection.transaction()
    await transaction.start()
    today = await close_day(connection)
    starting = asyncio.create_task(late.ledger.start())
    async with session(node.dsn) as other:
        await blocked_backends(other)
    await transaction.commit()
    await starting

    assert [lane._writer.open_date for lane in late.ledger._lanes] == [today, today]
    await late.ledger.stop()


async def test_close_waits_for_a_writer_that_enters(node: Node, connection: Connection) -> None:
    """A close sees every writer: it waits for one that is entering, and moves it on."""
    opener = Node(node.dsn, node.sealer, node.number + 1)
    async with session(node.dsn) as loading:
        await loading.execute("BEGIN")
        await loading.execute(statements.OPEN_WRITER, 8 * opener.number, b"head")
        closing = asyncio.create_task(close_day(connection))
        async with session(node.dsn) as other:
            await blocked_backends(other)
        await loading.execute("COMMIT")
        today = await closing
        dates = await loading.fetch("SELECT DISTINCT open_date FROM ledger.writer")

    assert [today] == [row[0] for row in dates]


async def test_day_without_partitions(node: Node, connection: Connection) -> None:
    """A day whose partitions are missing refuses everything, certainly uncommitted, until they are made."""
    (wallet,) = await node.open(1000)
    for _ in range(DAYS_AHEAD + 1):
        today = await close_day(connection, partitions=False)
    purchase = node.till.purchase(wallet, 100)

    assert await node.post(purchase) is Outcome.SYSTEM_MALFUNCTION
    await connection.execute(statements.MAKE_PARTITIONS, today)

    assert await node.post(node.till.again(purchase)) is Outcome.APPROVED
    assert await node.balances([wallet]) == [900]


async def test_days_change_under_traffic(node: Node, start_node: StartNode, connection: Connection) -> None:
    """Two nodes buy and reverse while days are closed: no group is lost, doubled, or on a closed day."""
    random = Random(8583)
    nodes = node, await start_node(node.dsn)
    wallets = await node.open(*[100_000] * 6)

    async def shop(shopper: Node, name: int) -> None:
        for i in range(60):
            stan = f"{name}-{i}"
            assert await shopper.post(shopper.till.purchase(random.choice(wallets), 10, stan=stan)) is (
                Outcome.APPROVED
            )
            if i % 3 == 0:
                assert await shopper.post(shopper.till.reversal(stan, 10)) is Outcome.APPROVED

    shopping = asyncio.gather(*(shop(shopper, name) for shopper in nodes for name in range(6)))
    closed_late = "SELECT count(*) FROM ledger.commit_group WHERE business_date < $1"
    days = 0
    while not shopping.done() and days < 12:
        today = await close_day(connection)
        before = await connection.fetchval(closed_late, today)
        await asyncio.wait([shopping], timeout=0.03)
        assert before == await connection.fetchval(closed_late, today)
        days += 1
    await shopping

    assert sum(await node.balances(wallets)) == 600_000 - 12 * 40 * 10
    assert await node.offences() == []


async def test_answer_without_a_row_is_of_the_open_day(node: Node, connection: Connection) -> None:
    """What leaves no row is decided again, too, if the day was closed: the end of a hold is due then."""
    (wallet,) = await node.open(1000)
    hold = ask(node.till, TransactionKind.PREAUTH, wallet, 400, rules=ProductRules(hold_days=0))
    await node.post(hold)
    await close_day(connection)
    expiry = Hold(hold.transaction_id, wallet, 156, 0, *hold.origin[1:]).expiry(node.ledger.numbers.next(), 1)

    assert await node.post(expiry) is Outcome.APPROVED
    assert node.watcher.results() == ["committed", "Fenced", "committed"]
