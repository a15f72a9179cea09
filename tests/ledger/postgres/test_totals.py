"""A node's totals as the ledger applies them: before the lanes, given back where nothing was approved."""

import pytest

from ledger.node_totals import NodeTotals, TotalLimits
from ledger.outcome import Outcome
from tests.ledger.intents import MERCHANT_ACCOUNT

from .nodes import Connection, Node, StartNode, close_day


@pytest.fixture
async def node(database_dsn: str, start_node: StartNode) -> Node:
    """A node on a database of its own, on which the till's merchant may take 10.00 a day."""
    node = await start_node(database_dsn)
    node.ledger._totals = NodeTotals(TotalLimits(merchants={MERCHANT_ACCOUNT: 1000}))
    return node


async def test_limit_of_a_merchant(node: Node) -> None:
    """What goes beyond the merchant's limit is declined and recorded; a repeat keeps its first answer."""
    (wallet,) = await node.open(5000)
    first = node.till.purchase(wallet, 700)

    requests = first, node.till.purchase(wallet, 301), node.till.purchase(wallet, 300), node.till.again(first)
    outcomes = [await node.post(intent) for intent in requests]

    approved = Outcome.APPROVED
    assert outcomes == [approved, Outcome.AMOUNT_OVER_LIMIT, approved, approved]
    assert await node.balances([wallet]) == [4000]


async def test_what_is_declined_is_given_back(node: Node) -> None:
    """Only what was approved counts, also of requests that come all at once."""
    poor, rich = await node.open(0, 5000)

    assert await node.post(node.till.purchase(poor, 1000)) is Outcome.INSUFFICIENT_FUNDS
    assert await node.post(node.till.purchase(rich, 1, refusal=Outcome.CARD_EXPIRED)) is Outcome.CARD_EXPIRED
    results = await node.post_all(node.till.purchase(rich, 100) for _ in range(12))

    assert [result.outcome for result in results].count(Outcome.APPROVED) == 10


async def test_next_day_begins_at_zero(node: Node, connection: Connection) -> None:
    """A business day has its own totals, from the first group of that day on."""
    (wallet,) = await node.open(5000)
    assert await node.post(node.till.purchase(wallet, 1000)) is Outcome.APPROVED
    await close_day(connection)
    await node.post(node.till.inquiry(wallet))

    assert await node.post(node.till.purchase(wallet, 1000)) is Outcome.APPROVED
