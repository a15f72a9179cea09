"""Answers that are lost between PostgreSQL and the ledger, statements that come late, and a database away.

Whatever happens, an intent is posted at most once, nobody hears of what isn't durable, and who hears "try
again" was certainly not posted.
"""

import asyncio
from random import Random

import pytest

from ledger.intent import Intent
from ledger.outcome import Outcome
from ledger.postgres import statements

from .line_cutter import Fault, LineCutter
from .nodes import Node, StartNode, blocked_backends, locked, session, until

LOST = [Fault.LOSE_REQUEST, Fault.LOSE_ANSWER]


@pytest.fixture
async def far(line: LineCutter, start_node: StartNode) -> Node:
    """A node whose line to the database can be cut."""
    return await start_node(line.dsn)


def decide_under_locks(node: Node) -> None:
    """Let the lanes decide their next groups under row locks, as after a lost swap."""
    for lane in node.ledger._lanes:
        lane._groups_under_locks = 100


@pytest.mark.parametrize("fault", LOST)
async def test_lost_group_is_posted_once(far: Node, line: LineCutter, fault: Fault) -> None:
    """Whether the request or the answer was lost, the group is posted once, and answered as posted."""
    (wallet,) = await far.open(1000)
    await far.post(far.till.purchase(wallet, 100))
    line.arm(fault)

    outcome = await far.post(far.till.purchase(wallet, 100))

    assert outcome is Outcome.APPROVED
    assert far.watcher.unknown == [1]
    assert await far.posted(wallet) == 2
    assert await far.balances([wallet]) == [800]


@pytest.mark.parametrize("fault", LOST)
async def test_lost_commit_is_posted_once(far: Node, line: LineCutter, fault: Fault) -> None:
    """The same for a group decided under row locks, whose COMMIT is a statement of its own."""
    (wallet,) = await far.open(1000)
    decide_under_locks(far)
    line.arm(fault, at_commit=True)

    outcome = await far.post(far.till.purchase(wallet, 100))

    assert outcome is Outcome.APPROVED
    assert far.watcher.unknown == [1]
    assert await far.posted(wallet) == 1


@pytest.mark.parametrize("fault", LOST)
async def test_lost_decline_and_tombstone(far: Node, line: LineCutter, fault: Fault) -> None:
    """What moves no money is recorded once, too."""
    (wallet,) = await far.open(100)
    line.arm(fault)

    decline = far.till.purchase(wallet, 500)
    assert await far.post(decline) is Outcome.INSUFFICIENT_FUNDS
    line.arm(fault)
    assert await far.post(far.till.reversal("never", 1)) is Outcome.ORIGINAL_NOT_FOUND

    async with session(far.dsn) as connection:
        recorded = await connection.fetch(
            "SELECT outcome FROM ledger.transaction WHERE terminal_id = $1 ORDER BY id",
            decline.origin.terminal_id,
        )
    assert [row[0] for row in recorded] == [Outcome.INSUFFICIENT_FUNDS, Outcome.ORIGINAL_NOT_FOUND]


async def test_statement_that_comes_late_is_fenced(far: Node, line: LineCutter) -> None:
    """A statement that reaches the server after its outcome was resolved fails, whatever it would do."""
    (wallet,) = await far.open(1000)
    await far.post(far.till.purchase(wallet, 100))
    line.arm(Fault.DELAY)

    assert await far.post(far.till.purchase(wallet, 100)) is Outcome.APPROVED
    line.deliver_late()

    assert b"group_is_fenced" in await line.late_answer
    assert await far.posted(wallet) == 2


@pytest.mark.parametrize("under_locks", [False, True], ids=["cas", "locks"])
async def test_backend_ended_while_it_writes(node: Node, *, under_locks: bool) -> None:
    """An administrator who ends the backend in the middle of a group loses nothing and doubles nothing."""
    (wallet,) = await node.open(1000)
    if under_locks:
        decide_under_locks(node)
    async with locked(node.dsn, wallet) as holder:
        posting = asyncio.create_task(node.post(node.till.purchase(wallet, 100)))
        (backend,) = await blocked_backends(holder)
        await holder.execute("SELECT pg_terminate_backend($1)", backend)

    assert await posting is Outcome.APPROVED
    assert await node.posted(wallet) == 1


async def test_line_cut_while_idle(far: Node, line: LineCutter) -> None:
    """A connection that ended between two groups is replaced, with or without anything to do."""
    (wallet,) = await far.open(1000)
    for _ in range(3):
        line.cut()
        assert await far.post(far.till.purchase(wallet, 100)) is Outcome.APPROVED
    line.go_down()
    await until(lambda: not far.ledger.is_ready)
    line.come_up()
    await until(lambda: far.ledger.is_ready)

    assert far.watcher.unknown == []
    assert await far.posted(wallet) == 3


async def test_answer_waits_until_the_outcome_is_known(far: Node, line: LineCutter) -> None:
    """A group that may be committed hears nothing while the database is away; what wasn't sent is refused."""
    (wallet,) = await far.open(1000)
    line.arm(Fault.LOSE_ANSWER)
    sent = asyncio.create_task(far.post(far.till.purchase(wallet, 100)))
    await line.struck.wait()
    line.go_down()
    await until(lambda: not far.ledger.is_ready)

    unsent = far.till.purchase(wallet, 1)
    assert await far.post(unsent) is Outcome.SYSTEM_MALFUNCTION
    assert not sent.done()
    line.come_up()

    assert await sent is Outcome.APPROVED
    await until(lambda: far.ledger.is_ready)
    assert await far.post(far.till.again(unsent)) is Outcome.APPROVED
    assert await far.balances([wallet]) == [899]


async def test_database_away(far: Node, line: LineCutter) -> None:
    """While the database is away everybody hears that it may be tried again; then it works, once each."""
    wallets = await far.open(*[1000] * 10)
    intents = [far.till.purchase(wallet, 100) for wallet in wallets]
    line.go_down()

    results = await far.post_all(intents) + await far.post_all(map(far.till.again, intents))

    assert {result.outcome for result in results} == {Outcome.SYSTEM_MALFUNCTION}
    line.come_up()
    await until(lambda: far.ledger.is_ready)
    results = await far.post_all(map(far.till.again, intents))
    assert {result.outcome for result in results} == {Outcome.APPROVED}
    assert await far.balances(wallets) == [900] * 10


async def test_lines_cut_at_random(far: Node, line: LineCutter) -> None:
    """Purchases, repeated until they are answered, are posted exactly once each whatever is cut when."""
    random, wallets = Random(8583), await far.open(*[100_000] * 8)

    async def insist(intent: Intent) -> None:
        for _ in range(1_000):
            if await far.post(intent) is not Outcome.SYSTEM_MALFUNCTION:
                return
            await asyncio.sleep(0.01)
        raise TimeoutError

    async def shop(count: int) -> None:
        for _ in range(count):
            await insist(far.till.purchase(random.choice(wallets), 10))

    shopping = asyncio.gather(*(shop(20) for _ in range(10)))
    while not shopping.done():
        line.arm(random.choice(LOST), at_commit=random.random() < 0.2)
        await asyncio.wait([shopping], timeout=0.02)
        if random.random() < 0.2:
            line.cut()
    await shopping

    assert far.watcher.unknown
    assert sum([await far.posted(wallet) for wallet in wallets]) == 200
    assert sum(await far.balances(wallets)) == 800_000 - 2_000
    assert await far.offences() == []


async def test_time_limit_of_the_server(database_dsn: str, start_node: StartNode) -> None:
    """A group that the server's own time limit ends is certainly not committed, and may be sent again."""
    async with session(database_dsn) as connection:
        database = await connection.fetchval("SELECT current_database()")
        await connection.execute(f"ALTER DATABASE {database} SET statement_timeout = 400")
    node = await start_node(database_dsn)
    (wallet,) = await node.open(1000)
    purchase = node.till.purchase(wallet, 100)
    async with locked(database_dsn, wallet):
        assert await node.post(purchase) is Outcome.SYSTEM_MALFUNCTION

    assert node.watcher.results() == ["Conflict"] * 3
    assert await node.post(node.till.again(purchase)) is Outcome.APPROVED
    assert await node.posted(wallet) == 1


async def test_node_that_dies_under_locks(
    line: LineCutter, start_node: StartNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node cut off before its COMMIT doesn't keep others from its wallets, and finds out itself."""
    patient = statements.SESSION.replace("'10s'", "'500ms'")
    monkeypatch.setattr(statements, "SESSION", patient)
    far, near = await start_node(line.dsn), await start_node()
    (wallet,) = await far.open(1000)
    decide_under_locks(far)
    line.arm(Fault.HOLD, at_commit=True)
    stuck = asyncio.create_task(far.post(far.till.purchase(wallet, 600)))
    await line.struck.wait()

    assert await near.post(near.till.purchase(wallet, 600)) is Outcome.APPROVED
    line.release()
    assert await stuck is Outcome.INSUFFICIENT_FUNDS
    assert await near.balances([wallet]) == [400]


@pytest.fixture
async def warned(database_dsn: str, start_node: StartNode) -> Node:
    """A node whose database warns at the commit of a group, and of the first two resolutions."""
    async with session(database_dsn) as connection:
        await connection.execute("""
            CREATE SEQUENCE ledger.warned;
            CREATE FUNCTION ledger.warn() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE NOTICE 'nothing to worry about';
                IF nextval('ledger.warned') <= 3 THEN
                    RAISE WARNING 'committed locally' USING ERRCODE = '01000';
                END IF;
                RETURN NULL;
            END $$;
            CREATE CONSTRAINT TRIGGER warn AFTER INSERT ON ledger.dedup
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger.warn();
            CREATE CONSTRAINT TRIGGER warn AFTER UPDATE OF epoch ON ledger.writer
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger.warn();
            """)
    return await start_node(database_dsn)


@pytest.mark.parametrize("under_locks", [False, True], ids=["cas", "locks"])
async def test_unconfirmed_replication_is_unknown(warned: Node, *, under_locks: bool) -> None:
    """A commit that warns that a standby hasn't confirmed it counts only once a later commit is confirmed."""
    (wallet,) = await warned.open(1000)
    if under_locks:
        decide_under_locks(warned)

    assert await warned.post(warned.till.purchase(wallet, 100)) is Outcome.APPROVED

    assert warned.watcher.unknown == [1]
    assert await warned.posted(wallet) == 1
    async with session(warned.dsn) as connection:
        assert await connection.fetchval("SELECT last_value FROM ledger.warned") == 4
