"""The ledger as the switch sees it: lanes by wallet, limits, stopping, nodes that start."""

import asyncio
from collections.abc import Sequence

import pytest

from ledger.intent import Intent
from ledger.outcome import Outcome
from ledger.postgres.committer import BULK_LANE, LANES, Ledger, enter, writer_number
from ledger.postgres.observer import LedgerObserver
from ledger.postgres.session import Session
from ledger.sealer import Sealer
from storage.database import DatabaseUnavailable

from .line_cutter import LineCutter
from .nodes import (
    FIRST_DATE,
    BrokenWatcher,
    Connection,
    Node,
    StartNode,
    blocked_backends,
    locked,
    session,
    until,
)


def lane_of(node: Node, intent: Intent) -> int:
    """The index of the lane that gets an intent first."""
    return node.ledger._lanes.index(node.ledger._lane_of(intent))


async def test_wallets_have_lanes(node: Node) -> None:
    """All requests of a wallet go through one lane."""
    even, odd = await node.open(0, 0)
    intents = [node.till.purchase(wallet, 1) for wallet in (even, odd) * 3]

    assert [lane_of(node, intent) for intent in intents] == [0, 1] * 3


async def test_requests_without_a_wallet_use_both_lanes(node: Node) -> None:
    """An unknown card has no wallet; its key chooses, so that repeats meet in one lane."""
    intents = [node.till.purchase(None, 1, refusal=Outcome.CARD_UNKNOWN) for _ in range(64)]

    lanes = [lane_of(node, intent) for intent in intents]

    assert set(lanes) == {0, 1}
    assert lanes == [lane_of(node, node.till.again(intent)) for intent in intents]
    assert await node.post(intents[0]) is Outcome.CARD_UNKNOWN


async def test_reversals_change_lanes(node: Node, connection: Connection) -> None:
    """A reversal knows no wallet; wherever it begins, it is posted in the lane of its original's wallet."""
    wallets = await node.open(*[100] * 32)
    await node.post_all(node.till.purchase(wallet, 60, stan=str(wallet)) for wallet in wallets)
    reversals = [node.till.reversal(str(wallet), 60) for wallet in wallets]
    moved = [
        lane_of(node, reversal) != wallet % 2 for wallet, reversal in zip(wallets, reversals, strict=True)
    ]

    results = await node.post_all(reversals)

    assert {result.outcome for result in results} == {Outcome.APPROVED}
    assert await node.balances(wallets) == [100] * 32
    assert set(moved) == {True, False}
    posted = await connection.fetch(
        "SELECT writer, wallet_id FROM ledger.transaction WHERE wallet_id = ANY($1::bigint[])", wallets
    )
    assert {(writer - wallet) % 2 for writer, wallet in posted} == {0}


async def test_too_many_intents_are_refused_at_once(node: Node) -> None:
    """With a full queue an intent is refused at once, and may be sent again."""
    (wallet,) = await node.open(1000)
    node.ledger._queue_limit = 3
    async with locked(node.dsn, wallet) as holder:
        waiting = [asyncio.create_task(node.post(node.till.purchase(wallet, 1)))]
        await blocked_backends(holder)
        waiting += [asyncio.create_task(node.post(node.till.purchase(wallet, 1))) for _ in range(4)]
        await asyncio.sleep(0)

        assert await waiting[-1] is Outcome.SYSTEM_MALFUNCTION

    assert [await task for task in waiting[:-1]] == [Outcome.APPROVED] * 4
    assert await node.balances([wallet]) == [996]


async def test_client_that_gives_up_reaches_nothing(node: Node) -> None:
    """Cancelling whoever waits stops neither his intent nor anybody else's."""
    (wallet,) = await node.open(1000)
    async with locked(node.dsn, wallet) as holder:
        impatient = asyncio.create_task(node.post(node.till.purchase(wallet, 1)))
        await blocked_backends(holder)
        patient = asyncio.create_task(node.post(node.till.purchase(wallet, 1)))
        queued = asyncio.create_task(node.post(node.till.purchase(wallet, 1)))
        await asyncio.sleep(0)
        impatient.cancel()
        queued.cancel()

    assert await patient is Outcome.APPROVED
    assert await node.balances([wallet]) == [997]


async def test_stopping_answers_what_is_under_way(node: Node) -> None:
    """Who came before the stop is answered, also a reversal that has to change lanes; then none is taken."""
    wallets = await node.open(*[100] * 8)
    await node.post_all(node.till.purchase(wallet, 60, stan=str(wallet)) for wallet in wallets)
    reversals = [node.till.reversal(str(wallet), 60) for wallet in wallets]
    under_way = [asyncio.create_task(node.post(reversal)) for reversal in reversals]
    await asyncio.sleep(0)

    await node.ledger.stop()

    assert [task.result() for task in under_way] == [Outcome.APPROVED] * 8
    assert not node.ledger.is_ready
    assert await node.post(node.till.purchase(wallets[0], 1)) is Outcome.SYSTEM_MALFUNCTION
    assert await node.balances(wallets) == [100] * 8


async def test_stopping_with_a_client_that_gave_up(node: Node) -> None:
    """An intent whose client is gone is committed before the lanes end."""
    (wallet,) = await node.open(100)
    gone = asyncio.create_task(node.post(node.till.purchase(wallet, 60)))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)

    await node.ledger.stop()

    assert await node.balances([wallet]) == [40]


async def test_lane_that_died_does_not_keep_the_ledger_from_stopping(ledger_dsn: str, sealer: Sealer) -> None:
    """Whoever waits for a dead lane would wait for ever; stopping tells the defect instead."""
    node = await Node.started(ledger_dsn, sealer)
    (wallet,) = await node.open(100)
    node.ledger._lanes[0]._observer = BrokenWatcher()
    posting = asyncio.create_task(node.post(node.till.purchase(wallet, 1)))
    await until(lambda: not node.ledger.is_ready)

    with pytest.raises(AttributeError):
        await node.ledger.stop()
    posting.cancel()


async def test_readiness(node: Node) -> None:
    """A ledger is ready while its lanes run, also with groups in flight, and not before or after."""
    (wallet,) = await node.open(1000)
    idle = Ledger(node.dsn, node.sealer, node.number, LedgerObserver())
    async with locked(node.dsn, wallet) as holder:
        posting = asyncio.create_task(node.post(node.till.purchase(wallet, 1)))
        await blocked_backends(holder)
        assert node.ledger.is_ready
    await posting

    assert not idle.is_ready


async def test_queue_is_shown(node: Node) -> None:
    """The observer hears of each group that is taken, and of how much waits."""
    (wallet,) = await node.open(1000)

    await node.post_all(node.till.purchase(wallet, 1) for _ in range(3))

    assert node.watcher.queues == [(0, 0)]


async def test_nodes_that_start_at_once(database_dsn: str) -> None:
    """Nodes that start at once on a new database open one first day, and each has a number of its own."""
    numbers = await asyncio.gather(*(enter(database_dsn, FIRST_DATE) for _ in range(6)))

    assert sorted(numbers) == [1, 2, 3, 4, 5, 6]
    async with session(database_dsn) as connection:
        assert await connection.fetchval("SELECT count(*) FROM ledger.business_day") == 1
        assert await connection.fetchval("SELECT to_regclass('ledger.entry_20260105')")


async def test_later_start_keeps_the_day(node: Node, connection: Connection) -> None:
    """A node that starts on a later calendar day joins the day that is open."""
    await enter(node.dsn, FIRST_DATE.replace(year=2027))

    assert [(FIRST_DATE,)] == [
        tuple(row) for row in await connection.fetch("SELECT business_date FROM ledger.business_day")
    ]


def test_writers_of_nodes_never_meet() -> None:
    """Lanes and the bulk writer of all nodes have numbers of their own, and the lane shows in the number."""
    numbers = [writer_number(node, lane) for node in (1, 2, 3) for lane in (*range(LANES), BULK_LANE)]

    assert len(numbers) == len(set(numbers))
    assert writer_number(3, 1) == 25


async def test_database_that_cannot_be_reached(
    line: LineCutter, start_node: StartNode, sealer: Sealer
) -> None:
    """A ledger doesn't start without its database, and says so in one word."""
    node = await start_node(line.dsn)
    line.go_down()

    with pytest.raises(DatabaseUnavailable):
        await enter(line.dsn, FIRST_DATE)
    with pytest.raises(DatabaseUnavailable):
        await Ledger(line.dsn, sealer, node.number + 1, LedgerObserver()).start()


async def test_writer_that_exists(node: Node, sealer: Sealer) -> None:
    """A node number is never used by two starts: the second fails at once."""
    with pytest.raises(DatabaseUnavailable, match="writer_pkey"):
        await Ledger(node.dsn, sealer, node.number, LedgerObserver()).start()


async def test_session_that_cannot_be_set_up(
    node: Node, monkeypatch: pytest.MonkeyPatch, sealer: Sealer
) -> None:
    """A database that refuses the committer's settings is none for it; no connection is left behind."""
    monkeypatch.setattr("ledger.postgres.statements.SESSION", "SET no_such_setting = on")

    with pytest.raises(DatabaseUnavailable, match="UndefinedObjectError"):
        await Ledger(node.dsn, sealer, node.number + 1, LedgerObserver()).start()


async def settings_of(node: Node, names: Sequence[str]) -> list[str]:
    """Settings as a lane's session has them."""
    opened = await Session.open(node.dsn, lambda: None)
    try:
        return [await opened._connection.fetchval(f"SHOW {name}") for name in names]
    finally:
        opened.terminate()


async def test_server_defaults_weaken_nothing(database_dsn: str, start_node: StartNode) -> None:
    """Whatever the database's defaults are, a lane waits for the disk and sees what is committed."""
    async with session(database_dsn) as connection:
        await connection.execute("""
            DO $$ BEGIN
                EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database());
                EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable',
                               current_database());
            END $$""")
    node = await start_node(database_dsn)

    names = ["synchronous_commit", "transaction_isolation", "idle_in_transaction_session_timeout"]
    assert await settings_of(node, names) == ["on", "read committed", "10s"]
