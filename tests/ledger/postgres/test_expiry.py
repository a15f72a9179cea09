"""The run that lets holds and lots lapse: resumable, once on several nodes, and not before what it needs."""

import asyncio

import pytest

from ledger.chart import AccountKind
from ledger.identity import TransactionKind
from ledger.intent import Intent
from ledger.outcome import Outcome
from ledger.postgres import expiry
from ledger.postgres.days import close_day as close_and_seal
from ledger.postgres.dedup import Result
from ledger.postgres.expiry import Lapsed, expire
from ledger.postgres.group import refused
from ledger.postgres.opening import Opening
from ledger.product import ProductRules, PurseKind, PurseRule
from ledger.wallet import CASH, Lot
from tests.ledger.contract.stores import ask
from tests.ledger.intents import FIRST_US

from .nodes import FIRST_DATE, Connection, Node, StartNode, close_day, session

BONUS, POINTS, POINTS_ASSET = 3, 4, 9001
RULES = ProductRules(
    issuer=6,
    hold_days=0,
    purses=(
        PurseRule(BONUS, PurseKind.BONUS),
        PurseRule(CASH, PurseKind.CASH),
        PurseRule(POINTS, PurseKind.POINTS, POINTS_ASSET),
    ),
)
TODAY = FIRST_DATE.toordinal()


@pytest.fixture
async def node(database_dsn: str, start_node: StartNode) -> Node:
    """A node on a database of its own."""
    return await start_node(database_dsn)


async def hold_and_lots(node: Node, wallets: int) -> list[int]:
    """Wallets with a bonus and points that are good today only, and a hold that is."""
    lots = (Lot(BONUS, TODAY, 50), Lot(POINTS, TODAY, 7))
    ids = await node.open_lots([Opening(0, 1000, lots)] * wallets, RULES)
    results = await node.post_all(ask(node.till, TransactionKind.PREAUTH, i, 400, rules=RULES) for i in ids)
    assert {result.outcome for result in results} == {Outcome.APPROVED}
    return ids


class Failing:
    """A ledger that refuses everything from some time on, as when the database goes away."""

    def __init__(self, node: Node, good: int) -> None:
        self.numbers = node.ledger.numbers
        self._ledger = node.ledger
        self._good = good

    async def post(self, intent: Intent) -> Result:
        """The first few are posted."""
        self._good -= 1
        return refused(intent) if self._good < 0 else await self._ledger.post(intent)


async def test_everything_lapses_once(node: Node, connection: Connection) -> None:
    """Holds are let go and lots go to breakage, once.

    The bonus was held, and had lapsed by the time when its hold was let go: both happen at once.
    """
    wallets = await hold_and_lots(node, 3)
    assert await expire(connection, node.ledger, FIRST_US) == Lapsed(0, 0, 0)
    await close_day(connection)

    assert await expire(connection, node.ledger, FIRST_US) == Lapsed(3, 3, 0)
    assert await expire(connection, node.ledger, FIRST_US) == Lapsed(0, 0, 0)

    totals = await connection.fetch(
        "SELECT account_kind, account_id, asset, sum(amount_minor)::bigint FROM ledger.entry "
        "WHERE account_kind IN (14, 101, 102) GROUP BY 1, 2, 3 HAVING sum(amount_minor) <> 0 ORDER BY 1, 2, 3"
    )
    assert [tuple(row) for row in totals] == [
        (AccountKind.BREAKAGE, 6, 156, 150),
        (AccountKind.BREAKAGE, 6, POINTS_ASSET, 21),
    ]
    assert await node.balances(wallets) == [1000] * 3
    assert await node.offences() == []


async def test_run_that_was_interrupted(node: Node, connection: Connection) -> None:
    """A run goes on where another stopped: what couldn't be posted isn't noted as done."""
    await hold_and_lots(node, 4)
    await close_day(connection)

    first = await expire(connection, Failing(node, 5), FIRST_US)
    second = await expire(connection, node.ledger, FIRST_US)

    assert first == Lapsed(4, 1, 3)
    assert second == Lapsed(0, 3, 0)
    assert await node.offences() == []


async def test_runs_on_two_nodes_at_once(node: Node, start_node: StartNode, connection: Connection) -> None:
    """Two runs at once do everything once between them."""
    await hold_and_lots(node, 6)
    await close_day(connection)
    other = await start_node(node.dsn)
    async with session(node.dsn) as second:
        await asyncio.gather(
            expire(connection, node.ledger, FIRST_US), expire(second, other.ledger, FIRST_US)
        )

    posted = await connection.fetch(
        "SELECT kind, count(*) FROM ledger.transaction WHERE kind IN (25, 105) GROUP BY kind ORDER BY kind"
    )
    assert [tuple(row) for row in posted] == [(25, 6), (105, 6)]
    assert await node.offences() == []


async def test_more_than_are_posted_at_once(
    node: Node, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long run goes piece by piece."""
    monkeypatch.setattr(expiry, "_AT_ONCE", 2)
    await hold_and_lots(node, 5)
    await close_day(connection)

    assert await expire(connection, node.ledger, FIRST_US) == Lapsed(5, 5, 0)


async def test_spent_lots_and_completed_holds_are_left_alone(node: Node, connection: Connection) -> None:
    """What was used up leaves nothing in the journal when its day is over."""
    (wallet,) = await node.open_lots([Opening(0, 1000, (Lot(BONUS, TODAY, 50),))], RULES)
    hold = ask(node.till, TransactionKind.PREAUTH, wallet, 400, rules=RULES)
    for intent in (
        hold,
        ask(node.till, TransactionKind.COMPLETION, wallet, 400, rules=RULES, of=hold),
    ):
        assert await node.post(intent) is Outcome.APPROVED
    before = await connection.fetchval("SELECT count(*) FROM ledger.transaction")
    await close_day(connection)

    assert await expire(connection, node.ledger, FIRST_US) == Lapsed(0, 0, 0)
    assert before == await connection.fetchval("SELECT count(*) FROM ledger.transaction")


async def test_lots_of_sealed_days(node: Node, connection: Connection) -> None:
    """A lot is found by the sealed balances, too, and by what moved since."""
    lots = (Lot(BONUS, TODAY + 1, 50),)
    full, spent = await node.open_lots([Opening(0, 0, lots)] * 2, RULES)
    await close_and_seal(connection)
    for wallet, amount in ((full, 20), (spent, 50)):
        assert await node.post(node.till.purchase(wallet, amount, rules=RULES)) is Outcome.APPROVED
    await close_day(connection)

    assert await expire(connection, node.ledger, FIRST_US) == Lapsed(0, 1, 0)
    assert await node.offences() == []


async def test_ledger_without_a_day(database_dsn: str, node: Node) -> None:
    """Before the first day nothing can lapse."""
    async with session(node.dsn) as connection:
        await connection.execute("UPDATE ledger.business_day SET closed_at = now()")

        assert await expire(connection, node.ledger, FIRST_US) == Lapsed(0, 0, 0)
